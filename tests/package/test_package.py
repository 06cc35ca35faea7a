"""The Debian package: lintian, and its whole life in a clean Debian 12.

    POSTIGO_BUILD_DIR=build/release python3 -m tests.e2e tests/package/test_package.py

Needs root, and what cmake has built: the targets postigo and papers. The package is made by cpack and installed by dpkg
in a private copy of a root that has nothing but what is essential and what the package depends on. No systemd runs in
there: what the scripts would ask of it is written down by a stand-in. The Dovecot behind it is real, and outside.
"""

import os
import re
import signal
import shutil
import tempfile
import unittest

from tests.differential.servers import roots
from tests.e2e.harness import SOURCE, Platform, Program, free_ports, run, wait_for
from tests.package.logins import Logins
from tests.package.root import Root, field, make_package, missing_tool, own_mounts, with_version

LATER = "99.0"
platform = folder = package = later = None


def setUpModule():
    global platform, folder, package, later
    if missing_tool() or shutil.which("lintian") is None:
        raise unittest.SkipTest(f"{missing_tool() or 'lintian'} is missing (deploy/packages.sh build test installs it)")
    folder = tempfile.mkdtemp(prefix="pgo-package-", dir="/tmp")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    package = make_package(folder)
    later = with_version(package, LATER)
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Contents(unittest.TestCase):
    def test_lintian(self):
        done = run("lintian", "--allow-root", "--fail-on", "error,warning", package, check=False, timeout=300)
        self.assertEqual((0, ""), (done.returncode, done.stdout.strip()), done.stderr)

    def test_version_is_that_of_the_changelog(self):
        with open(os.path.join(SOURCE, "deploy", "debian", "changelog"), encoding="utf-8") as file:
            self.assertEqual(field(package, "Version"), re.match(r"postigo \((\S+)\)", file.readline()).group(1))

    def test_what_it_links_is_what_it_depends_on(self):
        self.assertIn("libuv1", field(package, "Depends"))
        self.assertNotIn("libssl", field(package, "Depends"), "BoringSSL is inside")

    def test_all_of_etc_is_conffiles(self):
        listed = run("dpkg-deb", "--contents", package).stdout
        below = set(re.findall(r" \.(/etc/\S*[^/\s])$", listed, re.M))
        self.assertEqual(below, set(run("dpkg-deb", "--info", package, "conffiles").stdout.split()))
        self.assertIn("/etc/postigo/postigo.toml", below)


class Life(Logins, unittest.TestCase):
    """A root of its own for each test; self.program is the Postigo that runs in it."""

    def setUp(self):
        try:
            own_mounts()
            self.root = Root(package, folder)
        except roots.Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(self.root.close)
        self.ca = platform.certificates.ca
        self.root.stub("systemctl", 'echo "$*" >>/systemctl.log; case "$*" in *is-enabled*) exit 1 ;; esac')
        self.before = self.root.files()

    def start(self):
        command = ["chroot", self.root.path, "/usr/bin/postigo", "serve"]
        self.program = Program(command, os.path.join(folder, "serve.log"))
        self.addCleanup(self.program.stop)
        wait_for(lambda: self.ctl_works() or not self.program.running(), 20, self.program.output)
        self.assertTrue(self.program.running(), self.program.output())

    def ctl_works(self):
        return self.root.inside("postigo", "ctl", "status", check=False).returncode == 0

    def test_a_whole_life(self):
        said = self.root.install(package)
        self.assertEqual(1, said.count("postigo: not started: edit /etc/postigo/postigo.toml"), said)
        self.ports = free_ports(3)
        text = self.root.configure(self.ports, platform.a, platform.certificates)
        self.assertIn(": ok (", self.root.inside("postigo", "check").stdout)
        self.start()
        os.makedirs(self.root.file("run/systemd/system"))
        self.root.stub("systemctl", 'echo "$*" >>/systemctl.log; case "$*" in *is-enabled*) exit 1 ;; '
                                    f"*--signal=USR2*) kill -USR2 {self.program.pid} ;; esac")
        with self.login() as session:
            with self.load():
                self.assertNotIn("not started", self.root.install(later))
                handed = wait_for(lambda: re.search(r"handed_over .*pid=(\d+)", self.program.output()), 20,
                                  self.program.output)
            session.ok("NOOP")
            self.assertTrue(self.program.running(), "sessions stay with the old program")
            session.ok("LOGOUT")
        wait_for(lambda: not self.program.running(), 20, "the old program's end")
        self.login().close()
        os.kill(int(handed[1]), signal.SIGTERM)
        wait_for(lambda: not self.ctl_works(), 20, "the successor's end")
        shutil.rmtree(self.root.file("run/systemd"))
        self.start()
        self.assertIn(LATER, self.root.inside("dpkg-query", "-W", "postigo").stdout)
        self.assertEqual(text, self.root.read("etc/postigo/postigo.toml"), "a conffile that was changed stays")
        self.root.inside("postigo", "ctl", "backend", "mail2", "drain")
        self.assertEqual(0, self.program.stop())
        self.start()
        self.assertIn("mail2", self.root.read("var/lib/postigo/state.json"), "restarts forget nothing")
        self.assertEqual(0, self.program.stop())
        self.remove_and_purge(text)

    def remove_and_purge(self, text):
        self.root.dpkg("-r", "postigo")
        self.assertEqual(text, self.root.read("etc/postigo/postigo.toml"))
        self.assertTrue(os.path.exists(self.root.file("var/lib/postigo/state.json")))
        self.assertFalse(os.path.exists(self.root.file("usr/bin/postigo")))
        self.root.dpkg("-P", "postigo")
        self.assertTrue(os.path.exists(self.root.file("etc/postigo/tls/mail.key")), "keys are the operator's")
        shutil.rmtree(self.root.file("etc/postigo"))
        self.assertEqual(self.before, self.root.files() - {"/systemctl.log"})

    def test_fresh(self):
        """What an operator meets who has installed it and done nothing else."""
        self.root.install(package)
        done = self.root.inside("postigo", "check", check=False)
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        for line in done.stderr.splitlines():
            self.assertIn("tls.certificate", line)
        self.assertIn("mail.pem", done.stderr)
        for path in ("run/postigo", "var/lib/postigo", "var/log/postigo"):
            seen = self.root.inside("stat", "-c", "%U:%G %a", "/" + path).stdout.strip()
            self.assertEqual("postigo:postigo 750", seen, path)
        self.root.dpkg("-P", "postigo")
        self.assertEqual(self.before, self.root.files())

    def test_logrotate(self):
        """A log that the server made, rotated by logrotate as root, goes on as a new file of the server's."""
        self.root.install(package)
        self.ports = free_ports(3)
        text = self.root.configure(self.ports, platform.a, platform.certificates)
        self.root.write("etc/postigo/postigo.toml", text + '[log]\nfile = "/var/log/postigo/postigo.log"\n')
        self.start()
        self.root.stub("systemctl", 'case "$*" in "kill --kill-who=main --signal=USR1 postigo.service") '
                                    f"kill -USR1 {self.program.pid} ;; esac")
        self.login().close()
        self.root.inside("logrotate", "--force", "/etc/logrotate.d/postigo")
        log = "/var/log/postigo/postigo.log"
        wait_for(lambda: os.path.exists(self.root.file(log)), 10, "the new log")
        self.assertIn("login ", self.root.read(log + ".1"))
        self.login().close()
        wait_for(lambda: "login " in self.root.read(log), 10, "a line in the new log")
        self.assertEqual("postigo:postigo 640", self.root.inside("stat", "-c", "%U:%G %a", log).stdout.strip())
        self.assertEqual(0, self.program.stop())

    def test_what_is_asked_of_systemd(self):
        os.makedirs(self.root.file("run/systemd/system"))
        self.root.install(package)
        self.assertEqual([], [words for words in self.root.asked_of_systemd() if "daemon-reload" not in words],
                         "what is not configured is neither started nor enabled")
        self.root.install(later)
        asked = self.root.asked_of_systemd()
        self.assertEqual(1, len([words for words in asked if "--signal=USR2" in words]), asked)
        self.assertEqual([], [words for words in asked if re.search(r"\b(try-)?restart\b", words)], asked)
        self.assertEqual([], [words for words in asked if re.search(r"\bstop\b", words)], "an upgrade stops nothing")
        self.root.dpkg("-r", "postigo")
        asked = self.root.asked_of_systemd()
        self.assertEqual(1, len([words for words in asked if "stop" in words]), asked)


if __name__ == "__main__":
    unittest.main()
