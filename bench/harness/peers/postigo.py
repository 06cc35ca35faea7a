"""Postigo as it comes: no directory, the client's password goes to the backend, one line per session to a file."""

import os

from bench.harness.peers.base import Peer
from bench.harness.processes import on_core
from bench.harness.tools import build_folder
from tests.e2e.harness.postigo import Postigo as Running


class Postigo(Peer):
    """The e2e tests' Postigo with the bench's configuration. `sections` replaces parts of it (growth.py)."""

    name = "postigo"
    title = "Postigo"
    can_backend_tls = True

    def __init__(self, scene, sink, sections=None, **options):
        super().__init__(scene, sink, **options)
        os.environ.setdefault("POSTIGO_BIN", os.path.join(build_folder(), "proxy", "postigo"))
        self._running = Running(os.path.join(self.folder, "p"), scene.certificates, {"sink": sink}, self._tls(),
                                **self._sections())
        self._running.write(**(sections or {}))
        for protocol, tls in self.ports:
            self.ports[protocol, tls] = getattr(self._running, protocol + ("s" if tls else ""))

    def _tls(self):
        """Verified, as everybody should."""
        return f'{{ mode = "implicit", ca_file = "{self.scene.certificates.ca}" }}' if self.backend_tls else '"off"'

    def _sections(self):
        return {
            "server": f'[server]\nhostname = "mail.example.com"\nworkers = {self.workers}',
            "log": f'[log]\nformat = "text"\nlevel = "info"\nfile = "{self.folder}/postigo.log"',
            "limits": "",
            "tls": f'[tls]\nmin_version = "1.3"\n[[tls.certificate]]\ncertificate = "{self.certificate}"\n'
                   f'key = "{self.key}"',
        }

    def tool(self, *arguments, **options):
        """Another subcommand on the same configuration."""
        return self._running.tool(*arguments, **options)

    def metrics(self):
        return self._running.metrics()

    def roots(self):
        return [self._running.program.pid] if self._running.program else []

    def start(self):
        self._running.start(preexec_fn=on_core(self.core))
        return self

    def said(self):
        return self._running.program.output() if self._running.program else ""

    def stop(self):
        self._running.stop()
