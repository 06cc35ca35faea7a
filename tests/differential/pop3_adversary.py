"""POP3 pipelines with a goal: a verb that must not pass reaches the backend, in whatever a reader may take for a line."""

import random

from tests.differential.imap_grammar import delivery
from tests.differential.pipeline import Command, Piece, Pipeline
from tests.differential.servers import PASSWORD, VICTIM

_GOALS = (b"USER %b\r\nPASS %b" % (VICTIM.encode(), PASSWORD.encode()), b"AUTH PLAIN", b"AUTH", b"STLS", b"XCLIENT ADDR=192.0.2.1",
          b"APOP %b 00" % VICTIM.encode(), b"XTND XMIT", b"auth plain", b"rpop x", b"XOIP 192.0.2.1")
_BEFORE = (b"", b" ", b"\t", b"\r", b"\n", b"\r\r\n", b"\x00", b"\x0b", b"\x0c", b"\xa0", b"\x7f", b".", b".\r\n", b"NOOP\r", b"NOOP\x00", b"NOOP\n",
           b"TOP 1 0\r", b"CAPA\x00\r\n", b"LIST\x00", b"RETR 2\x00\r\n", b"NOOP " + b"x" * 500 + b" ", b"x" * 255, b"x" * 511, b"x" * 1023,
           b"x" * 8191, b"x" * 65535, b"NOOP\\\r\n", b'"', b"AUTH PLAIN\r\n*\r\n", b"XTND XMIT\r\n", b"X\x00Y\r\nX\r\n")
_AFTER = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\x00\r\n", b" \r\n", b"\t\r\n", b"\r\r\n", b"\x00x\r\n")


def _line(dice):
    goal = dice.choice(_GOALS)
    if dice.random() < 0.2:
        at = dice.randrange(len(goal) + 1)
        goal = goal[:at] + dice.choice((b"\x00", b"\t", b"\r", b" ", b"\x0b", b"\n", b"\xa0")) + goal[at:]
    return dice.choice(_BEFORE) + goal + dice.choice(_AFTER)


def generate(seed, pipelined_login=True):
    """The pipeline of this seed."""
    dice = random.Random(f"pop3 adversary {seed}")
    commands = []
    for _ in range(dice.randint(1, 6)):
        words = _line(dice) if dice.random() < 0.7 else dice.choice((b"CAPA\r\n", b"RETR 2\r\n", b"TOP 1 0\r\n", b"LIST\r\n", b"NOOP\r\n"))
        commands.append(Command(b"", (Piece(words),), frozenset({"odd"}), dice.random() < 0.3))
    commands.append(Command(b"", (Piece(b"\r\nNOOP\r\nCAPA\r\nRETR 1\r\nQUIT\r\n"),)))
    return Pipeline("pop3", tuple(commands), delivery(dice, pipelined_login))
