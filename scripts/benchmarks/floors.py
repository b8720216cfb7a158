"""What this machine could do at best, by the package in Benchmarks/."""

import json
from pathlib import Path
from typing import Any, Sequence

from benchmarks.processes import Failed, Programs, mentions
from benchmarks.runs import GIGABYTE, PATIENCE, Facts, Run

#: What raw-floor measures one after the other: sealing beside opening, sending beside receiving, and a spare.
LOOPS = 3


class Floor:
    """What the CPU's share in both ends can't be less than: the costs of some of raw-floor's loops, added.

    Each loop is measured alone. An end that has one core needs the sum of the CPU times; the slower end sets the rate.
    """

    def __init__(
        self, programs: Programs, binary: Path, name: str, seconds: float, size: str, loops: Sequence[str],
        aead: str | None = None,
    ) -> None:
        self.programs, self.binary, self.name, self.seconds, self.size = programs, binary, name, seconds, size
        self.loops, self.aead = loops, aead

    def prepare(self) -> None:
        if not self.binary.exists():
            raise Failed(f"{self.binary} is not there")
        if self.aead and not mentions(self.binary, "--aead"):
            raise Failed("this raw-floor has no --aead")

    def run(self) -> Run:
        choice = ["--aead", self.aead] if self.aead else []
        output, _ = self.programs.run(
            [str(self.binary), *choice, self.size, f"{self.seconds / LOOPS:.3f}"], self.seconds + PATIENCE)
        return floor(json.loads(output), self.loops, self._facts())

    def _facts(self) -> Facts:
        is_protected = "aead" in self.loops
        return Facts(
            datagram=int(self.size) if self.size.isdigit() else None,
            cipher="AES-128-GCM" if is_protected else None,
            aead=(self.aead or "gnutls") if is_protected else None)


def floor(costs: dict[str, Any], loops: Sequence[str], facts: Facts = Facts()) -> Run:
    """
    >>> end = lambda cost: {"cpu_per_gigabyte_s": cost}
    >>> costs = {"aead": {"seal": end(2), "open": end(1)}, "udp": {"send": end(2), "receive": end(1)}}
    >>> run = floor(costs, ["aead", "udp"])
    >>> run.bits_per_second, run.sender_cpu, run.receiver_cpu
    (2000000000.0, 4.0, 2.0)
    """
    # A bare datagram is payload from end to end.
    share = 1.0 if "aead" in loops else costs["packet_payload_bytes"] / costs["packet_bytes"]
    ends = {"aead": ("seal", "open"), "udp": ("send", "receive")}
    sender, receiver = (
        share * sum(float(costs[loop][ends[loop][end]]["cpu_per_gigabyte_s"]) for loop in loops) for end in (0, 1))
    return Run(8 * GIGABYTE / max(sender, receiver), sender, receiver, facts=facts)
