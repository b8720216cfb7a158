"""What earlier runs gave, one JSON object a line, so that a regression is seen.

Only ratios within a run are compared, and shares of its floor: a rate says as much about the hour as about the program.
"""

import hashlib
import json
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Sequence

SCHEMA = "qrate.benchmark-history/1"
#: How many comparable earlier runs a new one is set against.
DEPTH = 5

Entry = dict[str, Any]


def origin(root: Path, binary: Path | None) -> Entry:
    """When the figures were made, and of what: a commit, or where a binary was given, its digest."""
    made: Entry = {"at": datetime.now(timezone.utc).isoformat(timespec="seconds")}
    if binary:
        return {**made, "binary_sha256": hashlib.sha256(binary.read_bytes()).hexdigest()}

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain")
    if commit is None or changes is None:
        return made
    return {**made, "commit": commit, "dirty": changes != ""}


def read(path: Path) -> list[Entry]:
    """The lines that are whole and ours, oldest first: a line cut short by a crash costs only itself."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    entries: list[Entry] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("schema") == SCHEMA:
            entries.append(entry)
    return entries


def saved(path: Path, run: Entry) -> str:
    """Appends the run, and tells how it compares with those before it."""
    before = read(path)
    entry = {**run, "schema": SCHEMA}
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry, separators=(",", ":")) + "\n")
    return f"\nSaved in {path}.\n" + "\n".join(compared(entry, before))


def compared(entry: Entry, before: Sequence[Entry]) -> list[str]:
    """One line for each figure that got worse."""
    lines: list[str] = []
    checked = 0
    for key, figure in figures(entry).items():
        earlier = [
            found[key] for one in before if machine(one) == machine(entry) and key in (found := figures(one))]
        if not earlier:
            continue
        checked += 1
        usual = sorted(earlier[-DEPTH:], key=lambda one: float(one["median"]))[len(earlier[-DEPTH:]) // 2]
        if is_worse(figure, usual):
            lines.append(
                f"REGRESSION  {' / '.join(key)}: {shown(figure)}, was {shown(usual)}")
    return lines or [f"No regression in {checked} figures that earlier runs on this machine have too."]


def is_worse(now: Entry, before: Entry) -> bool:
    """Each median lies outside the other's interval, on the wrong side.

    >>> was = {"median": 0.60, "low": 0.55, "high": 0.65, "more_is_better": True}
    >>> is_worse({"median": 0.50, "low": 0.45, "high": 0.55}, was)
    True
    >>> is_worse({"median": 0.50, "low": 0.4, "high": 0.7}, was)
    False
    >>> is_worse({"median": 0.70, "low": 0.68, "high": 0.72}, was)
    False
    """
    if before.get("more_is_better", True):
        return bool(now["median"] < before["low"] and now["high"] < before["median"])
    return bool(now["median"] > before["high"] and now["low"] > before["median"])


def figures(entry: Entry) -> dict[tuple[str, ...], Entry]:
    """Every ratio and share, by subject and name."""
    return {
        key: figure for subject, content in entry.get("subjects", {}).items() for key, figure in of(subject, content)}


def of(subject: str, content: Entry) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for one in content.get("requirements", []):
        if "low" in one:
            yield (subject, one["requirement"], one["of"]), one
    for name, share in content.get("share_of_floor", {}).items():
        yield (subject, "share of floor", name), share


def machine(entry: Entry) -> tuple[Any, ...]:
    about = entry.get("machine", {})
    return about.get("cpu"), about.get("cores")


def shown(figure: Entry) -> str:
    return f"{figure['median']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"


def text(entries: Sequence[Entry]) -> str:
    lines: list[str] = []
    for entry in entries:
        about = entry.get("machine", {})
        what = entry.get("commit") or entry.get("binary_sha256") or "unknown"
        changed = ", changed since" if entry.get("dirty") else ""
        where = f"{about.get('cpu')}, {about.get('cores')} cores, Linux {about.get('kernel')}"
        lines.append(f"{entry.get('at')}  {what[:12]}{changed}; {where}")
        lines += [f"  {' / '.join(key):96}  {shown(figure)}" for key, figure in figures(entry).items()]
    return "\n".join(lines) if lines else "Nothing was saved yet."
