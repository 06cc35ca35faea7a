"""Backends by SRV records and by names whose addresses change, under logins: nobody is refused, whatever DNS says."""

import os
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, wait_for
from tests.fakes.dns import FakeDns

platform = None
IMAP, POP3 = "_imap._tcp.mail.test", "_pop3._tcp.mail.test"
SOON = 'ttl_max = "200ms"\nttl_min = "200ms"\nfailure_ttl = "200ms"'


def setUpModule():
    global platform
    platform = Platform(dovecots=("a", "b", "c"))
    unittest.addModuleCleanup(platform.stop)


class Logins:
    """Two clients that log in again and again, each time as another user, until stop(); what was no OK is kept."""

    def __init__(self, door):
        self.door, self.done, self.failed, self.count = door, threading.Event(), [], 0
        self.users = [platform.fresh_user() for _ in range(20)]
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(2)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        for at in range(2000):
            if self.done.is_set():
                return
            try:
                with Imap.open(self.door, "off") as wire:
                    answer = wire.command(f"LOGIN {self.users[(at + number) % 20]} {PASSWORD}")[-1]
                if not answer.startswith(b"OK"):
                    self.failed.append(answer)
            except OSError as why:
                self.failed.append(why)
            self.count += 1
            time.sleep(0.01)

    def stop(self):
        self.done.set()
        for thread in self.threads:
            thread.join()


class Srv(unittest.TestCase):
    def setUp(self):
        self.dns = FakeDns({f"{name}.test": "127.0.0.1" for name in "abc"})
        self.addCleanup(self.dns.stop)

    def targets(self, names, priority=10):
        return [(priority, 1, platform.dovecots[name].imap, f"{name}.test") for name in names]

    def door(self, backends='srv = ["' + IMAP + '"]', pool='storage = "shared"\npolicy = "round_robin"', start=True):
        door = platform.postigo(start=False)
        door.write(server='[server]\nhostname = "mail.example.com"\nworkers = 2',
                   backends=f'[[backend]]\nname = "mail"\n{backends}\n',
                   pool=f'[[pool]]\nname = "all"\nbackends = ["mail"]\n{pool}\n',
                   resolver=f'[resolver]\nservers = "127.0.0.1:{self.dns.port}"\n{SOON}\n')
        self.addCleanup(door.stop)
        return door.start() if start else door

    def known(self, door):
        return {row["name"] for row in door.ctl("backends")["backends"] if row["state"] != "removed"}

    def who(self, door, *filters):
        return sorted(row["backend"] for row in door.ctl("who", *filters)["sessions"])

    def wait_known(self, door, *names):
        wait_for(lambda: self.known(door) == {f"mail/{name}.test" for name in names}, 30, what=f"backends {names}")

    def test_targets_come_and_go_under_logins(self):
        self.dns.services[IMAP] = self.targets("ab")
        door = self.door()
        self.assertEqual({"mail/a.test", "mail/b.test"}, self.known(door), "known before the first client came")
        idle = [Imap.open(door, "off") for _ in range(4)]
        for wire in idle:
            wire.logged_in(platform.fresh_user(), PASSWORD)
            self.addCleanup(wire.close)
        self.assertEqual(["mail/a.test"] * 2 + ["mail/b.test"] * 2, self.who(door))
        logins = Logins(door)
        try:
            for names in ("abc", "bc", "c", "ac", "ab"):
                self.dns.services[IMAP] = self.targets(names)
                self.wait_known(door, *names)
                time.sleep(0.3)
            self.dns.silent.add(IMAP)
            time.sleep(1)
            self.dns.silent.clear()
            del self.dns.services[IMAP]  # NXDOMAIN
            time.sleep(1)
            self.assertEqual({"mail/a.test", "mail/b.test"}, self.known(door), "nobody says where else they are")
        finally:
            logins.stop()
        self.assertGreater(logins.count, 50)
        self.assertEqual([], logins.failed)
        for wire in idle:
            self.assertRegex(wire.command("NOOP")[-1], rb"^OK", "sessions stay with a backend that is gone from the records")
        text = door.log_text()
        self.assertIn(f'"event":"srv_changed","service":"{IMAP}","targets":3', text)
        self.assertIn(text.count('"event":"srv_failed"'), (1, 2), "once for each time without an answer")

    def test_the_nearest_priority_serves_and_the_next_takes_over(self):
        self.dns.services[IMAP] = self.targets("a") + self.targets("b", priority=20)
        door = self.door(pool="")
        near, further = platform.fresh_user(), platform.fresh_user()
        with Imap.open(door, "off") as wire:
            wire.logged_in(near, PASSWORD)
            self.assertEqual(["mail/a.test"], self.who(door, "--user", near))
        door.ctl("backend", "mail/a.test", "drain")
        with Imap.open(door, "off") as wire:
            wire.logged_in(further, PASSWORD)
            self.assertEqual(["mail/b.test"], self.who(door, "--user", further))

    def test_both_protocols_of_a_host_are_one_backend(self):
        self.dns.services[IMAP] = self.targets("ab")
        self.dns.services[POP3] = [(10, 1, platform.b.pop3, "b.test")]
        door = self.door(f'srv = ["{IMAP}", "{POP3}"]')
        self.assertEqual({"mail/a.test", "mail/b.test"}, self.known(door))
        for _ in range(3):
            with Pop3.open(door, "off") as wire:
                user = platform.fresh_user()
                wire.logged_in(user, PASSWORD)
                self.assertEqual(["mail/b.test"], self.who(door, "--user", user))

    def test_a_start_without_an_answer_serves_as_soon_as_there_is_one(self):
        door = self.door()
        with Imap.open(door, "off") as wire:
            self.assertIn(b"NO [UNAVAILABLE]", wire.command(f"LOGIN {platform.fresh_user()} {PASSWORD}")[-1])
        self.assertIn("cannot resolve _imap._tcp.mail.test", door.log_text())
        self.dns.services[IMAP] = self.targets("c")
        self.wait_known(door, "c")
        with Imap.open(door, "off") as wire:
            self.assertRegex(wire.command(f"LOGIN {platform.fresh_user()} {PASSWORD}")[-1], rb"^OK")

    def test_a_restart_while_nobody_answers_has_the_targets_of_before(self):
        """For as long as they are configured."""
        self.dns.services[IMAP] = self.targets("a")
        door = self.door(start=False)
        kept = os.path.join(door.folder, "run", "state.json")
        server = door.sections["server"] + f'\nstate_file = "{kept}"'
        door.write(server=server)
        door.start()
        self.dns.services[IMAP] = self.targets("ab")
        self.wait_known(door, "a", "b")
        wait_for(lambda: "b.test" in open(kept, encoding="utf-8").read(), 30, what="the state file")
        door.stop()
        self.dns.silent.add(IMAP)
        door.start()
        self.assertEqual({"mail/a.test", "mail/b.test"}, self.known(door))
        self.assertIn(f"no name server answers for {IMAP}: it has what they said until 2",
                      door.log_text() + door.program.output())
        with Imap.open(door, "off") as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
        door.ctl("backend", "mail/b.test", "drain")
        self.assertIn("b.test", open(kept, encoding="utf-8").read(), "an order is kept beside them")
        door.write(backends=f'[[backend]]\nname = "mail"\nhost = "a.test"\nimap_port = {platform.a.imap}\n')
        door.ctl("reload")
        wait_for(lambda: IMAP not in open(kept, encoding="utf-8").read(), 30, what="the end of the service")

    def test_t63_records_that_name_ourselves(self):
        """As clients' records do (RFC 6186)."""
        door = self.door(start=False)
        self.dns.names["mail.example.com"] = "127.0.0.1"
        self.dns.services[IMAP] = self.targets("a")
        door.write(listeners=door.sections["listeners"].replace("127.0.0.1:", "0.0.0.0:"))
        door.start()
        self.dns.services[IMAP] = [(10, 1, door.imap, "mail.example.com")]
        door.wait_lines("reload_refused", cause="srv")
        self.assertIn('is our own listener \\"imap\\": the proxy would connect to itself', door.log_text())
        self.assertEqual({"mail/a.test"}, self.known(door))
        with Imap.open(door, "off") as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)

    def test_an_upgrade_while_nobody_answers_takes_the_targets_along(self):
        self.dns.services[IMAP] = self.targets("ab")
        door = self.door()
        self.dns.silent.add(IMAP)
        door.ctl("upgrade")
        wait_for(lambda: door.ctl("status")["pid"] != door.program.process.pid, 30, what="the successor")
        self.assertEqual({"mail/a.test", "mail/b.test"}, self.known(door))
        with Imap.open(door, "off") as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)

    def test_a_reload_keeps_targets_and_an_order_outlives_their_absence(self):
        self.dns.services[IMAP] = self.targets("ab")
        door = self.door()
        door.ctl("backend", "mail/a.test", "drain")
        self.assertEqual([], door.ctl("reload")["changes"])
        self.assertEqual({"mail/a.test", "mail/b.test"}, self.known(door))
        self.dns.services[IMAP] = self.targets("b")
        self.wait_known(door, "b")
        self.dns.services[IMAP] = self.targets("ab")
        self.wait_known(door, "a", "b")
        states = {row["name"]: row["state"] for row in door.ctl("backends")["backends"]}
        self.assertEqual({"mail/a.test": "drain", "mail/b.test": "auto"}, states)


class Addresses(unittest.TestCase):
    def test_a_name_moves_to_other_addresses_under_logins(self):
        """The old address still answers for its sessions; a name server that knows nothing changes nothing."""
        dns = FakeDns({"mail.test": "127.0.0.1"})
        self.addCleanup(dns.stop)
        door = platform.postigo(start=False)
        door.write(server='[server]\nhostname = "mail.example.com"\nworkers = 2',
                   backends=f'[[backend]]\nname = "mail"\nhost = "mail.test"\nimap_port = {platform.a.imap}\n', pool="",
                   resolver=f'[resolver]\nservers = "127.0.0.1:{dns.port}"\n{SOON}\nrefresh_ttl = "0s"\n')
        self.addCleanup(door.stop)
        door.start()
        logins = Logins(door)
        try:
            for addresses in (["127.0.0.1", "127.9.9.9"], ["127.9.9.9", "127.0.0.1"], ["127.0.0.1"], []):
                dns.names["mail.test"] = addresses
                asked = dns.asked("mail.test")
                wait_for(lambda: dns.asked("mail.test") > asked + 2, 30, what="questions")
            del dns.names["mail.test"]
            asked = dns.asked("mail.test")
            wait_for(lambda: dns.asked("mail.test") > asked + 2, 30, what="questions")
        finally:
            logins.stop()
        self.assertGreater(logins.count, 20)
        self.assertEqual([], logins.failed)


if __name__ == "__main__":
    unittest.main()
