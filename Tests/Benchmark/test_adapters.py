"""What adapter files may say, and how a program is run by one."""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from benchmarks.adapters import SHIPPED, AdapterError, load, parse  # noqa: E402

EXAMPLE = ROOT / "Tests" / "Fixtures" / "adapters" / "tiny.toml"
LEAST = """
name = "p"
[server]
command = ["p", "serve", "{port}"]
[client]
command = ["p", "{options}", "{port}"]
[options]
streams = ["-P", "{streams}"]
wide = ["-w"]
[result]
pattern = '(?P<bytes>\\d+) bytes'
"""


class AdapterFiles(unittest.TestCase):
    def test_every_shipped_adapter_is_right(self) -> None:
        for path in sorted(SHIPPED.glob("*.toml")):
            with self.subTest(path.name):
                self.assertEqual(load(path).name, path.stem)

    def test_options_stand_where_the_command_wants_them_and_only_when_asked_for(self) -> None:
        adapter = parse(LEAST)
        self.assertEqual(adapter.client_command({"streams": 4}, {"port": 7}), ["p", "-P", "4", "7"])
        self.assertEqual(adapter.client_command({"wide": True}, {"port": 7}), ["p", "-w", "7"])
        self.assertEqual(adapter.missing_options({"streams": 1, "controller": "bbr"}), ["controller"])

    def test_a_mistake_is_found_before_anything_runs(self) -> None:
        mistakes = {
            "{prot}": ("{port}", "{prot}"), "bitess": ("bytes>", "bitess>"), "'colour'": ("[server]", "colour = 1\n[server]"),
            "no name": ('name = "p"', ""), "not tcp or udp": ("[server]", "[server]\nlistens = 'sctp'"),
            "where bytes are found": ("(?P<bytes>\\d+)", "\\d+"), "pattern in result": ("(?P<bytes>", "((?P<bytes>"),
            "not a list of strings": ('["-w"]', "[1]"), "no group called port": ("[server]", "[server]\nannounces = 'up'"),
        }
        for words, (old, new) in mistakes.items():
            with self.subTest(words):
                self.assertIn(old, LEAST)
                with self.assertRaisesRegex(AdapterError, re.escape(words)):
                    parse(LEAST.replace(old, new))

    def test_output_is_read_by_pattern_or_path(self) -> None:
        self.assertEqual(parse(LEAST).read("moved 12 bytes"), {"bytes": 12.0})
        by_path = parse(LEAST.replace("pattern = '(?P<bytes>\\d+) bytes'", 'json = { bytes = "end.0.n" }'))
        self.assertEqual(by_path.read('{"end": [{"n": 5}]}'), {"bytes": 5.0})
        self.assertEqual(by_path.read('{"end": []}'), {})

    def test_output_of_another_kind_is_a_failure(self) -> None:
        with self.assertRaises(AdapterError):
            parse(LEAST).read("refused")
        resumed = load(SHIPPED / "openssl-resumed.toml")
        self.assertEqual(resumed.read("starting\nrrr\n\n3 connections in 2 real seconds, 5")["handshakes"], 3)
        with self.assertRaises(AdapterError):
            resumed.read("starting\nr*r\n\n3 connections in 2 real seconds, 5")


class WorkedExample(unittest.TestCase):
    def test_the_documented_adapter_takes_part(self) -> None:
        self.assertIn(EXAMPLE.read_text(encoding="utf-8"), (ROOT / "docs" / "PERFORMANCE.md").read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            document = Path(folder) / "figures.json"
            history = Path(folder) / "history" / "figures.jsonl"
            command = [
                str(ROOT / "scripts" / "benchmark"), "tcp", "--adapter", str(EXAMPLE), "--only", "tiny", "--rounds", "2",
                "--seconds", "0.1", "--json", str(document), "--save", "--history", str(history)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            figures = json.loads(document.read_text(encoding="utf-8"))["subjects"]["tcp"]["figures"]["tiny-upload"]
            self.assertGreater(figures["bits_per_second"]["median"], 0)
            self.assertGreater(figures["sender_cpu"]["median"], 0)
            self.assertEqual(len(history.read_text(encoding="utf-8").splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
