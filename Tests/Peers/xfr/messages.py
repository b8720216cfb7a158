"""The control messages: what xfr's parser takes, what it refuses, and how xfr writes them."""

import json
import re

VERSION = "1.1"

#: In the order in which xfr 0.9.25 lists them.
CAPABILITIES = (
    "tcp", "udp", "quic", "multistream", "single_port_tcp", "pause_resume", "udp_feedback_v1", "zerocopy_v1",
    "mtu_probe_v1", "single_port_udp_v1", "protected_control_v1", "byte_budget_v1",
)

#: What 0.9.9 lists.
OLD_CAPABILITIES = CAPABILITIES[:6]

#: Every line of the handshake fits into this, its newline included; a peer keeps later ones below it too.
LINE_LIMIT = 65_536

#: What xfr reads from `test_start` on.
LONG_LINE_LIMIT = 1_048_576


class BadMessage(Exception):
    """A line that xfr's parser refuses."""


class Object(dict):
    """A JSON object that remembers which of its keys came twice."""

    def __init__(self, pairs):
        super().__init__(pairs)
        keys = [key for key, _ in pairs]
        self.repeated = {key for key in keys if keys.count(key) > 1} if len(keys) != len(self) else set()


def unsigned(bits):
    def check(value, where):
        # A number with a decimal point or an exponent came out of the JSON reader as a float.
        if type(value) is not int or not 0 <= value < 1 << bits:
            raise BadMessage(f"{where} is {json.dumps(value)}, not an integer of {bits} bits without a sign")
    return check


def number(value, where):
    if type(value) not in (int, float):
        raise BadMessage(f"{where} is {json.dumps(value)}, not a number")


def text(value, where):
    if type(value) is not str:
        raise BadMessage(f"{where} is {json.dumps(value)}, not a string")


def boolean(value, where):
    if type(value) is not bool:
        raise BadMessage(f"{where} is {json.dumps(value)}, not a boolean")


def one_of(*names):
    def check(value, where):
        if value not in names:
            raise BadMessage(f"{where} is {json.dumps(value)}, none of {', '.join(names)}")
    return check


def array(of):
    def check(value, where):
        if type(value) is not list:
            raise BadMessage(f"{where} is no array")
        for index, element in enumerate(value):
            of(element, f"{where}[{index}]")
    return check


REQUIRED, OPTIONAL, DEFAULTED = "required", "optional", "defaulted"


def structure(**fields):
    """A check of an object. Each field is a pair of its presence and its check."""
    def check(value, where):
        if not isinstance(value, Object):
            raise BadMessage(f"{where} is no object")
        for name, (presence, of) in fields.items():
            path = f"{where}.{name}"
            if name in value.repeated:
                raise BadMessage(f"{path} comes twice")
            if name not in value:
                if presence == REQUIRED:
                    raise BadMessage(f"{path} is missing")
            elif value[name] is None and presence == OPTIONAL:
                pass
            else:
                of(value[name], path)
    return check


def required(of):
    return REQUIRED, of


def optional(of):
    return OPTIONAL, of


def defaulted(of):
    return DEFAULTED, of


u8, u16, u32, u64 = (unsigned(bits) for bits in (8, 16, 32, 64))

interval_stream = structure(
    id=required(u8), bytes=required(u64), retransmits=optional(u64), jitter_ms=optional(number), lost=optional(u64),
    error=optional(text), rtt_us=optional(u32), cwnd=optional(u32))

interval_aggregate = structure(
    bytes=required(u64), throughput_mbps=required(number), retransmits=optional(u64), jitter_ms=optional(number),
    lost=optional(u64),
    udp_progress=optional(structure(packets_received=required(u64), packets_lost=required(u64))),
    rtt_us=optional(u32), cwnd=optional(u32), bytes_sent=optional(u64), bytes_received=optional(u64),
    throughput_send_mbps=optional(number), throughput_recv_mbps=optional(number))

result_stream = structure(
    id=required(u8), bytes=required(u64), throughput_mbps=required(number), retransmits=optional(u64),
    jitter_ms=optional(number), lost=optional(u64))

tcp_info = structure(
    retransmits=required(u64), rtt_us=required(u32), rtt_var_us=required(u32), cwnd=required(u32),
    bytes_acked=optional(u64))

udp_stats = structure(
    packets_sent=required(u64), packets_received=required(u64), lost=required(u64), lost_percent=required(number),
    jitter_ms=required(number), out_of_order=required(u64), jitter_max_ms=optional(number), packet_size=optional(u32))

identified = structure(id=required(text))

#: The messages by their `type`.
MESSAGES = {
    "hello": structure(
        version=required(text), client=optional(text), server=optional(text), capabilities=optional(array(text)),
        auth=optional(structure(method=required(text), nonce=required(text))), client_nonce=optional(text)),
    "auth_response": structure(response=required(text)),
    "auth_success": structure(server_proof=optional(text)),
    "test_start": structure(
        id=required(text), protocol=required(one_of("tcp", "udp", "quic")), streams=required(u8),
        duration_secs=required(u32), direction=required(one_of("upload", "download", "bidir")), bitrate=optional(u64),
        congestion=optional(text), mptcp=defaulted(boolean), dscp=optional(u8), window_size=optional(u64),
        zerocopy=defaulted(boolean), mtu_probe=defaulted(boolean), tcp_nodelay=defaulted(boolean),
        byte_budget=optional(u64)),
    "test_ack": structure(id=required(text), data_ports=required(array(u16)), udp_token=optional(text)),
    "data_hello": structure(test_id=required(text), stream_index=required(u16)),
    "interval": structure(
        id=required(text), elapsed_ms=required(u64), streams=required(array(interval_stream)),
        aggregate=required(interval_aggregate)),
    "result": structure(
        id=required(text), bytes_total=required(u64), duration_ms=required(u64), throughput_mbps=required(number),
        streams=required(array(result_stream)), tcp_info=optional(tcp_info), udp_stats=optional(udp_stats),
        bytes_sent=optional(u64), bytes_received=optional(u64), throughput_send_mbps=optional(number),
        throughput_recv_mbps=optional(number)),
    "cancel": structure(id=required(text), reason=required(text)),
    "cancelled": identified,
    "finish": identified,
    "pause": identified,
    "resume": identified,
    "error": structure(message=required(text)),
}


def refuse_constant(name):
    raise BadMessage(f"{name} is no JSON")


def parse(line):
    """Takes a line without its newline, as xfr's parser does.

    Raises BadMessage for what that parser refuses.
    """
    try:
        message = json.loads(line.decode(), object_pairs_hook=Object, parse_constant=refuse_constant)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadMessage(f"no JSON: {error}") from None
    if not isinstance(message, Object):
        raise BadMessage("no JSON object")
    kind = message.get("type")
    if "type" in message.repeated or kind not in MESSAGES:
        raise BadMessage(f"unknown type {json.dumps(kind)}")
    MESSAGES[kind](message, kind)
    if kind == "test_ack" and message["data_ports"] and message.get("udp_token") is not None:
        raise BadMessage("test_ack has ports and a token")
    return message


def oddities(line):
    """What xfr's parser lets pass, and a peer should not send all the same."""
    if line != line.strip():
        yield "blanks around a message"
    if len(line) + 1 > LINE_LIMIT:
        yield f"a line of {len(line) + 1} bytes"


def write(kind, **fields):
    """One line, as xfr writes it: `type` first, absent fields left out."""
    message = {"type": kind} | {name: value for name, value in fields.items() if value is not None}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def is_compatible(version):
    """Whether a peer of this version is one to talk to: all parts numbers, and the first one equal to ours."""
    parts = version.split(".")
    if not all(re.fullmatch("[0-9]+", part) for part in parts):
        return False
    return int(parts[0]) == int(VERSION.split(".")[0])
