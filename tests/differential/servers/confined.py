"""A server in a private root: started by chroot, its syslog caught by a socket of ours, its mail gone with the root."""

import os
import shutil
import socket
import threading

from tests.differential.servers import roots
from tests.differential.servers.server import Server
from tests.e2e.harness import Program, free_ports, wait_for

_PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


class Syslog:
    """/dev/log of a private root, as lines."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        os.chmod(path, 0o666)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.lines.append(data.decode("utf-8", "replace"))

    def close(self):
        self._socket.shutdown(socket.SHUT_RD)
        self._socket.close()


class Confined(Server):
    """suite, packages: what is unpacked. accounts: lines of passwd and group that the packages would have made."""

    suite = "bookworm"
    packages = ()
    accounts = ()  # (name, id)

    def __init__(self):
        super().__init__()
        self.root = None
        self.syslog = None
        self.programs = []

    def start(self):
        self.root = roots.private_copy(roots.root(self.name, self.suite, self.packages))
        self.imap, self.pop3 = free_ports(2)
        self._accounts()
        self.syslog = Syslog(os.path.join(self.root, "dev", "log"))
        self.configure()
        self.launch()
        for port in (self.imap, self.pop3):
            wait_for(lambda: self._greets(port), 20, what=lambda: f"{self.name}\n{self.log()[-3000:]}")

    def configure(self):
        """Writes the configuration."""
        raise NotImplementedError

    def launch(self):
        """Starts the daemons."""
        raise NotImplementedError

    def stop(self):
        for program in reversed(self.programs):
            program.stop(grace=2)
        if self.syslog:
            self.syslog.close()
        if self.root:
            shutil.rmtree(self.root, ignore_errors=True)

    def log(self):
        outputs = [program.output() for program in self.programs]
        return "\n".join([*outputs, *(self.syslog.lines if self.syslog else ())])

    def write(self, path, text, mode=0o644):
        roots.replace(self.root, path, text, mode)

    def folder(self, path, owner=0):
        """Makes a folder in the root for an account of this id."""
        whole = os.path.join(self.root, path)
        os.makedirs(whole, exist_ok=True)
        os.chown(whole, owner, owner)
        return whole

    def inside(self, *command, environment=None):
        """Starts a daemon in the root."""
        log = os.path.join(self.root, f"output-{len(self.programs)}.log")
        self.programs.append(Program(["chroot", self.root, *command], log, env=dict(_PATH, **(environment or {}))))

    def _accounts(self):
        accounts = [("root", 0), ("mail", 8), ("nobody", 65534), *self.accounts]
        self.write("etc/passwd", "".join(f"{name}:x:{number}:{number}::/:/bin/false\n" for name, number in accounts))
        self.write("etc/group", "".join(f"{name}:x:{number}:\n" for name, number in accounts))
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")

    def _greets(self, port):
        try:
            with socket.create_connection((self.host, port), 1) as connection:
                connection.settimeout(3)
                return connection.recv(1) in (b"*", b"+")
        except OSError:
            return False
