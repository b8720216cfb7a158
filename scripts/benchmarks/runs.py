"""What one measurement is, and what takes part in the rounds."""

import os
import shutil
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, Sequence

from benchmarks.processes import Account, Failed

GIGABYTE = 1e9
#: Seconds beyond the measured time after which a program is taken to hang.
PATIENCE = 30.0


@dataclass(frozen=True)
class Facts:
    """How a transfer was done, as far as the program tells."""

    #: The largest UDP payload, in bytes.
    datagram: int | None = None
    #: Datagrams per system call of the sender: the length of a GSO train.
    train: float | None = None
    cipher: str | None = None
    aead: str | None = None
    controller: str | None = None


@dataclass(frozen=True)
class Figure:
    """One of the numbers that a measurement gives: a column of the table, and what two builds are compared by."""

    #: Of its attribute, and its key in JSON.
    key: str
    title: str
    words: str
    digits: int
    #: Whether more is better.
    is_gain: bool
    #: Shown as so many of the attribute's unit.
    unit: float = 1


class Measured(Protocol):
    """What a contender's run gives."""

    @property
    def facts(self) -> Facts: ...

    #: The first one is the one that matters most, and what a floor's share is taken of.
    FIGURES: ClassVar[Sequence[Figure]]

    def document(self) -> dict[str, float | str]: ...


@dataclass(frozen=True)
class Run:
    """One transfer, or for a floor what one could be. CPU seconds are per gigabyte of payload received."""

    bits_per_second: float
    sender_cpu: float
    receiver_cpu: float
    #: Share of the datagrams that never came; None where nothing can be lost.
    loss: float | None = None
    facts: Facts = Facts()

    FIGURES: ClassVar[Sequence[Figure]] = [
        Figure("bits_per_second", "Gbit/s", "rate", 2, True, 1e9),
        Figure("sender_cpu", "send s/GB", "CPU seconds per gigabyte, sender", 3, False),
        Figure("receiver_cpu", "recv s/GB", "CPU seconds per gigabyte, receiver", 3, False),
    ]

    @staticmethod
    def of(
        bits_per_second: float, received_bytes: float, upload: bool, client: Account, server: Account,
        loss: float | None = None, facts: Facts = Facts(),
    ) -> "Run":
        if received_bytes <= 0:
            raise Failed("nothing arrived")
        sender, receiver = (client, server) if upload else (server, client)
        gigabytes = received_bytes / GIGABYTE
        return Run(bits_per_second, sender.cpu_seconds / gigabytes, receiver.cpu_seconds / gigabytes, loss, facts)

    def document(self) -> dict[str, float | str]:
        return flat(self)


def flat(run: Any) -> dict[str, float | str]:
    """A run and its facts, without what is not known."""
    figures = {**asdict(run), **asdict(run.facts)}
    del figures["facts"]
    return {key: value for key, value in figures.items() if value is not None}


class Contender(Protocol):
    name: str

    def prepare(self) -> None:
        """Once, before the rounds; raises Failed where this contender can't take part."""

    def run(self) -> Measured: ...


def found(program: str) -> str:
    """Debian keeps some servers in /usr/sbin, which is in few users' PATH."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        raise Failed(f"{program} is not installed")
    return path
