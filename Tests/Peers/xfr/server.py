"""The server side: keeps the time, and writes the intervals and the result."""

import asyncio
import json
import socket
import sys

from . import messages, tcp, udp
from .control import Ended, Record, TCPControl, loop_time
from .run import Agreement, Run


class ActiveTest:
    """What data connections and UDP hellos look for."""

    def __init__(self, peer, record, plane, token=None):
        self.peer = peer
        self.record = record
        self.plane = plane
        self.token = token


class Server:
    def __init__(self, options):
        self.options = options
        self.registry = {}
        is_old = options.version == "0.9.9"
        capabilities = messages.OLD_CAPABILITIES if is_old else messages.CAPABILITIES
        self.capabilities = [name for name in capabilities if name not in options.without]
        self.software = f"xfr/{options.version}"
        self._tasks = set()
        self._quic = None

    # The ports

    async def serve(self):
        family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
        listener, shared = self._bind(family)
        port = listener.getsockname()[1]
        if not self.options.no_quic:
            from . import quic
            self._quic = quic.Listener(shared, self.options.alpn, self._quic_connection)
        on_quic = self._quic.datagram if self._quic else lambda datagram, address: None
        udp_port = udp.SharedPort(shared, self.registry, on_quic, self._stray)
        self._spawn(udp_port.serve())
        self.say(event="listening", port=port)
        loop = asyncio.get_running_loop()
        while True:
            sock, address = await loop.sock_accept(listener)
            sock.setblocking(False)
            self._spawn(tcp.route(
                sock, address, self.registry, 5, self._tcp_control, lambda why: self.say(event="dropped", reason=why)))

    def _bind(self, family):
        """TCP and UDP on the same number. Port 0 takes one that is free for both."""
        for attempt in range(20):
            listener = socket.create_server(
                ("", self.options.port), family=family, dualstack_ipv6=family == socket.AF_INET6, backlog=512)
            listener.setblocking(False)
            shared = socket.socket(family, socket.SOCK_DGRAM)
            shared.setblocking(False)
            if family == socket.AF_INET6:
                shared.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, udp.RECEIVE_BUFFER)
            try:
                shared.bind(("", listener.getsockname()[1]))
                return listener, shared
            except OSError:
                listener.close()
                shared.close()
                if self.options.port or attempt == 19:
                    raise

    def _spawn(self, work):
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task):
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            error = task.exception()
            self.say(event="failed", reason=f"{type(error).__name__}: {error}")
            sys.excepthook(type(error), error, error.__traceback__)

    def say(self, **fields):
        print(json.dumps(fields), flush=True)

    def _stray(self, what):
        self.say(event="stray", reason=what)

    # A control connection

    async def _tcp_control(self, sock, address, line, hello):
        record = Record(self.options.transcript)
        control = TCPControl("server", record, sock)
        record.line("client", line)
        for oddity in messages.oddities(line):
            record.deviation(oddity)
        await self._converse(control, hello, tcp.bare_address(address), None, sock.family)

    def _quic_connection(self, connection):
        from . import quic

        async def begin():
            record = Record(self.options.transcript)
            control = quic.QUICControl("server", record, connection)
            try:
                hello = await asyncio.wait_for(control.receive(), 30)
            except (Ended, messages.BadMessage, TimeoutError) as error:
                self.say(event="refused", reason=f"no hello: {error}", deviations=record.deviations)
                return
            await self._converse(control, hello, None, connection, None)

        self._spawn(begin())

    async def _converse(self, control, hello, peer, connection, family):
        try:
            await self._handshake(control, hello, peer, connection, family)
        except (Ended, messages.BadMessage, TimeoutError) as error:
            self._refused(control, str(error) or "time is up", hello)
        finally:
            await control.close()

    def _refused(self, control, reason, hello=None):
        self.say(event="refused", reason=reason, hello=hello, deviations=control.record.deviations,
                 messages=control.record.messages)

    async def _refuse(self, control, text, hello):
        await control.send("error", message=text)
        if hasattr(control, "finish"):
            await control.finish()
            await asyncio.sleep(0.1)
        else:
            control.half_close()
        await control.wait_for_end(2)
        self._refused(control, text, hello)

    async def _handshake(self, control, hello, peer, connection, family):
        if hello["type"] != "hello":
            await self._refuse(control, "Expected hello message", hello)
            return
        if not messages.is_compatible(hello["version"]):
            await self._refuse(
                control, f"Incompatible protocol version: {hello['version']} (server: {messages.VERSION})", hello)
            return
        if hello.get("client") is None:
            control.record.deviation("a client's hello without client")
        challenge = {"method": "psk", "nonce": "00112233" * 8} if self.options.challenge else None
        await control.send(
            "hello", version=self.options.hello_version, server=self.software, capabilities=self.capabilities,
            auth=challenge)
        if self.options.version != "0.9.9":
            control.limit = messages.LONG_LINE_LIMIT
        async with asyncio.timeout(30):
            start = await control.receive()
        if start["type"] != "test_start":
            await self._refuse(control, "Expected test_start message", hello)
            return
        refusal = self.options.refuse or self._refusal(start, connection)
        if refusal:
            await self._refuse(control, refusal, hello)
            return
        if start["protocol"] == "quic" and connection is None:
            self._refused(control, "a QUIC test over a TCP control connection", hello)
            return
        if start.get("byte_budget") is not None and "byte_budget_v1" not in self.capabilities:
            control.record.deviation("byte_budget for a server without byte_budget_v1")
            start = {name: value for name, value in start.items() if name != "byte_budget"}
        await self._test(control, hello, Agreement.of(start), start, peer, connection, family)

    def _refusal(self, start, connection):
        if not 1 <= start["streams"] <= 128:
            return f"Invalid stream count {start['streams']} (must be 1-128)"
        if connection is not None and start["protocol"] != "quic":
            return "Expected QUIC protocol for QUIC connection"
        name = start.get("congestion")
        if start["protocol"] == "tcp" and name and name not in tcp.available_congestion_controls():
            return f"Unsupported congestion control algorithm '{name}': No such file or directory (os error 2)"
        return None

    # A test

    async def _test(self, control, hello, agreement, start, peer, connection, family):
        run = Run("server", agreement, control.record, pace=self.options.pace)
        inbox = asyncio.Queue()
        on_event = lambda what: inbox.put_nowait((what, None))
        client_has = lambda name: name in self.capabilities and name in (hello.get("capabilities") or [])
        test = ActiveTest(peer, control.record, None)
        ack = {"id": agreement.id, "data_ports": []}
        if agreement.protocol == "tcp":
            test.plane = plane = tcp.TCPPlane(run, on_event)
            if not client_has("single_port_tcp"):
                ack["data_ports"] = plane.listen(family)
                plane.accept_each(peer)
        elif agreement.protocol == "udp":
            feedback = client_has("udp_feedback_v1") and agreement.direction == "upload" and not agreement.mtu_probe
            test.plane = plane = udp.UDPPlane(run, on_event, sends_feedback=feedback)
            if client_has("single_port_udp_v1"):
                test.token = plane.make_token()
                ack["udp_token"] = test.token.hex()
            else:
                ack["data_ports"] = plane.listen(family)
        else:
            from . import quic
            test.plane = plane = quic.QUICPlane(run, on_event, connection)
        self.registry[agreement.id] = test
        try:
            await control.send("test_ack", **ack)
            if agreement.protocol == "quic":
                plane.start()
            reader = asyncio.create_task(self._read(control, run, inbox))
            outcome = await TestLoop(self, control, run, plane, inbox).run()
            run.cancelled.set()
            run.clock.resume()
            await plane.stop(3)
            # Who cancels or goes away may tear the streams down before the server has read of it.
            run.settle(is_excused=outcome not in ("duration", "budget"))
            try:
                result = self._result(run, plane)
                await control.send("result", **result)
                await self._wait_for_close(control, reader, connection)
            except Ended as error:
                control.ending = str(error)
            reader.cancel()
        finally:
            if self.registry.get(agreement.id) is test:
                del self.registry[agreement.id]
        if connection is not None:
            await control.close()
            self._check_close(control)
        self.say(
            event="finished", id=agreement.id, outcome=outcome, start=start, client=hello.get("client"),
            bytes_sent=run.bytes_sent, bytes_received=run.bytes_received, duration_ms=result["duration_ms"],
            streams=[counters.json() for counters in run.counters], udp_stats=result.get("udp_stats"),
            control_end=control.ending, deviations=control.record.deviations, messages=control.record.messages)

    async def _read(self, control, run, inbox):
        while True:
            try:
                inbox.put_nowait(("message", await control.receive()))
            except messages.BadMessage:
                pass  # Ignored, and noted as a deviation.
            except Ended as error:
                inbox.put_nowait(("ended", str(error)))
                return

    async def _wait_for_close(self, control, reader, connection):
        """After the result: what the client does then."""
        if connection is not None:
            await control.finish()
            try:
                await asyncio.wait_for(connection.wait_closed(), self.options.close_delay)
            except TimeoutError:
                pass
            return
        control.half_close()
        await asyncio.wait([reader], timeout=2)
        control.ending = control.ending or "open"

    def _check_close(self, control):
        termination = control.connection.termination
        if termination is None:
            return
        if (termination.frame_type, termination.error_code, termination.reason_phrase) != (None, 0, "done"):
            control.record.deviation(f"the connection ended with {control.ending}, not application close 0 \"done\"")

    def _result(self, run, plane):
        agreement = run.agreement
        seconds = max(run.clock.active(), 1e-9)
        megabits = lambda count: count * 8 / seconds / 1e6
        total = run.bytes_sent + run.bytes_received
        result = {
            "id": agreement.id, "bytes_total": total, "duration_ms": int(seconds * 1000),
            "throughput_mbps": megabits(total),
            "streams": [
                {"id": index, "bytes": counters.sent + counters.received,
                 "throughput_mbps": megabits(counters.sent + counters.received)} | plane.stream_fields(index)
                for index, counters in enumerate(run.counters)],
        } | plane.result_fields()
        if agreement.direction == "bidir":
            # The client's view: it sent what was received here.
            result |= {
                "bytes_sent": run.bytes_received, "bytes_received": run.bytes_sent,
                "throughput_send_mbps": megabits(run.bytes_received), "throughput_recv_mbps": megabits(run.bytes_sent)}
        return result


class TestLoop:
    """A test from its ack until it shall end: the ticks, and what the client says meanwhile."""

    def __init__(self, server, control, run, plane, inbox):
        self.server = server
        self.control = control
        self.run_ = run
        self.plane = plane
        self.inbox = inbox
        self.record = control.record
        self.is_old = server.options.version == "0.9.9"
        self._last_tick = loop_time()
        self._is_finished = False
        self._senders_done = not run.sends
        self._receivers_done = not run.receives
        self._finish_by = None

    async def run(self):
        """Returns what ended the test."""
        run, agreement = self.run_, self.run_.agreement
        next_tick = loop_time()
        while True:
            now = loop_time()
            if now >= next_tick:
                if agreement.duration and run.clock.active() >= agreement.duration:
                    return "duration"
                try:
                    await self._interval()
                except Ended as error:
                    return str(error)
                # Late ticks are skipped.
                next_tick += 1 + int(now - next_tick)
                continue
            until = next_tick
            if self._finish_by is not None:
                if now >= self._finish_by and self._senders_done:
                    return "budget"
                until = min(until, max(self._finish_by, now + 0.001))
            try:
                kind, value = await asyncio.wait_for(self.inbox.get(), until - now)
            except TimeoutError:
                continue
            if outcome := await self._handle(kind, value):
                return outcome

    async def _handle(self, kind, value):
        run, agreement = self.run_, self.run_.agreement
        if kind == "ended":
            return value
        if kind == "message":
            if outcome := await self._message(value):
                return outcome
        elif kind == "senders done":
            self._senders_done = True
        elif kind == "receivers done":
            self._receivers_done = True
        if run.budget is None:
            return None
        if agreement.direction == "download":
            return "budget" if self._senders_done else None
        if self._is_finished and self._receivers_done and self._senders_done:
            return "budget"
        return None

    async def _message(self, message):
        run, agreement = self.run_, self.run_.agreement
        kind = message["type"]
        if kind not in ("cancel", "finish", "pause", "resume"):
            self.record.deviation(f"{kind} during a test")
            return None
        if message["id"] != agreement.id:
            self.record.deviation(f"{kind} for another test")
            return None
        if kind == "cancel":
            run.is_ending = True
            await self.control.send("cancelled", id=agreement.id)
            return f"cancel: {message['reason']}"
        if kind == "finish":
            if agreement.byte_budget is None or not run.receives:
                self.record.deviation("finish in a test where the client has no budget")
                return None
            self._is_finished = True
            self._finish_by = loop_time() + (0.25 if agreement.protocol == "udp" else 10)
            return None
        if "pause_resume" not in self.server.capabilities:
            self.record.deviation(f"{kind} for a server without pause_resume")
        elif kind == "pause":
            run.clock.pause()
        else:
            run.clock.resume()
        return None

    async def _interval(self):
        run = self.run_
        now = loop_time()
        seconds = max(now - self._last_tick, 1e-9)
        self._last_tick = now
        megabits = lambda count: count * 8 / seconds / 1e6
        streams, total, sent, received = [], 0, 0, 0
        for index, counters in enumerate(run.counters):
            moved, moved_out, moved_in = counters.since_last()
            total, sent, received = total + moved, sent + moved_out, received + moved_in
            stream = {"id": index, "bytes": moved, "retransmits": 0} | self.plane.interval_fields(index)
            streams.append(stream)
        mean = lambda values: sum(values) / len(values) if values else None
        pick = lambda name: [stream[name] for stream in streams if name in stream]
        aggregate = {
            "bytes": total, "throughput_mbps": megabits(total), "retransmits": sum(pick("retransmits")),
            "jitter_ms": mean(pick("jitter_ms")), "lost": sum(pick("lost")) or None}
        if not self.is_old:
            aggregate |= self.plane.aggregate_fields()
        aggregate["rtt_us"] = int(mean(pick("rtt_us"))) if pick("rtt_us") else None
        aggregate["cwnd"] = sum(pick("cwnd")) if pick("cwnd") else None
        if run.agreement.direction == "bidir":
            aggregate |= {
                "bytes_sent": received, "bytes_received": sent, "throughput_send_mbps": megabits(received),
                "throughput_recv_mbps": megabits(sent)}
        aggregate = {name: value for name, value in aggregate.items() if value is not None}
        await self.control.send(
            "interval", id=run.agreement.id, elapsed_ms=int(run.clock.active() * 1000), streams=streams,
            aggregate=aggregate)
