"""qrate itself, with a server of its own for every transfer."""

import json
from pathlib import Path
from typing import Any, Iterator, Sequence

from benchmarks.processes import Account, Failed, Programs, mentions
from benchmarks.runs import PATIENCE, Facts, Run

#: What Debian grants without a sysctl: net.core.rmem_max and wmem_max.
STOCK_BUFFER_BYTES = 212_992


class Qrate:
    """One way of running qrate. The receiver's own count is the rate."""

    def __init__(
        self, programs: Programs, binary: Path, name: str, upload: bool, seconds: float,
        arguments: Sequence[str] = (), both_ends: Sequence[str] = (), needs: Sequence[str] = (),
    ) -> None:
        self.programs, self.binary, self.name, self.upload, self.seconds = programs, binary, name, upload, seconds
        self.arguments = list(arguments)
        #: A build that has no choice of AEAD has the stock one.
        is_stock_anyway = "stock" in both_ends and not mentions(binary, "--aead")
        self.both_ends = [word for word in both_ends if not (is_stock_anyway and word in ("--aead", "stock"))]
        #: Options without which this contender is pointless. Builds that lack them are left out.
        self.needs = list(needs)
        #: The largest UDP payload that either end reported, once something ran.
        self.datagram: int | None = None

    def prepare(self) -> None:
        """A short transfer finds out whether it works, makes the server's certificate and learns the datagram size."""
        if self.binary.exists() and not mentions(self.binary, *self.needs):
            raise Failed(f"this qrate has no {' or '.join(self.needs)}")
        self._transfer(0.5, self.arguments)

    def run(self) -> Run:
        return self._transfer(self.seconds, self.arguments)

    def at(self, bits_per_second: float) -> Run:
        """The same, sending no faster than that; 0 is as fast as it goes."""
        return self._transfer(self.seconds, [*self.arguments, "-b", str(round(bits_per_second))])

    def result(self, seconds: float, arguments: Sequence[str]) -> tuple[dict[str, Any], Account, Account]:
        """The client's document, and what the client and the server used."""
        if not self.binary.exists():
            raise Failed(f"{self.binary} is not there")
        limit = seconds + PATIENCE
        server = [str(self.binary), "serve", "-p", "0", "--json", *self.both_ends]
        with self.programs.serve(server, limit) as serving:
            line = serving.output.readline()
            try:
                port = int(json.loads(line)["port"])
            except (ValueError, KeyError, TypeError) as error:
                raise Failed(f"qrate serve printed {line!r} instead of its port") from error
            client = [str(self.binary), "127.0.0.1", "-p", str(port), "-t", f"{round(seconds * 1000)}ms", "--json"]
            # Where there are no certificates, a choice about them is refused.
            trust = [] if {"--tcp", "--udp"} & set(arguments) else ["--insecure"]
            output, account = self.programs.run(
                [*client, *trust, *([] if self.upload else ["-R"]), *self.both_ends, *arguments], limit)
        return json.loads(output), account, serving.account

    def _transfer(self, seconds: float, arguments: Sequence[str]) -> Run:
        result, client, server = self.result(seconds, arguments)
        facts = facts_of(result, "client" if self.upload else "server")
        self.datagram = facts.datagram
        summary = result["summary"]["upload" if self.upload else "download"]
        # The CPU was spent on what came after the measured window too.
        received = summary["bytes_received"] + summary.get("drained_bytes", 0)
        # Absent when nothing came, or no time passed.
        return Run.of(summary.get("throughput_bps", 0), received, self.upload, client, server, loss(summary), facts)


def loss(summary: dict[str, Any]) -> float | None:
    """Of one direction's summary. None where nothing was numbered.

    >>> loss({"datagrams": {"received": 99, "lost": 1}}), loss({})
    (0.01, None)
    """
    datagrams = summary.get("datagrams")
    if datagrams is None:
        return None
    received, lost = int(datagrams["received"]), int(datagrams["lost"])
    return lost / max(received + lost, 1)


def facts_of(result: dict[str, Any], sender: str) -> Facts:
    """What a result tells of how it came about; `sender` is the end that sent.

    >>> facts_of({"test": {"settings": {"client": {"congestion": "cubic"}}}, "security": {"cipher": "X"}}, "client")
    Facts(datagram=None, train=None, cipher='X', aead=None, controller='cubic')
    >>> path = {"observed_by": "server", "datagrams_sent": 90, "send_calls": 2}
    >>> facts_of({"test": {}, "path": {"quic": path}}, "server").train
    45.0
    """
    settings = result["test"].get("settings", {}).get(sender, {})
    path = result.get("path", {}).get("quic", {})
    calls = path.get("send_calls") if path.get("observed_by") == sender else None
    return Facts(
        datagram=max(values_of(result, "max_udp_payload_bytes"), default=None),
        train=path["datagrams_sent"] / calls if calls else None, cipher=result.get("security", {}).get("cipher"),
        aead=settings.get("aead"), controller=settings.get("congestion"))


def values_of(document: Any, key: str) -> Iterator[int]:
    """Every whole number under that key, however deep: where it stands is for other tests to check."""
    children = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    if isinstance(document, dict) and isinstance(document.get(key), int):
        yield document[key]
    for child in children:
        yield from values_of(child, key)
