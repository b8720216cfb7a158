"""Turns the rounds into a table, ratios and verdicts, for people and for programs."""

from dataclasses import asdict, dataclass
from typing import Any, Callable, Sequence

from benchmarks.estimates import Estimate, estimate
from benchmarks.runs import Run

#: Of each contender, its runs by round.
Rounds = dict[str, dict[int, Run]]


@dataclass(frozen=True)
class Comparison:
    """A ratio of contenders within each round, and what it must be."""

    #: What is compared, as in "upload, 4 streams".
    words: str
    names: tuple[str, ...]
    #: Of the named contenders' runs in one round, in their order.
    ratio: Callable[[Sequence[Run]], float]

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

    def is_met(self, value: float) -> bool:
        if self.bound is None:
            return True
        return value >= self.bound if self.is_least else value <= self.bound

    def verdict(self, ratio: Estimate) -> str:
        """The median decides; an interval that reaches across the line is said to."""
        if self.bound is None:
            return "no difference shown" if ratio.low <= 1 <= ratio.high else f"{ratio.median - 1:+.1%}"
        if not self.is_met(ratio.median):
            return "NOT met"
        return "met" if self.is_met(ratio.low if self.is_least else ratio.high) else "met, but not in every round"

    def document(self, ratio: Estimate) -> dict[str, Any]:
        if self.bound is None:
            return {}
        return {"least" if self.is_least else "most": self.bound, "met": self.is_met(ratio.median)}


def faster(words: str, above: str, below: str) -> Comparison:
    return Comparison(words, (above, below), lambda runs: runs[0].bits_per_second / runs[1].bits_per_second)


def cheaper(words: str, above: str, below: str) -> list[Comparison]:
    """CPU per gigabyte, one comparison per end."""
    pair = (above, below)
    return [
        Comparison(f"{words}, sender", pair, lambda runs: runs[0].sender_cpu / runs[1].sender_cpu),
        Comparison(f"{words}, receiver", pair, lambda runs: runs[0].receiver_cpu / runs[1].receiver_cpu),
    ]


def text(rounds: Rounds, missing: dict[str, str], requirements: Sequence[Requirement]) -> str:
    has_loss = any(run.loss is not None for runs in rounds.values() for run in runs.values())
    lines = [
        f"{'':22}{'Gbit/s':>8}{'min-max':>14}{'sender':>10}{'receiver':>10}" + ("     lost" if has_loss else "")
        + "   CPU seconds per gigabyte"
    ]
    for name, runs in rounds.items():
        rates = sorted(run.bits_per_second / 1e9 for run in runs.values())
        middle, sender, receiver = (
            estimate(values).median
            for values in (rates, [r.sender_cpu for r in runs.values()], [r.receiver_cpu for r in runs.values()]))
        span = f"{rates[0]:.2f}-{rates[-1]:.2f}"
        losses = [run.loss for run in runs.values() if run.loss is not None]
        lost = f"{estimate(losses).median:9.2%}" if losses else ""
        lines.append(f"{name:22}{middle:8.2f}{span:>14}{sender:10.3f}{receiver:10.3f}{lost}")
    lines += [f"{name:22}  left out: {reason}" for name, reason in missing.items()]

    lines += ["", "Ratios within each round: median (interval, its confidence)"]
    for requirement in requirements:
        lines.append(requirement.words)
        for comparison in requirement.comparisons:
            if ratio := comparison.estimate(rounds):
                interval = f"({ratio.low:.3f}-{ratio.high:.3f}, {ratio.confidence:.0%})"
                lines.append(
                    f"  {comparison.words:34}{ratio.median:7.3f} {interval:20}  {requirement.verdict(ratio)}")
            else:
                lines.append(f"  {comparison.words:34}     – not measured")
    return "\n".join(lines)


def document(rounds: Rounds, missing: dict[str, str], requirements: Sequence[Requirement]) -> dict[str, Any]:
    """The same with every round's figures. Rates in bits per second, CPU in seconds per gigabyte received."""
    return {
        "rounds": {
            name: [{"round": number, **run.document()} for number, run in sorted(runs.items())]
            for name, runs in rounds.items()
        },
        "left_out": missing,
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
