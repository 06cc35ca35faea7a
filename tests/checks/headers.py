#!/usr/bin/python3
"""Every header compiles alone, with the flags of the build.

    headers.py SOURCE_DIR BUILD_DIR

A header that its own source includes before anything else is shown to do so by alone.py; the others are compiled here.
"""

import concurrent.futures
import os
import re
import shlex
import subprocess
import sys

from units import read_units

LAYERS = ("parser", "config", "backends", "proxy")
FIRST_INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def flags(units):
    """Per folder: a compiler command without its input and output."""
    found = {}
    for unit in units:
        words = shlex.split(unit["command"])
        words = words[1:] if os.path.basename(words[0]) == "ccache" else words
        kept = [w for i, w in enumerate(words) if w not in ("-o", "-c") and words[i - 1] not in ("-o", "-c")]
        found.setdefault(unit["file"].rsplit("/", 1)[0], kept)
    return found


def first_included(units, root):
    """The headers that a source of the build includes before anything else."""
    found = set()
    for path in {unit["file"] for unit in units}:
        with open(path, encoding="utf-8") as file:
            first = FIRST_INCLUDE.search(file.read())
        if first:
            found.add(os.path.join(root, first[1]))
    return found


def nearest(known, path):
    """The flags of the closest folder that has any."""
    folder = os.path.dirname(path)
    while folder not in known and len(folder) > 1:
        below = [words for name, words in sorted(known.items()) if name.startswith(folder + "/")]
        if below:
            return below[0]
        folder = os.path.dirname(folder)
    return known.get(folder) or next(iter(known.values()))


def compile_alone(known, path):
    words = nearest(known, path) + ["-fsyntax-only", "-x", "c++", "-"]
    done = subprocess.run(words, input=f'#include "{path}"\n', capture_output=True, text=True)
    return path, done.returncode, done.stderr


def main():
    root, build = map(os.path.abspath, sys.argv[1:3])
    headers = [os.path.join(folder, name) for layer in LAYERS for folder, _, names in os.walk(os.path.join(root, layer))
               for name in names if name.endswith(".h")]
    units = read_units(root, build)
    known, built = flags(units), first_included(units, root)
    left = [path for path in headers if path not in built]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [(path, said) for path, code, said in pool.map(lambda path: compile_alone(known, path), left) if code]
    for path, said in failed:
        print(f"{os.path.relpath(path, root)} does not compile alone:\n{said[:1500]}")
    print(f"{len(headers)} headers, {len(left)} of them compiled here, {len(failed)} problems")
    sys.exit(1 if failed or not headers else 0)


if __name__ == "__main__":
    main()
