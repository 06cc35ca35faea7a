"""Every block of "Running it in production" in deploy/README.md, executed: what it shows is what works.

Stand-ins for what a test machine has not got: `cmake` and `deploy/packages.sh` (it is built), `apt-get` (dpkg -i),
`certbot` (lays out a certificate as certbot does and calls the deploy hook), `fail2ban-client` (no fail2ban in there;
tests/e2e/test_refusals.py has the real one). All else is real: systemd, the package, its scripts, Postigo, journalctl,
logrotate, curl, and the Dovecot behind it.
"""

import os
import re
import shutil
import socket
import tempfile
import time
import unittest

from tests.differential.servers import roots
from tests.differential.servers.dovecot import Dovecot24
from tests.e2e.harness import SOURCE, Platform, free_ports, run
from tests.package.machine import Machine
from tests.package.root import Root, make_package, missing_tool, own_mounts

CERTBOT = """
live=/etc/letsencrypt/live/mail.example.com
mkdir -p $live
cp /etc/postigo/tls/mail.pem $live/fullchain.pem
cp /etc/postigo/tls/mail.key $live/privkey.pem
while [ "$1" != --deploy-hook ]; do shift; done
RENEWED_LINEAGE=$live "$2"
"""
# What a block of settings leaves out, and no configuration may.
NEEDED = {
    "[[listener]]": '[[listener]]\nprotocol = "imap"\naddress = "127.0.0.1:10993"\n',
    "[[tls.certificate]]": '[[tls.certificate]]\ncertificate = "tls/mail.pem"\nkey = "tls/mail.key"\n',
    "[[backend]]": '[[backend]]\nhost = "mail1.internal"\ntls = "starttls"\n',
}
# Addresses and files that this machine has.
SUBSTITUTES = {"10.0.0.5:": "127.0.0.1:", "mail.example.com/fullchain.pem": "mail.pem",
               "mail.example.com/privkey.pem": "mail.key"}
blocks = []


def setUpModule():
    with open(os.path.join(SOURCE, "deploy", "README.md"), encoding="utf-8") as file:
        page = re.search(r"^## Running it in production\n(.*?)^## ", file.read(), re.S | re.M).group(1)
    blocks.extend(re.findall(r"^```(\S+)\n(.*?)^```$", page, re.S | re.M))


def of_kind(kind):
    found = [text for name, text in blocks if name == kind]
    assert found, f"the page has no block of {kind}"
    return found


class Scratch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pgo-page-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Others(Scratch):
    """Blocks for other programs, each judged by that program."""

    def program(self, name):
        path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        if path is None:
            self.skipTest(f"{name} is missing (deploy/packages.sh test installs it)")
        return path

    def test_every_kind_is_executed(self):
        self.assertEqual({"sh", "toml", "dovecot-2.3", "dovecot-2.4", "haproxy", "prometheus"},
                         {kind for kind, _ in blocks})

    def understood(self, text, done):
        """doveconf printed every setting as it was meant: a remark behind it did not become a part of it."""
        self.assertEqual("", done.stderr)
        settings = re.findall(r"^ *(\w+ = \S+)", text, re.M)
        self.assertTrue(settings)
        for setting in settings:
            self.assertRegex(done.stdout, rf"(?m)^ *{re.escape(setting)}0?$")  # a mode of 0 is shown as 00

    def test_dovecot_23(self):
        for text in of_kind("dovecot-2.3"):
            done = run(self.program("doveconf"), "-c", self.write("dovecot.conf", "ssl = no\n" + text), "-n")
            self.understood(text, done)

    def test_dovecot_24(self):
        try:
            base = roots.root(Dovecot24.name, Dovecot24.suite, Dovecot24.packages)
        except roots.Unavailable as why:
            self.skipTest(str(why))
        copy = roots.private_copy(base)
        self.addCleanup(shutil.rmtree, copy)
        for text in of_kind("dovecot-2.4"):
            head = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\nssl = no\n"
            roots.replace(copy, "etc/dovecot/page.conf", head + text)
            done = run("chroot", copy, "/usr/bin/doveconf", "-c", "/etc/dovecot/page.conf", "-n")
            self.understood(text, done)

    def test_haproxy(self):
        for text in of_kind("haproxy"):
            done = run(self.program("haproxy"), "-c", "-f", self.write("haproxy.cfg", text))
            self.assertNotIn("WARNING", done.stdout + done.stderr)

    def test_prometheus(self):
        for text in of_kind("prometheus"):
            run(self.program("promtool"), "check", "config", self.write("prometheus.yml", text))


class Inside(Scratch):
    """sh and toml, in a clean Debian."""

    def setUp(self):
        super().setUp()
        if missing_tool():
            self.skipTest(f"{missing_tool()} is missing (deploy/packages.sh test installs it)")
        self.platform = Platform(dovecots=("a",))
        self.addCleanup(self.platform.stop)
        self.package = make_package(self.folder)
        try:
            own_mounts()
            self.root = Root(self.package, self.folder)
        except roots.Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(self.root.close)
        self.ports = free_ports(3)
        self.stand_ins()

    def stand_ins(self):
        shutil.copy(self.package, self.root.file("srv/built.deb"))
        self.root.write("deploy/packages.sh", "#!/bin/sh\n", 0o755)
        made = "build/release/" + os.path.basename(self.package)
        self.root.stub("cmake", f"mkdir -p build/release; cp /srv/built.deb {made}")
        self.root.stub("apt-get", 'case "$2" in *.deb) dpkg -i "$2" ;; esac')
        self.root.stub("certbot", CERTBOT)
        os.makedirs(self.root.file("etc/fail2ban/jail.d"))
        self.root.stub("fail2ban-client", "test -f /etc/fail2ban/jail.d/postigo.conf")

    def sh(self, machine, text):
        text = text.replace("127.0.0.1:9090", f"127.0.0.1:{self.ports[2]}")
        for _ in range(60):  # installing the package upgrades the server, too: two at once are refused
            done = machine.inside("sh", "-e", "-c", f"cd /; {text}", check=False, timeout=120)
            if "an upgrade is under way" not in done.stderr + done.stdout:
                break
            time.sleep(0.5)
        self.assertEqual(0, done.returncode, f"{text}\n{done.stdout}{done.stderr}")
        return done.stdout

    def test_commands_in_their_order(self):
        try:
            machine = Machine(self.root, os.path.join(self.folder, "boot.log"))
        except roots.Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(machine.stop)
        commands = of_kind("sh")
        self.sh(machine, commands[0])  # the installation
        text = self.root.configure(self.ports, self.platform.a, self.platform.certificates)
        said = "".join(self.sh(machine, text) for text in commands[1:])
        self.assertTrue(os.path.exists(self.root.file("etc/postigo/tls/mail.example.com/privkey.pem")))
        self.assertIn("postigo_connections", said)
        self.assertEqual(text, self.root.read("etc/postigo/postigo.toml"))
        self.assertEqual("active", machine.inside("systemctl", "is-active", "postigo", check=False).stdout.strip())

    def takes_the_log(self, path):
        """Somebody who listens there: no systemd and no syslog run in here, for settings are checked only."""
        folder, name = os.path.split(self.root.file(path))
        os.makedirs(folder, exist_ok=True)
        at = os.open(folder, os.O_PATH)  # its own path may be too long for an address
        self.addCleanup(os.close, at)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(door.close)
        door.bind(f"/proc/self/fd/{at}/{name}")

    def test_settings(self):
        for path in ("run/systemd/journal/socket", "run/postigo-log"):
            self.takes_the_log(path)
        self.root.install(self.package)
        self.root.configure(self.ports, self.platform.a, self.platform.certificates)
        self.root.write("etc/postigo/master-password", "secret\n", 0o600)
        for text in of_kind("toml"):
            text += "".join(more for header, more in NEEDED.items() if header not in text)
            for shown, here in SUBSTITUTES.items():
                text = text.replace(shown, here)
            self.root.write("etc/postigo/page.toml", text)
            if 'type = "sqlite"' in text:
                self.root.inside("postigo", "user", "add", "ann", "--password-stdin", "-c", "/etc/postigo/page.toml",
                                 input="secret\n")
            done = self.root.inside("postigo", "check", "-c", "/etc/postigo/page.toml", check=False)
            self.assertEqual((0, ""), (done.returncode, done.stderr), text)


if __name__ == "__main__":
    unittest.main()
