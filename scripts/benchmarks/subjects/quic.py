"""QUIC: against the same libraries under another program, this machine's floor, and other ways of running qrate."""

from benchmarks.adapters import shipped
from benchmarks.qrate import STOCK_BUFFER_BYTES
from benchmarks.report import Comparison, Requirement, faster
from benchmarks.runs import Contender
from benchmarks.subjects.entries import (
    DIRECTIONS, FAST_AEAD, FAST_FLOOR, STOCK_FLOOR, Bench, Entry, Subject, accelerated, adapted, datagram_of, iperf3,
    quic_floor, stock)


def both(above: str, below: str) -> list[Comparison]:
    return [faster(way, above.format(way), below.format(way)) for way, _ in DIRECTIONS]


def either_way(words: str, one: str, other: str) -> list[Comparison]:
    """Of two that should be equal, whichever is the slower."""
    first, second = words.split(" : ")
    return [faster(f"{first} to {second}", one, other), faster(f"{second} to {first}", other, one)]


def pair(name: str, way: str) -> Entry:
    """The example pair, with qrate's datagram size."""
    adapter = shipped("gtls")

    def make(bench: Bench, ready: list[Contender]) -> Contender:
        return adapted(adapter, name, {way: True, "datagram": datagram_of(ready)}).make(bench, ready)

    return Entry(name, make, floor=STOCK_FLOOR)


def quic() -> Subject:
    """One connection, one stream, datagrams as path MTU discovery finds them."""
    buffers = ("--socket-buffer", str(STOCK_BUFFER_BYTES))
    return Subject(
        [
            *(stock(f"qrate-{way}", up) for way, up in DIRECTIONS),
            *(accelerated(f"qrate-{way}-auto", up) for way, up in DIRECTIONS),
            *(pair(f"pair-{way}", way) for way, _ in DIRECTIONS),
            *(stock(f"qrate-{way}-208k", up, both_ends=buffers) for way, up in DIRECTIONS),
            iperf3("iperf3-tcp", True, {"controller": "cubic"}), quic_floor(), quic_floor(FAST_FLOOR, FAST_AEAD),
        ],
        [
            Requirement("qrate: at least 3 times the example pair", 3.0, True, both("qrate-{}", "pair-{}")),
            Requirement("qrate, stock AEAD: at least 0.6 of the floor", 0.6, True, both("qrate-{}", STOCK_FLOOR)),
            Requirement(
                "qrate, accelerated AEAD: at least 1.4 times stock", 1.4, True, both("qrate-{}-auto", "qrate-{}")),
            Requirement(
                "qrate: at least half of its own figure at 208 KiB buffers", 0.5, True,
                both("qrate-{}-208k", "qrate-{}")),
        ])


def streams() -> Subject:
    """That neither direction nor the number of streams makes a difference."""
    counts = (1, 16)
    ways = [(way, up, count) for count in counts for way, up in DIRECTIONS]
    return Subject(
        [
            *(stock(f"qrate-{way}-{count}", up, "-P", str(count)) for way, up, count in ways),
            quic_floor(),
        ],
        [
            Requirement(
                "qrate: upload and download alike, the interval above 0.85", 0.85, True, [
                    one for count in counts
                    for one in either_way(
                        f"upload-{count} : download-{count}", f"qrate-upload-{count}", f"qrate-download-{count}")
                ], is_strict=True),
            Requirement(
                "qrate: 1 and 16 streams alike, the interval above 0.85", 0.85, True, [
                    one for way, _ in DIRECTIONS
                    for one in either_way(f"{way}-1 : {way}-16", f"qrate-{way}-1", f"qrate-{way}-16")
                ], is_strict=True),
        ])


def connections() -> Subject:
    """Two streams in one connection, and in one each."""
    return Subject(
        [
            *(stock(f"qrate-{way}-1c", up, "-P", "2") for way, up in DIRECTIONS),
            *(stock(f"qrate-{way}-2c", up, "-P", "2", "--connections", "2") for way, up in DIRECTIONS),
            quic_floor(),
        ],
        [
            Requirement(
                "qrate: two connections together at least 0.8 of one", 0.8, True, both("qrate-{}-2c", "qrate-{}-1c"))
        ])


def interface() -> Subject:
    """Datagrams as large as the interface takes, which on loopback is as large as UDP has them."""
    large = "floor-interface"
    return Subject(
        [
            *(stock(f"qrate-{way}-usual", up) for way, up in DIRECTIONS), quic_floor(),
            *(
                stock(f"qrate-{way}-interface", up, "--max-datagram", "interface", floor=large)
                for way, up in DIRECTIONS
            ),
            quic_floor(large, like="qrate-upload-interface"),
        ],
        [
            Requirement(
                "qrate: the interface's datagram size at least 1.8 times the usual one", 1.8, True,
                both("qrate-{}-interface", "qrate-{}-usual"))
        ])
