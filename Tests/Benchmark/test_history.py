"""What the history calls a regression."""

import json
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from benchmarks import history  # noqa: E402


def run(median: float, cpu: str = "a processor", more_is_better: bool = True) -> dict[str, Any]:
    """One with a single ratio, whose interval reaches a twentieth to either side."""
    ratio = {
        "requirement": "fast", "of": "upload", "median": median, "low": median - 0.05, "high": median + 0.05,
        "more_is_better": more_is_better}
    return {"machine": {"cpu": cpu, "cores": 2}, "subjects": {"quic": {"requirements": [ratio]}}}


class History(unittest.TestCase):
    def saved(self, *runs: dict[str, Any]) -> str:
        """What is said of the last of them."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "new" / "history.jsonl"
            said = [history.saved(path, one) for one in runs]
            self.assertEqual(len(history.read(path)), len(runs))
        return said[-1]

    def test_a_ratio_that_fell_beyond_both_intervals_is_a_regression(self) -> None:
        self.assertIn("REGRESSION  quic / fast / upload: 0.500", self.saved(run(0.6), run(0.5)))

    def test_what_lies_within_an_interval_is_none(self) -> None:
        self.assertIn("No regression in 1 figures", self.saved(run(0.6), run(0.57)))

    def test_a_better_figure_is_none(self) -> None:
        self.assertNotIn("REGRESSION", self.saved(run(0.6), run(0.9)))

    def test_of_what_should_be_small_more_is_worse(self) -> None:
        self.assertIn("REGRESSION", self.saved(run(0.6, more_is_better=False), run(0.8, more_is_better=False)))

    def test_another_machine_says_nothing(self) -> None:
        self.assertIn("No regression in 0 figures", self.saved(run(0.9, cpu="another"), run(0.5)))

    def test_one_bad_run_is_no_yardstick(self) -> None:
        self.assertIn("REGRESSION", self.saved(run(0.9), run(0.9), run(0.5), run(0.5)))

    def test_a_share_of_the_floor_counts_too(self) -> None:
        before, after = run(0.6), run(0.6)
        for one, share in ((before, 0.6), (after, 0.4)):
            one["subjects"]["quic"]["share_of_floor"] = {"upload": {"median": share, "low": share, "high": share}}
        self.assertIn("share of floor / upload", self.saved(before, after))

    def test_a_line_cut_short_costs_only_itself(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "history.jsonl"
            whole = json.dumps({**run(0.6), "schema": history.SCHEMA})
            path.write_text(f'{whole[:40]}\n{whole}\n"text"\n', encoding="utf-8")
            self.assertEqual(len(history.read(path)), 1)


if __name__ == "__main__":
    unittest.main()
