"""What takes part in the rounds. Each contender moves bulk data over loopback once per call and says what that cost."""

import json
import os
import shutil
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Iterator, Protocol

from benchmarks.processes import Account, Failed, Programs, free_port, loopback_bytes, wait_until_bound

GIGABYTE = 1e9
#: Seconds beyond the measured time after which a program is taken to hang.
PATIENCE = 30.0
#: What Debian grants without a sysctl: net.core.rmem_max and wmem_max.
STOCK_BUFFER_BYTES = 212_992


@dataclass(frozen=True)
class Run:
    """One transfer, or for the floor what one could be. CPU seconds are per gigabyte of payload received."""

    bits_per_second: float
    sender_cpu: float
    receiver_cpu: float

    @staticmethod
    def of(bits_per_second: float, received_bytes: float, upload: bool, client: Account, server: Account) -> "Run":
        sender, receiver = (client, server) if upload else (server, client)
        gigabytes = received_bytes / GIGABYTE
        return Run(bits_per_second, sender.cpu_seconds / gigabytes, receiver.cpu_seconds / gigabytes)

    def document(self) -> dict[str, float]:
        return asdict(self)


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


class Qrate:
    """qrate over QUIC, with a server of its own for every transfer. The receiver's own count is the rate."""

    def __init__(
        self, programs: Programs, binary: Path, upload: bool, seconds: float, socket_buffer: int | None = None
    ) -> None:
        self.programs, self.binary, self.upload, self.seconds = programs, binary, upload, seconds
        self.name = "qrate-" + ("upload" if upload else "download") + ("" if socket_buffer is None else "-208k")
        self.both_ends = [] if socket_buffer is None else ["--socket-buffer", str(socket_buffer)]
        #: The largest UDP payload that either end reported, once something ran.
        self.datagram: int | None = None

    def prepare(self) -> None:
        """A short transfer finds out whether it works, makes the server's certificate and learns the datagram size."""
        if not self.binary.exists():
            raise Failed(f"{self.binary} is not there")
        self._transfer(0.5)

    def run(self) -> Run:
        return self._transfer(self.seconds)

    def _transfer(self, seconds: float) -> Run:
        limit = seconds + PATIENCE
        server = [str(self.binary), "serve", "-p", "0", "--json", *self.both_ends]
        with self.programs.serve(server, limit) as serving:
            line = serving.output.readline()
            try:
                port = int(json.loads(line)["port"])
            except (ValueError, KeyError, TypeError) as error:
                raise Failed(f"qrate serve printed {line!r} instead of its port") from error
            client = [str(self.binary), "127.0.0.1", "-p", str(port), "-t", f"{round(seconds * 1000)}ms", "--json"]
            output, account = self.programs.run(
                client + ["--insecure"] + ([] if self.upload else ["-R"]) + self.both_ends, limit)

        result = json.loads(output)
        self.datagram = max(values_of(result, "max_udp_payload_bytes"), default=None)
        summary = result["summary"]["upload" if self.upload else "download"]
        # The CPU was spent on what came after the measured window too.
        received = summary["bytes_received"] + summary.get("drained_bytes", 0)
        return Run.of(summary["throughput_bps"], received, self.upload, account, serving.account)


def values_of(document: Any, key: str) -> Iterator[int]:
    """Every whole number under that key, however deep: where it stands is for other tests to check."""
    children = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    if isinstance(document, dict) and isinstance(document.get(key), int):
        yield document[key]
    for child in children:
        yield from values_of(child, key)


class ExamplePair:
    """Debian's gtlsclient and gtlsserver: the same ngtcp2 and GnuTLS under another program, moving a file over HTTP/3.

    They print no rate. It is the file's size over the client's wall time, less the wall time of a one-byte transfer
    (start, handshake, exit). The client's exit status says nothing (it is 0 even without a server), so the loopback
    interface's byte counter bears witness that the file went over it.
    """

    def __init__(self, programs: Programs, folder: Path, upload: bool, seconds: float, datagram: int) -> None:
        self.programs, self.folder, self.upload, self.seconds = programs, folder, upload, seconds
        self.name = "pair-" + ("upload" if upload else "download")
        self.common = ["--quiet", "--no-quic-dump", "--no-http-dump", f"--max-udp-payload-size={datagram}"]
        self.file_bytes = 0
        self.overhead_seconds = 0.0

    def prepare(self) -> None:
        for program in ("gtlsclient", "gtlsserver"):
            found(program)
        self._make_certificate()
        self._make_file("one", 1)
        self.overhead_seconds = median(self._transfer("one", 1)[0].wall_seconds for _ in range(3))

        trial_bytes = 100_000_000
        self._make_file("bulk", trial_bytes)
        client, _ = self._transfer("bulk", trial_bytes)
        rate = trial_bytes / max(client.wall_seconds - self.overhead_seconds, 0.01)
        # The file lies in memory, so a fast machine must not be made to fill it.
        free = shutil.disk_usage(self.folder).free
        self.file_bytes = min(int(rate * self.seconds), free // 4)
        self._make_file(self.name, self.file_bytes)

    def run(self) -> Run:
        client, server = self._transfer(self.name, self.file_bytes)
        seconds = client.wall_seconds - self.overhead_seconds
        if seconds <= 0:
            raise Failed(f"the transfer was over in {client.wall_seconds:.3f} s, too short to measure")
        return Run.of(self.file_bytes * 8 / seconds, self.file_bytes, self.upload, client, server)

    def _transfer(self, file: str, size: int) -> tuple[Account, Account]:
        port = free_port(socket.SOCK_DGRAM)
        limit = self.seconds * 10 + PATIENCE
        credentials = [str(self.folder / "key.pem"), str(self.folder / "certificate.pem")]
        server = [found("gtlsserver"), *self.common, f"--htdocs={self.folder}", "127.0.0.1", str(port), *credentials]
        # An upload's answer is the one-byte file.
        asked = "one" if self.upload else file
        body = ["--http-method=POST", f"--data={self.folder / file}"] if self.upload else []
        client = [found("gtlsclient"), *self.common, "--exit-on-all-streams-close", *body, "127.0.0.1", str(port)]
        with self.programs.serve(server, limit) as serving:
            wait_until_bound(socket.SOCK_DGRAM, port)
            before = loopback_bytes()
            _, account = self.programs.run([*client, f"https://localhost:{port}/{asked}"], limit)
            passed = loopback_bytes() - before
        if passed < size:
            raise Failed(f"only {passed} of {size} bytes went over loopback")
        return account, serving.account

    def _make_file(self, name: str, size: int) -> None:
        with open(self.folder / name, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def _make_certificate(self) -> None:
        """ECDSA P-256, as qrate makes its own."""
        certtool, key, template = found("certtool"), self.folder / "key.pem", self.folder / "template"
        template.write_text('cn = "localhost"\ndns_name = "localhost"\ntls_www_server\nsigning_key\n', encoding="ascii")
        make_key = ["--generate-privkey", "--key-type=ecdsa", "--curve=secp256r1", f"--outfile={key}"]
        self.programs.run([certtool, *make_key], PATIENCE)
        sign = ["--generate-self-signed", f"--load-privkey={key}", f"--template={template}"]
        self.programs.run([certtool, *sign, f"--outfile={self.folder / 'certificate.pem'}"], PATIENCE)


class Iperf3TCP:
    """iperf3 over TCP with CUBIC, which is what both QUIC contenders use: no encryption, one stream, upload."""

    name = "iperf3-tcp"

    def __init__(self, programs: Programs, seconds: float) -> None:
        self.programs, self.seconds = programs, max(1, round(seconds))

    def prepare(self) -> None:
        found("iperf3")

    def run(self) -> Run:
        port = free_port(socket.SOCK_STREAM)
        limit = self.seconds + PATIENCE
        where = ["-p", str(port)]
        server = [found("iperf3"), "-s", "-1", "-B", "127.0.0.1", *where]
        with self.programs.serve(server, limit, stop=False) as serving:
            wait_until_bound(socket.SOCK_STREAM, port)
            client = [found("iperf3"), "-c", "127.0.0.1", *where, "-t", str(self.seconds), "-C", "cubic", "--json"]
            output, account = self.programs.run(client, limit)
            # Read to its end, or a full pipe would keep the server from ending.
            serving.output.read()
        received = json.loads(output)["end"]["sum_received"]
        return Run.of(received["bits_per_second"], received["bytes"], True, account, serving.account)


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
