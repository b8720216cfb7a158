"""Handshakes: against openssl's own pair, with the same kind of key."""

from benchmarks.adapters import shipped
from benchmarks.report import Comparison, Requirement
from benchmarks.subjects.entries import Subject, adapted

KINDS = ("cold", "resumed")


def handshakes() -> Subject:
    own = shipped("qrate-handshakes")
    transports = ("quic", "tls")
    return Subject(
        [
            *(
                adapted(own, f"qrate-{transport}-{kind}", {transport: True, kind: True})
                for transport in transports for kind in KINDS
            ),
            *(adapted(shipped(f"openssl-{kind}"), f"openssl-{kind}", {}) for kind in KINDS),
        ],
        [
            Requirement(
                "qrate's server: as many handshakes per CPU second as openssl's, same key type", 1.0, True,
                [
                    Comparison(
                        f"{transport}, {kind}", (f"qrate-{transport}-{kind}", f"openssl-{kind}"),
                        lambda runs: float(runs[1].server_cpu_us / runs[0].server_cpu_us))
                    for transport in transports for kind in KINDS
                ])
        ],
        measures="handshakes")
