"""Pipelines with a goal: a command that must not pass reaches the backend. Same seeds, same delivery, another grammar.

What is smuggled has a tag e1, e2, ...: an OK under such a tag, or an answer that only who has understood the verb would
give, is what oracle.py looks for. There is always something else that carries it: data, an argument, a broken line.
"""

import base64
import random

from tests.differential.imap_grammar import command, delivery
from tests.differential.pipeline import Command, Piece, Pipeline
from tests.differential.servers import PASSWORD, VICTIM

_PLAIN = base64.b64encode(f"\0{VICTIM}\0{PASSWORD}".encode())
_GOALS = (b"UNAUTHENTICATE", b"LOGIN %b %b" % (VICTIM.encode(), PASSWORD.encode()), b"COMPRESS DEFLATE",
          b"AUTHENTICATE PLAIN %b" % _PLAIN, b"AUTHENTICATE PLAIN", b"STARTTLS", b"unauthenticate", b"Compress deflate")
_BEFORE = (b"", b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"x", b'"', b"{1}\r\nx", b"DONE\r\n", b"\r\r\n", b")\r\n", b"}\r\n",
           b'"\r\n', b"\\\r\n")
_CARRIERS = (b"IDLE {%d}\r\n", b"IDLE {%d+}\r\n", b"APPEND nosuch {%d}\r\n", b"APPEND nosuch {%d+}\r\n",
             b"APPEND INBOX {%d}\r\n", b"APPEND INBOX {%d+}\r\n", b"APPEND INBOX ~{%d}\r\n", b"XFOO {%d}\r\n", b"XFOO {%d+}\r\n",
             b"LOGIN {%d+}\r\n", b"LOGIN x {%d}\r\n", b"NOOP {%d}\r\n", b"NOOP {%d+}\r\n", b"SEARCH TEXT {%d}\r\n",
             b"STATUS {%d+}\r\n", b'LIST "" {%d}\r\n', b"ID {%d}\r\n", b"UNAUTHENTICATE {%d}\r\n", b"COMPRESS {%d+}\r\n",
             b"LOGOUT {%d+}\r\n", b"SELECT {%d}\r\n", b"UID IDLE {%d}\r\n", b"APPEND INBOX (\\Seen {%d}\r\n",
             b'APPEND "INBOX {%d}\r\n', b"APPEND INBOX {%d} \r\n", b"APPEND INBOX {%d}\r", b"APPEND INBOX {%d}\n",
             b"APPEND INBOX {%d}\r\r\n", b"APPEND INBOX {%d}x\r\n", b"APPEND INBOX x{%d}\r\n", b'APPEND INBOX "x"{%d}\r\n',
             b"APPEND INBOX {%d}}\r\n", b"APPEND INBOX {{%d}\r\n", b"APPEND INBOX {%d++}\r\n", b"APPEND INBOX {+%d}\r\n",
             b"APPEND INBOX {-%d}\r\n", b"APPEND INBOX { %d}\r\n", b"APPEND INBOX {%d }\r\n", b"APPEND INBOX {%d-}\r\n",
             b"APPEND INBOX CATENATE (TEXT {%d}\r\n", b"APPEND INBOX UTF8 (~{%d}\r\n", b"APPEND INBOX {0}\r\n {%d}\r\n",
             b"IDLE\r{%d}\r\n", b"IDLE x {%d}\r\n", b'IDLE "{%d}\r\n')
_OPEN_LINES = (b'APPEND INBOX "', b'APPEND INBOX {3}\r\nfoo "', b"APPEND INBOX (", b'LIST "" "', b"IDLE ", b"IDLE\r", b"NOOP\r", b"NOOP\x00",
               b"NOOP \x00", b"FETCH 1 (", b"APPEND INBOX {3}", b"APPEND INBOX {3} ", b'SEARCH TEXT "\\', b"DONE ", b"UID ", b"UID UID ",
               b"NOOP (\r\n", b'ID ("', b'LIST "" {1}\r\nx ', b"SELECT INBOX\r", b"XFOO ", b'STATUS "INBOX" (\r', b'APPEND INBOX "\\"',
               b"APPEND nosuch {1+}\r\nx ", b"APPEND nosuch {1}\r\nx", b"APPEND INBOX {3", b"APPEND INBOX }", b"APPEND INBOX {3+}\r\nfoo {",
               b'APPEND INBOX {3+}\r\nfoo "', b'APPEND "INBOX', b"APPEND {5}\r\nINBOX (", b'APPEND INBOX () "', b"COPY 1 {", b'CREATE "x',
               b"APPEND INBOX {3}\r\nfoo (", b"APPEND INBOX {3}\r\nfoo", b"APPEND INBOX {3}\r\nfoo {3}", b"APPEND INBOX {3}\r\nfoo ~{")
_TAGS = (b"a",) * 20 + (b"+", b"+ a", b"*", b"a+", b"a{3}", b'"a"', b"a\t", b"", b"DONE", b"a{3+}\r\n", b"\x00a", b"a\x00", b"~",
         b"{1}\r\na", b"a" * 8192, b"a\r")
_SEPARATORS = (b" ",) * 5 + (b"\t", b"  ", b"\x00", b"\r", b" \r", b"\x0b", b"\xa0", b" {0}\r\n", b" {0+}\r\n", b" UID ", b" \x00",
               b"\r ", b" \"\" ")
_PADDING = (b"", b"", b"x" * 50, b"x" * 8100, b"x" * 65500)


def _goal(dice, number):
    """A smuggled line: its tag, a separator that some server may take for a blank, the verb."""
    separator = dice.choice(_SEPARATORS) if dice.random() < 0.2 else b" "
    return b"e%d" % number + separator + dice.choice(_GOALS) + dice.choice((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b" \r\n"))


def _size(dice, size):
    """The number as digits, in ways that readers of numbers get wrong."""
    form = dice.random()
    if form < 0.6:
        return b"%d" % max(0, size + dice.choice((0, 0, 0, 0, -1, 1, -2, 2, -20, 20)))
    if form < 0.8:
        return b"%0*d" % (dice.choice((10, 11, 20, 61, 62, 200, 1100)), size)
    return b"%d" % (size + dice.choice((1 << 31, 1 << 32, 1 << 63, 1 << 64, 10 ** 19, 10 ** 60)))


def _carried(dice, number):
    """Goals inside of something that announces a literal."""
    data = dice.choice(_PADDING) + dice.choice(_BEFORE) + b"".join(_goal(dice, number + at) for at in range(dice.randint(1, 3)))
    before, _, after = dice.choice(_CARRIERS).partition(b"%d")
    head = dice.choice(_TAGS) + b" " + before + _size(dice, len(data)) + after
    waits = dice.random() < 0.4
    return [Piece(head), Piece(data + dice.choice((b"", b"\r\n", b"DONE\r\n")), after_plus=waits, only_if_plus=waits and dice.random() < 0.2)]


def _open(dice, number):
    """Goals behind a line that looks as if it went on, or as if it were over."""
    head = dice.choice(_TAGS) + b" " + dice.choice(_OPEN_LINES) + dice.choice(_PADDING[:3])
    return [Piece(head + dice.choice((b"", b"", b"", b"x ", b" ")) + _goal(dice, number))]


def _plainly(dice, number):
    return [Piece(dice.choice((b"", b"", b" ", b"\t", b"\r", b"\x00", b"+ ", b"DONE ", b"UID ")) + _goal(dice, number))]


def _mutated(dice, pieces):
    at = dice.randrange(len(pieces))
    octets = bytearray(pieces[at].octets)
    for _ in range(dice.randint(1, 3)):
        where = dice.randrange(len(octets) + 1)
        if dice.random() < 0.5 and octets:
            del octets[min(where, len(octets) - 1)]
        else:
            octets[where:where] = dice.choice((b"\r", b"\n", b"\x00", b'"', b"{", b"}", b"+", b" ", b"{3}", b"\\", b"~", b"\r\n", b"0"))
    return [*pieces[:at], Piece(bytes(octets), pieces[at].after_plus, pieces[at].only_if_plus), *pieces[at + 1:]]


def generate(seed, pipelined_login=True):
    """The pipeline of this seed."""
    dice = random.Random(f"adversary {seed}")
    commands, noise = [], dice.choice((0.0, 0.0, 0.3))
    for number in range(1, dice.randint(1, 4) + 1):
        if dice.random() < noise:
            commands.append(command(dice, number, 0.5))
            continue
        pieces = dice.choices((_carried, _open, _plainly), (5, 4, 1))[0](dice, number * 10)
        if dice.random() < noise:
            pieces = _mutated(dice, pieces)
        commands.append(Command(b"a", tuple(pieces), frozenset({"odd"}), dice.random() < 0.3))
    if dice.random() < 0.4:
        commands.insert(0, Command(b"s0", (Piece(b"s0 SELECT INBOX\r\n"),), wait=dice.random() < 0.5))
    commands.append(Command(b"z9", (Piece(b"v1 SELECT INBOX\r\nv2 FETCH 1:* BODY.PEEK[]\r\nv3 CAPABILITY\r\nz9 LOGOUT\r\n"),)))
    return Pipeline("imap", tuple(commands), delivery(dice, pipelined_login))
