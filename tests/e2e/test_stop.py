"""Signals, and the end of the process: soon, whatever clients do; now, when told twice."""

import signal
import time
import unittest

from tests.e2e.harness import Imap, Platform, Wire, wait_for
from tests.fakes.backend import FakeBackend, endless_mail, imap_server

platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


class Signals(unittest.TestCase):
    def setUp(self):
        self.fake = FakeBackend(imap=imap_server(command=endless_mail))
        self.addCleanup(self.fake.stop)
        self.proxy = platform.postigo({"fake": self.fake}, limits='[limits]\nclose_timeout = "60s"')
        self.addCleanup(self.proxy.kill)
        self.program = self.proxy.program

    def lazy_clients(self):
        """Some that do not read, do not close, do not finish what they began."""
        wires = [Imap.open(self.proxy, mode) for mode in ("off", "implicit")]
        wires += [Imap.open(self.proxy, mode).logged_in("u", "p") for mode in ("off", "implicit")]
        for mode in ("off", "implicit"):
            wires.append(Imap.open(self.proxy, mode).logged_in("u", "p"))
            wires[-1].send("x FETCH 1 BODY[]\r\n")
            wires.append(Imap.open(self.proxy, mode))
            wires[-1].ok("LOGOUT")
        wires.append(Wire((self.proxy.host, self.proxy.imaps)))
        wires[-1].send(b"\x16\x03\x01")
        for wire in wires:
            self.addCleanup(wire.close)
        time.sleep(0.5)
        return wires

    def seconds_to_end(self, *signals, pause=0.0):
        started = time.monotonic()
        for each in signals:
            self.program.signal(each)
            time.sleep(pause)
        wait_for(lambda: not self.program.running(), 30, "the process to end")
        took = time.monotonic() - started
        self.assertEqual(0, self.program.process.poll(), self.program.output() + self.proxy.log_text()[-2000:])
        return took

    def test_lazy_clients_do_not_hold_it(self):
        self.lazy_clients()
        self.assertLess(self.seconds_to_end(signal.SIGTERM), 8, "close_timeout is a minute")

    def test_a_second_signal_is_now(self):
        self.lazy_clients()
        self.assertLess(self.seconds_to_end(signal.SIGTERM, signal.SIGTERM, pause=0.1), 0.9)
        self.assertIn("stopping_now", self.proxy.log_text())

    def test_quit_and_int_end_it_too(self):
        for each in (signal.SIGQUIT, signal.SIGINT):
            self.seconds_to_end(each)
            self.assertIn(each.name, self.proxy.log_text())
            self.proxy.start()
            self.program = self.proxy.program
        self.proxy.stop()

    def test_others_say_what_they_do(self):
        for each in (signal.SIGUSR1, signal.SIGHUP):
            self.program.signal(each)
        self.proxy.wait_lines("log_reopened")
        self.proxy.wait_lines("reloaded", cause="SIGHUP", changes=0)
        with Imap.open(self.proxy) as wire:
            wire.logged_in("u", "p").ok("NOOP")
        self.proxy.stop()


if __name__ == "__main__":
    unittest.main()
