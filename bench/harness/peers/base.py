"""What every peer is: a program on free ports before one fake backend, and a way to find its processes."""

import os
import socket

from bench.harness.processes import on_core
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, run, wait_for

CIPHER = "TLS_AES_128_GCM_SHA256"  # what all of them speak, and nothing else
CURVE = "X25519"
DOORS = (("imap", False), ("imap", True), ("pop3", False), ("pop3", True))  # (protocol, TLS)

# Bases of IMAP and POP3 that proxies announce on their own; a client of the bench does not look.
IMAP_CAPABILITIES = ("IMAP4rev1", "SASL-IR", "LITERAL+", "ID", "IDLE")


class Peer:
    """Runs between start() and stop(). A subclass writes its files and names its commands.

    kind: of the certificate. backend_tls: TLS towards the backend too. sessions: how many at a time it must hold.
    """

    name = ""       # in results and on the command line
    title = ""      # for people
    note = ""       # what the reader of a figure has to know
    can_backend_tls = False
    most_sessions = None  # more than this is not asked of it
    descriptors = None    # None: as many as there may be

    def __init__(self, scene, sink, kind="ecdsa", backend_tls=False, workers=1, pinned=True, sessions=9000):
        self.scene = scene
        self.sink = sink
        self.certificate, self.key = scene.pair(kind)
        self.backend_tls = backend_tls
        self.workers = workers
        self.core = scene.core if pinned else None
        self.sessions = sessions
        self.folder = scene.scratch(self.name)
        self.ports = dict(zip(DOORS, free_ports(len(DOORS))))
        self._programs = []

    @classmethod
    def installed(cls):
        return True

    @classmethod
    def program(cls, name, user=None):
        """The first words of a command that runs it, as that user if we are root; [] if it is not there."""
        path = found(name)
        become = ["setpriv", f"--reuid={user}", f"--regid={primary_group(user)}", "--clear-groups"] if user else []
        return [*become, path] if path else []

    def port(self, protocol, tls):
        return self.ports[protocol, bool(tls)]

    def roots(self):
        """The ids of the processes that were started; the rest of the tree is found from them."""
        return [program.pid for program in self._programs]

    def commands(self):
        """The command lines to run, each a list of words. Files are written here too."""
        raise NotImplementedError

    def environment(self):
        """Additions to the environment of the commands."""
        return {}

    def start(self):
        for number, command in enumerate(self.commands()):
            self._programs.append(Program(command, os.path.join(self.folder, f"said{number}.log"),
                                          env=dict(os.environ, **self.environment()),
                                          preexec_fn=on_core(self.core, self.descriptors)))
        try:
            wait_for(lambda: self._gone() or self._answers(), 15, what=f"{self.name} to listen")
            if self._gone():
                raise AssertionError(f"{self.name} did not start")
        except AssertionError as error:
            said = self.said()
            self.stop()
            raise AssertionError(f"{error}:\n{said}") from None
        return self

    def _gone(self):
        return any(not program.running() for program in self._programs)

    def _answers(self):
        """Every door lets us in, and the first one greets."""
        try:
            for port in self.ports.values():
                socket.create_connection(("127.0.0.1", port), 1).close()
            with socket.create_connection(("127.0.0.1", self.port("imap", False)), 1) as connection:
                connection.settimeout(2)
                return connection.recv(1) == b"*"
        except OSError:
            return False

    def said(self):
        return "".join(program.output() for program in self._programs)[-3000:]

    def stop(self):
        programs, self._programs = self._programs, []
        for program in programs:
            program.stop(grace=3)

    def write(self, name, text):
        """A file in the peer's folder; returns its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def pem(self):
        """Certificate and key in one file."""
        texts = []
        for path in (self.certificate, self.key):
            with open(path, encoding="ascii") as file:
                texts.append(file.read())
        return self.write("both.pem", "".join(texts))


def found(program):
    """The path of a program of the system, which may be where only root looks; "" if there is none."""
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin"]:
        path = os.path.join(folder, program)
        if os.access(path, os.X_OK):
            return path
    return ""


def primary_group(user):
    return run("id", "-gn", user).stdout.strip()
