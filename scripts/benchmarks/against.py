"""Two builds of qrate in the same rounds: what a change is worth."""

from dataclasses import replace
from pathlib import Path

from benchmarks.handshakes import Handshakes
from benchmarks.report import Requirement, compared
from benchmarks.runs import Contender, Run
from benchmarks.subjects.entries import Bench, Entry, Subject

#: What a contender's name ends with, by the build.
NEW, OLD = ":a", ":b"


def against(subject: Subject, old: Path) -> Subject:
    """The same subject's qrate contenders twice each, and nobody else; what is asked is the ratio of the two.

    The two of a pair stand side by side, as `rounds.order` wants them.
    """
    pairs = [entry for entry in subject.entries if entry.is_qrate]
    figures = Handshakes.FIGURES if subject.measures == "handshakes" else Run.FIGURES
    return replace(
        subject,
        entries=[made for entry in pairs for made in (_as(entry, NEW, None), _as(entry, OLD, old))],
        requirements=[
            Requirement(
                f"This build to the other: {figure.words}", None, figure.is_gain,
                [compared(entry.name, figure.key, entry.name + NEW, entry.name + OLD) for entry in pairs])
            for figure in figures
        ])


def _as(entry: Entry, ending: str, binary: Path | None) -> Entry:
    def make(bench: Bench, ready: list[Contender]) -> Contender:
        contender = entry.make(replace(bench, qrate=lambda: binary) if binary else bench, ready)
        contender.name = entry.name + ending
        return contender

    return replace(entry, name=entry.name + ending, make=make, floor=None)
