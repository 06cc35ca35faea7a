"""What systemd is told: started, reloading and when, alive, stopping and for how long."""

import os
import signal
import socket
import time
import unittest

from tests.e2e.harness import Platform, wait_for

platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


class Notify(unittest.TestCase):
    def setUp(self):
        path = os.path.join(platform.scratch(), "notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(path)
        self.manager.settimeout(10)
        self.addCleanup(self.manager.close)
        environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}
        os.environ.update(environment)
        try:
            self.proxy = platform.postigo({"nobody": platform_door()}, server='[server]\nworkers = 2\ndrain_time = "7s"\n'
                                          'shutdown_delay = "1s"')
        finally:
            for name in environment:
                del os.environ[name]
        self.addCleanup(self.proxy.kill)

    def hear(self, watchdog=False):
        """The next message, as a dictionary; those of the watchdog only if asked for."""
        while True:
            said = self.manager.recv(4096).decode()
            fields = dict(line.split("=", 1) for line in said.split("\n"))
            if watchdog or "WATCHDOG" not in fields:
                return fields

    def test_its_life(self):
        self.assertEqual({"READY": "1"}, self.hear())
        before = time.monotonic_ns() // 1000
        self.proxy.program.signal(signal.SIGHUP)
        reloading = self.hear()
        self.assertEqual("1", reloading["RELOADING"])
        self.assertTrue(before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000, reloading)
        self.assertEqual({"READY": "1"}, self.hear())
        self.proxy.program.signal(signal.SIGTERM)
        stopping = self.hear()
        self.assertEqual("1", stopping["STOPPING"])
        self.assertTrue(8_000_000 < int(stopping["EXTEND_TIMEOUT_USEC"]) < 30_000_000, stopping)
        wait_for(lambda: not self.proxy.program.running(), 10, "the end")
        self.proxy.stop()

    def test_an_upgrade_names_who_goes_on(self):
        self.hear()
        self.proxy.program.signal(signal.SIGUSR2)
        handed = self.proxy.wait_lines("handed_over")[0]["pid"]
        said = [self.hear(), self.hear()]  # of both processes: the order is chance
        self.addCleanup(os.kill, handed, signal.SIGTERM)
        self.assertIn({"MAINPID": str(handed)}, said)
        self.assertIn({"READY": "1"}, said)
        wait_for(lambda: not self.proxy.program.running(), 10, "the end")
        for _ in range(3):
            self.assertEqual({"WATCHDOG": "1"}, self.hear(watchdog=True), "the successor feeds it, the old one is silent")

    def test_a_reload_that_is_refused_is_over_too(self):
        self.assertEqual({"READY": "1"}, self.hear())
        self.proxy.write(server="[server]\nworker = 2")
        self.proxy.program.signal(signal.SIGHUP)
        self.assertIn("RELOADING", self.hear())
        self.assertEqual({"READY": "1"}, self.hear())

    def test_the_watchdog(self):
        self.hear()
        start = time.monotonic()
        for _ in range(5):
            while "WATCHDOG" not in self.hear(True):
                pass
        self.assertLess(time.monotonic() - start, 5 * 0.4)

    def test_a_process_that_stands_still_says_nothing(self):
        self.hear()
        self.proxy.program.signal(signal.SIGSTOP)
        self.manager.setblocking(False)
        try:
            while self.manager.recv(4096):
                pass
        except BlockingIOError:
            pass
        self.manager.settimeout(0.6)
        with self.assertRaises(TimeoutError):
            self.manager.recv(4096)
        self.proxy.program.signal(signal.SIGCONT)
        self.hear(True)


def platform_door():
    """A backend that is never asked."""
    class Nobody:
        host, imap, imaps, pop3, pop3s = "127.0.0.1", 9, 9, 9, 9
    return Nobody()


if __name__ == "__main__":
    unittest.main()
