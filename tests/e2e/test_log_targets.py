"""Where else lines go: to a real journald, to a real syslog server, by UDP; and in logfmt. None of them holds anybody up."""

import os
import re
import socket
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, plain
from tests.e2e.harness.journald import Journald
from tests.e2e.harness.program import wait_for
from tests.e2e.harness.rsyslog import Rsyslog

FORGED = 'x" user="root'
BRACKETS = "]x[ other@1 user=root"
NASTY = (FORGED, BRACKETS, "back\\slash", "caf\u00e9")
WRITTEN = (FORGED, BRACKETS, "back\\x5cslash", "caf\u00e9")  # (proxy/LOG.md: Strangers)
HEADER = re.compile(r"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+) door (\d+) (\w+) (\[.*?[^\\]\]|-) (.*)", re.S)
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def door_with(log, **sections):
    return platform.postigo(log="[log]\n" + log, limits='[limits]\nauth_failure_delay = "1ms"', **sections)


def log_in(door):
    user = platform.fresh_user()
    with Imap.open(door) as wire:
        wire.logged_in(user, PASSWORD).ok("LOGOUT")
    return user


def guess(door, names=NASTY):
    for name in names:
        with Imap.open(door) as wire:
            wire.command(f"AUTHENTICATE PLAIN {plain(name, 'wrong')}")


def unwritten(door):
    return door.metrics().sum("postigo_log_lines_lost_total", reason="unwritten")


@unittest.skipUnless(Journald.available(), "journald runs as root, on a machine with an id")
class Journal(unittest.TestCase):
    def setUp(self):
        self.journald = Journald(platform.scratch())
        self.addCleanup(self.journald.stop)
        self.door = door_with(f'target = "journal"\nidentifier = "door"\njournal_socket = "{self.journald.socket}"')

    def test_fields(self):
        user = log_in(self.door)
        guess(self.door)
        login = self.journald.wait_entries(POSTIGO_EVENT="login", POSTIGO_USER=user)[0]
        self.assertEqual(["6", "door", "2", "journal"], [login[key] for key in (
            "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "_TRANSPORT")])
        self.assertTrue(login["MESSAGE"].startswith("info login id="), login)
        self.assertEqual(str(self.door.program.pid), login["_PID"])
        self.assertTrue(login["POSTIGO_CLIENT"].startswith("127.0.0.1:"), login)
        self.journald.wait_entries(POSTIGO_EVENT="session", POSTIGO_ID=login["POSTIGO_ID"])
        wait_for(lambda: len(self.journald.entries(POSTIGO_EVENT="login_refused")) >= len(NASTY), step=0.2)
        refused = self.journald.entries(POSTIGO_EVENT="login_refused")
        self.assertEqual(sorted(WRITTEN), sorted(entry["POSTIGO_CLAIMED_USER"] for entry in refused))
        for entry in refused:
            self.assertNotIn("POSTIGO_USER", entry)

    def test_it_is_started_again(self):
        user = log_in(self.door)
        self.journald.wait_entries(POSTIGO_EVENT="session", POSTIGO_USER=user)
        self.journald.end()
        before = unwritten(self.door)
        started = time.monotonic()
        log_in(self.door)
        self.assertLess(time.monotonic() - started, 5)
        self.assertGreaterEqual(wait_for(lambda: unwritten(self.door) - before), 1)
        self.journald.start()
        again = log_in(self.door)
        self.journald.wait_entries(POSTIGO_EVENT="session", POSTIGO_USER=again)
        lost = self.journald.wait_entries(POSTIGO_EVENT="log_incomplete")[0]
        self.assertEqual("4", lost["PRIORITY"])
        self.assertGreaterEqual(int(lost["POSTIGO_UNWRITTEN"]), 1)


class Syslog(unittest.TestCase):
    def test_a_server_reads_it(self):
        server = Rsyslog(platform.scratch())
        self.addCleanup(server.stop)
        door = door_with(f'target = "syslog"\nidentifier = "door"\nfacility = "local3"\nsyslog_server = "{server.socket}"')
        user = log_in(door)
        guess(door)
        line = server.wait_lines("login")[0]
        self.assertEqual(["19", "6", "door", str(door.program.pid)], [line[key] for key in (
            "syslogfacility", "syslogseverity", "app-name", "procid")], line)
        self.assertEqual(user, line["$!"]["rfc5424-sd"]["postigo@32473"]["user"], line)
        self.assertTrue(line["msg"].strip().startswith("info login id="), line)
        refused = server.wait_lines("login_refused", len(NASTY))
        fields = [line["$!"]["rfc5424-sd"]["postigo@32473"] for line in refused]
        self.assertEqual(sorted(WRITTEN), sorted(each["claimed_user"] for each in fields))
        for line, each in zip(refused, fields):
            self.assertNotIn("user", each)
            self.assertEqual(["postigo@32473"], list(line["$!"]["rfc5424-sd"]))
        with self.subTest("it is started again"):
            server.stop()
            log_in(door)
            wait_for(lambda: unwritten(door) >= 1)
            server.start()
            log_in(door)
            server.wait_lines("log_incomplete")

    def test_by_udp(self):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        door = door_with('target = "syslog"\nidentifier = "door"\nformat = "logfmt"\n'
                         f'syslog_server = "udp:127.0.0.1:{receiver.getsockname()[1]}"')
        user = log_in(door)
        while True:
            text = receiver.recv(65536).decode()
            parts = HEADER.fullmatch(text)
            self.assertTrue(parts, text)
            if parts.group(5) == "session":
                break
        self.assertEqual(["22", str(door.program.pid)], [parts.group(1), parts.group(4)])
        self.assertIn(f'[postigo@32473 level="info" id="', parts.group(6))
        self.assertTrue(parts.group(7).startswith("level=info event=session id="), text)
        self.assertIn(f" user={user} ", parts.group(7))


class Full(unittest.TestCase):
    def test_who_does_not_read_holds_nobody_up(self):
        path = os.path.join(platform.scratch(), "socket")
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(path)
        door = door_with(f'target = "journal"\nlevel = "debug"\njournal_socket = "{path}"')
        started = time.monotonic()
        for _ in range(5):
            log_in(door)
        self.assertLess(time.monotonic() - started, 15)
        self.assertGreater(unwritten(door), 10)
        self.assertIn(b"MESSAGE\n", receiver.recv(65536))


class Changes(unittest.TestCase):
    def test_a_reload_moves_the_log(self):
        server = Rsyslog(platform.scratch())
        self.addCleanup(server.stop)
        door = platform.postigo()
        door.write(log=f'[log]\ntarget = "syslog"\nsyslog_server = "{server.socket}"')
        door.ctl("reload")
        log_in(door)
        server.wait_lines("session")
        self.assertEqual([], door.lines("session"))
        door.write(log=f'[log]\nformat = "logfmt"\nfile = "{door.log_file}"')
        door.ctl("reload")
        user = log_in(door)
        line = wait_for(lambda: [line for line in door.log_text().splitlines()
                                 if " event=session " in line and f" user={user} " in line])[0]
        self.assertRegex(line, r"^time=\S+Z level=info event=session id=[0-9a-f]{16} protocol=imap ")

    def test_nobody_listens(self):
        door = platform.postigo(start=False, log='[log]\ntarget = "syslog"\nsyslog_server = "/nonexistent/log"')
        said = door.tool("check", check=False)
        self.assertNotEqual(0, said.returncode)
        self.assertRegex(said.stdout + said.stderr, r"toml:\d+:\d+: log\.syslog_server: nobody takes the log at /nonexistent/log")


if __name__ == "__main__":
    unittest.main()
