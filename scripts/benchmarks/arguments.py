"""What the command line asks for."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any, NoReturn, Sequence

from benchmarks import longpath, pacing, startup
from benchmarks.adapters import Adapter, AdapterError, load
from benchmarks.subjects import SUBJECTS
from benchmarks.subjects.entries import Subject

PROGRAM = "scripts/benchmark"
#: Where qrate is compared with nobody.
ALONE: dict[str, Any] = {"pacing": pacing, "startup": startup, "longpath": longpath}


class Arguments(argparse.Namespace):
    subject: str
    rounds: int
    seconds: float
    json: Path | None
    only: list[str] | None
    qrate: Path | None
    against: Path | None
    adapter: list[Path]
    save: bool
    history: Path
    #: Read from `adapter`.
    adapters: list[Adapter]

    def subjects(self) -> list[str]:
        return [*SUBJECTS, *ALONE] if self.subject == "all" else [self.subject]

    def made(self, name: str) -> Subject:
        subject = SUBJECTS[name]()
        for adapter in self.adapters:
            subject = subject.joined_by(adapter, name)
        return subject

    def names(self, subject: str) -> list[str]:
        return list(ALONE[subject].NAMES) if subject in ALONE else self.made(subject).names

    def takes(self, name: str) -> bool:
        """A whole name means that one alone, anything else all those that contain it."""
        name = name.partition(":")[0]
        known = {name for subject in self.subjects() for name in self.names(subject)}
        return self.only is None or any(part == name if part in known else part in name for part in self.only)


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 3600")
    return value


def count(text: str) -> int:
    value = int(text)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 1000")
    return value


def usual_history() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "qrate" / "benchmarks.jsonl"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"benchmark: {message}", file=sys.stderr)
        sys.exit(os.EX_USAGE)


def parser(summary: str) -> Parser:
    made = Parser(
        prog=PROGRAM, description=summary, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="contenders:\n" + "\n".join(
            f"  {name}: {', '.join(who)}"
            for name, who in [
                *((name, make().names) for name, make in SUBJECTS.items()),
                *((name, module.NAMES) for name, module in ALONE.items())]))
    made.add_argument(
        "subject", nargs="?", choices=[*SUBJECTS, *ALONE, "all", "history"], default="quic",
        help="what to measure (default: quic); pacing is how near the mean of 5 s comes to -b, startup the time to the first packet, longpath how much of 1 Gbit/s and 100 ms one stream fills; history prints what "
        "--save has kept")
    made.add_argument("--rounds", type=count, default=5, help="how often each contender runs (default: 5)")
    made.add_argument(
        "--seconds", type=positive, default=3.0, help="length of one transfer (default: 3; pacing takes 5)")
    made.add_argument("--json", type=Path, metavar="FILE", help="also write every round's figures to FILE")
    made.add_argument(
        "--only", type=lambda text: text.split(","), metavar="NAMES",
        help="contenders, or parts of their names, separated by commas")
    made.add_argument("--qrate", type=Path, metavar="PATH", help="measure this binary instead of building one")
    made.add_argument(
        "--against", type=Path, metavar="PATH",
        help="measure only qrate, and this second binary beside it: what a change is worth")
    made.add_argument(
        "--adapter", type=Path, metavar="FILE", action="append", default=[],
        help="let the program that FILE describes take part (docs/PERFORMANCE.md)")
    made.add_argument(
        "--save", action="store_true", help="append the figures to the history, and compare them with what is in it")
    made.add_argument(
        "--history", type=Path, metavar="FILE", default=usual_history(),
        help="the history's file (default: qrate/benchmarks.jsonl in $XDG_STATE_HOME)")
    return made


def parse(summary: str, words: Sequence[str] | None = None) -> Arguments:
    made = parser(summary)
    arguments = made.parse_args(words, namespace=Arguments())
    if arguments.save and arguments.against:
        made.error("--save keeps what one build does; --against is about two")
    try:
        arguments.adapters = [load(path) for path in arguments.adapter]
    except AdapterError as error:
        made.error(str(error))
    strange = [
        one for adapter in arguments.adapters for one in adapter.entrants if one.subject not in SUBJECTS]
    if strange:
        made.error(f"{strange[0].name} wants to take part in {strange[0].subject!r}: {', '.join(SUBJECTS)}")
    if arguments.subject != "history":
        measured = [name for subject in arguments.subjects() for name in arguments.names(subject)]
        for part in arguments.only or []:
            if not any(part in name for name in measured):
                made.error(f"no contender is called {part!r}: {', '.join(measured)}")
    return arguments
