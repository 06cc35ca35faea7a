"""The harness itself: it finds what is broken on purpose, and finds nothing where nothing is.

In Postigo's place stands a wire (tap.py) before a real Dovecot. As it is, it changes nothing, and stops nothing.
"""

import asyncio
import base64
import re
import socket
import time
import unittest

from tests.differential import deliberate, imap_grammar, pop3_grammar
from tests.differential.compare import Pair
from tests.differential.pipeline import Command, Delivery, Piece, Pipeline
from tests.differential.run import GENERATORS, Assault, Run
from tests.differential.servers import PASSWORD, SERVERS, VICTIM, Unavailable
from tests.differential.shrink import smaller
from tests.differential.tap import Recording, Tap
from tests.differential.transcript import ImapTranscript


class Forgetful(Tap):
    """Loses the answer of a command whose tag ends in 3."""

    def edit(self, data):
        return re.sub(rb"(?m)^\S*3 (OK|NO|BAD) .*\r\n", b"", data)


class Scrambler(Tap):
    """Changes a letter of what passes to the server in APPEND's data."""

    def edit_command(self, data):
        return data.replace(b"body", b"bodx")


class Impostor(Tap):
    """Lets whoever logs in be the victim."""

    def edit_command(self, data):
        return re.sub(rb"\bu\d{7}\b", VICTIM.encode(), data)


class Doubler(Tap):
    """Says each login of IMAP once more, on a connection that nobody sees."""

    def edit_command(self, data):
        if b"LOGIN" in data:
            with socket.create_connection((self.host, self.server.imap), 10) as twin:
                twin.sendall(data)
                while b"in OK" not in twin.recv(65536):
                    pass
        return data


def setUpModule():
    global SERVER
    SERVER = SERVERS["dovecot23"]()
    SERVER.start()


def tearDownModule():
    SERVER.stop()


def played(make, generate, seeds, kind=Run, server=None):
    """The run of these seeds through the wire that `make` makes."""
    async def play():
        wire = make(server or SERVER)
        await wire.start()
        run = kind(Pair(wire.server, wire, wire), generate, 20)
        await run.go(seeds, time.monotonic() + 120)
        await wire.stop()
        return run

    return asyncio.run(play())


def one(*octets, **delivery):
    """A pipeline of these commands."""
    commands = tuple(Command(text.split(b" ")[0], (Piece(text),)) for text in octets)
    return Pipeline("imap", commands, Delivery(**delivery))


class Wires(unittest.TestCase):
    def test_nothing_is_found_where_nothing_is(self):
        for generate in (imap_grammar.generate, pop3_grammar.generate):
            run = played(Tap, generate, range(40))
            self.assertEqual((run.done, list(run.found), run.errors), (40, [], []), list(map(str, run.found.values())))

    def test_a_forgotten_answer_is_found(self):
        run = played(Forgetful, lambda *_: one(b"a1 NOOP\r\n", b"a3 NOOP\r\n", b"a5 NOOP\r\n"), range(2))
        self.assertEqual(len(run.found), 2)
        run = played(Forgetful, imap_grammar.generate, range(40))
        self.assertGreater(len(run.found), 5)

    def test_a_changed_message_is_found(self):
        run = played(Scrambler, lambda *_: one(b"a1 APPEND INBOX {18+}\r\nSubject: x\r\n\r\nbody\r\n", b"z LOGOUT\r\n"), [1])
        self.assertIn("mail", run.found[1].why)

    def test_the_oracle_shouts_if_nothing_is_stopped(self):
        run = played(Tap, GENERATORS["adversary"], range(60), Assault)
        verdicts = "\n".join(verdict for found in run.found.values() for verdict in found.verdicts)
        self.assertGreater(len(run.found), 20)
        for words in ("the verb arrived", "a smuggled command succeeded", "a list shows"):
            self.assertIn(words, verdicts)
        self.assertIn("a verb arrived", "\n".join(run.logged))

    def test_the_oracle_of_pop3_shouts_too(self):
        run = played(Tap, GENERATORS["pop3_adversary"], range(40), Assault)
        self.assertGreater(len(run.found), 20)
        self.assertEqual(run.errors, [])


class Victims(unittest.TestCase):
    """Another user's mail, and what the server's own log says: with a Dovecot, and with a Cyrus where there may be one."""

    reading = one(b"a1 SELECT INBOX\r\n", b"a2 FETCH 1:* BODY.PEEK[TEXT]\r\n", b"a3 LOGOUT\r\n")
    retrieving = Pipeline("pop3", (Command(b"", (Piece(b"RETR 1\r\nQUIT\r\n"),)),), Delivery())

    def assault(self, make, server, pipeline=reading):
        run = played(make, lambda *_: pipeline, range(2), Assault, server)
        self.assertEqual(run.errors, [])
        return [verdict for found in run.found.values() for verdict in found.verdicts], run.logged

    def all_of_it(self, server):
        self.assertEqual(self.assault(Tap, server), ([], []), "nothing where nothing is")
        for pipeline in (self.reading, self.retrieving):
            seen, logged = self.assault(Impostor, server, pipeline)
            self.assertEqual(seen, ["another user's mail is visible"] * 2)
            self.assertEqual(logged, [f"{VICTIM!r} was let in, whom nobody played"])
        seen, logged = self.assault(Doubler, server)
        self.assertEqual(seen, [])
        self.assertEqual(len(logged), 2)
        self.assertRegex(logged[0], r"'u\d{7}' was let in [23] times, in 1 sessions")

    def test_dovecot(self):
        self.all_of_it(SERVER)
        seen, logged = self.assault(Tap, SERVER, one(b"e1 STARTTLS\r\n"))
        self.assertTrue(seen)
        self.assertRegex(logged[0], r"a verb arrived: .*\(STARTTLS finished")

    def test_cyrus(self):
        cyrus = SERVERS["cyrus"]()
        self.addCleanup(cyrus.stop)
        try:
            cyrus.start()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.all_of_it(cyrus)


class Parts(unittest.TestCase):
    def test_a_seed_is_a_pipeline(self):
        for generate in GENERATORS.values():
            self.assertEqual([generate(seed) for seed in range(50)], [generate(seed) for seed in range(50)])

    def test_a_pipeline_survives_json(self):
        for generate in GENERATORS.values():
            for seed in range(200):
                self.assertEqual(Pipeline.from_json(generate(seed).to_json()), generate(seed))

    def test_a_recording_knows_its_user_by_what_comes_first(self):
        response = base64.b64encode(f"\0u0000001\0{PASSWORD}".encode())
        behind = b"AUTH PLAIN\r\nxxxxxxxxxxxxx\r\nUSER u0000002\r\n"
        for login in (b"a AUTHENTICATE PLAIN " + response, b"AUTH PLAIN\r\n" + response,
                      b'a LOGIN "u0000001" "%b"' % PASSWORD.encode(), b"USER u0000001\r\nPASS %b" % PASSWORD.encode()):
            recording = Recording()
            recording.to_server += login + b"\r\n" + behind
            self.assertEqual((recording.user(), recording.relayed()), ("u0000001", behind), login)
        self.assertIsNone(Recording().user())

    def test_steps_say_all_octets_once_whatever_the_cuts(self):
        for seed in range(200):
            pipeline = imap_grammar.generate(seed)
            said = b"".join(step[1] for step in pipeline.steps() if step[0] in ("send", "if_plus"))
            self.assertEqual(said, b"".join(command.octets for command in pipeline.commands))

    def test_literals_of_the_server_are_not_events(self):
        text = b"* 1 FETCH (BODY[] {20}\r\na1 OK no\r\n+ idling\r\n)\r\n* SEARCH 1\r\n+ go\r\na1 OK\r\n* BAD what\r\n"
        for size in (1, 7, len(text)):
            heard = ImapTranscript()
            for at in range(0, len(text), size):
                heard.feed(text[at:at + size], 0.0)
            self.assertEqual(heard.essence(), [("+",), ("a1", "OK"), ("*", "BAD")])
            self.assertEqual(heard.content(), [b"* SEARCH 1\r\n"])

    def test_each_change_has_a_rule_or_is_told(self):
        changes = (
            (b"a NOOP\r\nb NOOP\n", b"a NOOP\r\nb NOOP\r\n", ["same", "line end"]),
            (b"a IDLE\r\nDONE\r\n", b"PSTG1 IDLE\r\nDONE\r\n", ["alias", "same"]),
            (b"a SELECT {5+}\r\nINBOX\r\n", b"PSTG7 SELECT {5}\r\nINBOX\r\n", ["synchronising", "same"]),
            (b"a LOGIN x y\r\n", b"a X\r\n", ["forbidden"]),
            (b"a UID UNAUTHENTICATE\r\n", b"a X\r\n", ["forbidden"]),
            (b'a LIST "" "x\r\n+ NOOP\r\n', b"a X\r\n* X\r\n", ["odd", "odd"]),
            (b"a FOO {3+}\r\none\r\nb NOOP\r\n", b"PSTG1 FOO {3}\r\nb NOOP\r\n", ["synchronising", "swallowed", "same"]),
            (b"a{ FOO {3+}\r\none\r\nb NOOP\r\n", b"* X\r\nb NOOP\r\n", ["odd", "swallowed", "same"]),
            (b"a NOOP\r\nb NO", b"a NOOP\r\n", ["same", "incomplete"]),
            (b"a NOOP\r\nb NOOP\r\n", b"a NOOP\r\n", ["same", ""]),
            (b"a NOOP\r\nb NOOP\r\n", b"a X\r\nb NOOP\r\n", ["", "same"]),
            (b'a LIST "" "x"\r\n', b"a X\r\n", [""]),
            (b"a NOOP\r\n", b"a NOOP\r\nc QUIT\r\n", ["same", ""]))
        for sent, arrived, rules in changes:
            self.assertEqual([change.rule for change in deliberate.changes("imap", sent, arrived)], rules, sent)
        self.assertEqual(deliberate.changes("pop3", b"STLS\r\nN\0OOP\r\n", b"XXXX\r\nX\r\n")[1].rule, "odd")

    def test_a_changed_pipeline_is_said_line_by_line(self):
        sent, arrived = b"a LOGIN x y\r\nb IDLE\r\nDONE\r\nc NOO", b"a X\r\nPSTG1 IDLE\r\nDONE\r\n"
        say = deliberate.Rewriter(deliberate.changes("imap", sent, arrived))
        self.assertEqual([say(sent[at:at + 5]) for at in range(0, 15, 5)], [[b""], [b""], [b"a X\r\n"]])
        self.assertEqual((say(sent[15:]), say.tags), ([b"PSTG1 IDLE\r\nDONE\r\n"], {b"PSTG1": b"b"}))
        say = deliberate.Rewriter(deliberate.changes("imap", sent, arrived), paced=True)
        self.assertEqual(say(sent), [b"a X\r\n", b"PSTG1 IDLE\r\n", b"DONE\r\n"])

    def test_what_is_smaller_ends_somewhere(self):
        pipeline, steps = imap_grammar.generate(7), 0
        while (candidates := list(smaller(pipeline))):
            pipeline, steps = candidates[-1], steps + 1
            self.assertLess(steps, 200)
        self.assertEqual(len(pipeline.commands), 1)


if __name__ == "__main__":
    unittest.main()
