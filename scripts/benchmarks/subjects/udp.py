"""UDP: against iperf3 at several datagram sizes."""

from dataclasses import replace

from benchmarks.losslimited import LossLimited
from benchmarks.report import Comparison, Requirement, faster
from benchmarks.subjects.entries import Entry, Subject, iperf3, loop_floor, qrate


def udp() -> Subject:
    """The highest rate with hardly any loss at full frames; at other sizes what arrives when senders don't hold back."""
    sizes = [64, 512, 1400, 8192, 65_507]
    full = 1448

    def limited(entry: Entry) -> Entry:
        return replace(entry, make=lambda bench, ready: LossLimited(entry.make(bench, ready)))  # type: ignore[arg-type]

    contenders = [
        limited(qrate("qrate-1448", True, "--udp", "-l", str(full), floor="floor-1448")),
        limited(iperf3("iperf3-1448", True, {"udp": True, "length": full}, "floor-1448")),
        # Its buffers as large as qrate's, for it can be told to.
        limited(iperf3("iperf3-1448-w4M", True, {"udp": True, "length": full, "buffer": "4M"}, "floor-1448")),
        loop_floor("floor-1448", str(full), "udp"),
        *(
            made
            for size in sizes
            for made in (
                qrate(f"qrate-{size}", True, "--udp", "-b", "0", "-l", str(size)),
                iperf3(f"iperf3-{size}", True, {"udp": True, "bitrate": 0, "length": size}))
        ),
    ]
    best = Comparison(
        "upload, 1448 bytes", ("qrate-1448", "iperf3-1448", "iperf3-1448-w4M"),
        lambda runs: float(runs[0].bits_per_second / max(run.bits_per_second for run in runs[1:])))
    return Subject(
        contenders,
        [
            Requirement("qrate: at least 5 times iperf3's highest rate with loss under 1 %", 5.0, True, [best]),
            Requirement(
                "qrate: never below iperf3", 1.0, True,
                [faster(f"upload, {size} bytes", f"qrate-{size}", f"iperf3-{size}") for size in sizes]),
        ])
