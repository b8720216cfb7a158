"""What is compared with what."""

from typing import Callable

from benchmarks.subjects import handshakes, quic, streams, udp
from benchmarks.subjects.entries import Subject

#: In the order of the tables.
SUBJECTS: dict[str, Callable[[], Subject]] = {
    "quic": quic.quic,
    "quic-streams": quic.streams,
    "quic-connections": quic.connections,
    "quic-interface": quic.interface,
    "handshakes": handshakes.handshakes,
    "tcp": streams.tcp,
    "tls": streams.tls,
    "udp": udp.udp,
}
