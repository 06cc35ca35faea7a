"""The one list of what is different through Postigo, and why. Anything else that differs is a failure.

A difference is told as a change of the client's octets: through Postigo the answers are those that the server itself gives
to the changed octets. So nothing is excused wholesale: the number of answers, their tags and their order must still agree.
"""

import dataclasses
import itertools
import re

from tests.differential.pipeline import Piece, Pipeline

_SYNC = re.compile(rb"\{\d+\}\r?\n$")


@dataclasses.dataclass(frozen=True)
class Rule:
    trait: str  # of the commands to which it applies
    reason: str


RULES = (
    Rule("forbidden", "LOGIN, AUTHENTICATE, STARTTLS, UNAUTHENTICATE and COMPRESS would change whom or what the backend "
                      "believes to talk to; they arrive as an unknown verb and get the backend's BAD"),
    Rule("odd", "a line that two servers could read in two ways does not pass as it came; it arrives as one unknown verb "
                "under the client's tag and gets one BAD"),
)
_TRAITS = {rule.trait for rule in RULES}
_MAX = 5  # commands with a choice; more are changed together


def _unknown(command, protocol):
    """The command as one unknown verb. A synchronising literal ends it, for the client gets an answer instead of "+"."""
    pieces = list(command.pieces)
    end = next((at for at, piece in enumerate(pieces) if _SYNC.search(piece.octets)), len(pieces) - 1)
    kept = pieces[end + 1:]
    unknown = command.tag + b" X\r\n" if protocol == "imap" else b"X\r\n"
    return dataclasses.replace(command, pieces=(Piece(unknown), *kept))


def readings(pipeline):
    """The pipelines whose direct answers are right through Postigo: as it came first, then with changes."""
    yield pipeline
    numbers = [number for number, command in enumerate(pipeline.commands) if command.traits & _TRAITS]
    groups = [(number,) for number in numbers] if len(numbers) <= _MAX else [tuple(numbers)]
    for chosen in itertools.product((True, False), repeat=len(groups)):
        changed = set(itertools.chain(*(group for group, wanted in zip(groups, chosen) if wanted)))
        if changed:
            yield Pipeline(pipeline.protocol, tuple(_unknown(command, pipeline.protocol) if number in changed else command
                                                    for number, command in enumerate(pipeline.commands)),
                           pipeline.delivery)
