#!/usr/bin/python3
"""Every source compiles alone, with clang: none lives on what another of its group includes.

    alone.py SOURCE_DIR BUILD_DIR

Nothing is written. A command of its own, for it takes a quarter of an hour: no part of the test command.
"""

import concurrent.futures
import os
import re
import shlex
import subprocess
import sys

from units import read_units

FOR_GCC = re.compile(r"-[UD]_FORTIFY_SOURCE(=\d)?|-Wno-restrict")


def compile_alone(unit):
    words = shlex.split(unit["command"])
    start = next(i for i, word in enumerate(words) if re.search(r"(c\+\+|g\+\+)(-\d+)?$", word))
    words = [word for word in words[start + 1:words.index("-o")] if not FOR_GCC.fullmatch(word)]
    done = subprocess.run(["clang++", *words, "-fsyntax-only", unit["file"]], cwd=unit["directory"], capture_output=True,
                          text=True)
    return done.returncode, done.stderr


def main():
    root, build = map(os.path.abspath, sys.argv[1:3])
    units = list({unit["file"]: unit for unit in read_units(root, build) if unit["file"].endswith(".cc")}.values())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [said for code, said in pool.map(compile_alone, units) if code != 0]
    print("".join(failed) or f"{len(units)} files compile alone")
    sys.exit(1 if failed or not units else 0)


if __name__ == "__main__":
    main()
