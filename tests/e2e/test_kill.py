"""The kill matrix: client or backend cut at every octet and phase of a login (A13, A14, A31).

Nothing crashes, nothing leaks (the sanitizer build is asked, and Postigo must end with 0), no descriptor stays open, and
a session that has nothing to do with it goes on.
"""

import base64
import os
import ssl
import threading
import time
import unittest

from tests.e2e.harness import Imap, Platform, Pop3, Wire, sanitized, wait_for
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

PASSWORD = "canary-kill"
STEP = 3 if sanitized() else 1  # every octet in Release; every third under a sanitizer
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


class Matrix(unittest.TestCase):
    """One proxy per test; a witness session stays logged in from the first cut to the last."""

    def scene(self, mode="off"):
        context = platform.certificates.server_context()
        upgrade = mode == "starttls"
        self.fake = FakeBackend(imap=imap_server(tls=upgrade), pop3=pop3_server(tls=upgrade), tls=context,
                                implicit=mode == "implicit")
        self.addCleanup(self.fake.stop)
        table = f'{{ mode = "{mode}", ca_file = "{platform.certificates.ca}" }}' if mode != "off" else ""
        self.proxy = platform.postigo({"fake": self.fake}, backend_tls=table, start=False,
                                      # each cut is to be met by a login, whatever the ones before have met
                                      limits='[limits]\nauth_failure_delay = "1ms"\nbackend_login_timeout = "3s"\n'
                                             '[health]\npassive = false')
        self.proxy.write(log=self.proxy.sections["log"].replace('"info"', '"debug"'))
        self.proxy.start()
        self.witness = Imap.open(self.proxy).logged_in("witness", PASSWORD)
        self.before = self.settled_descriptors()

    def settled_descriptors(self):
        wait_for(lambda: self.proxy.metrics().sum("postigo_connections") == 1, 10, "only the witness is connected")
        return self.proxy.descriptors()

    def finish(self):
        self.witness.ok("NOOP")
        wait_for(lambda: self.proxy.metrics().sum("postigo_connections") == 1, 10,
                 lambda: f"only the witness is left, not {self.proxy.metrics().of('postigo_connections')}")
        wait_for(lambda: self.proxy.descriptors() <= self.before + 2, 5,
                 lambda: f"{self.proxy.descriptors()} descriptors, {self.before} before")
        with Imap.open(self.proxy) as wire:
            wire.logged_in("after", PASSWORD).ok("NOOP")
        self.witness.close()
        self.proxy.stop()


class ClientCut(Matrix):
    """The client leaves after n octets, with FIN or RST."""

    scripts = {
        "imap": (Imap, f"a LOGIN u {PASSWORD}\r\nb NOOP\r\nc LOGOUT\r\n".encode()),
        "imap literal": (Imap, b"a LOGIN {1+}\r\nu {%d}\r\n%s\r\n" % (len(PASSWORD), PASSWORD.encode())),
        "imap plain": (Imap, b"a AUTHENTICATE PLAIN\r\n" + base64.b64encode(b"\0u\0" + PASSWORD.encode()) + b"\r\n"),
        "pop3": (Pop3, f"USER u\r\nPASS {PASSWORD}\r\nDELE 1\r\n".encode()),
    }

    def test_at_every_octet_in_clear_text(self):
        self.scene()
        for kind, script in self.scripts.values():
            port = self.proxy.imap if kind is Imap else self.proxy.pop3
            for cut in range(0, len(script) + 1, STEP):
                wire = Wire((self.proxy.host, port))
                wire.send(script[:cut])
                wire.reset() if cut % 2 else wire.close()
        self.finish()

    def test_in_every_phase_inside_tls(self):
        self.scene()
        for kind, script in self.scripts.values():
            for cut in range(0, len(script) + 1, 4 * STEP):
                for mode in ("implicit", "starttls"):
                    wire = kind.open(self.proxy, mode)
                    wire.send(script[:cut])
                    wire.reset() if cut % 8 else wire.close()
        self.finish()

    def test_in_the_middle_of_the_handshake(self):
        self.scene()
        outgoing = ssl.MemoryBIO()
        client = platform.certificates.client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = outgoing.read()
        for cut in range(0, len(hello) + 1, 5 * STEP):
            wire = Wire((self.proxy.host, self.proxy.imaps))
            wire.send(hello[:cut])
            wire.reset() if cut % 2 else wire.close()
        noise = os.urandom(300)
        for garbage in (b"\x16\x03\x01\xff\xff" + noise, noise, hello + hello, hello[:60] + noise):
            wire = Wire((self.proxy.host, self.proxy.imaps))
            wire.send(garbage)
            wire.close()
        self.finish()

    def test_while_the_backend_is_asked(self):
        """The client leaves at the moment of each of the proxy's steps towards the backend."""
        self.scene()
        for _ in range(30):
            wire = Imap.open(self.proxy, "off")
            seen = len(self.fake.peers)
            wire.send(f"a LOGIN u {PASSWORD}\r\n")
            wait_for(lambda seen=seen: len(self.fake.peers) > seen, 20, "a connection to the backend", step=0.0005)
            wire.reset()
        self.finish()


class BackendCut(Matrix):
    """The backend leaves after n octets of what it says."""

    def cuts(self, mode, kind, phases):
        """`phases`: the states of our dialogue in which the backend must have gone at least once."""
        self.scene(mode)
        whole = self.outcome(kind)
        self.assertTrue(whole, "without a cut it works")
        wait_for(lambda: self.fake.last.closed_by, what="the end of the whole session")
        length = self.fake.last.sent  # what the backend says until its OK is out
        for how in ("close", "reset"):
            outcomes = {}
            for cut in range(0, length + 2 * STEP, STEP):
                self.fake.cut_after, self.fake.cut_with = cut, how
                outcomes[cut] = self.outcome(kind)
            self.assertEqual({cut: cut >= length for cut in outcomes}, outcomes, f"{how}: one switch, at octet {length}")
        self.fake.cut_after = None
        seen = {line["state"] for line in self.proxy.lines("backend_failed")}
        self.assertLessEqual(phases, seen)
        self.finish()

    def outcome(self, kind):
        """One login: True for OK, False for "not now"; anything else fails."""
        with kind.open(self.proxy, "off") as wire:
            if kind is Imap:
                said = wire.login("u", PASSWORD)[-1]
                self.assertRegex(said, rb"^(NO \[UNAVAILABLE\]|OK)", f"cut after {self.fake.cut_after}")
                return said.startswith(b"OK")
            wire.ok("USER u")
            said = wire.command(f"PASS {PASSWORD}")
            self.assertRegex(said, rb"^(-ERR \[SYS/TEMP\]|\+OK)", f"cut after {self.fake.cut_after}")
            return said.startswith(b"+OK")

    def test_imap(self):
        self.cuts("off", Imap, {"greeting", "login"})

    def test_pop3(self):
        self.cuts("off", Pop3, {"greeting", "user", "pass"})

    def test_imap_starttls(self):
        self.cuts("starttls", Imap, {"greeting", "starttls", "capability", "login"})

    def test_imap_implicit(self):
        self.cuts("implicit", Imap, {"greeting", "login"})

    def test_in_the_relay(self):
        self.scene()
        for how in ("close", "reset"):
            for mode in ("off", "implicit"):
                wires = [Imap.open(self.proxy, mode).logged_in("u", PASSWORD) for _ in range(5)]
                for wire, peer in zip(wires, self.fake.peers[-5:]):
                    peer.end(how)
                for wire in wires:  # between two responses a BYE is legal (T46), if it says the right thing
                    self.assertRegex(wire.rest(), rb"^$|^\* BYE \[UNAVAILABLE\] [^\r]*\r\n$", how)
                    wire.close()
        self.finish()


class Neighbours(Matrix):
    """A13: one client's garbage is nobody else's problem."""

    garbage = (b"a AUTHENTICATE PLAIN !!!!\r\n", b"a AUTHENTICATE PLAIN " + b"A" * 30000 + b"\r\n", b"\0\0\0\0\r\n",
               b"a AUTHENTICATE PLAIN AAAA\r\n", b"a AUTHENTICATE LOGIN ====\r\n", b"a LOGIN {5}\r\n\xff\xfe\xfd\xfc\xfb\r\n",
               b"a AUTHENTICATE PLAIN " + base64.b64encode(b"\0" * 200) + b"\r\n", b'a LOGIN "' + b"\xc3" * 50 + b'" x\r\n')

    def test_a13_fifty_logins_beside_garbage(self):
        self.scene()
        stop, failures = threading.Event(), []

        def noise():
            while not stop.is_set():
                for text in self.garbage:
                    with Wire((self.proxy.host, self.proxy.imap)) as wire:
                        wire.send(text * 3)
                    time.sleep(0.002)  # the fake backend is a thread of this process and needs its turn

        def login(number):
            try:
                with Imap.open(self.proxy, ("off", "implicit")[number % 2]) as wire:
                    wire.logged_in(f"user{number}", PASSWORD).ok("NOOP")
            except Exception as error:
                failures.append(f"{number}: {error!r}")

        noisy = [threading.Thread(target=noise) for _ in range(4)]
        logins = [threading.Thread(target=login, args=(number,)) for number in range(50)]
        for thread in noisy + logins:
            thread.start()
        for thread in logins:
            thread.join()
        stop.set()
        for thread in noisy:
            thread.join()
        self.assertEqual([], failures)
        self.finish()

    def test_a12_start_and_abort_sasl_without_end(self):
        self.scene()
        before = self.proxy.memory()
        for _ in range(20):
            with Wire((self.proxy.host, self.proxy.imap)) as wire:
                wire.line()
                try:
                    wire.send(b"a AUTHENTICATE PLAIN\r\n*\r\n" * 300)
                    wire.rest()
                except OSError:
                    pass
        self.assertLess(self.proxy.memory() - before, (16 << 20) if not sanitized() else (100 << 20))
        self.finish()

    def test_end_of_the_process_in_the_middle_of_everything(self):
        self.scene()
        wires = [Imap.open(self.proxy).logged_in("u", PASSWORD) for _ in range(5)]
        wires += [Imap.open(self.proxy, "off") for _ in range(5)]
        wires += [Wire((self.proxy.host, self.proxy.imaps)) for _ in range(5)]
        slow = Wire((self.proxy.host, self.proxy.imap))
        slow.send("a LOGIN u")
        self.witness.close()
        self.proxy.stop()  # asserts 0 and no report
        for wire in [*wires, slow]:
            wire.close()


if __name__ == "__main__":
    unittest.main()
