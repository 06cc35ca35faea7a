"""A13, A24, A25: too much of everything: memory stays under its ceiling, and who is in the right is served."""

import asyncio
import os
import socket
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Gone, Imap, Platform, sanitized, wait_for

MEMORY = 32 << 20
platform = None


def setUpModule():
    global platform
    if sanitized():
        raise unittest.SkipTest("a sanitizer's memory is not ours")
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Overload(unittest.TestCase):
    def good_logins(self, proxy, count=5):
        for _ in range(count):
            with Imap.open(proxy, source="127.0.0.77") as wire:
                wire.logged_in("u1", PASSWORD)
                wire.ok("NOOP")


class Memory(Overload):
    """Clients that ask for much and take nothing."""

    SIZE = 6 << 20

    def hoarder(self, proxy, user):
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect(("127.0.0.1", proxy.imap))
        self.addCleanup(wire.close)
        wire.settimeout(60)
        wire.recv(1000)
        wire.sendall(f"a LOGIN {user} {PASSWORD}\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd FETCH 1 BODY.PEEK[]\r\n".encode())
        return wire

    def test_hoarders_are_held_back_and_everybody_else_is_served(self):
        user = platform.fresh_user()
        platform.deliver(user, b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * (self.SIZE // 72))
        proxy = platform.postigo(limits=f'[limits]\nmemory = "{MEMORY >> 20}m"\nlogin_memory = "4m"\nrelay_high_water = "4m"',
                                 server="[server]\nworkers = 2")
        self.good_logins(proxy)
        before = proxy.memory()
        wires = []
        for _ in range(24):  # what they would have: 24 times 6 MB and more
            wires.append(self.hoarder(proxy, user))
            time.sleep(0.05)
        held = wait_for(lambda: proxy.metrics().sum("postigo_session_memory_bytes") > MEMORY / 4 and
                        proxy.metrics().sum("postigo_session_memory_bytes"), 30, what="much is held")
        time.sleep(2)
        scrape = proxy.metrics()
        self.assertEqual(MEMORY, scrape.sum("postigo_session_memory_bytes_limit"))
        self.assertLess(proxy.memory() - before, 2 * MEMORY, f"held: {held}")
        for wire in wires:
            wire.close()
        wait_for(lambda: proxy.metrics().sum("postigo_session_memory_bytes") < MEMORY / 4, 30, what="it is given back")
        self.good_logins(proxy)

    def test_beyond_the_ceiling_new_clients_are_told_to_come_again(self):
        proxy = platform.postigo(limits='[limits]\nmemory = "1m"\nlogin_memory = "1m"', server="[server]\nworkers = 1")
        wires, told = [], []
        for _ in range(2000):
            wire = Imap.open(proxy, mode="off")
            if wire.greeting.startswith(b"* BYE"):
                told.append(wire.greeting)
                wire.close()
                break
            wires.append(wire)
            self.addCleanup(wire.close)
        self.assertTrue(told, f"{len(wires)} were let in")
        self.assertRegex(told[0], rb"^\* BYE \[UNAVAILABLE\]")
        wait_for(lambda: proxy.metrics().sum("postigo_rejected_total", reason="memory") > 0, what="it is counted")
        proxy.wait_session(reason="memory")
        wires[0].logged_in("u1", PASSWORD)  # who is in goes on
        for wire in wires:
            wire.close()
        wait_for(lambda: proxy.metrics().sum("postigo_session_memory_bytes") < 1 << 18, 30, what="it is given back")
        self.good_logins(proxy)


class Connections(Overload):
    """Clients that begin and do not go on."""

    def test_a24_half_open_connections_and_handshakes(self):
        proxy = platform.postigo(limits='[limits]\nlogin_timeout = "30s"\ntls_handshake_timeout = "5s"\nsessions_per_address = 1500')
        before = proxy.memory()
        idle = []
        for number in range(1200):
            wire = socket.create_connection(("127.0.0.1", (proxy.imap, proxy.imaps)[number % 2]), 30,
                                            source_address=("127.0.0.66", 0))
            idle.append(wire)
            self.addCleanup(wire.close)
            if number % 2:
                wire.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a hello
        self.good_logins(proxy)
        self.assertLess(proxy.memory() - before, 64 << 20)
        for wire in idle:
            wire.close()
        self.good_logins(proxy)

    def test_a25_handshakes_that_are_broken_off(self):
        proxy = platform.postigo(limits='[limits]\naddress_connections_per_s = 50')
        stop = time.monotonic() + 4

        def storm():
            while time.monotonic() < stop:
                try:
                    with socket.create_connection(("127.0.0.1", proxy.imaps), 5, source_address=("127.0.0.66", 0)) as wire:
                        wire.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(64))
                except OSError:
                    pass

        threads = [threading.Thread(target=storm) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            self.good_logins(proxy)
        finally:
            for thread in threads:
                thread.join(30)
        self.assertGreater(proxy.metrics().sum("postigo_limit_refused_total", reason="address_connections_per_s"), 0)
        self.good_logins(proxy)


class Logins(Overload):
    """Attempts, right and wrong."""

    async def attempt(self, port, user, password, source, told):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        except OSError:
            return
        try:
            await reader.readline()
            writer.write(f"a LOGIN {user} {password}\r\n".encode())
            line = await asyncio.wait_for(reader.readline(), 60)
            told.append(line.split()[1] if b" " in line else b"gone")
        except (OSError, asyncio.TimeoutError):
            told.append(b"gone")
        finally:
            writer.close()

    def storm(self, proxy, attempts):
        told = []

        async def all_of_them():
            limit = asyncio.Semaphore(200)

            async def one(parts):
                async with limit:
                    await self.attempt(proxy.imap, *parts, told)

            await asyncio.gather(*[one(parts) for parts in attempts])

        thread = threading.Thread(target=lambda: asyncio.run(all_of_them()))
        thread.start()
        return thread, told

    def test_a13_garbage_of_one_client_costs_no_other_his_login(self):
        proxy = platform.postigo()
        stop = threading.Event()

        def garbage():
            while not stop.is_set():
                try:
                    with Imap.open(proxy, mode="off", source="127.0.0.66") as wire:
                        for words in (b"AUTHENTICATE PLAIN !!!!", b"AUTHENTICATE PLAIN " + b"A" * 3000,
                                      b"AUTHENTICATE NONSENSE", b"LOGIN {5}\r\n\0\0\0\0\0 x"):
                            wire.command(words)
                except (Gone, OSError):
                    pass

        threads = [threading.Thread(target=garbage) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            storm, told = self.storm(proxy, [("u1", PASSWORD, "127.0.0.77")] * 50)
            storm.join(240)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual([b"OK"] * 50, told)

    def test_a_storm_of_logins(self):
        proxy = platform.postigo()
        thread, told = self.storm(proxy, [("u1", PASSWORD, "127.0.0.66")] * 600)
        self.good_logins(proxy)
        thread.join(240)
        self.assertFalse(thread.is_alive())
        self.assertGreater(told.count(b"OK"), 500, told)

    def test_guesses_at_a_high_rate_cost_those_who_guess(self):
        directory = '[[directory]]\nname = "d"\ntype = "static"\n[[directory.user]]\nname = "u1"\n'
        proxy = platform.postigo(directories=directory, limits='[limits]\nauth_failure_delay = "100ms"',
                                 penalty='[penalty]\nexempt = []\nfree = 5\nparallel = 8\ndelay = "2s"\ndelay_max = "4s"')
        self.good_logins(proxy)
        before = proxy.memory()
        guesses = [(f"x{number}", f"p{number}", "127.0.0.66") for number in range(1500)]
        thread, _ = self.storm(proxy, guesses)
        self.good_logins(proxy, 10)
        thread.join(240)
        self.assertFalse(thread.is_alive())
        scrape = proxy.metrics()
        self.assertLess(scrape.sum("postigo_route_lookups_total", result="no_such_user"), 300)
        self.assertGreater(scrape.sum("postigo_logins_refused_total", reason="penalty"), 1000)
        self.assertLess(proxy.memory() - before, 64 << 20)
        self.good_logins(proxy)
