"""One test as both sides see it: what was agreed, the clock that pauses stop, and what each stream counted."""

import asyncio
from dataclasses import dataclass

from .control import loop_time


class ActiveClock:
    """Seconds since the start, pauses left out."""

    def __init__(self):
        self._start = loop_time()
        self._paused_since = None
        self._paused = 0.0
        self._running = asyncio.Event()
        self._running.set()

    def active(self):
        now = self._paused_since if self._paused_since is not None else loop_time()
        return now - self._start - self._paused

    @property
    def is_paused(self):
        return self._paused_since is not None

    def pause(self):
        if self._paused_since is None:
            self._paused_since = loop_time()
            self._running.clear()

    def resume(self):
        if self._paused_since is not None:
            self._paused += loop_time() - self._paused_since
            self._paused_since = None
            self._running.set()

    async def running(self):
        await self._running.wait()


class Budget:
    """Bytes that all streams of one sending side share."""

    def __init__(self, total):
        self.left = total

    def take(self, most):
        taken = min(self.left, most)
        self.left -= taken
        return taken

    def give_back(self, count):
        self.left += count


class Counters:
    """What one stream moved, as this side counted it."""

    def __init__(self, index):
        self.index = index
        self.sent = 0
        self.received = 0
        self.endings = []
        self._reported = 0
        self._reported_sent = 0
        self._reported_received = 0
        self.retransmits = 0

    def ended(self, how):
        self.endings.append(how)

    def since_last(self):
        """Bytes since the last call: (together, sent, received)."""
        sent, received = self.sent - self._reported_sent, self.received - self._reported_received
        self._reported_sent, self._reported_received = self.sent, self.received
        # A sender may have taken back what the kernel never got acknowledged.
        return max(0, sent) + max(0, received), max(0, sent), max(0, received)

    def json(self):
        return {"index": self.index, "sent": self.sent, "received": self.received, "endings": self.endings}


@dataclass
class Agreement:
    """What `test_start` says."""

    id: str
    protocol: str
    streams: int
    duration: int
    direction: str
    bitrate: int | None = None
    congestion: str | None = None
    dscp: int | None = None
    window: int | None = None
    mtu_probe: bool = False
    byte_budget: int | None = None

    @classmethod
    def of(cls, start):
        return cls(
            id=start["id"], protocol=start["protocol"], streams=start["streams"], duration=start["duration_secs"],
            direction=start["direction"], bitrate=start.get("bitrate"), congestion=start.get("congestion"),
            dscp=start.get("dscp"), window=start.get("window_size"), mtu_probe=start.get("mtu_probe", False),
            byte_budget=start.get("byte_budget"))


class Run:
    """A test that runs on one side."""

    def __init__(self, role, agreement, record, pace=None):
        self.role = role
        self.agreement = agreement
        self.record = record
        self.clock = ActiveClock()
        #: Set when data tasks shall stop.
        self.cancelled = asyncio.Event()
        #: From when on the peer may end a stream roughly: it has been told to stop, or was told by us.
        self.is_ending = False
        self.counters = [Counters(index) for index in range(agreement.streams)]
        self.budget = None if agreement.byte_budget is None else Budget(agreement.byte_budget)
        #: Bits per second that this side keeps to without telling the other, for QUIC, where `bitrate` is ignored.
        self.pace = pace
        self._broken = []

    @property
    def sends(self):
        return self.agreement.direction in ("bidir", "upload" if self.role == "client" else "download")

    @property
    def receives(self):
        return self.agreement.direction in ("bidir", "download" if self.role == "client" else "upload")

    @property
    def bytes_sent(self):
        return sum(counters.sent for counters in self.counters)

    @property
    def bytes_received(self):
        return sum(counters.received for counters in self.counters)

    def stream_rate(self):
        """Bits per second of one stream that this side sends, 0 where nothing limits it."""
        total = self.agreement.bitrate
        if self.agreement.protocol == "quic":
            total = self.pace or 0
        elif total is None:
            total = 1_000_000_000 if self.agreement.protocol == "udp" else 0
        return max(1, total // self.agreement.streams) if total else 0

    def deadline(self):
        """When, on the active clock, a loop that starts now ends; None for never."""
        return self.clock.active() + self.agreement.duration if self.agreement.duration else None

    def is_due(self, deadline):
        return self.cancelled.is_set() or (deadline is not None and self.clock.active() >= deadline)

    def may_end_roughly(self, deadline):
        """Whether a stream that breaks now has only come to its end: told to stop, or 250 ms or less are left."""
        if self.cancelled.is_set() or self.is_ending:
            return True
        if deadline is None:
            return False
        left = deadline - self.clock.active()
        return left <= 0 or (self.agreement.duration > 0.25 and left < 0.25)

    def broke(self, counters, what, deadline):
        """Notes that a stream broke, as an error where it was too early."""
        if self.may_end_roughly(deadline):
            counters.ended(what)
            return
        left = "" if deadline is None else f", {deadline - self.clock.active():.3f} s before its end"
        counters.ended(f"{what} too early")
        self._broken.append(f"stream {counters.index}: {what}{left}")

    def settle(self, is_excused):
        """At the end: what broke too early is the peer's fault, unless the way in which the test ended excuses it."""
        for what in self._broken:
            if not is_excused:
                self.record.deviation(what)
        self._broken.clear()


async def sleep_until_due(run, deadline, seconds):
    """Sleeps so long, or until the run is cancelled."""
    if deadline is not None:
        seconds = min(seconds, max(0.0, deadline - run.clock.active()))
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        await asyncio.wait_for(run.cancelled.wait(), seconds)
    except TimeoutError:
        pass
