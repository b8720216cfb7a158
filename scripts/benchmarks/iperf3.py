"""iperf3, with a server of its own for every transfer, so that its CPU account is that transfer's."""

import json
import socket
from typing import Sequence

from benchmarks.processes import Programs, free_port, wait_until_bound
from benchmarks.runs import PATIENCE, Run, found


class Iperf3:
    """One way of running iperf3. The receiving end's count is the rate."""

    def __init__(
        self, programs: Programs, name: str, upload: bool, seconds: float, arguments: Sequence[str] = ()
    ) -> None:
        self.programs, self.name, self.upload = programs, name, upload
        #: It takes whole seconds only.
        self.seconds = max(1, round(seconds))
        self.arguments = list(arguments)

    def prepare(self) -> None:
        found("iperf3")

    def run(self) -> Run:
        return self._transfer(self.arguments)

    def at(self, bits_per_second: float) -> Run:
        """The same, sending no faster than that; 0 is as fast as it goes."""
        return self._transfer([*self.arguments, "-b", str(round(bits_per_second))])

    def _transfer(self, arguments: Sequence[str]) -> Run:
        port = free_port(socket.SOCK_STREAM)
        limit = self.seconds + PATIENCE
        where = ["-p", str(port)]
        server = [found("iperf3"), "-s", "-1", "-B", "127.0.0.1", *where]
        with self.programs.serve(server, limit, stop=False) as serving:
            wait_until_bound(socket.SOCK_STREAM, port)
            client = [found("iperf3"), "-c", "127.0.0.1", *where, "-t", str(self.seconds), "--json"]
            output, account = self.programs.run([*client, *([] if self.upload else ["-R"]), *arguments], limit)
            # Read to its end, or a full pipe would keep the server from ending.
            serving.output.read()
        received = json.loads(output)["end"]["sum_received"]
        loss = received["lost_percent"] / 100 if "lost_percent" in received else None
        return Run.of(
            received["bits_per_second"], received["bytes"], self.upload, account, serving.account, loss)
