"""Turns the rounds into a table, ratios and verdicts, for people and for programs."""

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.contenders import Run
from benchmarks.estimates import Estimate, estimate, paired_ratios

#: Of each contender, its runs by round.
Rounds = dict[str, dict[int, Run]]


@dataclass(frozen=True)
class Requirement:
    """In both directions the paired ratio of two contenders must reach `least`."""

    words: str
    above: str
    below: str
    least: float

    def ratios(self, rounds: Rounds) -> dict[str, Estimate]:
        """By direction; without those that were not measured."""
        estimates = {}
        for direction in ("upload", "download"):
            pair = [name.format(direction) for name in (self.above, self.below)]
            above, below = ({n: run.bits_per_second for n, run in rounds.get(name, {}).items()} for name in pair)
            if ratios := paired_ratios(above, below):
                estimates[direction] = estimate(ratios)
        return estimates


REQUIREMENTS = [
    Requirement("at least 3 times the example pair", "qrate-{}", "pair-{}", 3.0),
    Requirement("at least half the floor", "qrate-{}", "floor", 0.5),
    Requirement("at least half of its own figure at 208 KiB buffers", "qrate-{}-208k", "qrate-{}", 0.5),
]


def verdict(requirement: Requirement, ratio: Estimate) -> str:
    """The median decides; an interval that reaches across the line is said to."""
    if ratio.median < requirement.least:
        return "NOT met"
    return "met" if ratio.low >= requirement.least else "met, but not in every round"


def text(rounds: Rounds, missing: dict[str, str]) -> str:
    lines = [f"{'':22}{'Gbit/s':>8}{'min-max':>14}{'sender':>10}{'receiver':>10}   CPU seconds per gigabyte"]
    for name, runs in rounds.items():
        rates = sorted(run.bits_per_second / 1e9 for run in runs.values())
        middle, sender, receiver = (
            estimate(values).median
            for values in (rates, [r.sender_cpu for r in runs.values()], [r.receiver_cpu for r in runs.values()]))
        span = f"{rates[0]:.2f}-{rates[-1]:.2f}"
        lines.append(f"{name:22}{middle:8.2f}{span:>14}{sender:10.3f}{receiver:10.3f}")
    lines += [f"{name:22}  left out: {reason}" for name, reason in missing.items()]

    lines += ["", "Ratios within each round: median (interval, its confidence)"]
    for requirement in REQUIREMENTS:
        lines.append(f"qrate: {requirement.words}")
        ratios = requirement.ratios(rounds)
        for direction in ("upload", "download"):
            if ratio := ratios.get(direction):
                interval = f"({ratio.low:.2f}-{ratio.high:.2f}, {ratio.confidence:.0%})"
                lines.append(f"  {direction:10}{ratio.median:6.2f} {interval:20}  {verdict(requirement, ratio)}")
            else:
                lines.append(f"  {direction:10}     – not measured")
    return "\n".join(lines)


def document(rounds: Rounds, missing: dict[str, str], settings: dict[str, Any]) -> dict[str, Any]:
    """The same with every round's figures. Rates in bits per second, CPU in seconds per gigabyte received."""
    return {
        "schema": "qrate.benchmark/1",
        **settings,
        "rounds": {
            name: [{"round": number, **run.document()} for number, run in sorted(runs.items())]
            for name, runs in rounds.items()
        },
        "left_out": missing,
        "requirements": [
            {
                "requirement": requirement.words,
                "direction": direction,
                "least": requirement.least,
                **asdict(ratio),
                "met": ratio.median >= requirement.least,
            }
            for requirement in REQUIREMENTS
            for direction, ratio in requirement.ratios(rounds).items()
        ],
    }
