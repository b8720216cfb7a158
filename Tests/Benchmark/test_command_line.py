"""What scripts/benchmark says of its arguments, without measuring anything."""

import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def benchmark(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ROOT / "scripts" / "benchmark"), *words], capture_output=True, text=True, timeout=60, check=False)


class CommandLine(unittest.TestCase):
    def test_wrong_usage_ends_with_status_64_and_the_reason(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as broken:
            broken.write("name = 3\n")
            broken.flush()
            wrong = {
                ("nothing",): "invalid choice", ("--rounds", "0"): "not between", ("--seconds", "x"): "invalid",
                ("quic", "--only", "nobody"): "no contender is called 'nobody'",
                ("--save", "--against", "x"): "--save keeps what one build does",
                ("--adapter", "/nonexistent.toml"): "/nonexistent.toml", ("--adapter", broken.name): "the file has no server",
            }
            for words, reason in wrong.items():
                with self.subTest(words):
                    done = benchmark(*words)
                    self.assertEqual(done.returncode, 64, done.stderr)
                    self.assertIn(reason, done.stderr)
                    self.assertEqual(done.stdout, "")

    def test_help_names_every_subject(self) -> None:
        done = benchmark("--help")
        self.assertEqual(done.returncode, 0)
        for subject in ("quic:", "quic-streams:", "quic-connections:", "quic-interface:", "handshakes:", "udp:", "pacing:"):
            self.assertIn(subject, done.stdout)

    def test_a_history_that_isnt_there_is_an_empty_one(self) -> None:
        done = benchmark("history", "--history", "/nonexistent")
        self.assertEqual((done.returncode, done.stdout), (0, "Nothing was saved yet.\n"))


if __name__ == "__main__":
    unittest.main()
