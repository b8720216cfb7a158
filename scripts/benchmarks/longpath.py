"""What one stream makes of 1 Gbit/s and 100 ms, once slow start is over.

Over the path emulator, between two network namespaces that it makes: for root. Nobody is told a window; the path's queue
holds one round trip's worth. TCP's windows end where the kernel's limits do, so that it is measured with them and without.
"""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import Failed, Programs
from benchmarks.runs import PATIENCE

RATE = 1e9
DELAY_MS = 50
#: One round trip's worth.
QUEUE_BYTES = round(RATE / 8 * 2 * DELAY_MS / 1000)
LINK = f"delay={DELAY_MS}ms,rate={RATE:.0f},queue={QUEUE_BYTES}"
#: Left out at the beginning: slow start, and making good what it lost.
SLOW_START = 3
SECONDS = 10
#: Payload, of the link's bits with IP headers.
LEAST_SHARE = 0.9
#: For both buffers; more than any of these flows has under way.
RAISED_BYTES = 64 << 20

WAYS: dict[str, list[str]] = {"upload": [], "download": ["-R"]}
#: Of every contender, for `--only`.
NAMES = [f"{transport}-{way}" for transport in ("quic", "tcp", "tcp-raised") for way in WAYS]


@dataclass(frozen=True)
class LongRun:
    share: float
    #: What the sender allowed itself, first and at most; None where it didn't say.
    first_window: int | None
    largest_window: int | None
    #: Seconds.
    client_cpu: float
    server_cpu: float
    #: Packets that the emulator had no time for; a run with any of them says nothing of qrate.
    overruns: int

    @property
    def words(self) -> str:
        return f"{self.share:7.1%}"


def measure(programs: Programs, binary: Path, name: str) -> LongRun:
    emulator = binary.with_name("qrate-path")
    transport, way = name.rsplit("-", 1)
    for program in (binary, emulator):
        if not program.exists():
            raise Failed(f"{program} is not there: swift build -c release --product {program.name}")
    limit = SLOW_START + SECONDS + PATIENCE
    # It ends by itself when this process does, and says last what became of the packets.
    with programs.serve([str(emulator), "--both", LINK], limit) as path:
        line = path.output.readline()
        if not line:
            raise Failed("the path emulator doesn't start: network namespaces take root")
        ends = json.loads(line)
        inside = {end: ["nsenter", f"--net={ends[end]['namespace']}", "--"] for end in ("client", "server")}
        if transport == "tcp-raised":
            for enter in inside.values():
                raise_limits(enter)
        serve = [*inside["server"], str(binary), "serve", "-p", "0", "--json"]
        with programs.serve(serve, limit) as server:
            port = str(json.loads(server.output.readline())["port"])
            chosen = ["--insecure"] if transport == "quic" else ["--tcp", "-C", "cubic"]
            output, client = programs.run(
                [*inside["client"], str(binary), ends["server"]["address"], "-p", port, "--json", *chosen, *WAYS[way],
                 "-O", f"{SLOW_START}s", "-t", f"{SECONDS}s"], limit)
        path.stop()
        last = json.loads(path.output.read().splitlines()[-1])
    result = json.loads(output)
    windows = congestion_windows(result)
    lost = sum(last[each]["packets"]["overruns"] + (last[each].get("dropped_by_device") or 0) for each in WAYS)
    return LongRun(
        result["summary"][way].get("throughput_bps", 0) / RATE, windows[0] if windows else None,
        max(windows, default=None), client.cpu_seconds, server.account.cpu_seconds, lost)


def raise_limits(enter: list[str]) -> None:
    """TCP's, which are a namespace's own: those of the machine stay as they are."""
    for buffer in ("rmem", "wmem"):
        words = f"echo 4096 131072 {RAISED_BYTES} > /proc/sys/net/ipv4/tcp_{buffer}"
        try:
            subprocess.run([*enter, "sh", "-c", words], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failed(f"TCP's limits can't be raised: {error}") from error


def congestion_windows(result: dict[str, Any]) -> list[int]:
    """Over time.

    >>> congestion_windows({"intervals": [{"path": {"tcp": {"congestion_window_bytes": 7}}}, {}]})
    [7]
    """
    paths = (metrics for row in result["intervals"] for metrics in row.get("path", {}).values())
    return [path["congestion_window_bytes"] for path in paths if "congestion_window_bytes" in path]


def text(rounds: dict[str, list[LongRun]], missing: dict[str, str]) -> str:
    lines = [
        f"{'':22}{'share':>8}{'least':>8}{'first':>10}{'largest':>10}{'client':>9}{'server':>9}   of {RATE / 1e9:g} "
        f"Gbit/s at {2 * DELAY_MS} ms from second {SLOW_START} on; window in MB; CPU seconds"
    ]
    for name, runs in rounds.items():
        shares = [run.share for run in runs]
        line = f"{name:22}{median(shares):8.1%}{min(shares):8.1%}"
        for windows in ([run.first_window for run in runs], [run.largest_window for run in runs]):
            known = [window for window in windows if window is not None]
            line += f"{median(known) / 1e6:10.2f}" if known else f"{'–':>10}"
        line += f"{median(run.client_cpu for run in runs):9.2f}{median(run.server_cpu for run in runs):9.2f}"
        if is_required(name):
            line += "   met" if median(shares) >= LEAST_SHARE else "   NOT met"
        if overruns := sum(run.overruns for run in runs):
            line += f"   ({overruns} packets lost by the emulator itself)"
        lines.append(line)
    lines += [f"{name:22}  left out: {reason}" for name, reason in missing.items()]
    lines.append(f"QUIC: at least {LEAST_SHARE:.0%} is required, with windows that grew by themselves.")
    return "\n".join(lines)


def is_required(name: str) -> bool:
    return name.startswith("quic-")


def document(rounds: dict[str, list[LongRun]], missing: dict[str, str]) -> dict[str, Any]:
    return {
        "link": LINK,
        "rounds": {name: [asdict(run) for run in runs] for name, runs in rounds.items()},
        "left_out": missing,
        "requirements": [
            {"requirement": "one stream fills 90 % of 1 Gbit/s at 100 ms after slow start", "of": name,
             "least": LEAST_SHARE, "median": (share := median(run.share for run in runs)), "met": share >= LEAST_SHARE}
            for name, runs in rounds.items() if is_required(name)
        ],
    }
