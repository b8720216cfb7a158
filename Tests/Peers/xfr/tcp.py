"""TCP data connections: one per stream, raw bytes, an RST at the end of a timed sender."""

import asyncio
import fcntl
import os
import socket
import struct

from . import messages
from .control import loop_time, read_first_line
from .run import sleep_until_due

BUFFER = 131_072

#: How long a waiting loop may take to notice that its test was stopped.
NAP = 0.02

PAYLOAD = os.urandom(BUFFER)


async def _ready(sock, add, remove, seconds):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    add(sock, lambda: future.done() or future.set_result(None))
    try:
        async with asyncio.timeout(seconds):
            await future
    except TimeoutError:
        pass
    finally:
        remove(sock)


async def readable(sock, seconds=NAP):
    loop = asyncio.get_running_loop()
    await _ready(sock, loop.add_reader, loop.remove_reader, seconds)


async def writable(sock, seconds=NAP):
    loop = asyncio.get_running_loop()
    await _ready(sock, loop.add_writer, loop.remove_writer, seconds)


def info(sock):
    """What the kernel knows: retransmits, rtt_us, rtt_var_us, cwnd in segments, bytes_acked. None once closed."""
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        return None
    word = lambda offset: struct.unpack_from("=I", raw, offset)[0]
    return {
        "retransmits": word(100), "rtt_us": word(68), "rtt_var_us": word(72), "cwnd": word(80),
        "bytes_acked": struct.unpack_from("=Q", raw, 120)[0]}


def unacknowledged(sock):
    """Bytes in the socket's send queue that the peer's kernel hasn't acknowledged (SIOCOUTQ)."""
    return struct.unpack("=i", fcntl.ioctl(sock, 0x5411, b"\0\0\0\0"))[0]


def bare_address(address):
    """An IPv4 address that came in IPv6 clothes is compared as plain IPv4."""
    return address[0].removeprefix("::ffff:")


async def connect(host, port):
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    await loop.sock_connect(sock, address)
    return sock


def prepare(sock, agreement):
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if agreement.congestion:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, agreement.congestion.encode())
    if agreement.window:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, min(agreement.window, 1 << 30))
    if agreement.dscp is not None:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, agreement.dscp)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, agreement.dscp)


def available_congestion_controls():
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="ascii") as file:
        return file.read().split()


class TCPPlane:
    """The data connections of one test, on either side."""

    def __init__(self, run, on_event):
        self.run = run
        self.on_event = on_event
        self.sockets = {}
        self._last = {}
        self._tasks = []
        self._senders_left = self._receivers_left = run.agreement.streams
        self._listeners = []

    # Setting up, at the server

    def listen(self, family):
        """One port per stream, for a client without `single_port_tcp`."""
        for _ in range(self.run.agreement.streams):
            listener = socket.create_server(("", 0), family=family, dualstack_ipv6=family == socket.AF_INET6)
            listener.setblocking(False)
            self._listeners.append(listener)
        return [listener.getsockname()[1] for listener in self._listeners]

    def accept_each(self, peer):
        for index, listener in enumerate(self._listeners):
            self._tasks.append(asyncio.create_task(self._accept(index, listener, peer)))

    async def _accept(self, index, listener, peer):
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(30):
                while True:
                    sock, address = await loop.sock_accept(listener)
                    if bare_address(address) == peer:
                        break
                    sock.close()
        except TimeoutError:
            self.run.record.deviation(f"stream {index}: no connection to its port")
            return
        finally:
            listener.close()
        await self._stream(index, sock)

    def attach(self, index, sock):
        """Takes a connection that a data_hello has named. Returns why not, where it doesn't."""
        if index >= self.run.agreement.streams:
            return f"data_hello for stream {index} of {self.run.agreement.streams}"
        if index in self.sockets:
            return f"a second data_hello for stream {index}"
        self.sockets[index] = sock
        self._tasks.append(asyncio.create_task(self._stream(index, sock)))
        return None

    # Setting up, at the client

    async def open(self, host, port, ack):
        ports = ack["data_ports"]

        async def one(index):
            sock = await connect(host, ports[index] if ports else port)
            if not ports:
                hello = messages.write("data_hello", test_id=self.run.agreement.id, stream_index=index)
                self.run.record.line("client", hello[:-1])
                await asyncio.get_running_loop().sock_sendall(sock, hello)
            self.sockets[index] = sock

        few = asyncio.Semaphore(16)

        async def limited(index):
            async with few:
                await one(index)

        await asyncio.gather(*(limited(index) for index in range(self.run.agreement.streams)))
        for index, sock in sorted(self.sockets.items()):
            self._tasks.append(asyncio.create_task(self._stream(index, sock)))

    # Moving data

    async def _stream(self, index, sock):
        self.sockets[index] = sock
        prepare(sock, self.run.agreement)
        counters = self.run.counters[index]
        deadline = self.run.deadline()
        sender = asyncio.create_task(self._send(counters, sock, deadline)) if self.run.sends else None
        receiver = asyncio.create_task(self._receive(counters, sock, deadline)) if self.run.receives else None
        try:
            if sender and receiver:
                await asyncio.wait([sender, receiver], return_when=asyncio.FIRST_COMPLETED)
                if sender.done() and sender.result() == "reset":
                    # Closing with SO_LINGER 0 ends both directions of the connection.
                    receiver.cancel()
                    counters.ended("receiving ended by own RST")
                    await asyncio.wait([receiver])
                    self._receiver_ended()
                await asyncio.wait([sender, receiver])
            else:
                await (sender or receiver)
            self._note(index, sock)
        finally:
            for task in (sender, receiver):
                if task and not task.done():
                    task.cancel()
            sock.close()

    async def _send(self, counters, sock, deadline):
        run = self.run
        rate = run.stream_rate()
        size = min(BUFFER, max(1, rate // 8 // 10)) if rate else BUFFER
        start, written = run.clock.active(), 0
        how = "reset"
        try:
            while not run.is_due(deadline):
                if run.clock.is_paused:
                    await sleep_until_due(run, None, NAP)
                    continue
                if rate:
                    ahead = written * 8 / rate - (run.clock.active() - start)
                    if ahead > 0:
                        await sleep_until_due(run, deadline, min(ahead, 0.1))
                        continue
                count = size if run.budget is None else run.budget.take(size)
                if count == 0:
                    how = "fin"
                    break
                try:
                    sent = sock.send(memoryview(PAYLOAD)[:count])
                except BlockingIOError:
                    sent = 0
                if run.budget is not None:
                    run.budget.give_back(count - sent)
                counters.sent += sent
                written += sent
                if sent:
                    await asyncio.sleep(0)
                else:
                    await writable(sock)
            if how == "fin":
                sock.shutdown(socket.SHUT_WR)
                counters.ended("sent FIN")
            else:
                counters.sent = max(0, counters.sent - unacknowledged(sock))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                counters.ended("sent RST")
        except OSError as error:
            how = "broken"
            run.broke(counters, f"sending failed: {error.strerror}", deadline)
        self._senders_left -= 1
        if self._senders_left == 0:
            self.on_event("senders done")
        return how

    async def _receive(self, counters, sock, deadline):
        run = self.run
        until = None
        while True:
            if run.cancelled.is_set() and until is None:
                until = loop_time() + 0.2
            if until is not None and loop_time() >= until:
                counters.ended("stopped receiving")
                break
            try:
                data = sock.recv(BUFFER)
            except BlockingIOError:
                await readable(sock)
                continue
            except ConnectionError as error:
                run.broke(counters, f"receiving failed: {error.strerror}", deadline)
                break
            if not data:
                counters.ended("received FIN")
                break
            if until is None:
                counters.received += len(data)
            await asyncio.sleep(0)
        self._receiver_ended()

    def _receiver_ended(self):
        self._receivers_left -= 1
        if self._receivers_left == 0:
            self.on_event("receivers done")

    # Looking at it

    def _note(self, index, sock):
        now = info(sock)
        if now:
            self._last[index] = now
        return now

    def interval_fields(self, index):
        """The kernel's view of a stream since the last call: what a server's interval says beside bytes."""
        sock = self.sockets.get(index)
        if sock is None or sock.fileno() < 0:
            return {}
        before = self._last.get(index, {"retransmits": 0})["retransmits"]
        now = self._note(index, sock)
        if now is None:
            return {}
        return {"retransmits": now["retransmits"] - before, "rtt_us": now["rtt_us"], "cwnd": now["cwnd"]}

    def result_fields(self):
        known = list(self._last.values())
        count = max(1, len(known))
        return {"tcp_info": {
            "retransmits": sum(each["retransmits"] for each in known),
            "rtt_us": sum(each["rtt_us"] for each in known) // count,
            "rtt_var_us": sum(each["rtt_var_us"] for each in known) // count,
            "cwnd": sum(each["cwnd"] for each in known),
            "bytes_acked": sum(each["bytes_acked"] for each in known)}}

    def stream_fields(self, index):
        return {"retransmits": self._last.get(index, {"retransmits": 0})["retransmits"]}

    def aggregate_fields(self):
        return {}

    # Ending

    async def stop(self, seconds):
        """Ends the data tasks, which have been told to, and waits for them so long."""
        for listener in self._listeners:
            listener.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                self.run.record.deviation("a data connection did not end")
                task.cancel()


async def route(sock, address, registry, seconds, on_control, on_reject):
    """Reads the first line of a connection to the main port and gives the connection to whom it belongs."""
    try:
        async with asyncio.timeout(seconds):
            line = await read_first_line(sock)
    except TimeoutError:
        line = None
    if line is None:
        on_reject("no first line")
        sock.close()
        return
    try:
        message = messages.parse(line[:-1])
    except messages.BadMessage as error:
        on_reject(f"{error}: {line[:200]!r}")
        sock.close()
        return
    if message["type"] == "hello":
        await on_control(sock, address, line[:-1], message)
        return
    if message["type"] != "data_hello":
        on_reject(f"a connection begins with {message['type']}")
        sock.close()
        return
    test = registry.get(message["test_id"])
    if test is None:
        refusal = "data_hello for no test"
    elif test.peer != bare_address(address):
        refusal = "data_hello from another address"
    else:
        test.record.line("client", line[:-1])
        refusal = test.plane.attach(message["stream_index"], sock)
        if refusal:
            test.record.deviation(refusal)
    if refusal:
        on_reject(refusal)
        sock.close()
