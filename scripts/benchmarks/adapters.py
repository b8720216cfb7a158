"""Adapter files: how to run another program, said in TOML. docs/PERFORMANCE.md describes the format."""

import json
import re
import string
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Mapping, Sequence

#: What the instrument fills in by itself. An option may use its own name besides.
PLACEHOLDERS = frozenset("port seconds milliseconds here folder file bytes certificate key direction".split())
#: What may be read from a program's output. Numbers first, then what a run says of itself.
NUMBERS = ("bits_per_second", "bytes", "seconds", "loss_percent", "handshakes", "datagram", "train")
WORDS = ("cipher", "aead", "controller")
DIRECTIONS = ("upload", "download")
#: Where an adapter of a shipped program lies.
SHIPPED = Path(__file__).resolve().parent.parent / "adapters"

Settings = Mapping[str, str | int | float]


class AdapterError(Exception):
    """An adapter file doesn't say what one has to; says which part."""


@dataclass(frozen=True)
class Entrant:
    """One way of running the program that the file itself enters into a subject."""

    name: str
    subject: str
    settings: Settings
    #: The contender that it is set against, if any.
    against: str | None


@dataclass(frozen=True)
class Adapter:
    """What an adapter file says."""

    name: str
    measures: Literal["throughput", "handshakes"]
    #: What its server listens on.
    listens: Literal["tcp", "udp"]
    server: Sequence[str]
    #: As `options`, for the server.
    server_options: Mapping[str, Sequence[str]]
    #: Finds the port, as group `port`, in what the server prints; None: it is given one, and the kernel's table tells.
    announces: re.Pattern[str] | None
    #: Whether the server ends by itself after one client.
    ends: bool
    client: Sequence[str]
    #: Whether a client transfers one file of a given size instead of running for a time.
    has_files: bool
    #: Of each setting, the arguments that say it. What isn't here can't be asked of the program.
    options: Mapping[str, Sequence[str]]
    #: By name of what is read: a path into the client's JSON.
    paths: Mapping[str, str]
    #: The same for other output, as named groups.
    pattern: re.Pattern[str] | None
    #: Without a match the run has failed, however the program ended.
    must_match: re.Pattern[str] | None
    #: What is always so.
    facts: Settings
    entrants: Sequence[Entrant] = field(default_factory=list)
    #: Where the file lies.
    home: Path = Path()

    def client_command(self, settings: Settings, values: Settings) -> list[str]:
        return expanded(self.client, self.options, settings, values)

    def server_command(self, settings: Settings, values: Settings) -> list[str]:
        return expanded(self.server, self.server_options, settings, values)

    def missing_options(self, settings: Settings) -> list[str]:
        """What the program can't be asked for. A direction that it has no words for is what it does anyway."""
        return [name for name in settings if name not in self.options and name not in DIRECTIONS]

    def read(self, output: str) -> dict[str, float | str]:
        """What the client's output says.

        :raises AdapterError: where it doesn't say what it must.
        """
        if self.must_match and not self.must_match.search(output):
            raise AdapterError(f"{self.name} printed nothing like {self.must_match.pattern!r}")
        found: dict[str, Any] = {}
        if self.paths:
            try:
                document = json.loads(output)
            except ValueError as error:
                raise AdapterError(f"{self.name} printed no JSON: {error}") from error
            found = {name: value for name, path in self.paths.items() if (value := at(document, path)) is not None}
        if self.pattern:
            match = self.pattern.search(output)
            if match is None:
                raise AdapterError(f"{self.name} printed nothing like {self.pattern.pattern!r}")
            found |= {name: value for name, value in match.groupdict().items() if value is not None}
        try:
            return {**self.facts, **{name: float(v) if name in NUMBERS else str(v) for name, v in found.items()}}
        except (TypeError, ValueError) as error:
            raise AdapterError(f"{self.name} printed something else than a number: {error}") from error


def at(document: Any, path: str) -> Any:
    """
    >>> at({"end": [{"rate": 3}]}, "end.0.rate"), at({"end": []}, "end.0.rate"), at({}, "end")
    (3, None, None)
    """
    for part in path.split("."):
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def expanded(
    command: Sequence[str], options: Mapping[str, Sequence[str]], settings: Settings, values: Settings
) -> list[str]:
    """Options stand where the command says {options}, in the order of the file.

    >>> expanded(["serve", "{options}", "{port}"], {"slow": ["-s", "{slow}"], "wide": ["-w"]}, {"slow": 3}, {"port": 1})
    ['serve', '-s', '3', '1']
    """
    chosen = [
        filled(word, {**values, **settings}) for name, words in options.items() if name in settings for word in words]
    return [
        word for template in command
        for word in (chosen if template == "{options}" else [filled(template, values)])]


def filled(word: str, values: Settings) -> str:
    """
    >>> filled("127.0.0.1:{port}", {"port": 5201})
    '127.0.0.1:5201'
    """
    return word.format_map(values)


def load(path: Path) -> Adapter:
    """Reads and checks a file: a mistake in it is found before anything runs.

    :raises AdapterError: with the file's name and what is wrong.
    """
    try:
        return replace(parse(path.read_text(encoding="utf-8")), home=path.resolve().parent)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AdapterError) as error:
        raise AdapterError(f"{path}: {error}") from error


def shipped(name: str) -> Adapter:
    return load(SHIPPED / f"{name}.toml")


def parse(text: str) -> Adapter:
    whole = Table("the file", tomllib.loads(text))
    server, client, result = (Table(name, whole.take(name, dict)) for name in ("server", "client", "result"))
    adapter = Adapter(
        name=whole.take("name", str),
        measures=whole.one_of("measures", ("throughput", "handshakes"), "throughput"),
        listens=server.one_of("listens", ("tcp", "udp"), "tcp"),
        server=server.words("command"),
        server_options=server.lists("options"),
        announces=server.pattern("announces"),
        ends=server.take("ends", bool, False),
        client=client.words("command"),
        has_files=client.one_of("transfers", ("time", "file"), "time") == "file",
        options=whole.lists("options"),
        paths=result.take("json", dict, {}),
        pattern=result.pattern("pattern"),
        must_match=result.pattern("must_match"),
        facts=whole.take("facts", dict, {}),
        entrants=[entrant(Table("contender", one)) for one in whole.take("contender", list, [])])
    for table in (whole, server, client, result):
        table.refuse_rest()
    check(adapter)
    return adapter


def entrant(table: "Table") -> Entrant:
    made = Entrant(
        table.take("name", str), table.take("subject", str), table.take("settings", dict, {}),
        table.take("against", str, None))
    table.refuse_rest()
    return made


def check(adapter: Adapter) -> None:
    """That every placeholder can be filled and every figure found."""
    for command in (adapter.server, adapter.client):
        refuse_placeholders(command, PLACEHOLDERS | {"options"})
    for name, words in (*adapter.server_options.items(), *adapter.options.items()):
        refuse_placeholders(words, PLACEHOLDERS | {name})
    for one in adapter.entrants:
        if missing := adapter.missing_options(one.settings):
            raise AdapterError(f"[options] says nothing of {', '.join(missing)}, which {one.name} asks for")
    groups = set(adapter.pattern.groupindex if adapter.pattern else ()) | set(adapter.paths)
    if strange := sorted((groups | set(adapter.facts)) - {*NUMBERS, *WORDS}):
        raise AdapterError(f"nothing is called {strange[0]}; there are {', '.join((*NUMBERS, *WORDS))}")
    if adapter.announces and "port" not in adapter.announces.groupindex:
        raise AdapterError("announces has no group called port")
    needed = ["handshakes"] if adapter.measures == "handshakes" else [] if adapter.has_files else ["bytes"]
    if absent := [name for name in needed if name not in groups]:
        raise AdapterError(f"[result] doesn't say where {absent[0]} are found")


def refuse_placeholders(words: Sequence[str], known: set[str] | frozenset[str]) -> None:
    for word in words:
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(word) if name is not None]
        except ValueError as error:
            raise AdapterError(f"{word!r}: {error}") from error
        for name in names:
            if name not in known:
                raise AdapterError(f"{word!r}: nothing is called {{{name}}}; there are {', '.join(sorted(known))}")


class Table:
    """A TOML table whose keys are taken one by one, so that what is left over is a mistake."""

    def __init__(self, name: str, content: Any) -> None:
        if not isinstance(content, dict):
            raise AdapterError(f"{name} is no table")
        self.name, self.rest = name, dict(content)

    def take(self, key: str, kind: type, *default: Any) -> Any:
        if key not in self.rest and default:
            return default[0]
        if key not in self.rest:
            raise AdapterError(f"{self.name} has no {key}")
        value = self.rest.pop(key)
        if not isinstance(value, kind):
            raise AdapterError(f"{key} in {self.name} is not a {kind.__name__}")
        return value

    def words(self, key: str) -> list[str]:
        words: list[Any] = self.take(key, list)
        if not all(isinstance(word, str) for word in words):
            raise AdapterError(f"{key} in {self.name} is not a list of strings")
        return words

    def lists(self, key: str) -> dict[str, list[str]]:
        table = Table(key, self.take(key, dict, {}))
        return {name: table.words(name) for name in list(table.rest)}

    def pattern(self, key: str) -> re.Pattern[str] | None:
        text = self.take(key, str, None)
        try:
            return re.compile(text, re.MULTILINE) if text is not None else None
        except re.error as error:
            raise AdapterError(f"{key} in {self.name}: {error}") from error

    def one_of(self, key: str, choices: Sequence[str], default: str) -> Any:
        value = self.take(key, str, default)
        if value not in choices:
            raise AdapterError(f"{key} in {self.name} is {value!r}, not {' or '.join(choices)}")
        return value

    def refuse_rest(self) -> None:
        if self.rest:
            raise AdapterError(f"{self.name} has {next(iter(self.rest))!r}, which nothing reads")
