"""Users of a proxy under test, and where they are."""

import unittest

from tests.e2e.harness.dovecot import MASTER, MASTER_PASSWORD, PASSWORD
from tests.e2e.harness.wire import Imap

# Pools of two backends: a shard each, and everybody lives at a; and both in one shard, with affinity.
SHARDS = '[[pool]]\nname = "main"\nbackends = ["a", "b"]'
HOME_A = '[[routing.rule]]\nregex = ".*"\npool = "main"\nshard = "a"'
TOGETHER = '[[pool]]\nname = "main"\naffinity = true\n[[pool.shard]]\nname = "one"\nbackends = ["a", "b"]'

# How users whom a directory has verified get into the Dovecots.
MASTER_AUTH = f"""[auth.backend_login]
mode = "master_authzid"
master_user = "{MASTER}"
master_password = "{MASTER_PASSWORD}"
"""


def own_user(name, password):
    """A directory in the file, which no server that is away concerns."""
    return f"""[[directory]]
name = "own"
check_password = true
[[directory.user]]
name = "{name}"
password = "{{PLAIN}}{password}"
"""


def attempt(door, user, password):
    """What the client hears."""
    with Imap.open(door) as wire:
        return wire.login(user, password)[-1]


class Users(unittest.TestCase):
    """A test with users who stay to its end."""

    def enter(self, proxy, user, kind=Imap):
        wire = kind.open(proxy)
        self.addCleanup(wire.close)
        return wire.logged_in(user, PASSWORD)

    @staticmethod
    def places(proxy, user):
        """The backends of the user's sessions."""
        return {row["backend"] for row in proxy.ctl("who", "--user", user)["sessions"] if row["phase"] == "relay"}
