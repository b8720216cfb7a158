"""QUIC tests: control on stream 0, payload on streams of their own, through aioquic."""

import asyncio
import datetime
import logging
import os
import socket
import ssl

from aioquic import tls
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection, QuicConnectionState
from aioquic.quic.packet import QuicProtocolVersion
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .control import Control, Ended
from .run import sleep_until_due

NAME = "xfr"

# What goes wrong is said once, in the report.
logging.getLogger("quic").setLevel(logging.CRITICAL)
CONTROL_STREAM = 0

#: Bytes that may wait in the library per connection; xfr's has 10 MB, which Python would take seconds to send.
SEND_BUFFER = 1 << 20
WRITE = 16_384


def configuration(is_client, alpn=NAME):
    return QuicConfiguration(
        alpn_protocols=[alpn], is_client=is_client, idle_timeout=30.0, max_data=1 << 60, max_stream_data=1_250_000,
        initial_rtt=0.333, server_name=NAME if is_client else None, verify_mode=ssl.CERT_NONE,
        supported_versions=[QuicProtocolVersion.VERSION_1])


def server_configuration(alpn=NAME):
    """With a certificate made now: self-signed, ECDSA P-256, for the name that all of xfr's clients ask for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rcgen self signed cert")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256()))
    settings = configuration(is_client=False, alpn=alpn)
    settings.certificate, settings.private_key = certificate, key
    return settings


class ClientConnection(QuicConnection):
    """Offers the signature algorithms that xfr's client offers, so that a server with another key can't pass."""

    def _initialize(self, peer_cid):
        super()._initialize(peer_cid)
        self.tls._signature_algorithms = [
            tls.SignatureAlgorithm.ECDSA_SECP256R1_SHA256, tls.SignatureAlgorithm.RSA_PKCS1_SHA256,
            tls.SignatureAlgorithm.ED25519]


class Connection(QuicConnectionProtocol):
    """One QUIC connection: hands its events to the control channel and to the plane."""

    def __init__(self, quic, stream_handler=None, on_made=None):
        super().__init__(quic)
        # quinn's limits.
        for limit, count in ((quic._local_max_streams_bidi, 129), (quic._local_max_streams_uni, 100)):
            limit.value = limit.sent = count
        self.lines = bytearray()
        self.control_ended = None
        self.news = asyncio.Event()
        self.plane = None
        self.early = []
        #: Why the peer closed; None while it is open, and when we did.
        self.termination = None
        self.has_closed = False
        self._on_made = on_made

    @property
    def quic(self):
        return self._quic

    def quic_event_received(self, event):
        if isinstance(event, events.HandshakeCompleted):
            if self._on_made:
                self._on_made(self)
        elif isinstance(event, events.ConnectionTerminated):
            if not self.has_closed:
                self.termination = event
            self.control_ended = self.control_ended or "the connection ended"
            if self.plane:
                self.plane.connection_ended()
        elif isinstance(event, events.StreamDataReceived) and event.stream_id == CONTROL_STREAM:
            self.lines += event.data
            if event.end_stream:
                self.control_ended = "closed"
        elif isinstance(event, events.StreamReset) and event.stream_id == CONTROL_STREAM:
            self.control_ended = "reset"
        elif isinstance(event, (events.StreamDataReceived, events.StreamReset, events.StopSendingReceived)):
            if self.plane:
                self.plane.event(event)
            else:
                self.early.append(event)
        self.news.set()

    def describe_termination(self):
        event = self.termination
        if event is None:
            return None
        kind = "application" if event.frame_type is None else "transport"
        return f"{kind} close {event.error_code} \"{event.reason_phrase}\""

    async def shut(self, reason):
        self.has_closed = True
        if self.termination is None:
            self.close(error_code=0, reason_phrase=reason)
        try:
            async with asyncio.timeout(5):
                await self.wait_closed()
        except TimeoutError:
            pass


class QUICControl(Control):
    """Control lines on stream 0."""

    def __init__(self, role, record, connection):
        super().__init__(role, record)
        self.connection = connection

    async def read_line(self):
        connection = self.connection
        while b"\n" not in connection.lines:
            if connection.control_ended:
                self.ending = connection.describe_termination() or connection.control_ended
                if connection.control_ended != "closed":
                    raise Ended(self.ending)
                rest, connection.lines = bytes(connection.lines), bytearray()
                return rest
            if len(connection.lines) >= self.limit:
                self.record.deviation(f"a line above {self.limit} bytes")
                raise Ended("a line above the limit")
            connection.news.clear()
            await connection.news.wait()
        end = connection.lines.index(b"\n") + 1
        line = bytes(connection.lines[:end])
        del connection.lines[:end]
        return line

    async def write_bytes(self, data):
        try:
            self.connection.quic.send_stream_data(CONTROL_STREAM, data)
        except (RuntimeError, ValueError) as error:
            raise Ended(str(error)) from None
        self.connection.transmit()

    async def finish(self):
        self.connection.quic.send_stream_data(CONTROL_STREAM, b"", end_stream=True)
        self.connection.transmit()

    async def wait_for_end(self, seconds):
        try:
            async with asyncio.timeout(seconds):
                await self.connection.wait_closed()
            self.ending = self.connection.describe_termination() or "closed by us"
        except TimeoutError:
            self.ending = "open"
        if self.connection.lines:
            self.record.deviation(f"after the result: {bytes(self.connection.lines[:200])!r}")

    async def close(self):
        await self.connection.shut("done" if self.role == "client" else "")
        self.ending = self.connection.describe_termination() or self.ending or "closed by us"


class QUICPlane:
    """The data streams of one test, on either side."""

    def __init__(self, run, on_event, connection):
        self.run = run
        self.on_event = on_event
        self.connection = connection
        self._deadline = run.deadline()
        self._streams = {}
        self._receiving = set()
        self._stopped = set()
        self._tasks = []
        self._senders_left = run.agreement.streams
        self._receivers_left = run.agreement.streams
        self._first = {("upload", "client"): 2, ("upload", "server"): 2, ("download", "client"): 3,
                       ("download", "server"): 3}.get((run.agreement.direction, run.role), 4)

    def start(self):
        """Begins: from now on streams of the peer may come, and ours go."""
        self._deadline = self.run.deadline()
        self.connection.plane = self
        opens = (self.run.role == "server") == (self.run.agreement.direction == "download")
        if opens:
            is_one_way = self.run.agreement.direction != "bidir"
            for index in range(self.run.agreement.streams):
                stream = self.connection.quic.get_next_available_stream_id(is_unidirectional=is_one_way)
                assert stream == self._first + 4 * index
                # Shows the stream to the peer, and to the library, which numbers the next one after it.
                self.connection.quic.send_stream_data(stream, b"")
                self._add(stream, index)
        for event in self.connection.early:
            self.event(event)
        self.connection.early.clear()

    async def open(self, host, port, ack):
        if ack["data_ports"]:
            self.run.record.deviation("data_ports in a QUIC test")
        self.start()

    def _add(self, stream, index):
        self._streams[stream] = index
        if self.run.receives:
            self._receiving.add(stream)
        if self.run.sends:
            self._tasks.append(asyncio.create_task(self._send(stream, self.run.counters[index])))

    def event(self, event):
        run, stream = self.run, event.stream_id
        index = self._streams.get(stream)
        if index is None:
            index = (stream - self._first) // 4
            is_awaited = stream % 4 == self._first % 4 and 0 <= index < run.agreement.streams
            if not is_awaited or not run.receives:
                run.record.deviation(f"stream {stream} in a test with {run.agreement.streams} streams from "
                                     f"{self._first}")
                return
            self._add(stream, index)
        counters = run.counters[index]
        if isinstance(event, events.StreamDataReceived):
            if stream not in self._receiving:
                if event.data and not run.cancelled.is_set():
                    run.record.deviation(f"stream {stream}: data that nobody awaits")
                return
            counters.received += len(event.data)
            if event.end_stream:
                self._receiver_ended(stream, counters, "received FIN")
        elif isinstance(event, events.StreamReset):
            if event.error_code != 0:
                run.record.deviation(f"stream {stream}: RESET_STREAM with code {event.error_code}")
            if stream in self._receiving:
                run.broke(counters, "received RESET_STREAM", self._deadline)
                self._receiver_ended(stream, counters)
        else:
            if event.error_code != 0:
                run.record.deviation(f"stream {stream}: STOP_SENDING with code {event.error_code}")
            self._stopped.add(stream)

    def _receiver_ended(self, stream, counters, how=None):
        self._receiving.discard(stream)
        if how:
            counters.ended(how)
        self._receivers_left -= 1
        if self._receivers_left == 0:
            self.on_event("receivers done")

    def connection_ended(self):
        for stream in sorted(self._receiving):
            counters = self.run.counters[self._streams[stream]]
            self.run.broke(counters, "the connection ended", self._deadline)
            self._receiver_ended(stream, counters)

    async def _send(self, stream, counters):
        run, quic = self.run, self.connection.quic
        deadline = run.deadline()
        rate = run.stream_rate()
        size = min(WRITE, max(1, rate // 8 // 10)) if rate else WRITE
        payload = os.urandom(WRITE)
        start = run.clock.active()
        room = SEND_BUFFER // run.agreement.streams
        sender = quic._streams[stream].sender
        while not run.is_due(deadline):
            if stream in self._stopped or self.connection.control_ended == "the connection ended":
                break
            if run.clock.is_paused:
                await sleep_until_due(run, None, 0.02)
                continue
            if rate:
                ahead = counters.sent * 8 / rate - (run.clock.active() - start)
                if ahead > 0:
                    await sleep_until_due(run, deadline, min(ahead, 0.1))
                    continue
            if sender._buffer_stop - sender._buffer_start >= room:
                await sleep_until_due(run, deadline, 0.002)
                continue
            count = size if run.budget is None else run.budget.take(size)
            if count == 0:
                break
            quic.send_stream_data(stream, payload[:count])
            counters.sent += count
            self.connection.transmit()
            await asyncio.sleep(0)
        if stream in self._stopped:
            run.broke(counters, "received STOP_SENDING", deadline)
        elif self.connection.control_ended != "the connection ended":
            quic.send_stream_data(stream, b"", end_stream=True)
            self.connection.transmit()
            counters.ended("sent FIN")
        self._senders_left -= 1
        if self._senders_left == 0:
            self.on_event("senders done")

    # Looking at it

    def interval_fields(self, index):
        return {"retransmits": 0}

    def aggregate_fields(self):
        return {}

    def stream_fields(self, index):
        return {"retransmits": 0}

    def result_fields(self):
        return {}

    # Ending

    async def drained(self, seconds):
        """Waits until every stream that is received has come to its end, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                while self._receiving:
                    await asyncio.sleep(0.005)
        except TimeoutError:
            self.run.record.deviation("a QUIC stream did not end")

    async def stop(self, seconds):
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                self.run.record.deviation("a QUIC stream did not end")
                task.cancel()
        for stream in sorted(self._receiving):
            counters = self.run.counters[self._streams[stream]]
            try:
                self.connection.quic.stop_stream(stream, 0)
                counters.ended("sent STOP_SENDING")
            except ValueError:
                pass
        self._receiving.clear()
        self.connection.transmit()


class SocketTransport:
    """What aioquic wants of a transport, over a socket that others use too."""

    def __init__(self, sock):
        self._sock = sock

    def sendto(self, datagram, address=None):
        try:
            self._sock.sendto(datagram, address)
        except OSError:
            pass  # Lost, as it may be on any path.

    def close(self):
        pass


class Listener:
    """The QUIC side of a server's main UDP port."""

    def __init__(self, sock, alpn, on_connection):
        made = lambda quic, stream_handler=None: Connection(quic, on_made=on_connection)
        self._server = QuicServer(configuration=server_configuration(alpn), create_protocol=made)
        self._server.connection_made(SocketTransport(sock))

    def datagram(self, datagram, address):
        self._server.datagram_received(datagram, address)


async def connect(host, port, alpn=NAME):
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("", 0))
    quic = ClientConnection(configuration=configuration(is_client=True, alpn=alpn))
    _, connection = await loop.create_datagram_endpoint(lambda: Connection(quic), sock=sock)
    connection.connect(address)
    try:
        async with asyncio.timeout(10):
            await connection.wait_connected()
    except ConnectionError:
        raise Ended(connection.describe_termination()) from None
    return connection
