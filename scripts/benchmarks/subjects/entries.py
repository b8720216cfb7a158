"""Who takes part in a subject, and what they are made from."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Callable, Sequence

from benchmarks.adapted import Adapted
from benchmarks.adapters import Adapter, Settings, shipped
from benchmarks.floors import Floor
from benchmarks.handshakes import HandshakeContender
from benchmarks.processes import Programs
from benchmarks.qrate import Qrate
from benchmarks.report import Requirement, compared
from benchmarks.runs import Contender
from benchmarks.scratch import Scratch


@dataclass(frozen=True)
class Bench:
    """What contenders are made from."""

    programs: Programs
    seconds: float
    qrate: Callable[[], Path]
    floor: Callable[[], Path]

    @cached_property
    def scratch(self) -> Scratch:
        return Scratch(self.programs)


#: Gives a contender, from the bench and from those that are ready already.
Maker = Callable[[Bench, list[Contender]], Contender]


@dataclass(frozen=True)
class Entry:
    """One who takes part."""

    name: str
    make: Maker
    is_qrate: bool = False
    #: The contender whose figure this one's is shown as a share of.
    floor: str | None = None


@dataclass(frozen=True)
class Subject:
    """In the order of the table. Each entry is made and prepared before the next."""

    entries: Sequence[Entry]
    requirements: Sequence[Requirement] = field(default_factory=list)
    measures: str = "throughput"

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self.entries]

    def joined_by(self, adapter: Adapter, subject: str) -> "Subject":
        """The same, with those that an adapter enters into it."""
        joining = [one for one in adapter.entrants if one.subject == subject]
        key, words = (
            ("bits_per_second", "rate") if self.measures == "throughput" else ("per_second", "handshakes a second"))
        ratios = [
            Requirement(f"{one.against} to {one.name}", None, True, [compared(words, key, one.against, one.name)])
            for one in joining if one.against
        ]
        return replace(
            self, entries=[*self.entries, *(adapted(adapter, one.name, one.settings) for one in joining)],
            requirements=[*self.requirements, *ratios])


def qrate(
    name: str, upload: bool, *arguments: str, both_ends: Sequence[str] = (), needs: Sequence[str] = (),
    floor: str | None = None,
) -> Entry:
    return Entry(
        name,
        lambda bench, _: Qrate(
            bench.programs, bench.qrate(), name, upload, bench.seconds, arguments, both_ends, needs),
        is_qrate=True, floor=floor)


def adapted(adapter: Adapter, name: str, settings: Settings, floor: str | None = None) -> Entry:
    made = HandshakeContender if adapter.measures == "handshakes" else Adapted
    is_qrate = "qrate" in (adapter.server[0], adapter.client[0])
    return Entry(
        name,
        lambda bench, _: made(
            bench.programs, bench.scratch, adapter, name, bench.seconds, settings,
            {"qrate": bench.qrate()} if is_qrate else {}),
        is_qrate=is_qrate, floor=floor)


def iperf3(name: str, upload: bool, settings: Settings, floor: str | None = None) -> Entry:
    return adapted(shipped("iperf3"), name, settings if upload else {**settings, "download": True}, floor)


#: GnuTLS's AEAD, the one that Debian's ngtcp2 uses.
STOCK_FLOOR = "floor"
FAST_FLOOR = "floor-ipsec-mb"
#: What raw-floor calls the other one.
FAST_AEAD = "libipsec-mb"
#: What path MTU discovery finds with ngtcp2 0.12.1, unless qrate itself says something else.
USUAL_DATAGRAM = 1444


def datagram_of(ready: Sequence[Contender], name: str | None = None) -> int:
    """qrate's own comes first, because its datagram size is everybody's."""
    return next(
        (c.datagram for c in ready if isinstance(c, Qrate) and c.datagram and name in (None, c.name)), USUAL_DATAGRAM)


def quic_floor(name: str = STOCK_FLOOR, aead: str | None = None, like: str | None = None) -> Entry:
    """Packet protection and segmented UDP together, at the datagram size of the contender called `like`."""
    return Entry(name, lambda bench, ready: Floor(
        bench.programs, bench.floor(), name, bench.seconds, str(datagram_of(ready, like)), ["aead", "udp"], aead))


def loop_floor(name: str, size: str, loop: str, aead: str | None = None) -> Entry:
    """One loop alone: of UDP datagrams, or of TLS records."""
    return Entry(name, lambda bench, _: Floor(
        bench.programs, bench.floor(), name, bench.seconds, size, [loop], aead))


def stock(name: str, upload: bool, *arguments: str, both_ends: Sequence[str] = (), floor: str = STOCK_FLOOR) -> Entry:
    """With GnuTLS's AEAD, which is what builds without a choice have."""
    return qrate(name, upload, *arguments, both_ends=("--aead", "stock", *both_ends), floor=floor)


def accelerated(name: str, upload: bool, *arguments: str, floor: str = FAST_FLOOR) -> Entry:
    """With the AEAD that qrate chooses where it can."""
    return qrate(name, upload, *arguments, both_ends=("--aead", "auto"), needs=("--aead",), floor=floor)


DIRECTIONS = [("upload", True), ("download", False)]
