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
import sys
import tempfile
import time

from tests.differential.pipeline import Pipeline
from tests.differential.run import GENERATORS, Run
from tests.differential.servers import SERVERS, Unavailable
from tests.e2e.harness import Certificates, Postigo


def _options():
    options = argparse.ArgumentParser(prog="python3 -m tests.differential", description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--server", action="append", choices=sorted(SERVERS), help="default: all, one after the other")
    options.add_argument("--protocol", action="append", choices=sorted(GENERATORS), help="default: all")
    options.add_argument("--count", type=int, default=300, help="pipelines per server and protocol (default: 300)")
    options.add_argument("--seconds", type=float, default=120, help="no new pipeline after that time (default: 120)")
    options.add_argument("--seed", type=int, help="of the first pipeline, the others follow (default: by chance)")
    options.add_argument("--crowd", type=int, default=60, help="sessions at the same time (default: 60)")
    options.add_argument("--shrink", action="store_true", help="make what differs smaller before it is printed")
    options.add_argument("--replay", help="a file with a pipeline as --shrink prints it, instead of generated ones")
    options.add_argument("--show", type=int, default=10, help="differences to print in full (default: 10)")
    return options.parse_args()


def _report(name, protocol, run, shown):
    print(f"{name} {protocol}: {run.done} pipelines, {len(run.differences)} differ, {len(run.errors)} errors", flush=True)
    for seed, difference in sorted(run.differences.items())[:shown]:
        print(f"\n--- {name} {protocol} seed {seed}\n{difference}", flush=True)
    for seed, error in run.errors[:shown]:
        print(f"--- {name} {protocol} seed {seed}: {error}", flush=True)
    return bool(run.differences or run.errors or not run.done)


async def _go(run, options, seed):
    if options.replay:
        with open(options.replay, encoding="utf-8") as file:
            pipeline = Pipeline.from_json(file.read())
        run.generate = lambda *_: pipeline
    await run.go(range(seed, seed + options.count), time.monotonic() + options.seconds)
    if options.shrink:
        await run.shrink(options.show)


def _one_server(name, options, seed):
    """True if something failed."""
    server = SERVERS[name]()
    folder = tempfile.mkdtemp(prefix="pgo-", dir="/tmp")
    failed = False
    try:
        server.start()
        proxy = Postigo(os.path.join(folder, "postigo"), Certificates(os.path.join(folder, "ca")), {"real": server})
        proxy.start()
        try:
            for protocol in options.protocol or sorted(GENERATORS):
                run = Run(server, proxy, GENERATORS[protocol], options.crowd)
                asyncio.run(_go(run, options, seed))
                failed = _report(name, protocol, run, options.show) or failed
        finally:
            proxy.stop()
    except Unavailable as reason:
        print(f"{name}: skipped: {reason}")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return failed


def main():
    options = _options()
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    print(f"first seed {seed}", flush=True)
    return int(any([_one_server(name, options, seed) for name in options.server or SERVERS]))


if __name__ == "__main__":
    sys.exit(main())
