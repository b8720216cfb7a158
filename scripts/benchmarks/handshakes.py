"""Handshakes: how many a second, and what they cost each end."""

from dataclasses import dataclass
from typing import ClassVar, Sequence

from benchmarks.adapted import Adapted
from benchmarks.processes import Failed
from benchmarks.runs import Facts, Figure, flat


@dataclass(frozen=True)
class Handshakes:
    """One contender's handshakes in one round, all of one kind."""

    per_second: float
    #: Microseconds of CPU time per handshake.
    server_cpu_us: float
    client_cpu_us: float
    facts: Facts = Facts()

    FIGURES: ClassVar[Sequence[Figure]] = [
        Figure("per_second", "per second", "handshakes a second", 0, True),
        Figure("server_cpu_us", "server us", "CPU per handshake, server", 1, False),
        Figure("client_cpu_us", "client us", "CPU per handshake, client", 1, False),
    ]

    def document(self) -> dict[str, float | str]:
        return flat(self)


class HandshakeContender(Adapted):
    """One way of making handshakes with an adapter's program."""

    def run(self) -> Handshakes:  # type: ignore[override]
        exchange = self.exchange()
        count = exchange.number("handshakes") or 0
        if count <= 0:
            raise Failed("no handshake was completed")
        seconds = exchange.number("seconds") or exchange.client.wall_seconds
        return Handshakes(
            count / seconds, exchange.server.cpu_seconds / count * 1e6, exchange.client.cpu_seconds / count * 1e6,
            exchange.facts)
