"""What a client sends in one session, and when: commands made of pieces, and how they are delivered.

A pipeline is data. It is generated from a seed, played against a door (play.py), and shrunk (shrink.py).
"""

import dataclasses
import json
import random


@dataclasses.dataclass(frozen=True)
class Piece:
    """Octets that a client sends without a wait of the protocol inside."""

    octets: bytes
    after_plus: bool = False  # the client looks for "+" (or an answer) before it sends this
    only_if_plus: bool = False  # and does not send it if an answer came instead; so for all up to the next after_plus


@dataclasses.dataclass(frozen=True)
class Command:
    """One command as the client means it. `traits` say to people what is odd about it."""

    tag: bytes
    pieces: tuple
    traits: frozenset = frozenset()
    wait: bool = False  # the client waits for the answers to all that it has said before it goes on

    @property
    def octets(self):
        return b"".join(piece.octets for piece in self.pieces)


@dataclasses.dataclass(frozen=True)
class Delivery:
    """When the octets leave. cuts: share of positions at which a segment ends."""

    login_too: bool = False  # the login is the beginning of the first segment
    cuts: float = 0.0
    cut_seed: int = 0
    pause_ms: int = 0  # between two segments
    end: str = "stay"  # stay, close, reset, half: what the client does when it has said all


@dataclasses.dataclass(frozen=True)
class Pipeline:
    protocol: str
    commands: tuple
    delivery: Delivery

    def steps(self):
        """What play.py does: ("send", octets), ("if_plus", octets), ("plus", tag), ("answer", tag), ("pause", seconds)."""
        steps, segment = [], b""
        for command in self.commands:
            for piece in command.pieces:
                if piece.after_plus:
                    steps += [("send", segment), ("plus", command.tag)]
                    segment = b""
                if piece.only_if_plus:
                    steps.append(("if_plus", piece.octets))
                else:
                    segment += piece.octets
            if command.wait:
                steps += [("send", segment), ("answer", command.tag)]
                segment = b""
        return self._cut([*steps, ("send", segment)])

    def _cut(self, steps):
        dice = random.Random(self.delivery.cut_seed)
        done = []
        for step in steps:
            if step[0] != "send":
                done.append(step)
                continue
            segments = _segments(step[1], dice, self.delivery.cuts)
            for segment in segments:
                done += [("send", segment), ("pause", self.delivery.pause_ms / 1000)]
            if segments:
                done.pop()
        return done

    def to_json(self):
        return json.dumps(dataclasses.asdict(self), default=_plain, indent=1)

    @classmethod
    def from_json(cls, text):
        raw = json.loads(text)
        commands = []
        for each in raw["commands"]:
            pieces = tuple(Piece(**dict(piece, octets=_octets(piece["octets"]))) for piece in each["pieces"])
            commands.append(Command(_octets(each["tag"]), pieces, frozenset(each["traits"]), each["wait"]))
        return cls(raw["protocol"], tuple(commands), Delivery(**raw["delivery"]))


def _plain(value):
    return value.decode("latin-1") if isinstance(value, bytes) else sorted(value)


def _octets(text):
    return text.encode("latin-1")


def _segments(octets, dice, share):
    """Cuts anywhere; between CR and LF ten times as often, for that is where readers go wrong."""
    cuts = [at for at in range(1, len(octets))
            if share and dice.random() < (min(1, share * 10) if octets[at - 1:at + 1] == b"\r\n" else share)][:60]
    return [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)]) if end > start]
