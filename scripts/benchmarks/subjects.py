"""What is compared with what: one list of contenders and of requirements for each transport."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Sequence

from benchmarks.examples import ExamplePair
from benchmarks.floors import Floor, RecordFloor
from benchmarks.iperf3 import Iperf3
from benchmarks.losslimited import LossLimited
from benchmarks.processes import Programs
from benchmarks.qrate import STOCK_BUFFER_BYTES, Qrate
from benchmarks.report import Comparison, Requirement, cheaper, faster
from benchmarks.runs import Contender

#: What path MTU discovery finds with ngtcp2 0.12.1, unless qrate itself says something else.
USUAL_DATAGRAM = 1444


@dataclass(frozen=True)
class Bench:
    """What contenders are made from."""

    programs: Programs
    folder: Path
    seconds: float
    qrate: Callable[[], Path]
    floor: Callable[[], Path]


#: Gives a contender, from the bench and from those that are ready already.
Maker = Callable[[Bench, list[Contender]], Contender]


@dataclass(frozen=True)
class Entry:
    """One who takes part."""

    name: str
    make: Maker
    is_qrate: bool = False


@dataclass(frozen=True)
class Subject:
    """In the order of the table. Each entry is made and prepared before the next."""

    entries: Sequence[Entry]
    requirements: Sequence[Requirement] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self.entries]


def qrate(name: str, upload: bool, *arguments: str, both_ends: Sequence[str] = ()) -> Entry:
    return Entry(
        name,
        lambda bench, _: Qrate(bench.programs, bench.qrate(), name, upload, bench.seconds, arguments, both_ends),
        is_qrate=True)


def iperf3(name: str, upload: bool, *arguments: str) -> Entry:
    return Entry(name, lambda bench, _: Iperf3(bench.programs, name, upload, bench.seconds, arguments))


DIRECTIONS = [("upload", True), ("download", False)]


def quic() -> Subject:
    """Against the same libraries under another program, this machine's floor, and qrate with small buffers."""
    stock = ["--socket-buffer", str(STOCK_BUFFER_BYTES)]

    def datagram(ready: list[Contender]) -> int:
        """qrate's own comes first, because its datagram size is everybody's."""
        return next((c.datagram for c in ready if isinstance(c, Qrate) and c.datagram), USUAL_DATAGRAM)

    def pair(name: str, upload: bool) -> Entry:
        return Entry(name, lambda bench, ready: ExamplePair(
            bench.programs, bench.folder, upload, bench.seconds, datagram(ready)))

    floor = Entry(
        "floor", lambda bench, ready: Floor(bench.programs, bench.floor(), bench.seconds, datagram(ready)))

    def both(above: str, below: str) -> list[Comparison]:
        return [faster(way, above.format(way), below.format(way)) for way, _ in DIRECTIONS]

    return Subject(
        [
            *(qrate(f"qrate-{way}", up) for way, up in DIRECTIONS),
            *(pair(f"pair-{way}", up) for way, up in DIRECTIONS),
            *(qrate(f"qrate-{way}-208k", up, both_ends=stock) for way, up in DIRECTIONS),
            iperf3("iperf3-tcp", True, "-C", "cubic"), floor,
        ],
        [
            Requirement("qrate: at least 3 times the example pair", 3.0, True, both("qrate-{}", "pair-{}")),
            Requirement("qrate: at least half the floor", 0.5, True, both("qrate-{}", "floor")),
            Requirement(
                "qrate: at least half of its own figure at 208 KiB buffers", 0.5, True, both("qrate-{}-208k", "qrate-{}")),
        ])


def tcp() -> Subject:
    """Against iperf3 at equal write sizes and controller, then each as it comes."""
    same = ["-l", "128K", "-C", "cubic"]
    equal = [(way, up, streams) for streams in (1, 4) for way, up in DIRECTIONS]
    contenders = [
        *(
            made
            for way, up, streams in equal
            for made in (
                qrate(f"qrate-{way}-{streams}", up, "--tcp", "-P", str(streams), *same),
                iperf3(f"iperf3-{way}-{streams}", up, "-P", str(streams), *same))
        ),
        *(
            made
            for way, up in DIRECTIONS
            for made in (qrate(f"qrate-{way}-default", up, "--tcp"), iperf3(f"iperf3-{way}-default", up))
        ),
    ]

    def pair(way: str, streams: int) -> tuple[str, str, str]:
        words = f"{way}, {streams} stream{'' if streams == 1 else 's'}"
        return words, f"qrate-{way}-{streams}", f"iperf3-{way}-{streams}"

    return Subject(
        contenders,
        [
            Requirement(
                "qrate: no slower than iperf3 at equal write sizes and controller", 1.0, True,
                [faster(*pair(way, streams)) for way, _, streams in equal]),
            Requirement(
                "qrate: and for less CPU per gigabyte", 1.0, False,
                [one for way, _, streams in equal for one in cheaper(*pair(way, streams))]),
            Requirement(
                "qrate: at least 1.2 times iperf3, each with its defaults", 1.2, True,
                [faster(way, f"qrate-{way}-default", f"iperf3-{way}-default") for way, _ in DIRECTIONS]),
        ])


def udp() -> Subject:
    """The highest rate with hardly any loss at full frames; at other sizes what arrives when senders don't hold back."""
    sizes = [64, 512, 1400, 8192, 65_507]
    full = ["-l", "1448"]

    def limited(entry: Entry) -> Entry:
        return replace(entry, make=lambda bench, ready: LossLimited(entry.make(bench, ready)))  # type: ignore[arg-type]

    contenders = [
        limited(qrate("qrate-1448", True, "--udp", *full)),
        limited(iperf3("iperf3-1448", True, "-u", *full)),
        # Its buffers as large as qrate's, for it can be told to.
        limited(iperf3("iperf3-1448-w4M", True, "-u", *full, "-w", "4M")),
        *(
            made
            for size in sizes
            for made in (
                qrate(f"qrate-{size}", True, "--udp", "-b", "0", "-l", str(size)),
                iperf3(f"iperf3-{size}", True, "-u", "-b", "0", "-l", str(size)))
        ),
    ]
    best = Comparison(
        "upload, 1448 bytes", ("qrate-1448", "iperf3-1448", "iperf3-1448-w4M"),
        lambda runs: runs[0].bits_per_second / max(run.bits_per_second for run in runs[1:]))
    return Subject(
        contenders,
        [
            Requirement("qrate: at least 5 times iperf3's highest rate with loss under 1 %", 5.0, True, [best]),
            Requirement(
                "qrate: never below iperf3", 1.0, True,
                [faster(f"upload, {size} bytes", f"qrate-{size}", f"iperf3-{size}") for size in sizes]),
        ])


def tls() -> Subject:
    """Against what bare TCP and the cipher cost, each by itself."""
    same = ["-C", "cubic"]

    def above(way: str) -> list[Comparison]:
        names = (f"tls-{way}", f"tcp-{way}", "aead-16k")
        return [
            Comparison(
                f"{way}, sender", names, lambda runs: runs[0].sender_cpu / (runs[1].sender_cpu + runs[2].sender_cpu)),
            Comparison(
                f"{way}, receiver", names,
                lambda runs: runs[0].receiver_cpu / (runs[1].receiver_cpu + runs[2].receiver_cpu)),
        ]

    return Subject(
        [
            *(qrate(f"tls-{way}", up, "--tls", *same) for way, up in DIRECTIONS),
            *(qrate(f"tcp-{way}", up, "--tcp", *same) for way, up in DIRECTIONS),
            Entry("aead-16k", lambda bench, _: RecordFloor(bench.programs, bench.floor(), bench.seconds)),
        ],
        [
            Requirement(
                "TLS costs at most 1.5 times the CPU of bare TCP plus the cipher's", 1.5, False,
                [one for way, _ in DIRECTIONS for one in above(way)])
        ])


SUBJECTS: dict[str, Callable[[], Subject]] = {"quic": quic, "tcp": tcp, "tls": tls, "udp": udp}
