"""TCP and TLS: against iperf3, and against what bare TCP and the cipher cost."""

from typing import Sequence

from benchmarks.adapters import Settings
from benchmarks.report import Comparison, Requirement, cheaper, faster
from benchmarks.runs import Run
from benchmarks.subjects.entries import (
    DIRECTIONS, FAST_AEAD, Subject, accelerated, iperf3, loop_floor, qrate, stock)


def tcp() -> Subject:
    """Against iperf3 at equal write sizes and controller, then each as it comes."""
    same = ["-l", "128K", "-C", "cubic"]
    same_of_iperf3: Settings = {"length": "128K", "controller": "cubic"}
    equal = [(way, up, streams) for streams in (1, 4) for way, up in DIRECTIONS]
    contenders = [
        *(
            made
            for way, up, streams in equal
            for made in (
                qrate(f"qrate-{way}-{streams}", up, "--tcp", "-P", str(streams), *same),
                iperf3(f"iperf3-{way}-{streams}", up, {"streams": streams, **same_of_iperf3}))
        ),
        *(
            made
            for way, up in DIRECTIONS
            for made in (qrate(f"qrate-{way}-default", up, "--tcp"), iperf3(f"iperf3-{way}-default", up, {}))
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


def tls() -> Subject:
    """Against what bare TCP and the cipher cost, each by itself, with either AEAD."""
    same = ["-C", "cubic"]
    floors = {"": "aead-16k", "-auto": "aead-16k-ipsec-mb"}

    def above(way: str, end: str, kind: str) -> Comparison:
        def ratio(runs: Sequence[Run]) -> float:
            tls, tcp, cipher = (run.sender_cpu if end == "sender" else run.receiver_cpu for run in runs)
            return tls / (tcp + cipher)

        words = f"{way}, {'accelerated, ' if kind else ''}{end}"
        return Comparison(words, (f"tls-{way}{kind}", f"tcp-{way}", floors[kind]), ratio)

    return Subject(
        [
            *(stock(f"tls-{way}", up, "--tls", *same, floor=floors[""]) for way, up in DIRECTIONS),
            *(accelerated(f"tls-{way}-auto", up, "--tls", *same, floor=floors["-auto"]) for way, up in DIRECTIONS),
            *(qrate(f"tcp-{way}", up, "--tcp", *same) for way, up in DIRECTIONS),
            loop_floor(floors[""], "records", "aead"), loop_floor(floors["-auto"], "records", "aead", FAST_AEAD),
        ],
        [
            Requirement(
                "TLS costs at most 1.5 times the CPU of bare TCP plus the cipher's", 1.5, False, [
                    above(way, end, kind)
                    for kind in floors for way, _ in DIRECTIONS for end in ("sender", "receiver")
                ])
        ])
