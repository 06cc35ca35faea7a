"""POP3 pipelines from a seed."""

import random

from tests.differential.imap_grammar import delivery
from tests.differential.pipeline import Command, Piece, Pipeline

_VALID = (b"STAT", b"LIST", b"LIST 1", b"LIST 9", b"UIDL", b"UIDL 2", b"RETR 1", b"RETR 2", b"RETR 3", b"TOP 1 0", b"TOP 2 99",
          b"DELE 1", b"DELE 9", b"NOOP", b"RSET", b"CAPA", b"stat", b"Retr 2")
_WRONG = (b"LAST", b"FOO", b"RETR", b"RETR x", b"TOP 1", b"TOP 1 x", b"LIST 1 2", b"STAT 1", b"DELE", b"UIDL 0", b"LANG", b"UTF8",
          b"NOOP NOOP", b"RETR 1 1", b"DELE 99999999999999999999", b"CAPA x", b"QUIT x", b"X" * 300)
FORBIDDEN = (b"USER other", b"PASS pw", b"AUTH", b"AUTH PLAIN", b"AUTH PLAIN AG90aGVyAHB3", b"APOP other 00000000000000000000000000000000",
             b"STLS", b"XCLIENT ADDR=192.0.2.1", b"XTND XMIT", b"RPOP other", b"auth plain", b"stls")
_ODD_ENDS = (b"\n", b" \r\n", b"\t\r\n", b"\r\r\n", b"\n\n", b"\r\n\r\n", b"\r")
_ODD_LINES = (b"\r\n", b"\n", b" \r\n", b"\t\r\n", b".\r\n", b" NOOP\r\n", b"\tSTAT\r\n", b"\r", b"+OK\r\n", b"NO", b"\x00\r\n")
_INSIDE = (b"\x00", b"\t", b"  ", b"\r", b"\xff", b"\x7f", b"\n")


def _command(dice, broken):
    wait = dice.random() < 0.2
    kind = dice.random()
    if kind < 0.1:
        return Command(b"", (Piece(dice.choice(FORBIDDEN) + b"\r\n"),), frozenset({"forbidden"}), wait)
    words = dice.choice(_VALID) if kind < 0.75 else dice.choice(_WRONG)
    fault = dice.random() / broken if broken else 1
    if fault >= 1:
        return Command(b"", (Piece(words + b"\r\n"),), wait=wait)
    if fault < 0.3:
        words = dice.choice(_ODD_LINES)
    elif fault < 0.6:
        words += dice.choice(_ODD_ENDS)
    else:
        at = dice.randrange(len(words) + 1)
        words = words[:at] + dice.choice(_INSIDE) + words[at:] + b"\r\n"
    return Command(b"", (Piece(words),), frozenset({"odd"}), wait)


def generate(seed, pipelined_login=True):
    """The pipeline of this seed."""
    dice = random.Random(f"pop3 {seed}")
    broken = dice.choice((0.0, 0.0, 0.15, 0.5))
    commands = [_command(dice, broken) for _ in range(dice.randint(1, 8))]
    if dice.random() < 0.5:
        commands.append(Command(b"", (Piece(b"QUIT\r\n"),)))
    return Pipeline("pop3", tuple(commands), delivery(dice, pipelined_login))
