"""Answers of a directory that are kept: how often it is asked, what a new password means, and what is left when it is away."""

import concurrent.futures
import time
import unittest

from tests.e2e.harness import Imap, Platform, Pop3
from tests.e2e.harness.auth_daemon import AuthDaemon, DIALECTS
from tests.e2e.harness.users import MASTER_AUTH

FIRST, SECOND = "canary-first", "canary-second"
REFUSED = rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])"
LATER = rb"^(NO \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])"
LIMITS = '[limits]\nauth_failure_delay = "100ms"\nlookup_timeout = "30s"\n[penalty]\nexempt = ["127.0.0.0/8"]'
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def said(door, user, password, kind=Imap):
    with kind.open(door) as wire:
        if kind is Imap:
            return wire.login(user, password)[-1]
        wire.ok(f"USER {user}")
        return wire.command(f"PASS {password}")


class Kept(unittest.TestCase):
    def setUp(self):
        self.user, self.other = platform.fresh_user(), platform.fresh_user()
        self.users = {name: {"password": FIRST, "imap": f"127.0.0.1:{platform.a.imap}", "pop3": f"127.0.0.1:{platform.a.pop3}"}
                      for name in (self.user, self.other)}
        self.away, self.slow_s = False, 0
        speak = DIALECTS["json"](self.users)

        def answer(*question):
            time.sleep(self.slow_s)
            return (503, {}, b"") if self.away else speak(*question)

        self.daemon = AuthDaemon(answer)
        self.addCleanup(self.daemon.stop)

    def directory(self, cache):
        return (f'[[directory]]\nname = "people"\ntype = "http"\ncheck_password = true\nfields = ["host=backend"]\ntimeout = "20s"\n[directory.http]\nurl = "{self.daemon.url()}"\n'
                f"[directory.cache]\n{cache}")

    def door(self, cache='ttl = "1h"\n'):
        door = platform.postigo(auth=MASTER_AUTH, limits=LIMITS, directories=self.directory(cache))
        self.addCleanup(door.stop)
        return door

    def asked(self):
        return len(self.daemon.requests())

    def test_a7_one_question_for_each_user_and_way(self):
        door = self.door()
        for _ in range(4):
            for name in (self.user, self.other):
                self.assertRegex(said(door, name, FIRST), b"^OK")
        self.assertEqual(2, self.asked())
        self.assertRegex(said(door, self.user, FIRST, Pop3), rb"^\+OK")
        self.assertEqual(3, self.asked(), "another protocol is another question")
        self.assertRegex(said(door, self.user, "wrong"), REFUSED)
        self.assertRegex(said(door, self.user, FIRST), b"^OK")
        scrape = door.metrics()
        self.assertEqual(7, scrape.sum("postigo_directory_cache_questions_total", result="hit"))
        self.assertEqual(4, scrape.sum("postigo_directory_cache_questions_total", result="miss"))
        self.assertEqual(3, scrape.sum("postigo_directory_cache_entries"))
        self.assertNotIn("canary", door.log_text() + door.program.output())

    def test_a_new_password_and_flush(self):
        door = self.door()
        self.assertRegex(said(door, self.user, FIRST), b"^OK")
        self.users[self.user]["password"] = SECOND
        self.assertRegex(said(door, self.user, SECOND), b"^OK")
        self.assertRegex(said(door, self.user, FIRST), REFUSED)
        self.assertRegex(said(door, self.other, FIRST), b"^OK")
        self.users[self.other]["password"] = SECOND
        self.assertEqual(1, door.ctl("cache", "flush", self.other)["flushed"])
        self.assertRegex(said(door, self.other, FIRST), REFUSED)
        self.assertRegex(said(door, self.user, SECOND), b"^OK")
        self.assertLess(0, door.ctl("cache", "flush")["flushed"])
        self.assertEqual(0, door.metrics().sum("postigo_directory_cache_entries"))

    def test_a23_a_kept_no_is_a_failure(self):
        door = self.door('ttl = "1h"\nnegative_ttl = "1h"\n')
        for _ in range(3):
            self.assertRegex(said(door, self.user, "wrong"), REFUSED)
        self.assertEqual(1, self.asked())
        self.assertEqual(3, door.metrics().sum("postigo_auth_attempts_total", result="bad_credentials"))

    def test_while_it_is_away(self):
        strict, patient = self.door('ttl = "2s"\nnegative_ttl = "1s"\n'), self.door('ttl = "2s"\nnegative_ttl = "1s"\nstale = "1h"\n')
        for door in (strict, patient):
            self.assertRegex(said(door, self.user, FIRST), b"^OK")
        self.away = True
        time.sleep(2.5)
        self.assertRegex(said(strict, self.user, FIRST), LATER)
        self.assertRegex(said(patient, self.user, FIRST), b"^OK")
        self.assertRegex(said(patient, self.user, "wrong"), LATER)
        self.assertRegex(said(patient, self.other, FIRST), LATER)
        self.assertEqual(1, patient.metrics().sum("postigo_directory_cache_stale_total"))

    def test_equal_questions_at_a_time_are_one(self):
        self.slow_s = 3
        door = self.door()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: said(door, self.user, FIRST), range(8)))
        for answer in answers:
            self.assertRegex(answer, b"^OK")
        self.assertEqual(1, self.asked())

    def test_a_reload_of_its_section_forgets(self):
        door = self.door()
        self.assertRegex(said(door, self.user, FIRST), b"^OK")
        self.users[self.user]["password"] = SECOND
        door.ctl("reload")
        self.assertRegex(said(door, self.user, FIRST), b"^OK", "another section than its own")
        door.write(directories=self.directory('ttl = "30m"\n'))
        door.ctl("reload")
        self.assertRegex(said(door, self.user, FIRST), REFUSED)


if __name__ == "__main__":
    unittest.main()
