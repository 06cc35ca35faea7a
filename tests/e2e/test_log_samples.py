"""Sessions of which only some leave their lines: whole or not at all, and never a refusal."""

import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, plain, wait_for

platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Samples(unittest.TestCase):
    def setUp(self):
        self.door = platform.postigo(limits='[limits]\nauth_failure_delay = "1ms"', samples="")

    def left_out(self):
        return self.door.metrics().sum("postigo_log_lines_sampled_out_total")

    def use(self, *rules):
        self.door.write(samples="\n".join(f"[[log.sample]]\n{rule}" for rule in rules))
        self.door.ctl("reload")

    def session(self, kind=Imap, wrong_first=False, **options):
        user = platform.fresh_user()
        with kind.open(self.door, **options) as wire:
            if wrong_first:
                wire.command(f"AUTHENTICATE PLAIN {plain(user, 'wrong')}")
            wire.logged_in(user, PASSWORD).ok("LOGOUT" if kind is Imap else "QUIT")
        return user

    def test_rules(self):
        self.use('listener = "pop3s"\nkeep = 0', 'networks = ["127.0.0.7"]\nkeep = 0.0', 'user = "*"\nkeep = 1')
        gone = [self.session(Pop3), self.session(source="127.0.0.7")]
        wait_for(lambda: self.left_out() == 4)  # two of each
        kept = self.session(source="127.0.0.8")
        self.door.wait_session(user=kept)
        self.assertEqual(1, len(self.door.lines("login", user=kept)))
        for user in gone:
            self.assertEqual([], self.door.lines(user=user))

    def test_refusals_stay_and_what_became_of_them(self):
        self.use("keep = 0")
        user = self.session(wrong_first=True)
        self.door.wait_session(user=user)
        self.assertEqual([1, 1], [len(self.door.lines("login_refused", claimed_user=user)), len(self.door.lines("login", user=user))])
        with Imap.open(self.door) as wire:
            wire.command(f"AUTHENTICATE PLAIN {plain('mallory', 'wrong')}")
        self.door.wait_session(claimed_user="mallory")
        self.assertEqual(0, self.left_out())

    def test_a_session_is_whole_or_not_there(self):
        self.use("keep = 0.5")
        for _ in range(30):
            self.session()
        wait_for(lambda: self.left_out() + len(self.door.lines("login")) + len(self.door.sessions()) == 60)
        logins, sessions = ({line["id"] for line in self.door.lines(event)} for event in ("login", "session"))
        self.assertEqual(logins, sessions)
        self.assertTrue(0 < len(sessions) < 30, len(sessions))
        self.assertEqual({0.5}, {line["keep"] for line in self.door.lines("login") + self.door.sessions()})
        with self.subTest("all again"):
            self.use()
            self.assertNotIn("keep", self.door.wait_session(user=self.session())[0])


if __name__ == "__main__":
    unittest.main()
