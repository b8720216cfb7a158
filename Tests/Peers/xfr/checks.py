"""What a client expects of a server's intervals and result, beyond what the parser does."""


def interval(run, message, before, say):
    """One interval message; `before` is the one that came before it."""
    agreement = run.agreement
    if message["id"] != agreement.id:
        say("an interval of another test")
    ids = [stream["id"] for stream in message["streams"]]
    if ids != list(range(agreement.streams)):
        say(f"an interval with the streams {ids}")
    aggregate = message["aggregate"]
    if aggregate["bytes"] != sum(stream["bytes"] for stream in message["streams"]):
        say("an interval whose streams don't add up to its aggregate")
    if before is None:
        if message["elapsed_ms"] > 500:
            say(f"the first interval is at {message['elapsed_ms']} ms")
    elif message["elapsed_ms"] < before["elapsed_ms"]:
        say("elapsed_ms falls")
    for name in ("bytes_sent", "bytes_received", "throughput_send_mbps", "throughput_recv_mbps"):
        if (aggregate.get(name) is not None) != (agreement.direction == "bidir"):
            say(f"an interval {'without' if agreement.direction == 'bidir' else 'with'} {name}")
    if agreement.direction == "bidir" and "bytes_sent" in aggregate:
        if aggregate["bytes_sent"] + aggregate["bytes_received"] != aggregate["bytes"]:
            say("an interval whose directions don't add up to its aggregate")


def intervals(run, messages, was_cut_short, was_paused, say):
    """All of a test's intervals, at its end."""
    duration = run.agreement.duration
    if not messages:
        say("no interval")
    if duration and not was_cut_short and not was_paused and run.budget is None:
        # One per second, the first at once and none at the end; a tick that comes early makes one more.
        if not duration - 1 <= len(messages) <= duration + 1:
            say(f"{len(messages)} intervals in {duration} s")


def result(run, message, intervals, was_cut_short, say):
    agreement = run.agreement
    if message["id"] != agreement.id:
        say("the result of another test")
    ids = [stream["id"] for stream in message["streams"]]
    if ids != list(range(agreement.streams)):
        say(f"a result with the streams {ids}")
    total = message["bytes_total"]
    if total != sum(stream["bytes"] for stream in message["streams"]):
        say("a result whose streams don't add up to bytes_total")
    if sum(each["aggregate"]["bytes"] for each in intervals) > total and agreement.direction == "upload":
        say("the intervals have more bytes than the result")
    seconds = message["duration_ms"] / 1000
    if seconds > 0.5 and abs(total * 8 / seconds / 1e6 - message["throughput_mbps"]) > 0.01 * message["throughput_mbps"] + 1:
        say(f"throughput_mbps is {message['throughput_mbps']} for {total} bytes in {seconds} s")
    if agreement.duration and not was_cut_short and run.budget is None and seconds < agreement.duration:
        say(f"the test of {agreement.duration} s took {seconds} s")
    for name in ("bytes_sent", "bytes_received", "throughput_send_mbps", "throughput_recv_mbps"):
        if (message.get(name) is not None) != (agreement.direction == "bidir"):
            say(f"a result {'without' if agreement.direction == 'bidir' else 'with'} {name}")
    if agreement.direction == "bidir" and message.get("bytes_sent") is not None:
        if message["bytes_sent"] + message["bytes_received"] != total:
            say("a result whose directions don't add up to bytes_total")
    if message.get("tcp_info") is not None and agreement.protocol != "tcp":
        say(f"a result of a {agreement.protocol} test with tcp_info {message.get('tcp_info')}")
    statistics = message.get("udp_stats")
    if (statistics is not None) != (agreement.protocol == "udp" and agreement.direction != "download"):
        if not agreement.mtu_probe:
            say(f"a result of a {agreement.protocol} {agreement.direction} with udp_stats {statistics}")
    if statistics:
        udp_statistics(statistics, say)
    counts(run, message, was_cut_short, say)


def udp_statistics(statistics, say):
    sent, received, lost = (statistics[name] for name in ("packets_sent", "packets_received", "lost"))
    if sent != received + lost:
        say(f"udp_stats: {sent} packets sent, {received} received, {lost} lost")
    if sent and abs(lost / sent * 100 - statistics["lost_percent"]) > 0.01:
        say(f"udp_stats: lost_percent is {statistics['lost_percent']} for {lost} of {sent}")
    if statistics.get("packet_size") not in (None, 1400):
        say(f"udp_stats: packet_size is {statistics['packet_size']}")


def counts(run, message, was_cut_short, say):
    """The server's counts against our own, as far as the protocol makes them equal."""
    agreement = run.agreement
    there_received = {"upload": message["bytes_total"], "bidir": message.get("bytes_sent")}.get(agreement.direction)
    there_sent = {"download": message["bytes_total"], "bidir": message.get("bytes_received")}.get(agreement.direction)
    if there_received is not None and there_received > run.bytes_sent and agreement.protocol != "tcp":
        say(f"the server received {there_received} bytes of {run.bytes_sent}")
    if run.budget is None or agreement.duration or was_cut_short:
        return
    if agreement.protocol == "udp":
        if there_sent is not None and run.bytes_received > there_sent:
            say(f"the server sent {there_sent} bytes, and {run.bytes_received} came")
        return
    for name, count, mine in (("received", there_received, run.bytes_sent), ("sent", there_sent, run.bytes_received)):
        if count is not None and not count == mine == agreement.byte_budget:
            say(f"of {agreement.byte_budget} bytes the server {name} {count}, and {mine} were counted here")
    if agreement.protocol == "tcp" and agreement.direction != "bidir":
        for counters, stream in zip(run.counters, message["streams"]):
            if counters.sent + counters.received != stream["bytes"]:
                say(f"stream {counters.index}: {stream['bytes']} bytes there, {counters.sent + counters.received} here")
