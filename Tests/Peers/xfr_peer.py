#!/usr/bin/env python3
"""xfr 1.1's two sides, written from its specification: an independent peer for qrate to be tested against.

    xfr_peer.py serve [--port 0] [--version 0.9.9]
    xfr_peer.py client HOST --port PORT --protocol tcp|udp|quic --direction upload|download|bidir ...

The client prints one JSON object about its test, the server one JSON object per line: when it listens, and about every
test. Both are strict: what the other side does and the specification doesn't allow is in `deviations`. QUIC needs
aioquic; requirements.txt has it, and scripts/bootstrap --tests installs it.
"""

import argparse
import asyncio
import json
import sys

from xfr import messages
from xfr.client import Client
from xfr.server import Server


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sides = parser.add_subparsers(dest="side", required=True)
    both = argparse.ArgumentParser(add_help=False)
    both.add_argument("--port", type=int, default=5201)
    both.add_argument("--version", choices=["0.9.25", "0.9.9"], default="0.9.25", help="whose behaviour to show")
    both.add_argument("--without", action="append", default=[], metavar="CAPABILITY", help="a capability not to list")
    both.add_argument("--hello-version", default=messages.VERSION, help="the protocol version to claim")
    both.add_argument("--alpn", default="xfr")
    both.add_argument("--pace", type=int, metavar="BITS", help="bits per second to send over QUIC, told to nobody")
    both.add_argument("--transcript", metavar="FILE", help="append the control conversation to this file")

    serve = sides.add_parser("serve", parents=[both])
    serve.add_argument("--no-quic", action="store_true", help="do without aioquic")
    serve.add_argument("--close-delay", type=float, default=0.1, metavar="SECONDS",
                       help="how long a QUIC client has to close first, after its result")
    serve.add_argument("--refuse", metavar="TEXT", help="answer every test_start with this error")
    serve.add_argument("--challenge", action="store_true", help="ask for a key")

    client = sides.add_parser("client", parents=[both])
    client.add_argument("host")
    client.add_argument("--protocol", choices=["tcp", "udp", "quic"], default="tcp")
    client.add_argument("--direction", choices=["upload", "download", "bidir"], default="upload")
    client.add_argument("--streams", type=int, default=1)
    client.add_argument("--time", type=int, default=None, metavar="SECONDS")
    client.add_argument("--bytes", type=int, metavar="BYTES")
    client.add_argument("--bitrate", type=int, metavar="BITS")
    client.add_argument("--congestion")
    client.add_argument("--dscp", type=int)
    client.add_argument("--window", type=int)
    client.add_argument("--mtu-probe", action="store_true")
    client.add_argument("--id")
    client.add_argument("--claim-protocol", help="what test_start says, whatever runs")
    client.add_argument("--pause-after", type=float, metavar="SECONDS")
    client.add_argument("--pause-for", type=float, default=1, metavar="SECONDS")
    client.add_argument("--cancel-after", type=float, metavar="SECONDS")
    client.add_argument("--close-after", type=float, metavar="SECONDS", help="close the control connection")
    client.add_argument("--wait-close", action="store_true", help="let the server close first")
    options = parser.parse_args()
    if options.side == "client" and options.time is None:
        options.time = 60 if options.mtu_probe else 0 if options.bytes is not None else 10
    return options


async def main():
    options = arguments()
    if options.side == "serve":
        await Server(options).serve()
    report = await Client(options).test()
    print(json.dumps(report, indent=1))
    return 0 if report["outcome"] in ("done", "cancelled") and not report["deviations"] else 1


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
