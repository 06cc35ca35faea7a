#!/usr/bin/python3
"""Many IMAP clients at a time, in one process.

    crowd_clients.py CA COUNT CLEAR_PORT TLS_PORT    every third session is inside TLS

Reads commands from standard input and prints one line of JSON for each: `login` (COUNT sessions), `noop` (all of them say
NOOP), `logout`. Ends with its input.
"""

import concurrent.futures
import json
import resource
import socket
import ssl
import sys
import time


def until(connection, tag):
    """Reads up to the tagged answer; True if it is OK."""
    said = b""
    while True:
        data = connection.recv(4096)
        if not data:
            return False
        said += data
        for line in said.split(b"\r\n")[:-1]:
            if line.startswith(tag + b" "):
                return line.startswith(tag + b" OK")


class Crowd:
    """COUNT sockets and a few threads that take turns with them."""

    def __init__(self, ca, count, clear, tls):
        self.context = ssl.create_default_context(cafile=ca)
        self.count, self.clear, self.tls = count, clear, tls
        self.pool = concurrent.futures.ThreadPoolExecutor(12)
        self.connections = []

    def _login(self, number):
        try:
            inside = number % 3 == 0
            connection = socket.create_connection(("127.0.0.1", self.tls if inside else self.clear), 30)
            if inside:
                connection = self.context.wrap_socket(connection, server_hostname="localhost")
            connection.sendall(b"a LOGIN user%d secret\r\n" % number)
            return connection if until(connection, b"a") else None
        except OSError:
            return None

    def _ask(self, connection, command):
        try:
            connection.sendall(b"b " + command + b"\r\n")
            return until(connection, b"b")
        except OSError:
            return False

    def login(self):
        made = list(self.pool.map(self._login, range(self.count)))
        self.connections = [connection for connection in made if connection]
        return len(self.connections)

    def noop(self):
        return sum(self.pool.map(lambda connection: self._ask(connection, b"NOOP"), self.connections))

    def logout(self):
        return sum(self.pool.map(lambda connection: self._ask(connection, b"LOGOUT"), self.connections))


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    crowd = Crowd(sys.argv[1], *map(int, sys.argv[2:5]))
    for line in sys.stdin:
        started = time.monotonic()
        done = getattr(crowd, line.strip())()
        print(json.dumps({"command": line.strip(), "ok": done, "seconds": round(time.monotonic() - started, 2)}), flush=True)


if __name__ == "__main__":
    main()
