"""The unit under a real systemd: sandbox, account, readiness, reload, upgrade by dpkg while sessions run, removal."""

import os
import re
import shutil
import tempfile
import unittest

from tests.differential.servers import roots
from tests.e2e.harness import Platform, free_ports, wait_for
from tests.package.logins import Logins
from tests.package.machine import Machine
from tests.package.root import Root, make_package, missing_tool, own_mounts, with_version

platform = folder = package = later = None


def setUpModule():
    global platform, folder, package, later
    if missing_tool():
        raise unittest.SkipTest(f"{missing_tool()} is missing (deploy/packages.sh build test installs it)")
    folder = tempfile.mkdtemp(prefix="pgo-unit-", dir="/tmp")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    package = make_package(folder)
    later = with_version(package, "99.0")
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Unit(Logins, unittest.TestCase):
    def setUp(self):
        try:
            own_mounts()
            self.root = Root(package, folder)
            self.addCleanup(self.root.close)
            self.machine = Machine(self.root, os.path.join(folder, "boot.log"))
        except roots.Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(self.machine.stop)
        self.ports, self.ca = free_ports(3), platform.certificates.ca
        for name, deb in (("postigo.deb", package), ("later.deb", later)):
            shutil.copy(deb, self.root.file(name))
        self.dpkg("-i", "/postigo.deb")
        self.root.configure(self.ports, platform.a, platform.certificates)

    def dpkg(self, *words):
        return self.machine.inside("dpkg", *words, timeout=120).stdout

    def systemctl(self, *words, check=True):
        return self.machine.inside("systemctl", *words, check=check).stdout.strip()

    def shown(self, name):
        return self.systemctl("show", "--value", "--property", name, "postigo")

    def journal(self):
        return self.machine.inside("journalctl", "--unit", "postigo", "--output", "cat").stdout

    def test_what_is_installed_is_not_started(self):
        self.assertEqual("inactive", self.systemctl("is-active", "postigo", check=False))
        self.assertEqual("disabled", self.systemctl("is-enabled", "postigo", check=False))

    def test_it_serves_in_its_sandbox(self):
        self.systemctl("enable", "--now", "postigo")  # returns when it is ready
        with self.login() as session:
            session.ok("NOOP")
            self.assertIn("alice", self.machine.inside("postigo", "ctl", "who").stdout)
        process = f"/proc/{self.shown('MainPID')}"
        said = self.machine.inside("cat", f"{process}/status").stdout
        self.assertNotRegex(said, r"Uid:\s+0\b")
        self.assertRegex(said, r"NoNewPrivs:\s+1\b")
        self.assertRegex(said, r"CapEff:\s+0000000000000400\b", "CAP_NET_BIND_SERVICE and nothing else")
        self.assertIn("login ", self.journal())
        self.machine.inside("postigo", "ctl", "backend", "mail2", "drain")
        self.systemctl("restart", "postigo")
        self.assertRegex(self.machine.inside("postigo", "ctl", "backends").stdout, r"(?m)^mail2 .*drain")
        self.systemctl("stop", "postigo")
        self.assertEqual("success", self.shown("Result"), self.journal())

    def test_a_reload_loses_no_session(self):
        self.systemctl("start", "postigo")
        before = self.shown("MainPID")
        with self.login() as session:
            self.systemctl("reload", "postigo")
            wait_for(lambda: "reloaded" in self.journal(), 10, self.journal)
            session.ok("NOOP")
        self.assertEqual(before, self.shown("MainPID"))

    def test_a_broken_configuration_is_told(self):
        text = self.root.read("etc/postigo/postigo.toml")
        self.root.write("etc/postigo/postigo.toml", text.replace("[admin]", "[amdin]"))
        self.systemctl("start", "postigo", check=False)
        self.assertNotEqual("active", self.systemctl("is-active", "postigo", check=False))
        self.assertRegex(self.journal(), r'postigo\.toml:\d+:\d+: amdin: .*"admin"')

    def test_removed_while_it_runs(self):
        self.systemctl("start", "postigo")
        self.dpkg("-r", "postigo")
        self.assertEqual("inactive", self.systemctl("is-active", "postigo", check=False))
        self.dpkg("-P", "postigo")
        self.assertFalse(re.search("postigo", self.systemctl("list-unit-files")))

    def test_an_upgrade_while_it_runs(self):
        self.systemctl("start", "postigo")
        before = self.shown("MainPID")
        with self.login() as session:
            self.dpkg("-i", "/later.deb")
            wait_for(lambda: self.shown("MainPID") != before, 20, self.journal)
            self.assertTrue(self.program().endswith("/usr/bin/postigo"), "what is installed is what runs")
            said = self.machine.inside("cat", f"/proc/{self.shown('MainPID')}/status").stdout
            self.assertRegex(said, r"CapEff:\s+0000000000000400\b", "what was lent is lent on")
            session.ok("NOOP")
            with self.login() as fresh:
                fresh.ok("NOOP")
            self.systemctl("reload", "postigo")
            wait_for(lambda: "reloaded" in self.journal(), 10, self.journal)
            session.ok("NOOP")
            self.systemctl("stop", "postigo")
            self.assertIn(b"BYE", session.rest(), "the one before ends in order, too")
        self.assertEqual("success", self.shown("Result"), self.journal())

    def test_the_end_after_an_upgrade_is_orderly(self):
        """Also when the program before is long gone: systemd waits for the successor as for any main process."""
        self.systemctl("start", "postigo")
        before = self.shown("MainPID")
        with self.load():
            self.dpkg("-i", "/later.deb")
            wait_for(lambda: self.shown("MainPID") not in (before, "0"), 20, self.journal)
        wait_for(lambda: self.machine.inside("test", "-d", f"/proc/{before}", check=False).returncode, 20, self.journal)
        with self.login() as session:
            self.systemctl("stop", "postigo")
            self.assertIn(b"BYE", session.rest())
        self.assertEqual("success", self.shown("Result"), self.journal())

    def test_a_program_that_fails_changes_nothing(self):
        self.systemctl("start", "postigo")
        before = self.shown("MainPID")
        for broken in ("#!/bin/sh\nexit 7\n", "no program at all\n"):
            with self.login() as session:
                self.root.write("usr/bin/postigo", broken, 0o755)
                told = self.journal().count("upgrade_failed")
                self.systemctl("kill", "--kill-who=main", "--signal=USR2", "postigo")
                wait_for(lambda: self.journal().count("upgrade_failed") > told, 20, self.journal)
                session.ok("NOOP")
        self.login().close()
        self.assertEqual((before, "active"), (self.shown("MainPID"), self.systemctl("is-active", "postigo")))

    def program(self):
        """The file that the main process runs; that of an upgrade before is told as deleted."""
        return self.machine.inside("readlink", f"/proc/{self.shown('MainPID')}/exe", check=False).stdout.strip()


if __name__ == "__main__":
    unittest.main()
