"""What README.md tells operators to write into Dovecot, tried with a real one: addresses, master user, penalty."""

import os
import re
import shutil
import time
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, PASSWORD, SOURCE, Imap, Platform

# What the harness's Dovecot has already, taken away again: the settings of README are what is tried.
BARE = "login_trusted_networks =\nauth_master_user_separator =\nservice anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0600\n  }\n}\n"
trusting, penalty = re.findall(r"```dovecot\n(.*?)```", open(os.path.join(SOURCE, "README.md"), encoding="utf-8").read(), re.S)


class DovecotSide(unittest.TestCase):
    """One user's wrong passwords, another user's login, from two addresses through one proxy."""

    def platform(self, text):
        made = Platform(dovecots=("a",), dovecot_extra=BARE + text)
        self.addCleanup(made.stop)
        return made

    def seconds_of_a_login(self, platform, **options):
        door = platform.postigo(limits='[limits]\nauth_failure_delay = "1ms"\nbackend_login_timeout = "30s"', **options)
        for _ in range(3):
            with Imap.open(door, "off", source="127.0.0.7") as wire:
                wire.login("bob", "wrong")
        started = time.monotonic()
        with Imap.open(door, "off", source="127.0.0.8") as wire:
            wire.socket.settimeout(40)
            wire.logged_in("alice", PASSWORD)
        return time.monotonic() - started, platform.a.wait_login("alice")[-1]

    def test_without_a_word_everybody_waits(self):
        """Why README has this section; if it fails, Dovecot has changed and README must."""
        seconds, line = self.seconds_of_a_login(self.platform(""))
        self.assertGreater(seconds, 1.5, "Dovecot's penalty is for the address of the proxy")
        self.assertIn("rip=127.0.0.1,", line)

    def test_a_proxy_that_is_trusted(self):
        text = trusting.replace("10.0.0.5/32", "127.0.0.1/32")
        text = re.sub(r"passdb \{.*?\n\}", "", text, flags=re.S)
        seconds, line = self.seconds_of_a_login(self.platform(text), trusted=True)
        self.assertLess(seconds, 1.5)
        self.assertIn("rip=127.0.0.8,", line)

    def test_no_penalty(self):
        seconds, _ = self.seconds_of_a_login(self.platform(penalty))
        self.assertLess(seconds, 1.5)

    def test_the_master_user(self):
        """passdb and separator of README alone: the harness's own masters file is not read."""
        made = self.platform("")
        made.a.stop()
        shutil.copy(os.path.join(made.a.folder, "masters"), os.path.join(made.a.folder, "from-readme"))
        os.remove(os.path.join(made.a.folder, "masters"))
        text = trusting.replace("/etc/dovecot/postigo-master", os.path.join(made.a.folder, "from-readme"))
        text = text.replace("10.0.0.5/32", "127.0.0.1/32")
        with open(os.path.join(made.a.folder, "extra.conf"), "w", encoding="utf-8") as file:
            file.write(BARE + text)
        made.a.start()
        for mode in ("master_authzid", "master_separator"):
            door = made.postigo(
                trusted=True, auth=f'[auth.backend_login]\nmode = "{mode}"\nmaster_user = "{MASTER}"\n'
                                   f'master_password = "{MASTER_PASSWORD}"\n',
                directories='[[directory]]\ntype = "static"\ncheck_password = true\n[[directory.user]]\nname = "carol"\n'
                            'password = "{PLAIN}of-her-own"\n')
            with Imap.open(door) as wire:
                wire.logged_in("carol", "of-her-own").ok("SELECT INBOX")


if __name__ == "__main__":
    unittest.main()
