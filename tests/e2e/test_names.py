"""Backends with names: dead ones cost only themselves, answers are remembered, and nothing waits for a name server."""

import concurrent.futures
import shutil
import signal
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, run, wait_for
from tests.fakes.dns import FakeDns

platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def backend(name, host, port):
    return f'[[backend]]\nname = "{name}"\nhost = "{host}"\nimap_port = {port}\n'


class Names(unittest.TestCase):
    """Each test has its own name server and its own Postigo."""

    def door(self, dns, hosts, resolver="", start=True, **sections):
        """Backends by name; self.users[HOST] lives at HOST."""
        self.addCleanup(dns.stop)
        self.users = {host: platform.fresh_user() for host in hosts}
        backends = "\n".join(backend(host, host, platform.a.imap) for host in hosts)
        pools = "\n".join(f'[[pool]]\nname = "{host}"\nbackends = ["{host}"]' for host in hosts)
        rules = "\n".join(f'[[routing.rule]]\nuser = "{self.users[host]}"\npool = "{host}"' for host in hosts)
        door = platform.postigo(start=False)
        door.write(server='[server]\nhostname = "mail.example.com"\nworkers = 1', backends=backends, pool=pools,
                   routing=rules, resolver=f'[resolver]\nservers = "127.0.0.1:{dns.port}"\n{resolver}', **sections)
        self.addCleanup(door.stop)
        return door.start() if start else door

    def log_in(self, door, host):
        """The answer to a login of a user who lives there, and how long it took."""
        with Imap.open(door, "off") as wire:
            start = time.monotonic()
            answer = wire.command(f"LOGIN {self.users[host]} {PASSWORD}")[-1]
            return answer.split(b" ", 2)[:2], time.monotonic() - start

    def test_a38_dead_names_do_not_slow_the_living(self):
        dead = [f"dead{number}.test" for number in range(12)]
        dns = FakeDns({"mail.test": "127.0.0.1"}, silent=dead)
        door = self.door(dns, ["mail.test", *dead], 'timeout = "4s"\ntries = 2',
                         limits='[limits]\nbackend_connect_timeout = "30s"')
        with concurrent.futures.ThreadPoolExecutor(48) as pool:
            waiting = [pool.submit(self.log_in, door, host) for host in dead for _ in range(4)]
            wait_for(lambda: all(dns.asked(host) for host in dead), what="questions for the dead")
            living = [self.log_in(door, "mail.test") for _ in range(20)]
            self.assertFalse(any(each.done() for each in waiting), "the dead were over before the living were tried")
            for answer, seconds in living:
                self.assertEqual(b"OK", answer[0])
                self.assertLess(seconds, 2)
            for each in waiting:
                self.assertEqual([b"NO", b"[UNAVAILABLE]"], each.result()[0])
        self.assertEqual(1, dns.asked("mail.test"))

    def test_a38_a_failure_is_remembered(self):
        dns = FakeDns({})
        door = self.door(dns, ["gone.test"], 'failure_ttl = "1m"')
        for _ in range(5):
            answer, seconds = self.log_in(door, "gone.test")
            self.assertEqual([b"NO", b"[UNAVAILABLE]"], answer)
            self.assertLess(seconds, 2)
        self.assertEqual(1, dns.asked("gone.test"))
        self.assertIn("cannot resolve gone.test: Domain name not found", door.log_text())

    def test_a38_old_answers_serve_while_the_servers_are_silent(self):
        dns = FakeDns({"mail.test": "127.0.0.1"})
        door = self.door(dns, ["mail.test"], 'ttl_max = "100ms"\nttl_min = "100ms"\nrefresh_ttl = "0s"')
        self.assertEqual(b"OK", self.log_in(door, "mail.test")[0][0])
        dns.silent.add("mail.test")
        time.sleep(0.3)
        for _ in range(3):
            answer, seconds = self.log_in(door, "mail.test")
            self.assertEqual(b"OK", answer[0])
            self.assertLess(seconds, 4)

    def test_a38_the_end_does_not_wait_for_name_servers(self):
        dead = [f"dead{number}.test" for number in range(6)]
        dns = FakeDns({}, silent=dead)
        door = self.door(dns, dead, 'timeout = "1m"\ntries = 3', limits='[limits]\nbackend_connect_timeout = "30s"')
        wires = [Imap.open(door, "off") for _ in dead]
        for wire, host in zip(wires, dead):
            wire.send(f"a LOGIN {self.users[host]} {PASSWORD}\r\n")
        wait_for(lambda: all(dns.asked(host) for host in dead), what="questions")
        start = time.monotonic()
        door.program.signal(signal.SIGTERM)
        for wire in wires:
            self.assertIn(b"BYE", wire.rest())
            wire.close()
        door.stop()
        self.assertLess(time.monotonic() - start, 5)

    def test_localhost_without_a_hosts_file(self):
        """RFC 6761 6.3: it needs neither /etc/hosts nor a server."""
        able = shutil.which("unshare") and run("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/etc", check=False)
        if not able or able.returncode != 0:
            self.skipTest("no mount namespace of our own here")
        dns = FakeDns({}, silent={"localhost"})
        door = self.door(dns, ["localhost"], start=False)
        door.start(under=("unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /etc && exec "$@"', "sh"))
        self.assertEqual(b"OK", self.log_in(door, "localhost")[0][0])
        self.assertEqual(0, dns.asked("localhost"))


if __name__ == "__main__":
    unittest.main()
