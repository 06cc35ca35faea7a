"""A private Redis: in memory and in a file that survives kill -9; with TLS, with a login, or as a part of a cluster."""

import os
import shutil
import signal
import socket
import ssl
import unittest

from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, wait_for

_SERVER = shutil.which("redis-server", path="/usr/bin:/usr/sbin")


class Redis:
    """Runs from construction to stop(). `options`: more words for the command line."""

    host = "127.0.0.1"

    def __init__(self, folder, *options, pair=None, ca=None, cluster=False):
        if _SERVER is None:
            raise unittest.SkipTest("redis-server is not installed")
        self.port, self.bus = free_ports(2)
        self.folder, self.ca = folder, ca
        where = ["--port", self.port, *(("--cluster-enabled", "yes", "--cluster-port", self.bus) if cluster else ())]
        if pair is not None:
            where = ["--port", 0, "--tls-port", self.port, "--tls-cert-file", pair[0], "--tls-key-file", pair[1],
                     "--tls-ca-cert-file", ca, "--tls-auth-clients", "no"]
        self.command = [_SERVER, "--bind", self.host, *where, "--dir", folder, "--save", "", "--appendonly", "yes",
                        "--appendfsync", "always", "--repl-diskless-sync-delay", 0, *options]
        self.program = None
        self.start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self):
        self.program = Program(self.command, os.path.join(self.folder, "redis.log"))
        wait_for(lambda: self._up() or not self.program.running(), 60, what="redis-server")
        if not self.program.running():
            raise AssertionError(f"redis-server did not start:\n{self.program.output()}")

    def _up(self):
        try:
            return self.say("PING") is not None
        except OSError:
            return False

    def say(self, *words, user=None):
        """One command; an error is returned as text that begins with "-". `user`: name and password to log in with."""
        with socket.create_connection((self.host, self.port), 20) as wire:
            if "--tls-port" in self.command:
                wire = ssl.create_default_context(cafile=self.ca).wrap_socket(wire, server_hostname="localhost")
            with wire, wire.makefile("rb") as answers:
                for command in ([("AUTH", *user)] if user else []) + [words]:
                    parts = [str(word).encode() for word in command]
                    wire.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
                    answer = self._answer(answers)
                return answer

    def _answer(self, answers):
        line = answers.readline()
        if not line:
            raise OSError("the connection ended")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"$":
            return None if text == "-1" else answers.read(int(text) + 2)[:-2].decode()
        if kind == b"*":
            return [self._answer(answers) for _ in range(int(text))]
        return int(text) if kind == b":" else line[:-2].decode() if kind == b"-" else text

    def user(self, name, user=None, **fields):
        """HSET user:NAME."""
        words = [word for field in fields.items() for word in field]
        answer = self.say("HSET", f"user:{name}", *words, user=user)
        if not isinstance(answer, int):
            raise AssertionError(answer)

    def signal(self, number):
        self.program.signal(number)

    def kill(self):
        self.program.signal(signal.SIGKILL)
        self.program.process.wait(30)

    def stop(self):
        self.program.kill_group()
        self.program.process.wait(30)


def cluster(folder):
    """Three servers that share the slots."""
    made = []
    for number in range(3):
        where = os.path.join(folder, str(number))
        os.makedirs(where)
        made.append(Redis(where, "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no", cluster=True))
    for number, server in enumerate(made):
        server.say("CLUSTER", "ADDSLOTSRANGE", number * 5462, min(number * 5462 + 5461, 16383))
        made[0].say("CLUSTER", "MEET", server.host, server.port, server.bus)
    wait_for(lambda: all("cluster_state:ok" in server.say("CLUSTER", "INFO") and len(server.say("CLUSTER", "SLOTS")) == 3
                         for server in made), 120, what="the cluster")
    return made
