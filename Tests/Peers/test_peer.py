"""The peer against itself: what is wrong here is no fault of qrate's.

Run with the interpreter of the virtual environment that scripts/bootstrap --tests makes:
python -m unittest test_peer
"""

import concurrent.futures
import itertools
import json
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from xfr import messages

PEER = str(pathlib.Path(__file__).with_name("xfr_peer.py"))
PATIENCE = 60


class ServerProcess:
    """A server that runs beside the test, and the lines that it prints."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-B", PEER, "serve", "--port", "0", "--pace", "10000000",
             # A busy machine may take longer than xfr's 100 ms to deliver the last bytes.
             "--close-delay", "20", *arguments],
            stdout=subprocess.PIPE, text=True)
        self.lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.port = self.wait(lambda line: line["event"] == "listening")["port"]

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(json.loads(line))
                self._news.notify_all()

    def wait(self, wanted):
        find = lambda: next((line for line in self.lines if wanted(line)), None)
        with self._news:
            if not self._news.wait_for(find, PATIENCE):
                raise AssertionError(f"the server never said it; it said {self.lines}")
            return find()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


def run_client(server, *arguments):
    command = [sys.executable, "-B", PEER, "client", "127.0.0.1", "--port", str(server.port), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if not done.stdout:
        raise AssertionError(done.stderr)
    return done.returncode, json.loads(done.stdout)


class Transfers(unittest.TestCase):
    """Every mode, with both generations."""

    BUDGET = 300_003

    def check(self, server, arguments, protocol, direction, budget=None):
        status, report = run_client(server, *arguments)
        where = " ".join(arguments)
        self.assertEqual((status, report["outcome"], report["deviations"]), (0, "done", []), where)
        identity = report["result"]["id"]
        finished = server.wait(lambda line: line.get("id") == identity)
        self.assertEqual(finished["deviations"], [], where)
        there, here = finished["bytes_received"], report["bytes_sent"]
        back, came = finished["bytes_sent"], report["bytes_received"]
        self.assertEqual(here > 0, direction != "download", where)
        self.assertEqual(came > 0, direction != "upload", where)
        if budget and protocol != "udp":
            self.assertEqual(there, here, where)
            self.assertEqual(back, came, where)
            self.assertEqual({here, came} - {0}, {budget}, where)
        elif protocol != "tcp":
            self.assertLessEqual(there, here, where)
            self.assertLessEqual(came, back, where)
        if budget and protocol == "udp":
            # Whole datagrams, and a rest of 16 bytes or more.
            rest = budget % 1400
            sent = budget if rest >= 16 else budget - rest
            self.assertEqual({here, back} - {0}, {sent}, where)
        return report

    def every_mode(self, protocol, *server_arguments, client_arguments=(), has_budget=True):
        server = ServerProcess(*server_arguments)
        try:
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                running = []
                limits = ["--time 1"] + [f"--bytes {self.BUDGET}"] * has_budget
                for direction, streams, limit in itertools.product(
                        ("upload", "download", "bidir"), ("1", "4"), limits):
                    arguments = [*client_arguments, "--protocol", protocol, "--direction", direction,
                                 "--streams", streams, *limit.split()]
                    arguments += ["--pace", "10000000"] if protocol == "quic" else ["--bitrate", "8000000"]
                    budget = self.BUDGET if limit.startswith("--bytes") else None
                    running.append(pool.submit(self.check, server, arguments, protocol, direction, budget))
                for each in running:
                    each.result()
        finally:
            server.stop()

    def test_tcp(self):
        self.every_mode("tcp")

    def test_udp(self):
        self.every_mode("udp")

    def test_quic(self):
        self.every_mode("quic")

    def test_old_client(self):
        self.every_mode("udp", client_arguments=["--version", "0.9.9"], has_budget=False)

    def test_old_server(self):
        self.every_mode("udp", "--version", "0.9.9", has_budget=False)

    def test_old_tcp(self):
        self.every_mode("tcp", "--version", "0.9.9", client_arguments=["--version", "0.9.9"], has_budget=False)

    def test_old_quic(self):
        self.every_mode("quic", "--version", "0.9.9", client_arguments=["--version", "0.9.9"], has_budget=False)

    def test_tcp_port_per_stream(self):
        self.every_mode("tcp", client_arguments=["--without", "single_port_tcp"])

    def test_udp_port_per_stream(self):
        self.every_mode("udp", client_arguments=["--without", "single_port_udp_v1"])


class Conversations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ServerProcess()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_pause_leaves_the_pause_out(self):
        for protocol in ("tcp", "udp", "quic"):
            with self.subTest(protocol):
                status, report = run_client(
                    self.server, "--protocol", protocol, "--time", "2", "--pause-after", "0.5", "--pause-for", "1.5",
                    "--pace" if protocol == "quic" else "--bitrate", "4000000")
                self.assertEqual((status, report["deviations"]), (0, []))
                times = [json.loads(message["line"])["elapsed_ms"] for message in report["messages"]
                         if '"type":"interval"' in message["line"]]
                self.assertTrue(any(after - before < 500 for before, after in itertools.pairwise(times)), times)
                self.assertLess(report["result"]["duration_ms"], 3500)

    def test_cancel_is_answered_and_the_result_comes(self):
        for protocol, direction in itertools.product(("tcp", "udp", "quic"), ("upload", "download", "bidir")):
            with self.subTest(protocol + direction):
                status, report = run_client(
                    self.server, "--protocol", protocol, "--direction", direction, "--time", "0",
                    "--cancel-after", "0.5", "--pace" if protocol == "quic" else "--bitrate", "4000000")
                self.assertEqual((status, report["outcome"], report["deviations"]), (0, "cancelled", []))
                finished = self.server.wait(lambda line: line.get("id") == report["result"]["id"])
                self.assertEqual(finished["deviations"], [])
                self.assertEqual(finished["outcome"], "cancel: User requested cancellation")

    def test_feedback_comes_twice_a_second(self):
        status, report = run_client(self.server, "--protocol", "udp", "--time", "2", "--bitrate", "4000000")
        self.assertEqual((status, report["deviations"]), (0, []))
        self.assertGreaterEqual(len(report["feedback"][0]), 2)

    def test_mtu_probe_finds_the_largest_rung(self):
        status, report = run_client(self.server, "--protocol", "udp", "--mtu-probe")
        self.assertEqual((status, report["deviations"]), (0, []))
        self.assertEqual(report["mtu_probe"]["forward_max_payload"], 9216 - 28)
        self.assertEqual(report["mtu_probe"]["reverse_max_payload"], 9216 - 28)

    def test_refusals(self):
        for arguments, text in (
                (["--streams", "0"], "Invalid stream count 0 (must be 1-128)"),
                (["--streams", "129"], "Invalid stream count 129 (must be 1-128)"),
                (["--congestion", "none"], "Unsupported congestion control algorithm 'none'"),
                (["--hello-version", "2.0"], "Incompatible protocol version: 2.0 (server: 1.1)"),
                (["--protocol", "quic", "--claim-protocol", "tcp"], "Expected QUIC protocol for QUIC connection")):
            with self.subTest(text):
                status, report = run_client(self.server, *arguments)
                self.assertEqual((status, report["outcome"]), (1, "refused"))
                self.assertTrue(report["error"].startswith(text), report["error"])

    def test_another_alpn_is_refused_in_the_handshake(self):
        status, report = run_client(self.server, "--protocol", "quic", "--alpn", "other")
        self.assertEqual((status, report["outcome"]), (1, "closed"))

    def test_a_lost_client_ends_its_test(self):
        status, report = run_client(
            self.server, "--time", "30", "--bitrate", "4000000", "--close-after", "0.5", "--id", "vanishing")
        self.assertEqual((status, report["outcome"]), (1, "closed"))
        self.assertEqual(self.server.wait(lambda line: line.get("id") == "vanishing")["outcome"], "closed")


class Parser(unittest.TestCase):
    """What xfr's parser takes and refuses."""

    def test_takes(self):
        for line in (
                '{"version":"1.1","type":"hello","extra":{"a":[1.5]}}',
                ' {"type":"hello","version":"1.1","capabilities":null} ',
                '{"type":"interval","id":"T","elapsed_ms":0,"streams":[],"aggregate":{"bytes":0,"throughput_mbps":0}}'):
            messages.parse(line.encode())

    def test_refuses(self):
        for line in (
                '{"type":"report","id":"T"}', '{"id":"T"}', '[]', '{"type":"cancel","id":"T"}',
                '{"type":"pause","id":"T","id":"T"}', '{"type":"pause","id":null}', '{"type":"pause","id":1}',
                '{"type":"test_start","id":"T","protocol":"tcp","streams":10.0,"duration_secs":1,"direction":"upload"}',
                '{"type":"test_start","id":"T","protocol":"tcp","streams":1e1,"duration_secs":1,"direction":"upload"}',
                '{"type":"test_start","id":"T","protocol":"tcp","streams":256,"duration_secs":1,"direction":"upload"}',
                '{"type":"test_start","id":"T","protocol":"sctp","streams":1,"duration_secs":1,"direction":"upload"}',
                '{"type":"test_start","id":"T","protocol":"tcp","streams":1,"duration_secs":1,"direction":"upload",'
                '"zerocopy":null}',
                '{"type":"test_ack","id":"T","data_ports":[1],"udp_token":"00"}',
                '{"type":"interval","id":"T","elapsed_ms":0,"streams":[],"aggregate":{"bytes":0,"throughput_mbps":NaN}}'):
            with self.subTest(line), self.assertRaises(messages.BadMessage):
                messages.parse(line.encode())

    def test_versions(self):
        for version in ("1", "1.0", "1.1", "1.99", "1.1.2"):
            self.assertTrue(messages.is_compatible(version), version)
        for version in ("2.0", "", "1.", ".1", "1.x", "x"):
            self.assertFalse(messages.is_compatible(version), version)


if __name__ == "__main__":
    unittest.main(verbosity=1)
