"""Runs the measured programs, each with its own CPU account, and ends none but those started here."""

import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Callable, Iterator, Mapping, Sequence


class Failed(Exception):
    """A program did not do what was asked of it; says what."""


@dataclass
class Account:
    """What a process used. Filled in at its end."""

    cpu_seconds: float = 0
    wall_seconds: float = 0


@dataclass(frozen=True)
class Running:
    output: IO[str]
    account: Account
    #: Tells it to end; what it still prints can be read.
    stop: Callable[[], None]

    def line_with(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Reads until a line has it. A program that says nothing is ended by its time limit."""
        for line in self.output:
            if match := pattern.search(line):
                return match
        raise Failed(f"the server printed nothing like {pattern.pattern!r}")


class Programs:
    """Starts programs that share an environment and a folder to work in."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment, self.folder = {**os.environ, **environment}, folder

    def run(self, command: Sequence[str], limit: float) -> tuple[str, Account]:
        """Waits for the program's success, `limit` seconds at most. Returns what it printed and used."""
        with self._start(command, limit, stop=False) as running:
            output = running.output.read()
        return output, running.account

    def serve(self, command: Sequence[str], limit: float, stop: bool = True) -> AbstractContextManager[Running]:
        """A server for the length of a `with`; then it is stopped, or waited for where it ends by itself."""
        return self._start(command, limit, stop)

    @contextmanager
    def _start(self, command: Sequence[str], limit: float, stop: bool) -> Iterator[Running]:
        account = Account()
        start = time.monotonic()
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
            process = subprocess.Popen(
                command, env=self.environment, cwd=self.folder, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
            assert process.stdout is not None
            # By this handle a signal can't reach another process, even when ours ends at that moment.
            handle = os.pidfd_open(process.pid)

            def send(number: signal.Signals) -> None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)

            watchdog = threading.Timer(limit, send, [signal.SIGKILL])
            watchdog.start()
            try:
                yield Running(process.stdout, account, lambda: send(signal.SIGTERM))
                if stop:
                    send(signal.SIGTERM)
            except BaseException:
                send(signal.SIGKILL)
                raise
            finally:
                # Not Popen.wait, because only wait4 tells what this one child used.
                _, status, usage = os.wait4(process.pid, 0)
                account.wall_seconds = time.monotonic() - start
                account.cpu_seconds = usage.ru_utime + usage.ru_stime
                process.returncode = os.waitstatus_to_exitcode(status)
                process.stdout.close()
                watchdog.cancel()
                watchdog.join()
                os.close(handle)

            if process.returncode != 0 and not (stop and process.returncode == -signal.SIGTERM):
                errors.seek(0)
                words = errors.read().strip().splitlines()[-1:]
                # A negative status is the signal that ended it; 9 comes from the watchdog.
                ended = f"{Path(command[0]).name} ended with status {process.returncode}"
                raise Failed(": ".join([ended, *words]))


@cache
def mentions(program: Path, *words: str) -> bool:
    """Whether the program's help speaks of all these options: one that doesn't know an option can't be asked for it."""
    try:
        done = subprocess.run([str(program), "--help"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return all(word in done.stdout + done.stderr for word in words)


def free_port(kind: socket.SocketKind) -> int:
    """A port that nothing on 127.0.0.1 uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_bound(kind: socket.SocketKind, port: int, limit: float = 10) -> None:
    """Returns once somebody listens on the port, as the kernel's table says; asking the server itself would disturb
    servers that take one client only."""
    table, state = ("tcp", "0A") if kind == socket.SOCK_STREAM else ("udp", "07")
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(f":{port:04X}") and fields[3] == state:
                return
        time.sleep(0.005)
    raise Failed(f"nothing listened on {table} port {port} within {limit:g} s")


class Bystanders:
    """How much of the machine's CPU went to programs that were not started here, since this object was made."""

    def __init__(self) -> None:
        self._others, self._capacity = self._clocks()

    def share(self) -> float:
        others, capacity = self._clocks()
        return max(0.0, others - self._others) / max(capacity - self._capacity, 1e-9)

    @staticmethod
    def _clocks() -> tuple[float, float]:
        """CPU seconds of others, and CPU seconds that there were to be had. Time stolen by a hypervisor is others'."""
        ticks = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        idle = ticks[3] + ticks[4]
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        per_second = os.sysconf("SC_CLK_TCK")
        return (sum(ticks) - idle) / per_second - own, sum(ticks) / per_second


def loopback_bytes() -> int:
    """What has passed through the loopback interface since it came up."""
    return int(Path("/sys/class/net/lo/statistics/rx_bytes").read_text(encoding="ascii"))
