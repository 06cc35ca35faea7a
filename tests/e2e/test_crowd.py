"""9,000 sessions at a time on two cores under 20,000 descriptors, and what happens beyond the limit."""

import json
import os
import resource
import subprocess
import sys
import time
import unittest

from tests.e2e.harness import SOURCE, Imap, Platform, Pop3, wait_for

WANTED = int(os.environ.get("POSTIGO_CROWD", "9000"))
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


def helper(case, name, *arguments):
    """A program of tests/fakes/ that ends with the test case."""
    process = subprocess.Popen([sys.executable, "-B", os.path.join(SOURCE, "tests", "fakes", name), *map(str, arguments)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end():
        process.kill()
        process.communicate()
    case.addCleanup(end)
    return process


def crowd_backend(case):
    """A backend for many."""
    port = int(helper(case, "crowd_backend.py").stdout.readline())

    class Door:
        imap = imaps = port
        pop3 = pop3s = 0

    return Door


class Crowd(unittest.TestCase):
    """Clients, backend and Postigo each in a process of its own: the limit is per process."""

    def setUp(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.count = min(WANTED, (hard - 1000) // 2)
        if self.count < 1000:
            self.skipTest(f"only {hard} descriptors")
        patience = '[limits]\nlogin_timeout = "120s"\ntls_handshake_timeout = "60s"'
        self.proxy = platform.postigo({"crowd": crowd_backend(self)}, limits=patience)
        self.clients = helper(self, "crowd_clients.py", platform.certificates.ca, self.count, self.proxy.imap,
                              self.proxy.imaps)

    def ask(self, command):
        self.clients.stdin.write(command + "\n")
        self.clients.stdin.flush()
        answer = json.loads(self.clients.stdout.readline())
        print(f"{command}: {answer}", file=sys.stderr)
        return answer["ok"]

    def test_all_log_in_speak_and_leave(self):
        idle = self.proxy.memory()
        self.assertEqual(self.count, self.ask("login"))
        scrape = self.proxy.metrics()
        self.assertEqual(self.count, scrape.sum("postigo_connections"))
        self.assertGreaterEqual(scrape.sum("postigo_connections_limit"), self.count)
        each = (self.proxy.memory() - idle) / self.count
        print(f"{self.count} sessions: {self.proxy.memory() >> 20} MiB, {each / 1024:.1f} KiB each, "
              f"{self.proxy.descriptors()} descriptors", file=sys.stderr)
        self.assertEqual(self.count, self.ask("noop"))
        self.assertLess(each, 64 * 1024, "an idle session is too large")
        with Imap.open(self.proxy) as wire:
            wire.logged_in("late", "secret").ok("NOOP")
        self.verbs_over_all()
        self.assertEqual(self.count, self.ask("logout"))
        wait_for(lambda: self.proxy.metrics().sum("postigo_connections") == 0, 20, "all sessions closed")


    def verbs_over_all(self):
        """They look at 64 sessions in a turn, so that no worker's turn is long however many there are."""
        def late():
            scrape = self.proxy.metrics()
            return (scrape.sum("postigo_event_loop_lag_seconds_count") -
                    scrape.sum("postigo_event_loop_lag_seconds_bucket", le="0.1"))
        before, started = late(), time.monotonic()
        self.assertEqual(self.count, len(self.proxy.ctl("who", "--limit", "1000000")["sessions"]))
        self.assertEqual(0, self.proxy.ctl("kick", "--user", "nobody")["ended"])
        self.proxy.ctl("drain", "--over", "1h")
        self.proxy.ctl("undrain")
        print(f"who, kick, drain, undrain over {self.count}: {time.monotonic() - started:.2f} s", file=sys.stderr)
        self.assertEqual(before, late(), "turns that were later than 100 ms")


class BeyondTheLimit(unittest.TestCase):
    """With few descriptors: a polite refusal before they run out, and service when there is room again."""

    def test_few_descriptors(self):
        def shrink():
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, 400))

        proxy = platform.postigo({"crowd": crowd_backend(self)}, start=False).start(preexec_fn=shrink)
        limit = int(proxy.metrics().sum("postigo_connections_limit"))
        self.assertTrue(20 < limit < 200, f"{limit} sessions under 400 descriptors")
        wires = [Imap.open(proxy, "off").logged_in(f"u{number}", "secret") for number in range(limit)]
        refused = 0
        for _ in range(50):
            for kind, where, word in ((Imap, proxy.imap, b"* BYE"), (Pop3, proxy.pop3, b"-ERR")):
                with kind((proxy.host, where)) as wire:
                    refused += wire.rest().startswith(word)
        self.assertEqual(100, refused)
        for wire in wires:
            wire.ok("NOOP")
        self.assertLess(proxy.descriptors(), 400)
        for wire in wires:
            wire.close()
        wait_for(lambda: proxy.metrics().sum("postigo_connections") == 0, 10, "room again")
        with Imap.open(proxy) as wire:
            wire.logged_in("again", "secret").ok("NOOP")


if __name__ == "__main__":
    unittest.main()
