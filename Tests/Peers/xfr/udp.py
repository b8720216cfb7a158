"""UDP flows: numbered datagrams of 1400 bytes, the single port's hello, live feedback, and the path MTU probe."""

import asyncio
import errno
import os
import socket
import struct

from .control import loop_time
from .run import sleep_until_due
from .tcp import NAP, bare_address, readable, writable

DATAGRAM = 1400
HEADER = struct.Struct(">QQ")
FILLER = os.urandom(DATAGRAM - HEADER.size)

HELLO = struct.Struct(">4sBBH16s")
HELLO_MAGIC = b"\0XFR"
IS_HELLO, IS_ACK = 1, 2

FEEDBACK = struct.Struct(">4sBBHHHQQQ")
FEEDBACK_MAGIC = b"XFRF"

PROBE = struct.Struct(">4sBBHIHH")
PROBE_MAGIC = b"XFRP"
IS_PROBE, IS_PROBE_ACK, IS_ECHO = 1, 2, 3

#: What a receiver's buffer holds: longer datagrams are cut.
BUFFER = 1500

RECEIVE_BUFFER = 4 << 20


def hello(kind, index, token):
    return HELLO.pack(HELLO_MAGIC, 1, kind, index, token)


def is_hello(datagram):
    return len(datagram) == HELLO.size and datagram.startswith(HELLO_MAGIC)


class Meter:
    """What a receiver counts of one flow."""

    def __init__(self):
        self.packets = self.lost = self.out_of_order = 0
        self.jitter = self.jitter_max = 0.0
        self._expected = 0
        self._previous = None

    def take(self, sequence, timestamp, arrival):
        """`timestamp` in microseconds of the sender's clock, `arrival` in microseconds of ours."""
        self.packets += 1
        if sequence >= self._expected:
            self.lost += sequence - self._expected
            self._expected = sequence + 1
        else:
            # The loss that this one was counted as stays.
            self.out_of_order += 1
        if self._previous is not None:
            gap = (arrival - self._previous[0]) - (timestamp - self._previous[1])
            self.jitter += (abs(gap) - self.jitter) / 16
            self.jitter_max = max(self.jitter_max, self.jitter)
        self._previous = (arrival, timestamp)


class DatagramRules:
    """What every sender keeps to, looked at one datagram at a time; nothing here counts."""

    def __init__(self, run, index):
        self._run = run
        self._name = f"stream {index}"
        self._last = None
        self._short = None
        self._first = True

    def look(self, datagram, sequence, timestamp):
        say = self._run.record.deviation
        if len(datagram) != DATAGRAM:
            if self._run.budget is None or len(datagram) > DATAGRAM:
                say(f"{self._name}: a datagram of {len(datagram)} bytes")
            elif self._short is not None:
                say(f"{self._name}: a second datagram below {DATAGRAM} bytes")
            self._short = sequence
        elif self._short is not None and sequence > self._short:
            say(f"{self._name}: a datagram after the budget's last")
        if self._last is None:
            if timestamp > 5_000_000:
                say(f"{self._name}: its first timestamp is {timestamp}, not microseconds since its start")
        elif sequence > self._last[0] and timestamp < self._last[1]:
            say(f"{self._name}: timestamps fall from {self._last[1]} to {timestamp}")
        elif sequence == self._last[0]:
            say(f"{self._name}: sequence number {sequence} twice")
        if self._last is None or sequence > self._last[0]:
            self._last = (sequence, timestamp)


class UDPPlane:
    """The flows of one test, on either side."""

    def __init__(self, run, on_event, sends_feedback=False, expects_feedback=False):
        self.run = run
        self.on_event = on_event
        self.meters = [Meter() for _ in range(run.agreement.streams)]
        self.feedback = [[] for _ in range(run.agreement.streams)]
        self.sends_feedback = sends_feedback
        self.expects_feedback = expects_feedback
        self.probe_report = None
        self._sockets = {}
        self._tasks = []
        self._senders_left = run.agreement.streams
        self._lost_before = [0] * run.agreement.streams
        self._token = None
        #: Where the last datagram of a flow came from, for a socket that isn't connected.
        self._sources = {}

    # Setting up, at the server

    def make_token(self):
        self._token = os.urandom(16)
        return self._token

    def listen(self, family):
        """One port per stream, for a peer without `single_port_udp_v1`."""
        for index in range(self.run.agreement.streams):
            sock = self._socket(family)
            sock.bind(("", 0))
            self._sockets[index] = sock
        ports = [self._sockets[index].getsockname()[1] for index in range(self.run.agreement.streams)]
        for index, sock in self._sockets.items():
            self._tasks.append(asyncio.create_task(self._serve_legacy(index, sock)))
        return ports

    async def _serve_legacy(self, index, sock):
        run = self.run
        if not run.sends:
            await self._stream(index, sock)
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(10):
                datagram, address = await loop.sock_recvfrom(sock, BUFFER)
        except TimeoutError:
            run.record.deviation(f"stream {index}: nothing came to its port")
            return
        if run.agreement.direction == "download" and datagram != b"\0":
            run.record.deviation(f"stream {index}: a download begins with {datagram[:16].hex()}, not with 00")
        sock.connect(address)
        await self._stream(index, sock)

    def greeted(self, index, address, shared):
        """A hello came to the main port: makes this flow's own socket there, and acknowledges from it."""
        if index >= self.run.agreement.streams:
            self.run.record.deviation(f"a UDP hello for stream {index} of {self.run.agreement.streams}")
            return
        sock = self._sockets.get(index)
        if sock is None:
            sock = self._socket(shared.family)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(shared.getsockname())
            sock.connect(address)
            self._sockets[index] = sock
            self._tasks.append(asyncio.create_task(self._stream(index, sock)))
        elif sock.fileno() < 0 or sock.getpeername()[:2] != address[:2]:
            return
        self._answer(sock, index)

    def _answer(self, sock, index):
        try:
            sock.send(hello(IS_ACK, index, self._token))
        except OSError:
            pass

    # Setting up, at the client

    async def open(self, host, port, ack):
        loop = asyncio.get_running_loop()
        ports = ack["data_ports"]
        family, kind, protocol, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        for index in range(self.run.agreement.streams):
            sock = self._socket(family)
            await loop.sock_connect(sock, (address[0], ports[index] if ports else port) + address[2:])
            self._sockets[index] = sock
        if not ports:
            self._token = bytes.fromhex(ack["udp_token"])
            await asyncio.gather(*(self._greet(index) for index in self._sockets))
        for index, sock in self._sockets.items():
            if self.run.agreement.mtu_probe:
                continue
            if ports and self.run.agreement.direction == "download":
                self._tasks.append(asyncio.create_task(self._knock(index, sock)))
            self._tasks.append(asyncio.create_task(self._stream(index, sock)))

    async def _greet(self, index):
        sock = self._sockets[index]
        for _ in range(50):
            try:
                sock.send(hello(IS_HELLO, index, self._token))
            except ConnectionError as error:
                raise ConnectionError(f"UDP hello of stream {index}: {error}") from None
            until = loop_time() + 0.1
            while (left := until - loop_time()) > 0:
                await readable(sock, left)
                try:
                    datagram = sock.recv(BUFFER, socket.MSG_PEEK)
                except BlockingIOError:
                    continue
                if not is_hello(datagram):
                    return
                sock.recv(BUFFER)
                if datagram == hello(IS_ACK, index, self._token):
                    return
                self.run.record.deviation(f"stream {index}: a strange answer to its hello, {datagram.hex()}")
        raise ConnectionError(f"no answer to the UDP hello of stream {index}")

    async def _knock(self, index, sock):
        """Shows a server's port of its own where to send to."""
        for _ in range(50):
            if self.meters[index].packets or self.run.cancelled.is_set():
                return
            try:
                sock.send(b"\0")
            except OSError:
                pass
            await asyncio.sleep(0.1)

    def _socket(self, family):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.run.agreement.window or RECEIVE_BUFFER)
        if self.run.agreement.window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.run.agreement.window)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if self.run.agreement.dscp is not None:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, self.run.agreement.dscp)
        if self.run.agreement.mtu_probe:
            forbid_fragments(sock)
        return sock

    # Moving data

    async def _stream(self, index, sock):
        counters = self.run.counters[index]
        deadline = self.run.deadline()
        loops = [self._read(index, counters, sock)]
        if self.run.sends and not self.run.agreement.mtu_probe:
            loops.append(self._send(counters, sock, deadline))
        if self.sends_feedback:
            loops.append(self._send_feedback(index, sock))
        try:
            await asyncio.gather(*loops)
        finally:
            sock.close()

    async def _send(self, counters, sock, deadline):
        run = self.run
        rate = run.stream_rate()
        tick = DATAGRAM * 8 / rate if rate else 0
        burst = 1
        if tick and tick < 1e-5:
            tick, burst = tick * 100, 100
        start, sequence = loop_time(), 0
        next_tick = start
        is_through = False
        while not is_through and not run.is_due(deadline):
            if run.clock.is_paused:
                await sleep_until_due(run, None, NAP)
                next_tick = loop_time() + tick
                continue
            if tick:
                wait = next_tick - loop_time()
                if wait > 0:
                    await sleep_until_due(run, deadline, wait)
                    continue
                # Missed ticks are skipped.
                next_tick += tick * (1 + int(-wait / tick))
            for _ in range(burst if tick else 100):
                size = DATAGRAM if run.budget is None else run.budget.take(DATAGRAM)
                if size < HEADER.size:
                    is_through = True
                    break
                header = HEADER.pack(sequence, int((loop_time() - start) * 1_000_000))
                try:
                    sock.send(header + FILLER[:size - HEADER.size])
                except OSError as error:
                    if run.budget is not None:
                        run.budget.give_back(size)
                    if error.errno in (errno.EAGAIN, errno.ENOBUFS):
                        await writable(sock)
                        break
                    if error.errno == errno.ECONNREFUSED and run.may_end_roughly(deadline):
                        is_through = True
                        break
                    run.broke(counters, f"sending failed: {error.strerror}", deadline)
                    is_through = True
                    break
                sequence += 1
                counters.sent += size
            await asyncio.sleep(0)
        counters.ended("sent all")
        self._senders_left -= 1
        if self._senders_left == 0:
            self.on_event("senders done")

    async def _read(self, index, counters, sock):
        """Reads a flow's socket: data, and the small packets about it."""
        run = self.run
        rules = DatagramRules(run, index)
        buffer = 65_536 if run.agreement.mtu_probe else BUFFER + 1
        quiet_until = None
        source = None
        while True:
            if run.role == "server" and run.clock.is_paused and not run.cancelled.is_set():
                await sleep_until_due(run, None, NAP)
                continue
            try:
                datagram, source = sock.recvfrom(buffer)
            except BlockingIOError:
                if run.cancelled.is_set():
                    # What is in the socket belongs to the test; a client also waits for what is under way.
                    quiet_until = quiet_until or loop_time() + (0.1 if run.role == "client" else 0)
                    if loop_time() >= quiet_until:
                        break
                await readable(sock)
                continue
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    # The other side has closed its socket, which is how its flows end.
                    if run.cancelled.is_set():
                        break
                    await asyncio.sleep(NAP)
                    continue
                raise
            self._take(index, counters, sock, rules, datagram, source)
            if counters.received % (64 * DATAGRAM) == 0:
                await asyncio.sleep(0)
        if run.receives:
            counters.ended("stopped receiving")

    def _take(self, index, counters, sock, rules, datagram, source):
        run = self.run
        self._sources[index] = source
        if is_hello(datagram):
            if run.role == "server" and datagram == hello(IS_HELLO, index, self._token or b"\0" * 16):
                self._answer(sock, index)
            elif run.role == "server" and any(
                    datagram == hello(IS_HELLO, other, self._token or b"\0" * 16) for other in range(run.agreement.streams)):
                # Another flow's, which this socket took between its bind and its connect. It comes again.
                pass
            elif run.role == "server" or datagram != hello(IS_ACK, index, self._token or b"\0" * 16):
                run.record.deviation(f"stream {index}: a stray hello, {datagram.hex()}")
            return
        if run.agreement.mtu_probe:
            if run.role == "server":
                self._answer_probe(index, sock, datagram, source)
            return
        if run.role == "client" and len(datagram) == FEEDBACK.size and datagram.startswith(FEEDBACK_MAGIC):
            self._take_feedback(index, datagram)
            return
        if datagram == b"\0" and run.role == "server" and not self._token and run.agreement.direction == "download":
            return
        if not run.receives:
            run.record.deviation(f"stream {index}: {len(datagram)} bytes that nobody awaits, {datagram[:24].hex()}")
            return
        counters.received += min(len(datagram), BUFFER)
        if len(datagram) < HEADER.size:
            run.record.deviation(f"stream {index}: a datagram of {len(datagram)} bytes")
            return
        sequence, timestamp = HEADER.unpack_from(datagram)
        self.meters[index].take(sequence, timestamp, loop_time() * 1_000_000)
        rules.look(datagram, sequence, timestamp)

    # Feedback

    async def _send_feedback(self, index, sock):
        run, meter, start = self.run, self.meters[index], loop_time()
        while not run.cancelled.is_set():
            await sleep_until_due(run, None, 0.5)
            if run.cancelled.is_set() or not meter.packets:
                continue
            packet = FEEDBACK.pack(
                FEEDBACK_MAGIC, 1, 1, 0, index, 0, int((loop_time() - start) * 1000), meter.packets, meter.lost)
            try:
                sock.send(packet) if self._token else sock.sendto(packet, self._sources[index])
            except OSError:
                pass

    def _take_feedback(self, index, datagram):
        _, version, kind, flags, stream, reserved, elapsed, received, lost = FEEDBACK.unpack(datagram)
        say = lambda what: self.run.record.deviation(f"stream {index}: feedback {what}")
        if not self.expects_feedback:
            say("that was not agreed")
        if (version, kind, flags, reserved) != (1, 1, 0, 0):
            say(f"with the head {datagram[:12].hex()}")
        if stream != index:
            say(f"for stream {stream}")
        readings = self.feedback[index]
        if received == 0:
            say("before the first data")
        if readings:
            before = readings[-1]
            if elapsed < before["elapsed_ms"] or received + lost < before["received"] + before["lost"]:
                say("that goes backwards")
        readings.append({"elapsed_ms": elapsed, "received": received, "lost": lost})

    # The path MTU

    def _answer_probe(self, index, sock, datagram, source):
        if len(datagram) < PROBE.size or not datagram.startswith(PROBE_MAGIC):
            self.run.record.deviation(f"stream {index}: {len(datagram)} bytes that are no probe")
            return
        _, version, kind, flags, sequence, size, reserved = PROBE.unpack_from(datagram)
        if (version, kind, flags, reserved) != (1, IS_PROBE, 0, 0) or not PROBE.size <= size <= len(datagram):
            self.run.record.deviation(f"stream {index}: a probe with the head {datagram[:16].hex()}")
            return
        for answer, length in ((IS_PROBE_ACK, PROBE.size), (IS_ECHO, size)):
            packet = PROBE.pack(PROBE_MAGIC, 1, answer, 0, sequence, size, 0).ljust(length, b"\0")
            try:
                sock.send(packet) if self._token else sock.sendto(packet, source)
            except OSError:
                pass

    async def probe(self):
        """Looks for the largest datagram that passes, as xfr's client does."""
        sock = self._sockets[0]
        is_ipv6 = sock.family == socket.AF_INET6 and not sock.getpeername()[0].startswith("::ffff:")
        headers = 48 if is_ipv6 else 28
        rungs = [size - headers for size in (576, 1280, 1492, 1500, 4352, 9000, 9216) if not is_ipv6 or size >= 1280]
        tried, sequence = [], 0

        async def verdict(size):
            nonlocal sequence
            result = {"payload": size, "forward_ok": 0, "reverse_ok": 0, "attempts": 0}
            tried.append(result)
            for _ in range(3):
                result["attempts"] += 1
                sequence += 1
                try:
                    sock.send(PROBE.pack(PROBE_MAGIC, 1, IS_PROBE, 0, sequence, size, 0).ljust(size, b"\0"))
                except OSError as error:
                    if error.errno != errno.EMSGSIZE:
                        raise
                    result["forward"] = result["reverse"] = "LocalLimit"
                    return False
                until = loop_time() + 0.25
                while (left := until - loop_time()) > 0 and not result["reverse_ok"]:
                    await readable(sock, left)
                    try:
                        answer = sock.recv(65_536)
                    except BlockingIOError:
                        continue
                    if is_hello(answer):
                        continue
                    kind = self._checked_answer(answer, sequence, size)
                    result["forward_ok"] |= kind in (IS_PROBE_ACK, IS_ECHO)
                    result["reverse_ok"] |= kind == IS_ECHO
                if result["reverse_ok"]:
                    break
            result["forward"] = "Pass" if result["forward_ok"] else "Fail"
            result["reverse"] = "Pass" if result["reverse_ok"] else "Fail" if result["forward_ok"] else "Untested"
            return bool(result["forward_ok"])

        passed, failed = 0, None
        for size in rungs:
            if failed is not None and size >= failed:
                continue
            if await verdict(size):
                passed = max(passed, size)
            else:
                failed = size if failed is None else min(failed, size)
        while passed and failed is not None and failed - passed > 1:
            middle = (passed + failed) // 2
            if await verdict(middle):
                passed = middle
            else:
                failed = middle
        reverse = max((result["payload"] for result in tried if result["reverse_ok"]), default=None)
        self.probe_report = {
            "forward_max_payload": passed or None, "reverse_max_payload": reverse,
            "forward_path_mtu": passed + headers if passed else None,
            "reverse_path_mtu": reverse + headers if reverse else None, "ipv6": is_ipv6, "sizes": tried}

    def _checked_answer(self, answer, sequence, size):
        say = lambda what: self.run.record.deviation(f"an answer to a probe {what}: {answer[:16].hex()}")
        if len(answer) < PROBE.size or not answer.startswith(PROBE_MAGIC):
            say("is none")
            return None
        _, version, kind, flags, answered, declared, reserved = PROBE.unpack_from(answer)
        if (version, flags, reserved) != (1, 0, 0) or kind not in (IS_PROBE_ACK, IS_ECHO):
            say("has a strange head")
            return None
        if answered != sequence:
            return None
        if declared != size or len(answer) != (PROBE.size if kind == IS_PROBE_ACK else size):
            say(f"has {len(answer)} bytes")
            return None
        return kind

    # Looking at it

    def interval_fields(self, index):
        meter = self.meters[index]
        lost, self._lost_before[index] = meter.lost - self._lost_before[index], meter.lost
        fields = {"retransmits": 0}
        if meter.jitter > 0:
            fields["jitter_ms"] = meter.jitter / 1000
        if lost:
            fields["lost"] = lost
        return fields

    def aggregate_fields(self):
        if not self.run.receives:
            return {}
        return {"udp_progress": {
            "packets_received": sum(meter.packets for meter in self.meters),
            "packets_lost": sum(meter.lost for meter in self.meters)}}

    def stream_fields(self, index):
        return {"retransmits": 0}

    def result_fields(self):
        return {"udp_stats": self.statistics()} if self.run.receives else {}

    def statistics(self):
        received = sum(meter.packets for meter in self.meters)
        lost = sum(meter.lost for meter in self.meters)
        return {
            "packets_sent": received + lost, "packets_received": received, "lost": lost,
            "lost_percent": lost / (received + lost) * 100 if received + lost else 0.0,
            "jitter_ms": sum(meter.jitter for meter in self.meters) / len(self.meters) / 1000,
            "out_of_order": sum(meter.out_of_order for meter in self.meters),
            "jitter_max_ms": max(meter.jitter_max for meter in self.meters) / 1000, "packet_size": DATAGRAM}

    # Ending

    async def stop(self, seconds):
        if self.run.agreement.mtu_probe and self.run.role == "client":
            for sock in self._sockets.values():
                sock.close()
        if self._tasks:
            done, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                self.run.record.deviation("a UDP flow did not end")
                task.cancel()
            for task in done:
                task.result()


def forbid_fragments(sock):
    """Sets don't-fragment (IP_MTU_DISCOVER, IPV6_MTU_DISCOVER to DO)."""
    for level, option in ((socket.IPPROTO_IP, 10), (socket.IPPROTO_IPV6, 23)):
        try:
            sock.setsockopt(level, option, 2)
        except OSError:
            pass


class SharedPort:
    """The server's UDP socket on its main port: hellos and QUIC come to it."""

    def __init__(self, sock, registry, on_quic, on_stray):
        self.sock = sock
        self.registry = registry
        self.on_quic = on_quic
        self.on_stray = on_stray

    async def serve(self):
        loop = asyncio.get_running_loop()
        while True:
            datagram, address = await loop.sock_recvfrom(self.sock, 65_536)
            if is_hello(datagram):
                self._greeted(datagram, address)
            elif datagram and datagram[0] & 0xC0:
                self.on_quic(datagram, address)
            else:
                self.on_stray(f"{len(datagram)} bytes on the main UDP port, {datagram[:24].hex()}")

    def _greeted(self, datagram, address):
        _, version, kind, index, token = HELLO.unpack(datagram)
        test = next((test for test in self.registry.values() if test.token == token), None)
        if (version, kind) != (1, IS_HELLO):
            self.on_stray(f"a strange UDP hello, {datagram.hex()}")
        elif test is None:
            self.on_stray("a UDP hello with an unknown token")
        elif bare_address(address) != test.peer:
            self.on_stray("a UDP hello from another address")
        else:
            test.plane.greeted(index, address, self.sock)
