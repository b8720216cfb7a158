"""A program that is run as its adapter file says."""

import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Iterator, Mapping

from benchmarks.adapters import Adapter, AdapterError, Settings
from benchmarks.processes import Account, Failed, Programs, Running, free_port, loopback_bytes, wait_until_bound
from benchmarks.runs import PATIENCE, Facts, Run, found
from benchmarks.scratch import Scratch

#: Of the transfer that finds out how large a file takes the wanted time.
TRIAL_BYTES = 100_000_000


@dataclass(frozen=True)
class Exchange:
    """One client against one server: what was read, and what each used."""

    read: Mapping[str, float | str]
    client: Account
    server: Account

    def number(self, name: str) -> float | None:
        value = self.read.get(name)
        return float(value) if value is not None else None

    @property
    def facts(self) -> Facts:
        words = {name: str(self.read[name]) for name in ("cipher", "aead", "controller") if name in self.read}
        datagram = self.number("datagram")
        return Facts(**words, datagram=round(datagram) if datagram else None, train=self.number("train"))


class Adapted:
    """One way of running an adapter's program."""

    def __init__(
        self, programs: Programs, scratch: Scratch, adapter: Adapter, name: str, seconds: float, settings: Settings,
        own: Mapping[str, Path] | None = None,
    ) -> None:
        self.programs, self.scratch, self.adapter, self.name = programs, scratch, adapter, name
        self.seconds, self.settings = seconds, settings
        #: Programs that aren't looked for in PATH, by name.
        self.own = own or {}
        self.upload = "download" not in settings
        self.file, self.file_bytes, self.overhead_seconds = "one", 1, 0.0

    def prepare(self) -> None:
        for command in (self.adapter.server, self.adapter.client):
            self._program(command[0])
        if missing := self.adapter.missing_options(self.settings):
            raise Failed(f"{self.adapter.name}'s adapter has no option for {', '.join(missing)}")
        if self.adapter.has_files:
            self._choose_file()

    def run(self) -> Run:
        return self._run(self.settings)

    def at(self, bits_per_second: float) -> Run:
        """The same, sending no faster than that; 0 is as fast as it goes."""
        return self._run({**self.settings, "bitrate": round(bits_per_second)})

    def exchange(self, settings: Settings | None = None) -> Exchange:
        settings = self.settings if settings is None else settings
        limit = (self.seconds * 10 if self.adapter.has_files else self.seconds) + PATIENCE
        with self._serving(settings, limit) as (serving, values):
            before = loopback_bytes()
            output, account = self.programs.run(
                self._found(self.adapter.client_command(settings, values)), limit)
            passed = loopback_bytes() - before
            if self.adapter.ends:
                # Read to its end, or a full pipe would keep the server from ending.
                serving.output.read()
        # An exit status isn't to be relied on, so the interface's own counter bears witness.
        if self.adapter.has_files and passed < self.file_bytes:
            raise Failed(f"only {passed} of {self.file_bytes} bytes went over loopback")
        try:
            return Exchange(self.adapter.read(output), account, serving.account)
        except AdapterError as error:
            raise Failed(str(error)) from error

    @contextmanager
    def _serving(self, settings: Settings, limit: float) -> Iterator[tuple[Running, dict[str, str | int | float]]]:
        kind = socket.SOCK_STREAM if self.adapter.listens == "tcp" else socket.SOCK_DGRAM
        values = self._values(free_port(kind))
        command = self._found(self.adapter.server_command(settings, values))
        with self.programs.serve(command, limit, stop=not self.adapter.ends) as serving:
            if self.adapter.announces:
                values["port"] = int(serving.line_with(self.adapter.announces)["port"])
            else:
                wait_until_bound(kind, int(values["port"]))
            yield serving, values

    def _values(self, port: int) -> dict[str, str | int | float]:
        used = " ".join([*self.adapter.server, *self.adapter.client])
        values: dict[str, str | int | float] = {
            "port": port, "here": str(self.adapter.home), "folder": str(self.scratch.folder),
            "file": self.file, "bytes": self.file_bytes,
            "milliseconds": round(self.seconds * 1000), "direction": "upload" if self.upload else "download",
            # Of programs that take whole seconds only.
            "seconds": max(1, round(self.seconds)),
        }
        if "{certificate}" in used or "{key}" in used:
            certificate, key = self.scratch.credentials()
            values |= {"certificate": str(certificate), "key": str(key)}
        return values

    def _run(self, settings: Settings) -> Run:
        exchange = self.exchange(settings)
        received = self.file_bytes if self.adapter.has_files else exchange.number("bytes") or 0
        seconds = exchange.number("seconds") or exchange.client.wall_seconds - self.overhead_seconds
        if seconds <= 0:
            raise Failed(f"the transfer was over in {exchange.client.wall_seconds:.3f} s, too short to measure")
        rate = exchange.number("bits_per_second")
        lost = exchange.number("loss_percent")
        run = Run.of(
            rate if rate is not None else received * 8 / seconds, received, self.upload, exchange.client,
            exchange.server, lost / 100 if lost is not None else None)
        asked = settings.get("datagram")
        facts = exchange.facts
        return replace(run, facts=replace(facts, datagram=facts.datagram or (int(asked) if asked else None)))

    def _choose_file(self) -> None:
        """A one-byte transfer tells what start, handshake and exit take; a trial how large the file has to be."""
        self.overhead_seconds = median(self.exchange().client.wall_seconds for _ in range(3))
        self._make_file("trial", self.scratch.most(TRIAL_BYTES))
        client = self.exchange().client
        rate = self.file_bytes / max(client.wall_seconds - self.overhead_seconds, 0.01)
        self._make_file(self.name, self.scratch.most(int(rate * self.seconds)))

    def _make_file(self, name: str, size: int) -> None:
        self.scratch.file(name, size)
        self.file, self.file_bytes = name, size

    def _found(self, command: list[str]) -> list[str]:
        return [self._program(command[0]), *command[1:]]

    def _program(self, name: str) -> str:
        if name in self.own:
            if not self.own[name].exists():
                raise Failed(f"{self.own[name]} is not there")
            return str(self.own[name])
        return found(name)
