"""Who is banned, by fail2ban and by CrowdSec: whoever guesses, and not the proxy that says for whom it speaks."""

import os
import re
import unittest

from tests.differential.servers.roots import Unavailable
from tests.e2e.harness import PASSWORD, SOURCE, Gone, Imap, Platform, Pop3, plain, run
from tests.e2e.harness import proxy_header as header
from tests.e2e.harness.crowdsec import Crowdsec

FILTER = os.path.join(SOURCE, "deploy", "fail2ban", "filter.d", "postigo.conf")
BALANCER, SPEAKER, STRANGER, HONEST, LIAR = "127.0.0.52", "127.0.0.50", "127.0.0.9", "127.0.0.8", "127.0.0.6"
BEHIND_BALANCER, BEHIND_SPEAKER, FORGED = "203.0.113.7", "198.51.100.7", "203.0.113.66"
GUESSES = 14  # more than both forgive
# Who is not in it is refused at once: a Dovecot would let guesses wait.
DIRECTORY = '[[directory]]\ntype = "static"\n' + "".join(f'[[directory.user]]\nname = "t{n:03}"\n' for n in range(20))
platform = None
logs = {}


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)
    for form in ("text", "json", "logfmt"):
        logs[form] = log_of_a_run(form)


def log_of_a_run(form):
    """The file that a run has written."""
    path = os.path.join(platform.scratch(), "log")
    door = platform.postigo(start=False, log=f'[log]\nformat = "{form}"\nfile = "{path}"',
                            limits='[limits]\nauth_failure_delay = "1ms"', penalty="[penalty]\nenabled = false\n", directories=DIRECTORY)
    more = f'proxy_protocol = "accept"\nproxy_trusted = ["{BALANCER}"]\nforward_trusted = ["{SPEAKER}"]\n'
    door.write(listeners="\n".join(door.listener(name, getattr(door, name), "starttls") + more for name in ("imap", "pop3")))
    door.start()
    for kind in (Imap, Pop3):
        for _ in range(GUESSES // 2):
            for source, hello in ((BALANCER, balanced), (SPEAKER, spoken_for), (STRANGER, None)):
                guess(kind, door, source, hello)
        for source, hello in ((BALANCER, balanced), (SPEAKER, spoken_for), (HONEST, None)):
            with knock(kind, door, source, hello) as wire:
                wire.logged_in(platform.fresh_user(), PASSWORD)
    guess(Imap, door, HONEST, None)  # one typing error
    for _ in range(GUESSES):
        lie(door)
    door.stop()
    return path


def knock(kind, door, source, hello):
    wire = kind((door.host, getattr(door, kind.__name__.lower())), source=source)
    if hello:
        hello(wire, before_greeting=True)
    wire.line()  # the greeting
    if hello:
        hello(wire, before_greeting=False)
    return wire


def balanced(wire, before_greeting):
    """A balancer, by a PROXY header."""
    if before_greeting:
        wire.send(header.v1((BEHIND_BALANCER, 40001)))


def spoken_for(wire, before_greeting):
    """A proxy or webmail, by ID and XCLIENT."""
    if not before_greeting and isinstance(wire, Imap):
        wire.ok(f'ID ("x-originating-ip" "{BEHIND_SPEAKER}" "x-originating-port" "40001")')
    elif not before_greeting:
        wire.ok(f"XCLIENT ADDR={BEHIND_SPEAKER} PORT=40001")


def guess(kind, door, source, hello):
    with knock(kind, door, source, hello) as wire:
        wire.command(f"AUTHENTICATE PLAIN {plain('admin', 'wrong')}" if kind is Imap else f"AUTH PLAIN {plain('admin', 'wrong')}")


def lie(door):
    """A stranger who wants somebody else banned."""
    try:
        with Imap((door.host, door.imap), source=LIAR) as wire:
            wire.send(header.v1((FORGED, 1)))
            wire.send(f'a ID ("x-originating-ip" "{FORGED}")\r\n')
            wire.send(f"b AUTHENTICATE PLAIN {plain(f'x client={FORGED}:1 reason=wrong', 'wrong')}\r\n")
            wire.until("b")
    except (OSError, Gone):
        pass


class Banning(unittest.TestCase):
    def text(self, form):
        with open(logs[form], encoding="utf-8") as file:
            return file.read()

    def test_fail2ban(self):
        for form in logs:
            with self.subTest(form):
                found = run("fail2ban-regex", "-o", "ip", logs[form], FILTER).stdout.split()
                counted = {address: found.count(address) for address in found if address != LIAR}
                self.assertEqual({BEHIND_BALANCER: GUESSES, BEHIND_SPEAKER: GUESSES, STRANGER: GUESSES, HONEST: 1}, counted,
                                 self.text(form))

    def test_crowdsec(self):
        try:
            crowdsec = Crowdsec(platform.scratch())
        except Unavailable as why:
            self.skipTest(str(why))
        for form in logs:
            banned = set(crowdsec.banned(logs[form]))
            self.assertEqual({BEHIND_BALANCER, BEHIND_SPEAKER, STRANGER}, banned - {LIAR}, self.text(form))
        for form in logs:
            with self.subTest("through syslog, or as journalctl tells it", form=form):
                self.assertEqual({BEHIND_BALANCER, BEHIND_SPEAKER, STRANGER},
                                 set(crowdsec.banned(self.messages(form), "syslog")) - {LIAR})

    def messages(self, form, stamp="Nov 27 09:00:00"):
        """A file of what the journal and syslog are sent: lines without their time, behind another one."""
        path = os.path.join(platform.scratch(), "log")
        with open(path, "w", encoding="utf-8") as file:
            for line in self.text(form).splitlines():
                line = re.sub(r'^(\{)"time":"[^"]*",|^(?:time=)?\S+Z ', r"\1", line)
                file.write(f"{stamp} mail postigo[123]: {line}\n")
        return path

    def test_fail2ban_in_the_journal_and_syslog(self):
        for form in logs:
            with self.subTest(form):
                found = run("fail2ban-regex", "-o", "ip", self.messages(form), FILTER).stdout.split()
                counted = {address: found.count(address) for address in set(found) - {LIAR}}
                self.assertEqual({BEHIND_BALANCER: GUESSES, BEHIND_SPEAKER: GUESSES, STRANGER: GUESSES, HONEST: 1}, counted)

    def test_the_reasons_are_those_of_the_code(self):
        with open(os.path.join(SOURCE, "proxy", "LOG.md"), encoding="utf-8") as file:
            rows = [line.split("|") for line in file if line.count("|") == 6]
        with open(os.path.join(SOURCE, "deploy", "crowdsec", "postigo-guesses.yaml"), encoding="utf-8") as file:
            counted = file.read().partition("in [")[2].partition("]")[0]
        self.assertEqual([row[1].strip(" `") for row in rows if row[3].strip() == "yes"],
                         [word.strip("' ") for word in counted.split(",")])


if __name__ == "__main__":
    unittest.main()
