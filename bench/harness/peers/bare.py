"""Two that are no proxies: a bare relay that knows no protocol, and the fake backend with nobody before it."""

from bench.harness.peers.base import DOORS, Peer
from bench.harness.tools import tool


class Bare(Peer):
    """A process per door."""

    name = "bare"
    title = "bare TLS relay"
    note = "no login, no parser, no limits: what TLS and copying alone cost"

    def commands(self):
        return [[tool("bare"), "relay", "--listen", self.port(*door), "--backend",
                 f"127.0.0.1:{self.sink.port(door[0], False)}",
                 *(["--certificate", self.certificate, "--key", self.key] if door[1] else [])] for door in DOORS]


class Direct(Peer):
    """A fake backend of its own on the proxies' core."""

    name = "direct"
    title = "no proxy"
    note = "the load straight at the fake backend"

    def __init__(self, scene, sink, kind="ecdsa", **options):
        super().__init__(scene, sink, kind=kind, **options)
        self.kind = kind
        self._own = None

    def start(self):
        self._own = self.scene.sink(self.kind, self.core)
        return self

    def port(self, protocol, tls):
        return self._own.port(protocol, tls)

    def roots(self):
        return [self._own.pid] if self._own else []

    def stop(self):
        if self._own:
            self._own.stop()
            self._own = None
