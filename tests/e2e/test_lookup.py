"""Other programs ask where mail of a user belongs; a real Postfix delivers there, before, while and after he is moved."""

import os
import pwd
import socket
import subprocess
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, wait_for
from tests.e2e.harness.dovecot import Dovecot
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.postfix import POSTFIX, Postfix
from tests.e2e.harness.postigo import postigo

platform = None
LMTP = """
protocols = imap pop3 lmtp
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@test.example
}}
"""
USER = "erin@example.com"


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)
    for name in ("a", "b", "c"):
        port, = free_ports(1)
        dovecot = Dovecot(os.path.join(platform.folder, name), platform.certificates, extra=LMTP.format(port=port))
        dovecot.lmtp = port
        platform.dovecots[name] = dovecot


class Asking:
    """A client of the socketmap protocol."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(30)
        self.socket.connect(address)
        self.heard = b""

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"%d:%s," % (len(data), data))

    def reply(self):
        while True:
            size, colon, rest = self.heard.partition(b":")
            if colon and len(rest) > int(size):
                assert rest[int(size):int(size) + 1] == b",", self.heard
                self.heard = rest[int(size) + 1:]
                return rest[:int(size)].decode()
            data = self.socket.recv(4096)
            if not data:
                raise EOFError(self.heard)
            self.heard += data

    def __call__(self, key, name="users"):
        self.send(f"{name} {key}")
        return self.reply()

    def ended(self):
        return self.socket.recv(1) == b""


class Lookup(unittest.TestCase):
    def door(self, lookup="", more="", start=True, **sections):
        self.port, = free_ports(1)
        text = f'[lookup]\nsocketmap = "127.0.0.1:{self.port}"\ndomains = ["example.com", "example.net"]\n' + lookup
        proxy = platform.postigo(start=start, lookup=text, more=more, **sections)
        self.addCleanup(proxy.kill)
        return proxy

    def asking(self, address=None):
        asking = Asking(address or ("127.0.0.1", self.port))
        self.addCleanup(asking.socket.close)
        return asking

    def home(self, proxy, user=USER):
        return proxy.ctl("route", user)["backends"][0]["name"]

    def refused(self, proxy, *words):
        done = subprocess.run([postigo(), "ctl", "--socket", proxy.admin_socket, *words], capture_output=True, text=True,
                              timeout=90, check=False)
        self.assertEqual((1, 1), (done.returncode, len(done.stderr.splitlines())), done)
        return done.stderr

    def lmtp(self, name):
        return f"OK lmtp:[127.0.0.1]:{platform.dovecots[name].lmtp}"


class Answers(Lookup):
    def test_where_a_login_would_go(self):
        proxy = self.door()
        ask = self.asking()
        for user in [USER, "frank@example.net"] + [f"u{i}@example.com" for i in range(20)]:
            self.assertEqual(self.lmtp(self.home(proxy, user)), ask(user))
        home = self.lmtp(self.home(proxy))
        self.assertEqual([home] * 3, [ask("Erin@EXAMPLE.com"), ask("erin+lists@example.com"), ask(USER, "any_name")])
        self.assertEqual(["NOTFOUND "] * 4, [ask(key) for key in ("*", "gmail.com", "erin@gmail.com", ".com")])
        scrape = proxy.metrics()
        self.assertEqual(4, scrape.sum("postigo_socketmap_replies_total", reply="NOTFOUND"))

    def test_orders_holds_drains_and_reloads(self):
        proxy = self.door(routing=f'[[routing.rule]]\nuser = "{USER}"\npool = "main"\nshard = "a"')
        ask = self.asking()
        self.assertEqual(self.lmtp("a"), ask(USER))
        proxy.ctl("move", USER, "b")
        self.assertEqual(self.lmtp("b"), ask(USER))
        proxy.ctl("hold", USER)
        self.assertRegex(ask(USER), "^TEMP ")
        proxy.ctl("release", USER)
        proxy.ctl("backend", "b", "drain")
        self.assertRegex(ask(USER), "^TEMP ")
        proxy.ctl("move", USER, "auto")
        self.assertEqual(self.lmtp("a"), ask(USER))
        proxy.write(routing=f'[[routing.rule]]\nuser = "{USER}"\npool = "main"\nshard = "c"')
        proxy.ctl("reload")
        self.assertEqual(self.lmtp("c"), ask(USER))

    def test_where_a_session_holds_him(self):
        proxy = self.door(pool='[[pool]]\nname = "main"\naffinity = true\n[[pool.shard]]\nname = "one"\n'
                               'backends = ["a", "b", "c"]')
        ask = self.asking()
        self.assertEqual(self.lmtp("a"), ask(USER))
        proxy.ctl("backend", "a", "drain")
        with Imap.open(proxy) as wire:
            wire.logged_in(USER, PASSWORD)
            proxy.ctl("backend", "a", "auto")
            self.assertEqual(self.lmtp("b"), ask(USER))
            proxy.ctl("backend", "b", "drain")  # which keeps him
            self.assertEqual(self.lmtp("b"), ask(USER))

    def test_directories_say_who_is_known_and_where(self):
        users = ('[[directory]]\nname = "list"\ntype = "static"\n[[directory.user]]\nname = "%s"\nshard = "c"\n'
                 '[[directory.user]]\nname = "gone@example.com"\nshard = "b"\ndisabled = true\n' % USER)
        proxy = self.door(more=users)
        ask = self.asking()
        self.assertEqual(self.lmtp("c"), ask(USER))
        self.assertEqual(("c", "directory"), (self.home(proxy), proxy.ctl("route", USER)["reason"]))
        self.assertIn("no directory knows this user", self.refused(proxy, "route", "nobody@example.com"))
        self.assertEqual(self.lmtp("b"), ask("gone@example.com"))  # he may not log in, but gets his mail
        self.assertEqual("NOTFOUND ", ask("nobody@example.com"))

    def test_a_directory_that_is_away(self):
        folder = platform.scratch()
        path = os.path.join(folder, "users.db")
        directory = f'[[directory]]\nname = "db"\ntype = "sqlite"\npath = "{path}"\n'
        proxy = self.door(more=directory, start=False)
        proxy.tool("user", "add", USER, "--shard", "b")
        proxy.start()
        ask = self.asking()
        self.assertEqual(self.lmtp("b"), ask(USER))
        os.rename(path, path + ".away")
        self.assertRegex(ask(USER), "^TEMP ")
        self.assertIn("the directories do not answer now", self.refused(proxy, "route", USER))
        os.rename(path + ".away", path)
        self.assertEqual(self.lmtp("b"), ask(USER))

    def test_on_a_unix_socket(self):
        folder = platform.scratch()
        path = os.path.join(folder, "map")
        proxy = platform.postigo(lookup=f'[lookup]\nsocketmap = "{path}"\ndomains = ["example.com"]')
        self.addCleanup(proxy.kill)
        self.assertEqual(self.lmtp(self.home(proxy)), self.asking(path)(USER))
        self.assertEqual(0o660, os.stat(path).st_mode & 0o777)


class Strangers(Lookup):
    def test_what_is_no_question(self):
        self.door()
        for text in (b"hello\r\n", b"5000:", b"5:hello;", b"01:x,"):
            ask = self.asking()
            ask.socket.sendall(text)
            self.assertTrue(ask.ended(), text)
        ask = self.asking()
        ask.send("onlyaname")
        self.assertRegex(ask.reply(), "^PERM ")

    def test_in_pieces_and_many_at_once(self):
        proxy = self.door()
        ask = self.asking()
        text = b"22:users " + USER.encode() + b","
        for octet in text:
            ask.socket.sendall(bytes([octet]))
        home = self.lmtp(self.home(proxy))
        self.assertEqual(home, ask.reply())
        ask.socket.sendall(text * 20)
        self.assertEqual([home] * 20, [ask.reply() for _ in range(20)])

    def test_too_many_connections(self):
        self.door(lookup="connections_max = 3\n")
        first, used = self.asking(), self.asking()
        others = [self.asking()]
        used("x@example.com")
        others.append(self.asking())
        self.assertTrue(first.ended(), "who was silent for longest goes")
        self.assertRegex(used("x@example.com"), "^OK")
        self.assertRegex(others[1]("x@example.com"), "^OK")

    def test_the_end_while_somebody_is_connected(self):
        proxy = self.door()
        ask = self.asking()
        ask(USER)
        proxy.stop()
        self.assertTrue(ask.ended())


@unittest.skipUnless(POSTFIX and os.geteuid() == 0, "needs Postfix, and root")
class Delivery(Lookup):
    """Mail is found over IMAP through us, wherever the user lives, and nowhere else."""

    def setUp(self):
        self.proxy = self.door()
        self.folder = platform.scratch()

    def postfix(self, socketmap):
        made = Postfix(os.path.join(self.folder, "postfix"), socketmap, ["example.com", "example.net"])
        self.addCleanup(made.stop)
        return made

    def subjects(self, user=USER):
        """What a client sees in his INBOX."""
        with Imap.open(self.proxy) as wire:
            wire.logged_in(user, PASSWORD)
            wire.ok("SELECT INBOX")
            said = b"".join(wire.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")) if wire.ok("SEARCH ALL")[0] != b"* SEARCH" else b""
            return [line[9:].decode() for line in said.split(b"\r\n") if line.startswith(b"Subject: ")]

    def arrives(self, postfix, subject, user=USER):
        wait_for(lambda: subject in self.subjects(user), 60, what=lambda: f"{subject} in the mailbox\n{postfix.log()[-3000:]}")

    def test_before_during_and_after_a_move(self):
        postfix = self.postfix(f"inet:127.0.0.1:{self.port}")
        home = self.home(self.proxy)
        to = next(name for name in platform.dovecots if name != home)
        postfix.send(USER, "before")
        self.arrives(postfix, "before")
        postfix.send("frank@example.net", "to another")  # Postfix remembers its newest answer for 30 s: this one
        self.arrives(postfix, "to another", "frank@example.net")
        self.assertEqual(1, len(platform.dovecots[home].messages(USER)))
        self.proxy.ctl("hold", USER)
        sender = threading.Thread(target=postfix.send, args=(USER, "during"))
        sender.start()
        time.sleep(3)
        self.assertEqual([1], [len(dovecot.messages(USER)) for name, dovecot in platform.dovecots.items() if name == home])
        platform.dovecots[to].deliver(USER, *platform.dovecots[home].messages(USER))  # the mailbox is carried over
        platform.dovecots[home].forget(USER)
        self.proxy.ctl("move", USER, to, "--permanent")
        self.proxy.ctl("release", USER)
        sender.join(60)
        self.arrives(postfix, "during")
        postfix.send("Erin+lists@Example.COM", "after")
        self.arrives(postfix, "after")
        self.assertEqual({"before", "during", "after"}, set(self.subjects()))
        counts = {name: len(dovecot.messages(USER)) for name, dovecot in platform.dovecots.items()}
        self.assertEqual({name: 3 if name == to else 0 for name in counts}, counts)

    def test_by_a_unix_socket_of_a_common_group(self):
        account = pwd.getpwnam("nobody").pw_name
        path = os.path.join(self.folder, "map")
        os.chmod(self.folder, 0o777)
        self.proxy = platform.postigo(
            start=False, server=f'[server]\nhostname = "h"\nworkers = 2\nuser = "{account}"\ngroup = "postfix"',
            lookup=f'[lookup]\nsocketmap = "{path}"\ndomains = ["example.com"]')
        self.addCleanup(self.proxy.kill)
        os.chmod(self.proxy.folder, 0o777)
        self.proxy.write(log='[log]\nformat = "json"\nlevel = "info"')
        self.proxy.start()
        postfix = self.postfix(f"unix:{path}")
        postfix.send(USER, "by unix socket")
        self.arrives(postfix, "by unix socket")


if __name__ == "__main__":
    unittest.main()
