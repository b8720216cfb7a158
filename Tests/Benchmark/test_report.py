"""What a table and a verdict say of given rounds."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from benchmarks import report  # noqa: E402
from benchmarks.report import Requirement, faster  # noqa: E402
from benchmarks.runs import Facts, Measured, Run  # noqa: E402


def rounds(*rates: float, facts: Facts = Facts()) -> dict[int, Measured]:
    return {number: Run(rate, 1.0, 2.0, facts=facts) for number, rate in enumerate(rates)}


class Verdicts(unittest.TestCase):
    """Of the ratio of `a` to `b`, where `b` is always 1."""

    def verdict(self, *ratios: float, bound: float | None, is_strict: bool = False) -> str:
        of = faster("", "a", "b")
        estimate = of.estimate({"a": rounds(*ratios), "b": rounds(*[1.0] * len(ratios))})
        assert estimate is not None
        return Requirement("", bound, True, [of], is_strict).verdict(estimate)

    def test_the_median_decides_and_the_interval_is_told(self) -> None:
        self.assertEqual(self.verdict(2, 3, 4, 5, 6, bound=2), "met")
        self.assertEqual(self.verdict(1, 3, 4, 5, 6, bound=2), "met, but not in every round")
        self.assertEqual(self.verdict(1, 1, 1, 5, 6, bound=2), "NOT met")

    def test_where_the_interval_decides_one_end_of_it_is_enough_to_fail(self) -> None:
        self.assertEqual(self.verdict(1, 3, 4, 5, 6, bound=2, is_strict=True), "NOT met")

    def test_two_builds_differ_only_if_the_interval_says_so(self) -> None:
        self.assertEqual(self.verdict(1.1, 1.2, 1.2, 1.2, 1.3, bound=None), "+20.0%")
        self.assertEqual(self.verdict(0.9, 1.2, 1.2, 1.2, 1.3, bound=None), "no difference shown")
        self.assertEqual(self.verdict(1.1, 1.2, bound=None), "too few rounds to tell")

    def test_rounds_that_only_one_has_are_in_no_ratio(self) -> None:
        a, b = rounds(2, 4), rounds(1, 1, 1)
        estimate = faster("", "a", "b").estimate({"a": {1: a[1]}, "b": b})
        self.assertEqual(estimate and estimate.median, 4)
        self.assertIsNone(faster("", "a", "b").estimate({"a": {}, "b": b}))


class Tables(unittest.TestCase):
    def test_a_row_has_the_share_of_its_floor_and_what_is_known(self) -> None:
        known = Facts(datagram=1444, train=44.6, cipher="AES-128-GCM")
        lines = report.table({"q": rounds(1e9, 3e9, 2e9, facts=known), "floor": rounds(4e9, 4e9, 4e9)}, {"q": "floor"})
        self.assertEqual(lines[0].split(), [
            "Gbit/s", "interval", "send", "s/GB", "recv", "s/GB", "of", "floor", "bytes", "train", "cipher"])
        self.assertEqual(lines[1].split(), [
            "q", "2.00", "1.00-3.00", "1.000", "2.000", "50%", "1444", "44.6", "AES-128-GCM"])
        self.assertEqual(lines[2].split()[-4:], ["–", "–", "–", "–"])

    def test_what_nobody_asked_for_is_not_called_missing(self) -> None:
        asked = [Requirement("fast", 1, True, [faster("upload", "a", "b")])]
        self.assertNotIn("fast", report.text({"a": rounds(1)}, {}, asked, {}))
        self.assertIn("not measured", report.text({"a": rounds(1)}, {"b": "broken"}, asked, {}))


if __name__ == "__main__":
    unittest.main()
