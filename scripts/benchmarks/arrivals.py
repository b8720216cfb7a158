"""When packets arrive over loopback, as the kernel stamps them."""

import socket
import struct
import threading
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

# From the kernel's headers; Python has no names for them.
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
#: Left out at both ends of a flow: handshake, first burst, end.
EDGE_NS = 300_000_000
#: Bytes behind the transport's header that make a packet payload and no acknowledgement.
LEAST_PAYLOAD = 200
#: Milliseconds.
LONGEST_GAP = 5.0


@dataclass(frozen=True)
class Gaps:
    """Between the arrivals of one flow's packets with payload."""

    count: int
    #: The share of those under LONGEST_GAP.
    smooth_share: float
    p99_ms: float
    longest_ms: float


class Arrivals:
    """Watches loopback for the length of a `with`. For root: to others it says nothing."""

    def __init__(self) -> None:
        self._flows: dict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        try:
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        except PermissionError:
            return self
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        tap.settimeout(0.1)
        tap.bind(("lo", 0x0800))
        self._thread = threading.Thread(target=self._watch, args=[tap])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        if self._thread:
            self._thread.join()

    def _watch(self, tap: socket.socket) -> None:
        with tap:
            while not self._is_over.is_set():
                try:
                    packet, stamps, _, (_, _, kind, *_) = tap.recvmsg(128, 64)
                except TimeoutError:
                    continue
                # Each packet is seen twice: leaving and arriving.
                if kind != socket.PACKET_OUTGOING and stamps:
                    self._take(packet, stamps[0][2])

    def _take(self, packet: bytes, stamp: bytes) -> None:
        header = (packet[0] & 15) * 4
        if packet[9] not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) or len(packet) < header + 20:
            return
        source, target = struct.unpack_from("!HH", packet, header)
        transport = 8 if packet[9] == socket.IPPROTO_UDP else (packet[header + 12] >> 4) * 4
        payload = int.from_bytes(packet[2:4], "big") - header - transport
        if payload >= LEAST_PAYLOAD:
            seconds, nanoseconds = struct.unpack("qq", stamp)
            self._flows[packet[9], source, target].append((seconds * 10**9 + nanoseconds, payload))

    def gaps(self, port: int) -> Gaps | None:
        """Of the flow that brought the most to that port; None when nothing was seen."""
        flows = [packets for (_, _, target), packets in self._flows.items() if target == port]
        if not flows:
            return None
        largest = max(flows, key=lambda packets: sum(payload for _, payload in packets))
        return gaps([stamp for stamp, _ in largest])


def gaps(stamps: list[int]) -> Gaps | None:
    """From arrivals in nanoseconds.

    >>> gaps([n * 1_000_000 for n in range(1000)])
    Gaps(count=398, smooth_share=1.0, p99_ms=1.0, longest_ms=1.0)
    >>> gaps([n * 10_000_000 for n in range(100)]).smooth_share
    0.0
    >>> gaps([])
    """
    inner = [stamp for stamp in stamps if stamps[0] + EDGE_NS < stamp <= stamps[-1] - EDGE_NS]
    each = sorted((after - before) / 1e6 for before, after in zip(inner, inner[1:]))
    if not each:
        return None
    smooth = sum(gap < LONGEST_GAP for gap in each) / len(each)
    return Gaps(len(each), smooth, each[int(len(each) * 0.99)], each[-1])
