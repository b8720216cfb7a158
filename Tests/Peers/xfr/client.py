"""The client side: starts the test, sends or receives, and reads what the server says about it."""

import asyncio
import uuid

from . import checks, messages, tcp, udp
from .control import Ended, Record, TCPControl
from .run import Agreement, Run


class Refused(Exception):
    """The test doesn't take place, or ends at once. Says how: "refused", "version", "psk", "capability", "ack"."""

    def __init__(self, how, text):
        super().__init__(text)
        self.how = how


class Client:
    def __init__(self, options):
        self.options = options
        self.record = Record(options.transcript)
        self.is_old = options.version == "0.9.9"
        known = messages.OLD_CAPABILITIES if self.is_old else messages.CAPABILITIES
        self.capabilities = [name for name in known if name not in options.without]
        self.control = None
        self.connection = None
        self.run = None
        self.plane = None
        self.server = None
        self.intervals = []
        self.result = None
        self.was_cancelled = False
        self.was_paused = False

    async def test(self):
        """Runs the test, and gives what is printed about it."""
        failure = None
        try:
            outcome = await self._test()
        except Refused as error:
            outcome, failure = error.how, str(error)
        except Ended as error:
            outcome, failure = "closed", str(error)
        except messages.BadMessage as error:
            outcome, failure = "unparsable", str(error)
        except TimeoutError:
            outcome, failure = "timeout", "Timeout waiting for server response"
        except OSError as error:
            outcome, failure = "unreachable", str(error)
        if self.plane and self.result is None:
            self.run.is_ending = True
            self.run.cancelled.set()
            await self.plane.stop(3)
            self.run.settle(is_excused=self.options.close_after is not None)
        if self.control:
            if self.options.wait_close or self.result is None and self.options.close_after is None:
                await self.control.wait_for_end(2)
            await self.control.close()
        run = self.run
        return {
            "outcome": outcome, "error": failure,
            "server": self.server and self.server.get("server"),
            "capabilities": self.server and self.server.get("capabilities"),
            "bytes_sent": run and run.bytes_sent, "bytes_received": run and run.bytes_received,
            "streams": run and [counters.json() for counters in run.counters],
            "udp_stats": run and run.receives and self._udp() and self.plane.statistics() or None,
            "feedback": self._udp() and self.plane.feedback or None,
            "mtu_probe": self._udp() and self.plane.probe_report or None,
            "intervals": len(self.intervals), "result": self.result, "control_end": self.control and self.control.ending,
            "deviations": self.record.deviations, "messages": self.record.messages}

    def _udp(self):
        return self.plane is not None and self.run.agreement.protocol == "udp"

    async def _test(self):
        options = self.options
        if options.protocol == "quic":
            from . import quic
            self.connection = await quic.connect(options.host, options.port, options.alpn)
            self.control = quic.QUICControl("client", self.record, self.connection)
        else:
            self.control = TCPControl("client", self.record, await tcp.connect(options.host, options.port))
        await self._handshake()
        ack = await self._start()
        self._make_plane(ack)
        await self.plane.open(options.host, options.port, ack)
        inbox = asyncio.Queue()
        self._inbox.append(inbox)
        reader = asyncio.create_task(self._read(inbox))
        actors = [asyncio.create_task(act) for act in self._actions()]
        try:
            return await self._until_result(inbox)
        finally:
            reader.cancel()
            for actor in actors:
                actor.cancel()

    # The handshake

    async def _receive(self, kind):
        message = await self.control.receive()
        if message["type"] == "error":
            raise Refused("refused", message["message"])
        if message["type"] != kind:
            self.record.deviation(f"{message['type']} where {kind} was expected")
            raise Refused("ack", f"Unexpected {message['type']}")
        return message

    async def _handshake(self):
        await self.control.send(
            "hello", version=self.options.hello_version, client=f"xfr/{self.options.version}",
            capabilities=self.capabilities)
        self.server = await self._receive("hello")
        if self.server.get("server") is None:
            self.record.deviation("a server's hello without server")
        if not messages.is_compatible(self.server["version"]):
            raise Refused("version", self.server["version"])
        if self.server.get("auth") is not None:
            raise Refused("psk", "the server wants a key")
        if self.options.bytes is not None and not self._both("byte_budget_v1"):
            raise Refused("capability", "byte_budget_v1")
        if self.options.mtu_probe and not self._both("mtu_probe_v1"):
            raise Refused("capability", "mtu_probe_v1")

    def _both(self, name):
        return name in self.capabilities and name in (self.server.get("capabilities") or [])

    async def _start(self):
        options = self.options
        start = {
            "id": options.id or str(uuid.uuid4()), "protocol": options.claim_protocol or options.protocol,
            "streams": options.streams, "duration_secs": options.time, "direction": options.direction,
            "bitrate": options.bitrate, "congestion": options.congestion, "dscp": options.dscp,
            "window_size": options.window,
            "zerocopy": True if options.protocol == "tcp" and not self.is_old else None,
            "mtu_probe": True if options.mtu_probe else None, "byte_budget": options.bytes}
        start = {name: value for name, value in start.items() if value is not None}
        await self.control.send("test_start", **start)
        if not self.is_old:
            self.control.limit = messages.LONG_LINE_LIMIT
        self.agreement = Agreement.of(start)
        ack = await self._receive("test_ack")
        if ack["id"] != start["id"]:
            self.record.deviation("test_ack of another test")
        self._check(ack)
        return ack

    def _check(self, ack):
        protocol, ports = self.options.protocol, ack["data_ports"]
        theirs = self.server.get("capabilities") or []
        if ports:
            if len(ports) != self.options.streams:
                raise Refused("ack", f"{len(ports)} data ports for {self.options.streams} streams")
            is_single = protocol == "quic" or protocol == "tcp" and self._both("single_port_tcp") or (
                protocol == "udp" and self._both("single_port_udp_v1"))
            if is_single:
                self.record.deviation(f"data_ports {ports} in a single-port test")
        elif protocol == "tcp" and "single_port_tcp" not in theirs:
            raise Refused("ack", "no data ports")
        elif protocol == "udp" and (ack.get("udp_token") is None or "single_port_udp_v1" not in theirs):
            raise Refused("ack", "no data ports and no token")
        token = ack.get("udp_token")
        if token is not None:
            if protocol != "udp" or not self._both("single_port_udp_v1"):
                self.record.deviation("a udp_token that nobody asked for")
            if len(token) != 32 or any(digit not in "0123456789abcdef" for digit in token):
                self.record.deviation(f"a udp_token that is no 32 hex characters: {token}")
                raise Refused("ack", "bad token")

    # The test

    def _make_plane(self, ack):
        options = self.options
        self.run = run = Run("client", self.agreement, self.record, pace=options.pace)
        self._inbox = []
        on_event = lambda what: self._inbox and self._inbox[0].put_nowait((what, None))
        if options.protocol == "tcp":
            self.plane = tcp.TCPPlane(run, on_event)
        elif options.protocol == "udp":
            feedback = self._both("udp_feedback_v1") and options.direction == "upload"
            self.plane = udp.UDPPlane(run, on_event, expects_feedback=feedback)
        else:
            from . import quic
            self.plane = quic.QUICPlane(run, on_event, self.connection)

    async def _read(self, inbox):
        while True:
            try:
                message = await self.control.receive()
            except (Ended, messages.BadMessage) as error:
                inbox.put_nowait(("failed", error))
                return
            inbox.put_nowait(("message", message))
            if message["type"] == "result":
                return

    def _actions(self):
        """What happens by the clock."""
        options, run = self.options, self.run
        identity = run.agreement.id
        if options.protocol != "quic" and options.time:
            yield self._stop_in_time()
        if options.pause_after is not None:
            yield self._pause(options.pause_after, options.pause_for, identity)
        if options.cancel_after is not None:
            yield self._cancel(options.cancel_after, "User requested cancellation")
        if options.close_after is not None:
            yield self._vanish(options.close_after)
        if options.mtu_probe:
            yield self._probe()

    async def _stop_in_time(self):
        clock, duration = self.run.clock, self.run.agreement.duration
        end = clock.active() + duration
        while (left := end - clock.active()) > 0 or clock.is_paused:
            await asyncio.sleep(max(left, 0.01))
        self.run.cancelled.set()

    async def _pause(self, after, seconds, identity):
        await asyncio.sleep(after)
        self.was_paused = True
        if self._both("pause_resume"):
            await self.control.send("pause", id=identity)
        self.run.clock.pause()
        await asyncio.sleep(seconds)
        if self._both("pause_resume"):
            await self.control.send("resume", id=identity)
        self.run.clock.resume()

    async def _cancel(self, after, reason):
        await asyncio.sleep(after)
        self.was_cancelled = True
        self.run.is_ending = True
        await self.control.send("cancel", id=self.run.agreement.id, reason=reason)
        self.run.cancelled.set()
        self._inbox[0].put_nowait(("hurry", None))

    async def _vanish(self, after):
        await asyncio.sleep(after)
        self.run.is_ending = True
        self._inbox[0].put_nowait(("failed", Ended("closed by us")))

    async def _probe(self):
        await self.plane.probe()
        await self._cancel(0, "MTU probe complete")

    async def _until_result(self, inbox):
        run, options = self.run, self.options
        loop = asyncio.get_running_loop()
        paused = options.pause_for if options.pause_after is not None else 0
        limit = loop.time() + (options.time + 30 + paused if options.time else 120)
        has_finished = was_acknowledged = False
        while True:
            kind, value = await asyncio.wait_for(inbox.get(), max(0, limit - loop.time()))
            if kind == "hurry":
                limit = loop.time() + (10 if options.mtu_probe else 3)
            elif kind == "failed":
                raise value
            elif kind == "senders done":
                if run.budget is not None and run.sends and not has_finished and not self.was_cancelled:
                    has_finished = True
                    await self.control.send("finish", id=run.agreement.id)
            elif kind == "message":
                what = value["type"]
                if what == "interval":
                    checks.interval(
                        run, value, self.intervals[-1] if self.intervals else None, self.record.deviation)
                    self.intervals.append(value)
                elif what == "cancelled":
                    was_acknowledged = True
                    if not self.was_cancelled:
                        self.record.deviation("cancelled without a cancel")
                    limit = min(limit, loop.time() + 3)
                elif what == "error":
                    raise Refused("refused", value["message"])
                elif what == "result":
                    if self.was_cancelled and not was_acknowledged:
                        self.record.deviation("a result without cancelled")
                    await self._finish(value)
                    return "cancelled" if self.was_cancelled else "done"
                else:
                    self.record.deviation(f"{what} during a test")

    async def _finish(self, result):
        run, streams = self.run, self.run.agreement.streams
        self.result = result
        run.is_ending = True
        run.clock.resume()
        join = max(2, 0.05 * streams)
        if self.options.protocol == "quic" and not self.was_cancelled:
            await self.plane.drained(join)
        if self.options.protocol == "udp" or self.options.protocol == "tcp" and run.budget is None:
            run.cancelled.set()
        await self.plane.stop(join)
        was_cut_short = self.was_cancelled or self.options.mtu_probe
        run.settle(is_excused=self.was_cancelled)
        checks.intervals(run, self.intervals, was_cut_short, self.was_paused, self.record.deviation)
        checks.result(run, result, self.intervals, was_cut_short, self.record.deviation)
