"""The highest rate of datagrams that a program carries with hardly any loss."""

from typing import Callable, Protocol

from benchmarks.processes import Failed
from benchmarks.runs import Contender, Run

MOST_LOSS = 0.01
#: Each attempt asks for so much less than the one before. The answer is too low by so much at most.
STEP = 0.9
ATTEMPTS = 25


class Paced(Contender, Protocol):
    def at(self, bits_per_second: float) -> Run: ...


class LossLimited:
    """A contender whose every run looks for that rate from above."""

    def __init__(self, contender: Paced) -> None:
        self.contender, self.name = contender, contender.name

    def prepare(self) -> None:
        self.contender.prepare()

    def run(self) -> Run:
        return highest(self.contender.at)


def highest(attempt: Callable[[float], Run]) -> Run:
    """From what arrives when the sender goes as fast as it can, downwards.

    >>> def path(rate):
    ...     sent = min(rate or 50.0, 50.0)
    ...     got = min(sent, 20.0)
    ...     return Run(got, 0, 0, 1 - got / sent)
    >>> run = highest(path)
    >>> run.bits_per_second, run.loss
    (20.0, 0.0)
    >>> round(highest(lambda rate: Run(rate or 50.0, 0, 0, 0.0 if 0 < rate < 30 else 0.5)).bits_per_second, 1)
    29.5
    """
    run = attempt(0)
    # Just above what arrived, because the search goes down from here.
    rate = run.bits_per_second / STEP
    for _ in range(ATTEMPTS):
        if run.loss is None or run.loss < MOST_LOSS:
            return run
        rate *= STEP
        run = attempt(rate)
    raise Failed(f"loses {run.loss or 0:.0%} even at {rate / 1e6:.1f} Mbit/s")
