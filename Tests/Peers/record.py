#!/usr/bin/env python3
"""Records control conversations for Tests/Fixtures/control/conversations.

    record.py OUTPUT [--qrate PROGRAM]

Without --qrate the peer talks to itself; with it, each of the peer's sides to that qrate's other side. Every file is
one conversation: lines of the client begin with "C> ", lines of the server with "S> ". They are recorded by the peer.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PEER = str(pathlib.Path(__file__).with_name("xfr_peer.py"))
OLD = ["--version", "0.9.9"]

#: By name: arguments of the peer's client, of qrate's client (None where it has no word for it), of the peer's server.
CONVERSATIONS = {
    f"{protocol}-{direction}": (
        ["--protocol", protocol, "--direction", direction, "--streams", "2", "--time", "2"]
        + (["--pace", "10000000"] if protocol == "quic" else ["--bitrate", "10000000"]),
        [f"--{protocol}", "-P", "2", "-t", "2", *words]
        + ([] if protocol == "quic" and direction != "upload" else ["-b", "10M"]), [])
    for protocol in ("tcp", "udp", "quic")
    for direction, words in (("upload", []), ("download", ["-R"]), ("bidir", ["--bidir"]))
} | {
    f"{protocol}-budget": (
        ["--protocol", protocol, "--direction", "bidir", "--bytes", "300003"],
        [f"--{protocol}", "--bidir", "-n", "300003"], [])
    for protocol in ("tcp", "udp", "quic")
} | {
    "tcp-port-per-stream": (["--streams", "2", "--bytes", "300003", "--without", "single_port_tcp"], None, []),
    "udp-old": (
        [*OLD, "--protocol", "udp", "--streams", "2", "--time", "1", "--bitrate", "10000000"],
        ["--udp", "-P", "2", "-t", "1", "-b", "10M"], OLD),
    "tcp-paused": (["--time", "1", "--bitrate", "4000000", "--pause-after", "0.5"], None, []),
    "tcp-cancelled": (["--time", "0", "--bitrate", "4000000", "--cancel-after", "0.5"], None, []),
    "udp-mtu-probe": (["--protocol", "udp", "--mtu-probe"], None, []),
    "tcp-refused": (["--streams", "129"], None, []),
}


def run_server(command, work):
    """Starts a server, gives its port to `work`, and ends it."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        work(json.loads(server.stdout.readline())["port"])
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--qrate")
    options = parser.parse_args()
    peer = [sys.executable, "-B", PEER]
    options.output.mkdir(parents=True, exist_ok=True)
    # qrate keeps its certificate and what it knows of servers there.
    state = tempfile.TemporaryDirectory()
    os.environ["XDG_STATE_HOME"] = state.name

    def file(kind, name):
        path = options.output / f"{kind}-{name}.txt"
        path.unlink(missing_ok=True)
        return ["--transcript", str(path)]

    def client(name, record):
        return lambda port: subprocess.run(
            [*peer, "client", "127.0.0.1", "--port", str(port), *CONVERSATIONS[name][0], *record],
            stdout=subprocess.DEVNULL, check=False)

    for name, (_, words, server) in CONVERSATIONS.items():
        serve = [*peer, "serve", "--port", "0", "--pace", "10000000", *server]
        if not options.qrate:
            run_server(serve, client(name, file("xfr-xfr", name)))
            continue
        run_server([options.qrate, "serve", "-p", "0", "--json"], client(name, file("xfr-qrate", name)))
        if words is not None:
            more = ["--insecure"] if "--quic" in words else []
            run_server(
                serve + file("qrate-xfr", name),
                lambda port: subprocess.run(
                    [options.qrate, "127.0.0.1", "-p", str(port), *words, *more], stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, check=False))


if __name__ == "__main__":
    main()
