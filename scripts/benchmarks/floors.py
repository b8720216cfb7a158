"""What this machine could do at best, by the package in Benchmarks/."""

import json
from pathlib import Path

from benchmarks.processes import Failed, Programs
from benchmarks.runs import GIGABYTE, PATIENCE, Run


class Floor:
    """What GnuTLS's packet protection and segmented UDP leave possible on this machine, each measured alone.

    An end that has one core needs the sum of both CPU times; the slower end sets the rate.
    """

    name = "floor"

    def __init__(self, programs: Programs, binary: Path, seconds: float, datagram: int) -> None:
        self.programs, self.binary, self.seconds, self.datagram = programs, binary, seconds, datagram

    def prepare(self) -> None:
        if not self.binary.exists():
            raise Failed(f"{self.binary} is not there")

    def run(self) -> Run:
        loops = 3
        output, _ = self.programs.run(
            [str(self.binary), str(self.datagram), f"{self.seconds / loops:.3f}"], self.seconds + PATIENCE)
        costs = json.loads(output)

        def cost(loop: str, end: str) -> float:
            return float(costs[loop][end]["cpu_per_gigabyte_s"])

        sender = cost("aead", "seal") + cost("udp", "send")
        receiver = cost("aead", "open") + cost("udp", "receive")
        return Run(8 * GIGABYTE / max(sender, receiver), sender, receiver)


class RecordFloor:
    """GnuTLS's AES-128-GCM over TLS records of 16 KiB, sealed and opened at once, and nothing else."""

    name = "aead-16k"

    def __init__(self, programs: Programs, binary: Path, seconds: float) -> None:
        self.programs, self.binary, self.seconds = programs, binary, seconds

    def prepare(self) -> None:
        if not self.binary.exists():
            raise Failed(f"{self.binary} is not there")

    def run(self) -> Run:
        output, _ = self.programs.run([str(self.binary), "records", f"{self.seconds:.3f}"], self.seconds + PATIENCE)
        aead = json.loads(output)["aead"]
        seal, open_ = (float(aead[end]["cpu_per_gigabyte_s"]) for end in ("seal", "open"))
        return Run(8 * GIGABYTE / max(seal, open_), seal, open_)
