"""IMAP pipelines from a seed: one to eight commands, valid and broken, and every manner of sending them."""

import random

from tests.differential.imap_words import FORBIDDEN, arguments, joined
from tests.differential.pipeline import Command, Delivery, Piece, Pipeline

# Lines that end IDLE, and those that only look as if they did.
_DONES = (b"DONE\r\n",) * 10 + (b"done\r\n", b"DONE\n", b"DONE \r\n", b"DONE x\r\n", b" DONE\r\n", b"DONE\r\r\n", b"\r\n",
                                b"DONEX\r\n")
_TAGS = (b"+", b"+1", b"a+b", b"*", b"a{", b"a{3}", b'a"', b"a\\", b"a%", b"(a", b"a]", b"", b"\xc3\xa4", b"a\tb", b"DONE", b"+ x",
         b"1" * 70)
_ENDS = (b"\n", b"\r\r\n", b" \r\n", b"\r", b"\t\r\n", b"\n\n", b"\r\n\r\n")
_INSIDE = (b"\r", b'"', b"{", b"}", b"{3}", b"{5", b"{3+} ", b"\x00", b"  ", b"\t", b"\xff", b"\\", b"(", b")", b"\x7f", b"{x}",
           b"{00000000000000000003}", b"~{", b'""', b"%", b'"\\"', b"\n")
_LINES = (b"\r\n", b"\n", b" \r\n", b"DONE\r\n", b"a\r\n", b"a \r\n", b"*\r\n", b"+\r\n", b"{3}\r\n", b"a {3}\r\n", b'"\r\n', b"\t\r\n",
          b"a NOOP", b"\r", b"* OK\r\n", b"+ OK\r\n", b"a OK x\r\n", b"a  NOOP\r\n", b" a NOOP\r\n", b"a\tNOOP\r\n")


def _idle(dice, tag):
    line = b" IDLE" + (dice.choice((b" x", b" {4}", b" {4+}", b" ", b' "')) if dice.random() < 0.12 else b"")
    pieces = joined(tag + (line.lower() if dice.random() < 0.1 else line) + b"\r\n")
    traits = set() if line == b" IDLE" else {"odd"}
    done = dice.choice(_DONES)
    if dice.random() < 0.9:
        pieces.append(Piece(done, after_plus=dice.random() < 0.5))
    if done not in (b"DONE\r\n", b"done\r\n"):
        traits.add("odd")
    return pieces, traits


def _break(dice, pieces):
    """One thing that no grammar allows, somewhere outside of literal data."""
    lines = [number for number, piece in enumerate(pieces) if not piece.after_plus and piece.octets]
    number = dice.choice(lines)
    octets = pieces[number].octets
    at = dice.randrange(len(octets) + 1)
    changed = octets[:at] + dice.choice(_INSIDE) + octets[at:]
    return [*pieces[:number], Piece(changed), *pieces[number + 1:]]


def command(dice, number, broken):
    """broken: the share of commands that are not as the grammar has it."""
    tag = b"%s%d" % (dice.choice((b"a", b"A", b"t.", b"b", b"c#", b"]" if dice.random() < 0.1 else b"d")), number)
    kind, traits = dice.random(), set()
    wait = dice.random() < 0.2
    if kind < 0.12:
        pieces, traits = _idle(dice, tag)
        return Command(tag, tuple(pieces), frozenset(traits), wait)
    if kind < 0.17:
        return Command(tag, tuple(joined(tag + b" " + dice.choice(FORBIDDEN) + b"\r\n")), frozenset({"forbidden"}), wait)
    pieces = arguments(dice)
    fault = dice.random() / broken if broken else 1
    end = b"\r\n"
    if fault < 0.2:
        tag, traits = dice.choice(_TAGS), {"odd"}
    elif fault < 0.4:
        end, traits = dice.choice(_ENDS), {"odd"}
    elif fault < 0.75:
        pieces, traits = _break(dice, pieces), {"odd"}
    elif fault < 1:
        return Command(b"", (Piece(dice.choice(_LINES)),), frozenset({"odd"}), wait)
    pieces = joined(tag + b" ", pieces, end)
    # the tail of a command whose literal was refused is not sent by a client that has waited for it
    polite = next((at for at, piece in enumerate(pieces) if piece.only_if_plus), None)
    if polite is not None:
        pieces = pieces[:polite] + [Piece(piece.octets, piece.after_plus, True) for piece in pieces[polite:]]
    return Command(tag, tuple(pieces), frozenset(traits), wait)


def delivery(dice, pipelined_login=True):
    manner = dice.random()
    cuts = 0.0 if manner < 0.45 else dice.choice((0.02, 0.1, 0.5))
    return Delivery(login_too=pipelined_login and dice.random() < 0.25, cuts=cuts, cut_seed=dice.randrange(1 << 30),
                    pause_ms=dice.choice((0, 1, 1, 5, 20)),
                    end=dice.choices(("stay", "half", "close", "reset"), (70, 20, 5, 5))[0])


def generate(seed, pipelined_login=True):
    """The pipeline of this seed."""
    dice = random.Random(f"imap {seed}")
    broken = dice.choice((0.0, 0.0, 0.15, 0.5))
    commands = [command(dice, number, broken) for number in range(1, dice.randint(1, 8) + 1)]
    if dice.random() < 0.5:
        commands.insert(0, Command(b"s0", (Piece(b"s0 SELECT INBOX\r\n"),), wait=dice.random() < 0.5))
    if dice.random() < 0.5:
        commands.append(Command(b"z9", (Piece(b"z9 LOGOUT\r\n"),)))
    return Pipeline("imap", tuple(commands), delivery(dice, pipelined_login))
