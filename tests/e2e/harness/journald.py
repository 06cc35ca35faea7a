"""journald in a namespace of its own (systemd-journald(8)): its sockets and files are apart from this machine's."""

import glob
import json
import os
import shutil

from tests.e2e.harness.program import Program, run, wait_for

_PROGRAM = "/lib/systemd/systemd-journald"


class Journald:
    """Runs from construction to stop(); `available()` tells whether it can."""

    def __init__(self, folder):
        self.namespace = f"postigo-{os.getpid()}"
        self.folder = folder
        self.socket = f"/run/systemd/journal.{self.namespace}/socket"
        self.program = None
        os.makedirs(os.path.dirname(self.socket), exist_ok=True)  # systemd's, for a unit
        self.start()

    @staticmethod
    def available():
        return os.geteuid() == 0 and os.path.exists(_PROGRAM) and os.path.exists("/etc/machine-id")

    def start(self):
        self.program = Program([_PROGRAM, self.namespace], os.path.join(self.folder, "journald.log"))
        wait_for(lambda: os.path.exists(self.socket), what=self.program.output)

    def end(self):
        """Without what it has written."""
        self.program.stop()
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def stop(self):
        self.end()
        for path in [os.path.dirname(self.socket), *glob.glob(f"/run/log/journal/*.{self.namespace}"),
                     *glob.glob(f"/var/log/journal/*.{self.namespace}")]:
            shutil.rmtree(path, ignore_errors=True)

    def entries(self, **wanted):
        """Those whose fields have these values."""
        said = run("journalctl", f"--namespace={self.namespace}", "--output=json", "--no-pager", "--all", check=False).stdout
        found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return [entry for entry in found if all(entry.get(key) == value for key, value in wanted.items())]

    def wait_entries(self, **wanted):
        return wait_for(lambda: self.entries(**wanted), step=0.2, what=lambda: f"{wanted} in {self.entries()}")
