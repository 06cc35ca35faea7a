"""Runs pipelines directly and through Postigo and tells what differs (README.md).

    python3 -m tests.differential [--server NAME]... [--count N] [--seconds S] [--seed FIRST]
    python3 -m tests.differential --server NAME --seed SEED --count 1 --shrink      one pipeline again, made smaller
    python3 -m tests.differential --server NAME --replay FILE                       a pipeline that was written down
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from tests.differential.compare import Pair
from tests.differential.pipeline import Pipeline
from tests.differential.run import GENERATORS, Assault, Run
from tests.differential.servers import SERVERS, Unavailable
from tests.differential.tap import Tap
from tests.e2e.harness import Certificates, Postigo


_SHORT = {"imap": 300, "pop3": 120, "adversary": 200, "pop3_adversary": 80}
_SKIPPED = 77  # for ctest


def _options():
    options = argparse.ArgumentParser(prog="python3 -m tests.differential", description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--server", action="append", choices=sorted(SERVERS), help="default: all, one after the other")
    options.add_argument("--kind", action="append", choices=sorted(GENERATORS), help="of pipelines (default: all)")
    options.add_argument("--count", type=int, default=300, help="pipelines per server and kind (default: 300)")
    options.add_argument("--seconds", type=float, default=120, help="no new pipeline after that time (default: 120)")
    options.add_argument("--short", action="store_true", help="what ctest runs: fixed seeds, all must be played")
    options.add_argument("--seed", type=int, help="of the first pipeline, the others follow (default: by chance)")
    options.add_argument("--crowd", type=int, default=40, help="pipelines at the same time (default: 40)")
    options.add_argument("--shrink", action="store_true", help="make what differs smaller before it is printed")
    options.add_argument("--replay", help="a file with a pipeline as --shrink prints it, instead of generated ones")
    options.add_argument("--show", type=int, default=10, help="differences to print in full (default: 10)")
    return options.parse_args()


def _report(name, kind, run, options, seconds):
    """Prints what was found; True if that is a failure."""
    print(f"{name} {kind}: {run.done} pipelines in {seconds:.0f} s, {len(run.found)} wrong, {len(run.errors)} not played",
          flush=True)
    for verdict in run.logged[:options.show]:
        print(f"--- {name} {kind}: the server's log: {verdict}", flush=True)
    for seed, found in sorted(run.found.items())[:options.show]:
        print(f"\n--- {name} {kind} seed {seed}\n{found}", flush=True)
        if options.shrink:
            print(found.pipeline.to_json(), flush=True)
    for seed, error in run.errors[:options.show]:
        print(f"--- {name} {kind} seed {seed}: {error}", flush=True)
    too_few = options.short and run.done < _SHORT[kind]
    if too_few:
        print(f"{name} {kind}: only {run.done} of {_SHORT[kind]} within the time")
    return bool(run.found or run.logged or run.errors or not run.done or too_few)


async def _go(options, kind, server, folder, seed):
    """Runs one kind of pipelines; returns the run."""
    tap = Tap(server)
    await tap.start()
    proxy = Postigo(folder, Certificates(folder + "-ca"), {"real": tap})
    proxy.start()
    try:
        generate = GENERATORS[kind] if not options.replay else lambda *_: replayed(options.replay)
        run = (Assault if kind.endswith("adversary") else Run)(Pair(server, proxy, tap), generate, options.crowd)
        count = _SHORT[kind] if options.short else options.count
        await run.go(range(seed, seed + count), time.monotonic() + options.seconds)
        if options.shrink:
            await run.shrink(options.show)
    finally:
        await asyncio.to_thread(proxy.stop)
        await tap.stop()
    return run


def replayed(path):
    with open(path, encoding="utf-8") as file:
        return Pipeline.from_json(file.read())


def _one_server(name, options, seed):
    """True if something failed, None if it could not run here."""
    server = SERVERS[name]()
    folder = tempfile.mkdtemp(prefix="pgo-", dir="/tmp")
    failed = False
    try:
        server.start()
        for kind in options.kind or sorted(GENERATORS):
            started = time.monotonic()
            run = asyncio.run(_go(options, kind, server, os.path.join(folder, kind), seed))
            failed = _report(name, kind, run, options, time.monotonic() - started) or failed
    except Unavailable as reason:
        print(f"{name}: skipped: {reason}")
        return None
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return failed


def _end(*_):
    raise SystemExit("ended by a signal")


def main():
    options = _options()
    signal.signal(signal.SIGTERM, _end)  # so that no server is left behind
    chance = random.SystemRandom().randrange(1 << 31)
    seed = options.seed if options.seed is not None else 1 if options.short else chance
    print(f"first seed {seed}", flush=True)
    failed = [_one_server(name, options, seed) for name in options.server or SERVERS]
    if any(failed):
        return 1
    return _SKIPPED if all(each is None for each in failed) else 0


if __name__ == "__main__":
    sys.exit(main())
