"""ngtcp2's own example programs, as Debian packages them."""

import os
import shutil
import socket
from pathlib import Path
from statistics import median

from benchmarks.processes import Account, Failed, Programs, free_port, loopback_bytes, wait_until_bound
from benchmarks.runs import PATIENCE, Run, found


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
