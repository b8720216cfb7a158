"""How long qrate takes from the start of its process to the first packet, to its port, or to its end.

The clock runs from before the process is made until this script, waiting in a system call, is woken by what it waits for.
So each figure holds what making any process costs here, which the contender `true` shows, and the waking.
"""

import select
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Iterator, Sequence

from benchmarks.processes import Failed, Programs

PACKETS = ["quic", "tcp", "tls", "udp"]
ENDS = ["version", "help", "true"]
#: With the certificate that an earlier start made, and with none.
SERVERS = ["serve", "serve-first"]
#: Of every contender, for `--only`.
NAMES = [*PACKETS, *SERVERS, *ENDS]
#: Of the median, from process start to first packet.
MOST_MILLISECONDS = 50.0
#: Seconds after which something is taken to hang.
PATIENCE = 10.0


@dataclass(frozen=True)
class Start:
    milliseconds: float

    @property
    def words(self) -> str:
        return f"{self.milliseconds:7.1f} ms"


def measure(programs: Programs, binary: Path, name: str) -> Start:
    if not binary.exists():
        raise Failed(f"{binary} is not there")
    if name in PACKETS:
        seconds = until_packet(programs, binary, name)
    elif name in SERVERS:
        with TemporaryDirectory(dir=programs.environment.get("XDG_STATE_HOME")) as folder:
            if name == "serve":
                until_port(programs, binary, folder)
            seconds = until_port(programs, binary, folder)
    else:
        seconds = until_end(programs, ["true"] if name == "true" else [str(binary), f"--{name}"])
    return Start(seconds * 1000)


def until_packet(programs: Programs, binary: Path, transport: str) -> float:
    """Nobody answers: how fast a server is doesn't count. Of a UDP test, the first packet is its control connection's."""
    kind = socket.SOCK_DGRAM if transport == "quic" else socket.SOCK_STREAM
    with ExitStack() as stack:
        peer = stack.enter_context(socket.socket(socket.AF_INET, kind))
        peer.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            peer.listen()
        command = [str(binary), "127.0.0.1", "-p", str(peer.getsockname()[1]), f"--{transport}"]
        start = time.monotonic()
        stack.enter_context(running(programs, command))
        wait(peer, command)
        return time.monotonic() - start


def until_port(programs: Programs, binary: Path, folder: str) -> float:
    """Until the line that says that it listens, which it prints once it does."""
    command = [str(binary), "serve", "-p", "0", "--json"]
    start = time.monotonic()
    with running(programs, command, XDG_STATE_HOME=folder) as process:
        assert process.stdout is not None
        wait(process.stdout, command)
        seconds = time.monotonic() - start
        if b'"listening"' not in process.stdout.readline():
            raise Failed(f"{' '.join(command)} did not listen")
        return seconds


def until_end(programs: Programs, command: Sequence[str]) -> float:
    start = time.monotonic()
    with running(programs, command) as process:
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{' '.join(command)} did not end within {PATIENCE:g} s") from error
        seconds = time.monotonic() - start
    if process.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with status {process.returncode}")
    return seconds


@contextmanager
def running(programs: Programs, command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Ended without regard at the end of the `with`: what it would still do is of no interest."""
    with subprocess.Popen(
        command, env={**programs.environment, **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait(readable: Any, command: Sequence[str]) -> None:
    if not select.select([readable], [], [], PATIENCE)[0]:
        raise Failed(f"nothing came from {' '.join(command)} within {PATIENCE:g} s")


def text(rounds: dict[str, list[Start]], missing: dict[str, str]) -> str:
    goals = {
        **dict.fromkeys(PACKETS, "to the first packet"), **dict.fromkeys(ENDS, "to its end"),
        "serve": "to its port", "serve-first": "to its port, making a certificate",
    }
    lines = [f"{'':12}{'median':>9}{'most':>9}   milliseconds from process start"]
    for name, runs in rounds.items():
        lines.append(f"{name:12}{middle(runs):9.1f}{most(runs):9.1f}   {goals[name]}")
    lines += [f"{name:12}  left out: {reason}" for name, reason in missing.items()]
    if medians := [middle(runs) for name, runs in rounds.items() if name in PACKETS]:
        verdict = "met" if max(medians) < MOST_MILLISECONDS else "NOT met"
        lines.append(f"Under {MOST_MILLISECONDS:g} ms to the first packet: {verdict} ({max(medians):.1f}).")
    return "\n".join(lines)


def middle(runs: Sequence[Start]) -> float:
    """
    >>> middle([Start(9.0), Start(1.0), Start(2.0)])
    2.0
    """
    return median(run.milliseconds for run in runs)


def most(runs: Sequence[Start]) -> float:
    return max(run.milliseconds for run in runs)


def document(rounds: dict[str, list[Start]], missing: dict[str, str]) -> dict[str, Any]:
    return {
        "rounds": {name: [vars(run) for run in runs] for name, runs in rounds.items()},
        "left_out": missing,
        "requirements": [
            {"requirement": "under 50 ms from process start to the first packet", "of": name,
             "most": MOST_MILLISECONDS, "median": middle(runs), "met": middle(runs) < MOST_MILLISECONDS}
            for name, runs in rounds.items() if name in PACKETS
        ],
    }
