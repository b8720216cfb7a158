"""Turns the rounds into a table, ratios and verdicts, for people and for programs."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Callable, Mapping, Sequence

from benchmarks.estimates import Estimate, estimate
from benchmarks.runs import Measured

#: Below this an interval without 1 in it shows no difference: five rounds give more, four don't.
LEAST_CONFIDENCE = 0.9
#: Of each contender, its runs by round.
Rounds = dict[str, dict[int, Measured]]
#: Of a contender, its floor.
Floors = Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """A ratio of contenders within each round, and what it must be."""

    #: What is compared, as in "upload, 4 streams".
    words: str
    names: tuple[str, ...]
    #: Of the named contenders' runs in one round, in their order.
    ratio: Callable[[Sequence[Any]], float]

    def estimate(self, rounds: Rounds) -> Estimate | None:
        """None where no round has all of them."""
        runs = [rounds.get(name, {}) for name in self.names]
        common = sorted(set.intersection(*(set(run) for run in runs)))
        return estimate([self.ratio([run[number] for run in runs]) for number in common]) if common else None


@dataclass(frozen=True)
class Requirement:
    """Something that must hold in every one of some comparisons: a ratio of at least, or at most, so much.

    Without a bound nothing is required: then the question is whether there is a difference at all.
    """

    words: str
    bound: float | None
    is_least: bool
    comparisons: Sequence[Comparison]
    #: Whether the whole interval must be on the right side, not just the median.
    is_strict: bool = False

    def is_met(self, ratio: Estimate) -> bool:
        return self._holds(self._worst(ratio) if self.is_strict else ratio.median)

    def verdict(self, ratio: Estimate) -> str:
        """The median decides, or the interval; a median whose interval reaches across the line is said to."""
        if self.bound is None and ratio.confidence < LEAST_CONFIDENCE:
            return "too few rounds to tell"
        if self.bound is None:
            return "no difference shown" if ratio.low <= 1 <= ratio.high else f"{ratio.median - 1:+.1%}"
        if not self.is_met(ratio):
            return "NOT met"
        return "met" if self._holds(self._worst(ratio)) else "met, but not in every round"

    def document(self, ratio: Estimate) -> dict[str, Any]:
        if self.bound is None:
            return {"more_is_better": self.is_least}
        bound = "least" if self.is_least else "most"
        return {"more_is_better": self.is_least, bound: self.bound, "met": self.is_met(ratio)}

    def _worst(self, ratio: Estimate) -> float:
        return ratio.low if self.is_least else ratio.high

    def _holds(self, value: float) -> bool:
        return self.bound is None or (value >= self.bound if self.is_least else value <= self.bound)


def compared(words: str, key: str, above: str, below: str) -> Comparison:
    """The ratio of one figure of two contenders."""
    return Comparison(words, (above, below), lambda runs: float(getattr(runs[0], key) / getattr(runs[1], key)))


def faster(words: str, above: str, below: str) -> Comparison:
    return compared(words, "bits_per_second", above, below)


def cheaper(words: str, above: str, below: str) -> list[Comparison]:
    """CPU per gigabyte, one comparison per end."""
    return [compared(f"{words}, {end}", f"{end}_cpu", above, below) for end in ("sender", "receiver")]


def shares(rounds: Rounds, floors: Floors) -> dict[str, Estimate]:
    """Of each contender, its first figure as a share of its floor's in the same round."""
    found: dict[str, Estimate] = {}
    for name, runs in rounds.items():
        key = next(iter(runs.values())).FIGURES[0].key
        if name in floors and (share := compared("", key, name, floors[name]).estimate(rounds)):
            found[name] = share
    return found


def usual(runs: Mapping[int, Measured], key: str) -> str | float | None:
    """What most of the runs say of themselves; of numbers with a fraction, the median."""
    values = [value for run in runs.values() if (value := getattr(run.facts, key)) is not None]
    if not values:
        return None
    return estimate(values).median if isinstance(values[0], float) else Counter(values).most_common(1)[0][0]


def table(rounds: Rounds, floors: Floors) -> list[str]:
    """One row per contender; a column that nobody has a figure for isn't shown."""
    share = shares(rounds, floors)
    columns: dict[str, list[str]] = {}

    def put(title: str, row: int, text: str) -> None:
        columns.setdefault(title, [""] * len(rounds))[row] = text

    figures = [figure for runs in rounds.values() for figure in next(iter(runs.values())).FIGURES]
    facts = [
        ("datagram", "bytes"), ("train", "train"), ("cipher", "cipher"), ("aead", "AEAD"), ("controller", "control")]
    first, *others = dict.fromkeys(figure.title for figure in figures)
    order = ["", first, "interval", *others, "of floor", "lost", *(title for _, title in facts)]
    for row, (name, runs) in enumerate(rounds.items()):
        put("", row, name)
        for place, figure in enumerate(next(iter(runs.values())).FIGURES):
            got = estimate([getattr(run, figure.key) / figure.unit for run in runs.values()])
            put(figure.title, row, f"{got.median:.{figure.digits}f}")
            if place == 0:
                put("interval", row, f"{got.low:.{figure.digits}f}-{got.high:.{figure.digits}f}")
        if name in share:
            put("of floor", row, f"{share[name].median:.0%}")
        lost = [loss for run in runs.values() if (loss := getattr(run, "loss", None)) is not None]
        if lost:
            put("lost", row, f"{estimate(lost).median:.2%}")
        for key, title in facts:
            if (value := usual(runs, key)) is not None:
                put(title, row, f"{value:.1f}" if isinstance(value, float) else str(value))

    cells = [[title, *(text or "–" for text in columns[title])] for title in order if title in columns]
    return [layout(row) for row in zip(*(aligned(cell, is_first=cell is cells[0]) for cell in cells))]


def aligned(cells: Sequence[str], is_first: bool) -> list[str]:
    width = max(map(len, cells))
    return [cell.ljust(width) if is_first else cell.rjust(width) for cell in cells]


def layout(row: Sequence[str]) -> str:
    """
    >>> layout(["name  ", " 1.00"])
    'name     1.00'
    """
    return "  ".join(row).rstrip()


def text(
    rounds: Rounds, missing: Mapping[str, str], requirements: Sequence[Requirement], floors: Floors
) -> str:
    lines = table(rounds, floors) if rounds else []
    lines += [f"{name}  left out: {reason}" for name, reason in missing.items()]
    lines += ["", "Ratios within each round: median (interval, its confidence)"]
    for requirement in requirements:
        # What nobody asked for isn't missing.
        asked = [c for c in requirement.comparisons if all(name in rounds or name in missing for name in c.names)]
        if asked:
            lines.append(requirement.words)
        for comparison in asked:
            if ratio := comparison.estimate(rounds):
                interval = f"({ratio.low:.3f}-{ratio.high:.3f}, {ratio.confidence:.0%})"
                lines.append(
                    f"  {comparison.words:38}{ratio.median:7.3f} {interval:20}  {requirement.verdict(ratio)}")
            else:
                lines.append(f"  {comparison.words:38}      – not measured")
    return "\n".join(lines)


def document(
    rounds: Rounds, missing: Mapping[str, str], requirements: Sequence[Requirement], floors: Floors
) -> dict[str, Any]:
    """The same with every round's figures. Rates in bits per second, CPU in seconds per gigabyte received."""
    return {
        "rounds": {
            name: [{"round": number, **run.document()} for number, run in sorted(runs.items())]
            for name, runs in rounds.items()
        },
        "figures": {
            name: {
                figure.key: asdict(estimate([getattr(run, figure.key) for run in runs.values()]))
                for figure in next(iter(runs.values())).FIGURES
            }
            for name, runs in rounds.items()
        },
        "share_of_floor": {name: asdict(share) for name, share in shares(rounds, floors).items()},
        "left_out": dict(missing),
        "requirements": [
            {
                "requirement": requirement.words,
                "of": comparison.words,
                **asdict(ratio),
                **requirement.document(ratio),
            }
            for requirement in requirements
            for comparison in requirement.comparisons
            if (ratio := comparison.estimate(rounds))
        ],
    }
