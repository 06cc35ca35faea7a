"""Processes that take each other's place: who serves, who still has sessions, and how each of them ends."""

import ctypes
import os
import shutil
import signal
import stat
import subprocess
import unittest

from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.harness.postigo import postigo, sanitized
from tests.e2e.harness.program import wait_for
from tests.e2e.harness.wire import Imap

PATIENCE = 60 if sanitized() else 20


def server(workers=2, timeout="20s", drain="1h", **more):
    lines = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return (f'[server]\nhostname = "mail.example.com"\nworkers = {workers}\nupgrade_timeout = "{timeout}"\n'
            f'upgrade_drain_time = "{drain}"\n{lines}')


class Succession(unittest.TestCase):
    """Successors are looked after by number: `pids` holds who served, the newest last."""

    platform = None

    @classmethod
    def on(cls, platform):
        """Before the tests of a file."""
        cls.platform = platform
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: we learn how successors end

    def make(self, backends=None, before=lambda proxy: None, **sections):
        folder = self.platform.scratch()
        self.binary = os.path.join(folder, "postigo")
        shutil.copy(postigo(), self.binary)
        sections.setdefault("server", server())
        self.proxy = self.platform.postigo(backends, start=False, **sections)
        self.proxy.binary = self.binary
        before(self.proxy)
        self.proxy.start()
        self.pids = [self.proxy.program.pid]
        self.codes = {}
        self.addCleanup(self.proxy.kill)
        self.addCleanup(self.sweep)
        return self.proxy

    def install(self, text=None):
        """A new program in the place of the old one; text: a script, else Postigo again."""
        fresh = self.binary + ".new"
        if text is None:
            shutil.copy(postigo(), fresh)
        else:
            with open(fresh, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n" + text + "\n")
            os.chmod(fresh, os.stat(fresh).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        os.replace(fresh, self.binary)

    def upgrade(self):
        pid = self.proxy.ctl("upgrade")["pid"]
        self.assertNotIn(pid, self.pids)
        self.pids.append(pid)
        return pid

    def refused(self):
        """What `ctl upgrade` says that did not go well."""
        done = subprocess.run([postigo(), "ctl", "--socket", self.proxy.admin_socket, "upgrade"], capture_output=True,
                              text=True, timeout=90, check=False)
        self.assertEqual(1, done.returncode, done)
        return done.stderr.strip()

    def code(self, pid):
        """How it ended; None: it runs."""
        if pid == self.proxy.program.pid:
            return self.proxy.program.process.poll()
        if pid not in self.codes:
            try:
                ended, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:  # its predecessor was its parent still
                return None if os.path.exists(f"/proc/{pid}") else 0
            if ended != pid:
                return None
            self.codes[pid] = os.waitstatus_to_exitcode(status)
        return self.codes[pid]

    def ends(self, pid):
        """The number's exit code, once it has one."""
        wait_for(lambda: self.code(pid) is not None, PATIENCE, f"{pid} to end")
        return self.code(pid)

    def sweep(self):
        for pid in self.pids[1:]:
            if self.code(pid) is None:
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    continue
        for pid in self.pids[1:]:
            if self.proxy.program and self.proxy.program.running():
                break
            self.assertEqual(0, self.ends(pid), self.proxy.program and self.proxy.program.output())

    def idle(self, count):
        """So many sessions in IDLE."""
        wires = [self.log_in() for _ in range(count)]
        for wire in wires:
            wire.ok("SELECT INBOX")
            wire.send("i IDLE\r\n")
            self.assertTrue(wire.line().startswith(b"+"))
        return wires

    def nothing_was_lost(self, idle):
        """They are all there still; when they have gone, all but the newest process end, and the counters add up."""
        for wire in idle:
            wire.send("DONE\r\n")
            self.assertTrue(wire.until("i")[-1].startswith(b"i OK"))
            wire.ok("LOGOUT")
            wire.close()
        for pid in self.pids[:-1]:
            self.assertEqual(0, self.ends(pid))
        self.assertEqual([], self.proxy.lines("session", reason="shutting_down"))
        wait_for(self.adds_up, 20, "accepted = closed + open")

    def adds_up(self):
        scrape = self.proxy.metrics()
        return (scrape.sum("postigo_connections_accepted_total") ==
                scrape.sum("postigo_connections_closed_total") + scrape.sum("postigo_connections"))

    def log_in(self, mode="implicit"):
        wire = Imap.open(self.proxy, mode).logged_in(self.user, PASSWORD)
        self.addCleanup(wire.close)
        return wire
