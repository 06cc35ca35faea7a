"""A private Postfix: takes mail on a port of loopback and asks a socketmap where to deliver it by LMTP. Needs root."""

import os
import pwd
import shutil
import smtplib

from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, run, wait_for

POSTFIX = shutil.which("postfix", path=os.environ.get("PATH", "") + ":/usr/sbin")
_DAEMONS = "/usr/lib/postfix/sbin"
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.test.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relay_domains = {domains}
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks reject
transport_maps = socketmap:{map}:users
default_transport = error:no other host is reached from here
relay_transport = error:nobody said where
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
lmtp_connect_timeout = 5s
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Runs from construction to stop(). `socketmap`: as in "inet:127.0.0.1:2000" or "unix:/path"."""

    def __init__(self, folder, socketmap, domains):
        self.folder = folder
        self.port, = free_ports(1)
        for sub in ("queue", "data", "conf"):
            os.makedirs(os.path.join(folder, sub))
        owner = pwd.getpwnam("postfix")
        os.chown(os.path.join(folder, "data"), owner.pw_uid, owner.pw_gid)
        os.chmod(folder, 0o755)
        values = {"folder": folder, "map": socketmap, "domains": " ".join(domains), "port": self.port}
        for name, text in (("main.cf", _MAIN), ("master.cf", _MASTER)):
            with open(os.path.join(folder, "conf", name), "w", encoding="ascii") as file:
                file.write(text.format(**values))
        run(POSTFIX, "-c", os.path.join(folder, "conf"), "check")  # makes the folders of the queue
        self.program = Program([f"{_DAEMONS}/master", "-d", "-c", os.path.join(folder, "conf")],  # -d: it stays a child
                               os.path.join(folder, "start.log"))
        wait_for(lambda: self._up() or not self.program.running(), 60, what=lambda: "Postfix: " + self.log())
        if not self.program.running():
            raise AssertionError(f"Postfix did not start:\n{self.log()}")

    def _up(self):
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=5):
                return True
        except OSError:
            return False

    def send(self, recipient, text):
        """A message, taken by the queue."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as smtp:
            smtp.sendmail("sender@test.example", [recipient],
                          f"From: sender@test.example\r\nTo: {recipient}\r\nSubject: {text}\r\n\r\n{text}\r\n")

    def log(self):
        text = self.program.output()
        path = os.path.join(self.folder, "mail.log")
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text

    def stop(self):
        self.program.stop()
