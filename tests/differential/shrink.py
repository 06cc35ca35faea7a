"""Makes a pipeline that differs smaller while it still differs. Each round tries all smaller ones at the same time."""

import asyncio
import dataclasses

from tests.differential.pipeline import Piece


def _simpler_deliveries(delivery):
    for change in ({"cuts": 0.0}, {"login_too": False}, {"end": "stay"}, {"pause_ms": 0}):
        changed = dataclasses.replace(delivery, **change)
        if changed != delivery:
            yield changed


def _simpler_commands(command):
    if command.wait:
        yield dataclasses.replace(command, wait=False)
    for at, piece in enumerate(command.pieces):
        if piece.after_plus and not piece.only_if_plus:
            rude = Piece(piece.octets)
            yield dataclasses.replace(command, pieces=(*command.pieces[:at], rude, *command.pieces[at + 1:]))
    if len(command.pieces) > 1:
        yield dataclasses.replace(command, pieces=command.pieces[:-1])


def smaller(pipeline):
    """All that is one step smaller, the biggest steps first."""
    commands = pipeline.commands
    for at in range(len(commands)):
        if len(commands) > 1:
            yield dataclasses.replace(pipeline, commands=commands[:at] + commands[at + 1:])
    for delivery in _simpler_deliveries(pipeline.delivery):
        yield dataclasses.replace(pipeline, delivery=delivery)
    for at, command in enumerate(commands):
        for changed in _simpler_commands(command):
            yield dataclasses.replace(pipeline, commands=(*commands[:at], changed, *commands[at + 1:]))


async def shrink(difference, confirm, rounds=40):
    """difference: where to begin. confirm(pipeline) gives a difference or None. Returns the smallest that was found."""
    for _ in range(rounds):
        candidates = list(smaller(difference.pipeline))
        found = [each for each in await asyncio.gather(*map(confirm, candidates)) if each]
        if not found:
            return difference
        difference = found[0]
    return difference
