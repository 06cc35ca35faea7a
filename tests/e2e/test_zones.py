"""Zones: who stands nearer comes first, and how many go further when few of those are left."""

import threading
import unittest

from tests.e2e.harness import Imap, Platform, wait_for
from tests.e2e.harness.dovecot import PASSWORD
from tests.fakes.backend import FakeBackend, imap_server

platform = None
USERS = [f"user{number}" for number in range(60)]
# A slow start would let users come back one by one.
LIMITS = '[limits]\nauth_failure_delay = "10ms"\nbackend_login_timeout = "1s"\n[health]\nretry_max = "1s"\nslow_start = "0s"\n'
ZONES = {"east1": "east", "east2": "east", "west": "west", "anywhere": ""}


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


class Server(FakeBackend):
    """Takes connections and says nothing while it is mute."""

    def __init__(self):
        self.mute = threading.Event()
        serve = imap_server()
        super().__init__(imap=lambda peer: peer.wait_end() if self.mute.is_set() else serve(peer))


class Zones(unittest.TestCase):
    def setUp(self):
        self.servers = {name: Server() for name in ZONES}
        for server in self.servers.values():
            self.addCleanup(server.stop)

    def proxy(self, zone, pool, names, more=""):
        """An instance in that zone, with these backends."""
        backends = "".join(f'[[backend]]\nname = "{name}"\nhost = "127.0.0.1"\nimap_port = {self.servers[name].imap}\n'
                           + (f'zone = "{ZONES[name]}"\n' if ZONES[name] else "") for name in names)
        made = platform.postigo(
            {name: self.servers[name] for name in names}, start=False, limits=LIMITS, pool=pool,
            server='[server]\nhostname = "mail.example.com"\nworkers = 2\n' + (f'zone = "{zone}"\n' if zone else "") + more)
        made.write(backends=backends)
        self.addCleanup(made.stop)
        return made.start()

    def shared(self, zone, names, policy="rendezvous", spill=70):
        listed = ", ".join(f'"{name}"' for name in names)
        return self.proxy(zone, '[[pool]]\nname = "main"\nstorage = "shared"\n'
                                f'policy = "{policy}"\nzone_spill = {spill}\nbackends = [{listed}]', names)

    def private(self, zone, names):
        listed = ", ".join(f'"{name}"' for name in names)
        return self.proxy(zone, f'[[pool]]\nname = "main"\n[[pool.shard]]\nname = "all"\nbackends = [{listed}]', names)

    def served_by(self, proxy, users=USERS):
        """The backends of these users' logins: who answered, and not who was tried."""
        for user in users:
            with Imap.open(proxy, "off") as wire:
                wire.logged_in(user, PASSWORD)
        lines = wait_for(lambda: len(proxy.lines("login")) >= self.seen(proxy) + len(users) and proxy.lines("login"), 30,
                         what="a line for each login")
        fresh = lines[self.seen(proxy):]
        self.counts[proxy] = len(lines)
        return {line["user"]: line["backend"] for line in fresh}

    def seen(self, proxy):
        self.counts = getattr(self, "counts", {})
        return self.counts.get(proxy, 0)

    def state(self, proxy, backend):
        return next(labels["state"] for labels, value in proxy.metrics().of("postigo_backend_state")
                    if labels["backend"] == backend and labels["protocol"] == "imap" and value == 1)

    def falls_silent(self, proxy, name):
        self.servers[name].mute.set()
        for _ in range(20):
            if self.state(proxy, name) == "down":
                return
            self.served_by(proxy, USERS[:10])
        self.assertEqual("down", self.state(proxy, name))

    def test_the_own_zone_serves_while_it_can(self):
        for policy in ("rendezvous", "least_sessions", "round_robin"):
            with self.subTest(policy):
                proxy = self.shared("east", ("east1", "west"), policy)
                self.assertEqual({"east1"}, set(self.served_by(proxy).values()))
                self.assertEqual({"west"}, set(self.served_by(self.shared("west", ("east1", "west"), policy)).values()))
                self.falls_silent(proxy, "east1")
                self.assertEqual({"west"}, set(self.served_by(proxy).values()), "nobody is left there")
                self.servers["east1"].mute.clear()

                def back():
                    self.served_by(proxy, USERS[:5])
                    return self.state(proxy, "east1") == "up"
                wait_for(back, 60, what="it serves again")
                self.assertEqual({"east1"}, set(self.served_by(proxy).values()))

    def test_a_part_goes_further_where_few_are_left(self):
        """One of two serves, of which 70 in a hundred are wanted: five of seven users stay, the same ones each time."""
        proxy = self.shared("east", ("east1", "east2", "west"))
        well = self.served_by(proxy)
        self.assertEqual({"east1", "east2"}, set(well.values()))
        self.falls_silent(proxy, "east2")
        places = self.served_by(proxy)
        stay = sum(place == "east1" for place in places.values())
        self.assertEqual({"east1", "west"}, set(places.values()))
        self.assertTrue(30 <= stay <= 55, f"{stay} of 60 stay")
        self.assertEqual(places, self.served_by(proxy))

    def test_few_are_enough_where_nobody_wants_more(self):
        proxy = self.shared("east", ("east1", "east2", "west"), spill=50)
        self.falls_silent(proxy, "east2")
        self.assertEqual({"east1"}, set(self.served_by(proxy).values()))

    def test_who_stands_nowhere_is_at_home_everywhere(self):
        proxy = self.shared("west", ("east1", "anywhere"))
        self.assertEqual({"anywhere"}, set(self.served_by(proxy).values()))
        proxy = self.shared("", ("east1", "west"))
        self.assertEqual({"east1", "west"}, set(self.served_by(proxy).values()), "and for an instance of no zone none matters")

    def test_in_the_order_of_a_shard_the_own_zone_comes_first(self):
        names = ("west", "east2", "east1")
        self.assertEqual({"east2"}, set(self.served_by(self.private("east", names), USERS[:10]).values()))
        self.assertEqual({"west"}, set(self.served_by(self.private("", names), USERS[:10]).values()))
        proxy = self.private("east", names)
        self.falls_silent(proxy, "east2")
        self.assertEqual({"east1"}, set(self.served_by(proxy, USERS[:10]).values()))


if __name__ == "__main__":
    unittest.main()
