"""Users of a proxy under test, and where they are."""

import unittest

from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.harness.wire import Imap

# Pools of two backends: a shard each, and everybody lives at a; and both in one shard, with affinity.
SHARDS = '[[pool]]\nname = "main"\nbackends = ["a", "b"]'
HOME_A = '[[routing.rule]]\nregex = ".*"\npool = "main"\nshard = "a"'
TOGETHER = '[[pool]]\nname = "main"\naffinity = true\n[[pool.shard]]\nname = "one"\nbackends = ["a", "b"]'


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
