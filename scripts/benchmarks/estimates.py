"""What a handful of interleaved rounds says: medians, and how far they can be trusted."""

from dataclasses import dataclass
from math import comb
from statistics import median


@dataclass(frozen=True)
class Estimate:
    """The median of some rounds, with an interval that holds the true median with the given confidence."""

    median: float
    low: float
    high: float
    confidence: float


def estimate(values: list[float], wanted: float = 0.95) -> Estimate:
    """Order statistics, so that nothing is assumed of the distribution except that rounds are independent.

    The interval is the narrowest symmetric one with the wanted confidence. Fewer than six rounds can't give 95 %; then
    it runs from the smallest to the largest value.

    >>> estimate([3.0, 1.0, 2.0, 5.0, 4.0])
    Estimate(median=3.0, low=1.0, high=5.0, confidence=0.9375)
    >>> estimate([float(n) for n in range(1, 10)])
    Estimate(median=5.0, low=2.0, high=8.0, confidence=0.9609375)
    >>> estimate([7.0])
    Estimate(median=7.0, low=7.0, high=7.0, confidence=0.0)
    """
    ordered = sorted(values)
    count = len(ordered)

    def confidence(cut: int) -> float:
        """That of the interval left when `cut` values are taken away at each end: a binomial tail at each side."""
        return 1 - 2 * sum(comb(count, n) for n in range(cut + 1)) / (1 << count)

    cut = max((n for n in range((count + 1) // 2) if confidence(n) >= wanted), default=0)
    return Estimate(median(ordered), ordered[cut], ordered[-1 - cut], confidence(cut))


def paired_ratios(above: dict[int, float], below: dict[int, float]) -> list[float]:
    """The ratio in each round that has both: neighbours in time, so that the machine's moods cancel out.

    >>> paired_ratios({0: 6.0, 1: 8.0}, {0: 2.0, 2: 1.0})
    [3.0]
    """
    return [above[round_] / below[round_] for round_ in sorted(above.keys() & below.keys())]
