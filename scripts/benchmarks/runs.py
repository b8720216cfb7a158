"""What one measurement is, and what takes part in the rounds."""

import os
import shutil
from dataclasses import asdict, dataclass
from typing import Protocol

from benchmarks.processes import Account, Failed

GIGABYTE = 1e9
#: Seconds beyond the measured time after which a program is taken to hang.
PATIENCE = 30.0


@dataclass(frozen=True)
class Run:
    """One transfer, or for a floor what one could be. CPU seconds are per gigabyte of payload received."""

    bits_per_second: float
    sender_cpu: float
    receiver_cpu: float
    #: Share of the datagrams that never came; None where nothing can be lost.
    loss: float | None = None

    @staticmethod
    def of(
        bits_per_second: float, received_bytes: float, upload: bool, client: Account, server: Account,
        loss: float | None = None,
    ) -> "Run":
        if received_bytes <= 0:
            raise Failed("nothing arrived")
        sender, receiver = (client, server) if upload else (server, client)
        gigabytes = received_bytes / GIGABYTE
        return Run(bits_per_second, sender.cpu_seconds / gigabytes, receiver.cpu_seconds / gigabytes, loss)

    def document(self) -> dict[str, float]:
        return {key: value for key, value in asdict(self).items() if value is not None}


class Contender(Protocol):
    name: str

    def prepare(self) -> None:
        """Once, before the rounds; raises Failed where this contender can't take part."""

    def run(self) -> Run: ...


def found(program: str) -> str:
    """Debian keeps some servers in /usr/sbin, which is in few users' PATH."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        raise Failed(f"{program} is not installed")
    return path
