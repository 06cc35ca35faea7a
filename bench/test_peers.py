"""Every peer that this machine has starts as the bench configures it, and lets a client in on every door. No figures."""

import socket
import ssl
import unittest

from bench.harness.peers import PEERS, newer
from bench.harness.peers.base import DOORS
from bench.harness.scene import NAME, Scene

SAY = {"imap": b"a LOGIN u1 secret\r\n", "pop3": b"USER u1\r\nPASS secret\r\n"}


class Peers(unittest.TestCase):
    def setUp(self):
        self.scene = Scene(pinned=False)
        self.addCleanup(self.scene.close)

    def let_in(self, peer, protocol, tls):
        """What is said until the answer to a login."""
        with socket.create_connection(("127.0.0.1", peer.port(protocol, tls)), 10) as wire:
            if tls:
                context = ssl.create_default_context(cafile=self.scene.certificates.ca)
                wire = context.wrap_socket(wire, server_hostname=NAME)
            said = wire.recv(4096)
            for line in SAY[protocol].splitlines(keepends=True):
                wire.sendall(line)
                said += wire.recv(4096)
            return said

    def runs(self, name, backend_tls):
        sink = self.scene.sink()
        self.addCleanup(sink.stop)
        peer = PEERS[name](self.scene, sink, backend_tls=backend_tls, pinned=False, sessions=100).start()
        try:
            for protocol, tls in DOORS:
                said = self.let_in(peer, protocol, tls)
                self.assertRegex(said, rb"\na OK" if protocol == "imap" else rb"\+OK.*\n\+OK.*\n\+OK", f"{name} {protocol}")
            if name != "direct":
                self.assertTrue(peer.roots())
        finally:
            peer.stop()

    def test_all_that_are_installed(self):
        for name, peer in PEERS.items():
            if peer.installed():
                with self.subTest(name):
                    self.runs(name, False)
                    if peer.can_backend_tls:
                        self.runs(name, True)

    def test_the_newest_are_what_they_say(self):
        if not newer.folder():
            self.skipTest("no folder with a newer Debian here; the line above says why")
        said = newer.versions()
        for name, pattern in (("haproxy3", r" 3\."), ("nginx126", r"/1\.2[6-9]"), ("dovecot24", r"^2\.4"),
                              ("libssl", r"OpenSSL 3\.5")):
            self.assertRegex(said[name], pattern)


if __name__ == "__main__":
    unittest.main()
