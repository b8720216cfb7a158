"""How near the mean rate of five seconds comes to what `-b` asked for."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import Programs
from benchmarks.qrate import Qrate

TRANSPORTS = ["quic", "tcp", "tls", "udp"]
RATES = [("1M", 1e6), ("10M", 1e7), ("100M", 1e8), ("1G", 1e9)]
SECONDS = 5
#: Percent, either way.
MOST_ERROR = 2.0
#: Of every contender, for `--only`.
NAMES = [f"{transport}-{rate}" for transport in TRANSPORTS for rate, _ in RATES]


@dataclass(frozen=True)
class Paced:
    """One test's error in percent, and how much it sent at once where the result tells."""

    error_percent: float
    burst_bytes: int | None

    @property
    def words(self) -> str:
        return f"{self.error_percent:+7.2f} %"


def measure(programs: Programs, binary: Path, name: str) -> Paced:
    transport, rate = name.split("-")
    qrate = Qrate(programs, binary, name, True, SECONDS, [f"--{transport}", "-b", rate])
    result, _, _ = qrate.result(SECONDS, qrate.arguments)
    got = result["summary"]["upload"].get("throughput_bps", 0)
    burst = result["test"]["settings"].get("client", {}).get("pacing_burst_bytes")
    return Paced((got / dict(RATES)[rate] - 1) * 100, burst)


def text(rounds: dict[str, list[Paced]], missing: dict[str, str]) -> str:
    lines = [f"{'':12}{'error':>9}{'worst':>9}{'burst':>12}   over {SECONDS} s, against -b"]
    for name, runs in rounds.items():
        bursts = [run.burst_bytes for run in runs if run.burst_bytes is not None]
        burst = f"{max(bursts):>10} B" if bursts else f"{'–':>12}"
        verdict = "met" if worst(runs) <= MOST_ERROR else "NOT met"
        middle = median(run.error_percent for run in runs)
        lines.append(f"{name:12}{middle:+8.2f}%{worst(runs):8.2f}%{burst}   {verdict}")
    lines += [f"{name:12}  left out: {reason}" for name, reason in missing.items()]
    if every := [worst(runs) for runs in rounds.values()]:
        lines.append(f"Worst of all: {max(every):.2f} %. Within {MOST_ERROR:g} % is required.")
    return "\n".join(lines)


def worst(runs: list[Paced]) -> float:
    """
    >>> worst([Paced(-3.0, None), Paced(2.0, None)])
    3.0
    """
    return max(abs(run.error_percent) for run in runs)


def document(rounds: dict[str, list[Paced]], missing: dict[str, str]) -> dict[str, Any]:
    return {
        "rounds": {name: [vars(run) for run in runs] for name, runs in rounds.items()},
        "left_out": missing,
        "requirements": [
            {"requirement": "mean over 5 s within 2 % of -b", "of": name, "most": MOST_ERROR,
             "worst": worst(runs), "met": worst(runs) <= MOST_ERROR}
            for name, runs in rounds.items()
        ],
    }


