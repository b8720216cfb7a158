"""How near the mean rate of five seconds comes to what `-b` asked for, how evenly, and at what price in CPU."""

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arrivals import LONGEST_GAP, Arrivals, Gaps
from benchmarks.processes import Programs
from benchmarks.qrate import Qrate

TRANSPORTS = ["quic", "tcp", "tls", "udp"]
RATES = [("100K", 1e5), ("1M", 1e6), ("10M", 1e7), ("100M", 1e8), ("1G", 1e9)]
SECONDS = 5
#: Percent, either way.
MOST_ERROR = 2.0
#: The share of gaps under LONGEST_GAP at the rates in SMOOTH.
LEAST_SMOOTH = 0.99
#: Where a burst is about a packet: slower flows have longer gaps, faster ones would keep the observer busy.
SMOOTH = {"10M"}
#: Of every contender, for `--only`.
NAMES = [f"{transport}-{rate}" for transport in TRANSPORTS for rate, _ in RATES]


@dataclass(frozen=True)
class Paced:
    """One test's error in percent, and how much it sent at once where the result tells."""

    error_percent: float
    burst_bytes: int | None
    #: Of each program from its start to its end, in seconds.
    client_cpu: float = 0
    server_cpu: float = 0
    #: None at other rates, and where this process may not look.
    gaps: Gaps | None = None

    @property
    def words(self) -> str:
        return f"{self.error_percent:+7.2f} %"


def measure(programs: Programs, binary: Path, name: str) -> Paced:
    transport, rate = name.split("-")
    qrate = Qrate(programs, binary, name, True, SECONDS, [f"--{transport}", "-b", rate])
    if rate in SMOOTH:
        with Arrivals() as arrivals:
            result, client, server = qrate.result(SECONDS, qrate.arguments)
        gaps = arrivals.gaps(int(result["server"]["address"].rsplit(":", 1)[1]))
    else:
        result, client, server = qrate.result(SECONDS, qrate.arguments)
        gaps = None
    got = result["summary"]["upload"].get("throughput_bps", 0)
    burst = result["test"]["settings"].get("client", {}).get("pacing_burst_bytes")
    error = (got / dict(RATES)[rate] - 1) * 100
    return Paced(error, burst, client.cpu_seconds, server.cpu_seconds, gaps)


def text(rounds: dict[str, list[Paced]], missing: dict[str, str]) -> str:
    lines = [
        f"{'':12}{'error':>9}{'worst':>9}{'burst':>12}{'client':>9}{'server':>9}   over {SECONDS} s, against -b; "
        "CPU seconds"
    ]
    for name, runs in rounds.items():
        bursts = [run.burst_bytes for run in runs if run.burst_bytes is not None]
        burst = f"{max(bursts):>10} B" if bursts else f"{'–':>12}"
        verdict = "met" if worst(runs) <= MOST_ERROR else "NOT met"
        middle = median(run.error_percent for run in runs)
        client, server = (median(cpu) for cpu in zip(*((run.client_cpu, run.server_cpu) for run in runs)))
        lines.append(f"{name:12}{middle:+8.2f}%{worst(runs):8.2f}%{burst}{client:9.3f}{server:9.3f}   {verdict}")
    lines += [f"{name:12}  left out: {reason}" for name, reason in missing.items()]
    if every := [worst(runs) for runs in rounds.values()]:
        lines.append(f"Worst of all: {max(every):.2f} %. Within {MOST_ERROR:g} % is required.")
    for name, runs in rounds.items():
        if seen := [run.gaps for run in runs if run.gaps]:
            share = median(gap.smooth_share for gap in seen)
            lines.append(
                f"{name}: {share:.2%} of gaps between arrivals under {LONGEST_GAP:g} ms, 99th percentile "
                f"{median(gap.p99_ms for gap in seen):.2f} ms, longest {max(gap.longest_ms for gap in seen):.1f} ms; "
                f"{LEAST_SMOOTH:.0%} is required: {'met' if share >= LEAST_SMOOTH else 'NOT met'}")
        elif name.split("-")[1] in SMOOTH:
            lines.append(f"{name}: gaps not measured, which takes root")
    return "\n".join(lines)


def worst(runs: list[Paced]) -> float:
    """
    >>> worst([Paced(-3.0, None), Paced(2.0, None)])
    3.0
    """
    return max(abs(run.error_percent) for run in runs)


def document(rounds: dict[str, list[Paced]], missing: dict[str, str]) -> dict[str, Any]:
    return {
        "rounds": {name: [asdict(run) for run in runs] for name, runs in rounds.items()},
        "left_out": missing,
        "requirements": [
            {"requirement": "mean over 5 s within 2 % of -b", "of": name, "most": MOST_ERROR,
             "worst": worst(runs), "met": worst(runs) <= MOST_ERROR}
            for name, runs in rounds.items()
        ]
        + [
            {"requirement": "99 % of gaps under 5 ms", "of": name, "least": LEAST_SMOOTH,
             "median": median(shares), "met": median(shares) >= LEAST_SMOOTH}
            for name, runs in rounds.items()
            if (shares := [run.gaps.smooth_share for run in runs if run.gaps])
        ],
    }


