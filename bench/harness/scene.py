"""Where a run lives: one temporary folder with certificates, logs and the proxies' files; it is gone at the end."""

import itertools
import os
import shutil
import tempfile

from bench.harness.tools import Sink
from tests.e2e.harness.certificates import Certificates

NAME = "mail.example.com"  # what clients ask for


class Scene:
    """Proxies run on core 0, the load and the fake backend on core 1; `pinned=False`: wherever the kernel likes."""

    def __init__(self, pinned=True):
        self.folder = tempfile.mkdtemp(prefix="pgb-", dir="/tmp")  # short: Dovecot's sockets live in there
        os.chmod(self.folder, 0o755)
        self.certificates = Certificates(os.path.join(self.folder, "ca"), "Postigo bench CA")
        self.core, self.load_core = (0, 1) if pinned and (os.cpu_count() or 1) > 1 else (None, None)
        self._numbers = itertools.count(1)

    def pair(self, kind="ecdsa"):
        """(certificate, key): P-256 or RSA-2048, the same for all; signed with P-256 either way."""
        return self.certificates.pair(f"bench-{kind}", (NAME, "127.0.0.1"), kind)

    def scratch(self, name):
        folder = os.path.join(self.folder, f"{name}{next(self._numbers)}")
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        return folder

    def sink(self, kind="ecdsa", core=None, everywhere=False):
        """Another fake backend, on the load's core unless told otherwise."""
        return Sink(self.scratch("sink"), self.pair(kind), self.load_core if core is None else core, everywhere)

    def close(self):
        if os.environ.get("POSTIGO_BENCH_KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
