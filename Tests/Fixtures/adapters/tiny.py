"""A TCP transfer as small as can be: the peer in docs/PERFORMANCE.md's example of an adapter.

usage: tiny.py serve PORT | tiny.py send PORT MILLISECONDS
"""

import json
import socket
import sys
import time


def serve(port: int) -> None:
    """Takes one connection, counts what comes, and tells the sender."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        connection, _ = listener.accept()
    with connection:
        received = 0
        while data := connection.recv(1 << 20):
            received += len(data)
        connection.sendall(json.dumps({"received": received}).encode())


def send(port: int, seconds: float) -> None:
    block = bytes(1 << 16)
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.monotonic() - start < seconds:
            connection.sendall(block)
        connection.shutdown(socket.SHUT_WR)
        counted = json.loads(connection.recv(1000))
    print(json.dumps({"transfer": {**counted, "seconds": time.monotonic() - start}}))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        send(int(sys.argv[2]), int(sys.argv[3]) / 1000)
