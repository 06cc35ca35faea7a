"""A private Dovecot with many users, in about a tenth of a second (deploy/dovecot.sh does the work)."""

import os
import shutil
import socket
import time

from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, wait_for

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PASSWORD = "canary-Pa55/word"  # of every user; it must never appear in a log (A33)
MASTER, MASTER_PASSWORD = "master", "canary-Ma5ter/word"
ODD, ODD_PASSWORD = "odd.name_tag", 'canary pa"s\\s w\u00f6rd {5}'  # needs quotes, escapes, UTF-8, the rest of the line
NAMED = ("alice", "bob", "carol", "dave", "u1", "u2", "erin@example.com", "frank@example.net")


def users():
    """NAMED and t000..t399: enough that every test may have its own."""
    return list(NAMED) + [f"t{number:03}" for number in range(400)]


class Dovecot:
    """Runs from construction to stop(). It is a door: host, imap, imaps, pop3, pop3s, ca."""

    host = "127.0.0.1"

    def __init__(self, folder, certificates, pair=None, extra=""):
        self.folder = folder
        self.ca = certificates.ca
        self.pair = pair or certificates.server
        self.imap, self.imaps, self.pop3, self.pop3s = free_ports(4)
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        self._write("users", "".join(f"{name}:{{PLAIN}}{PASSWORD}\n" for name in users())
                    + f"{ODD}:{{PLAIN}}{ODD_PASSWORD}\n")
        self._write("masters", f"{MASTER}:{{PLAIN}}{MASTER_PASSWORD}\n")
        self._write("extra.conf", extra)
        self.program = None
        self.start()

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        self.program = Program([os.path.join(SOURCE, "deploy", "dovecot.sh"), self.folder, *self.pair, self.imap,
                                self.imaps, self.pop3, self.pop3s], os.path.join(self.folder, "start.log"))
        wait_for(lambda: self._up() or not self.program.running(), what=f"Dovecot in {self.folder}")
        if not self.program.running():
            raise AssertionError(f"Dovecot did not start:\n{self.program.output()}{self.log()}")

    def _up(self):
        """It listens, and its auth process is there: the first login waits for that anyway."""
        try:
            with socket.create_connection((self.host, self.imap), 1) as connection:
                connection.settimeout(2)
                return connection.recv(1) == b"*"
        except OSError:
            return False

    def stop(self):
        self.program.stop(grace=0.2)

    def log(self):
        path = os.path.join(self.folder, "dovecot.log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def logins(self, user):
        """The login lines of one user, oldest first."""
        return [line for line in self.log().splitlines() if "Login: " in line and f"user=<{user}>" in line]

    def wait_login(self, user, count=1):
        return wait_for(lambda: len(self.logins(user)) >= count and self.logins(user),
                        what=f"{count} login(s) of {user} in {self.folder}")

    def deliver(self, user, *messages, box="", flags=""):
        """Puts messages into a mailbox as a delivery agent would."""
        home = os.path.join(self.folder, "mail", user)
        root = os.path.join(home, "Maildir", box)
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(root, sub), exist_ok=True)
        for number, message in enumerate(messages):
            stamp = f"{1700000000 + number}.M{time.monotonic_ns()}P{os.getpid()}.test"
            where = os.path.join(root, "tmp", stamp)
            with open(where, "wb") as file:
                file.write(message)
            os.utime(where, (1700000000 + number,) * 2)
            os.rename(where, os.path.join(root, "cur", f"{stamp}:2,{flags}"))
        self._give(home)

    def _give(self, home):
        """As root, Dovecot runs as nobody: hand the files over."""
        if os.geteuid() != 0:
            return
        owner = os.stat(os.path.join(self.folder, "mail"))
        for path, _, files in os.walk(home):
            os.chown(path, owner.st_uid, owner.st_gid)
            for file in files:
                os.chown(os.path.join(path, file), owner.st_uid, owner.st_gid)

    def messages(self, user, box=""):
        """The bodies of all messages in a mailbox, sorted by content; looked at again if Dovecot moves one meanwhile."""
        for _ in range(10):
            try:
                return self._messages(os.path.join(self.folder, "mail", user, "Maildir", box))
            except FileNotFoundError:
                continue
        raise AssertionError(f"the mailbox of {user} does not come to rest")

    @staticmethod
    def _messages(root):
        found = []
        for sub in ("cur", "new"):
            folder = os.path.join(root, sub)
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                with open(os.path.join(folder, name), "rb") as file:
                    found.append(file.read())
        return sorted(found)

    def forget(self, user):
        shutil.rmtree(os.path.join(self.folder, "mail", user), ignore_errors=True)
