"""The control connection: lines in both directions, over TCP or over a QUIC stream, and the record of them."""

import asyncio
import socket
import time

from . import messages

loop_time = time.monotonic


class Ended(Exception):
    """The control connection gives no more messages. Says why."""


class Record:
    """What was said, when, and what the peer did that the specification doesn't allow."""

    def __init__(self, transcript=None):
        self.start = loop_time()
        self.messages = []
        self.deviations = []
        self._transcript = transcript

    def line(self, sender, line):
        """Takes a line without its newline. `sender` is "client" or "server"."""
        self.messages.append({
            "ms": round((loop_time() - self.start) * 1000, 1), "from": sender, "line": line.decode(errors="replace")})
        if self._transcript:
            with open(self._transcript, "ab") as file:
                file.write(b"C> " if sender == "client" else b"S> ")
                file.write(line + b"\n")

    def deviation(self, what):
        if what not in self.deviations:
            self.deviations.append(what)


class Control:
    """Reads and writes messages. What carries the bytes is a subclass's."""

    def __init__(self, role, record):
        self.role = role
        self.peer = "server" if role == "client" else "client"
        self.record = record
        self.limit = messages.LINE_LIMIT
        self.ending = None

    async def read_line(self):
        """The next line with its newline; b"" at the end; Ended where the connection breaks."""
        raise NotImplementedError

    async def write_bytes(self, data):
        raise NotImplementedError

    async def send(self, kind, **fields):
        line = messages.write(kind, **fields)
        self.record.line(self.role, line[:-1])
        await self.write_bytes(line)

    async def receive(self):
        """The next message.

        Raises BadMessage for a line that can't be parsed, Ended at the end and for a blank line.
        """
        line = await self.read_line()
        if not line:
            raise Ended("closed")
        if not line.endswith(b"\n"):
            self.record.deviation("the last line has no newline")
            raise Ended("closed in the middle of a line")
        line = line[:-1]
        self.record.line(self.peer, line)
        if not line.strip():
            self.record.deviation("a blank line")
            raise Ended("a blank line")
        for oddity in messages.oddities(line):
            self.record.deviation(oddity)
        try:
            return messages.parse(line)
        except messages.BadMessage as error:
            self.record.deviation(f"{error}: {line.decode(errors='replace')[:200]}")
            raise


class TCPControl(Control):
    """A control connection over TCP, on a socket that doesn't block."""

    def __init__(self, role, record, sock):
        super().__init__(role, record)
        self.sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = bytearray()

    async def read_line(self):
        loop = asyncio.get_running_loop()
        while b"\n" not in self._rest:
            if len(self._rest) >= self.limit:
                self.record.deviation(f"a line above {self.limit} bytes")
                raise Ended("a line above the limit")
            try:
                data = await loop.sock_recv(self.sock, 65_536)
            except ConnectionError as error:
                self.ending = "reset"
                raise Ended(f"broken: {error}") from None
            if not data:
                self.ending = "closed"
                rest, self._rest = bytes(self._rest), bytearray()
                return rest
            self._rest += data
        end = self._rest.index(b"\n") + 1
        line = bytes(self._rest[:end])
        del self._rest[:end]
        return line

    async def write_bytes(self, data):
        try:
            await asyncio.get_running_loop().sock_sendall(self.sock, data)
        except OSError as error:
            raise Ended(f"broken: {error}") from None

    async def wait_for_end(self, seconds):
        """Reads on until the peer closes. Whatever comes before that is not allowed."""
        try:
            async with asyncio.timeout(seconds):
                while line := await self.read_line():
                    self.record.deviation(f"after the result: {line[:200]!r}")
        except Ended:
            pass
        except TimeoutError:
            self.ending = "open"

    def half_close(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The peer has closed it before.

    async def close(self):
        self.sock.close()


async def read_first_line(sock):
    """The first line of a TCP connection, byte by byte: what follows it stays in the socket.

    Returns it with its newline, or None where none comes.
    """
    loop = asyncio.get_running_loop()
    line = bytearray()
    while not line.endswith(b"\n"):
        if len(line) > 65_535:
            return None
        try:
            byte = await loop.sock_recv(sock, 1)
        except OSError:
            return None
        if not byte:
            return None
        line += byte
    return bytes(line)
