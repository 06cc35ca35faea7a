#!/usr/bin/python3
"""Includes point one way: parser <- config <- backends <- proxy. tests and bench may include everything.

    layers.py SOURCE_DIR

Inside proxy/, base and net know nothing of what uses them, and base nothing of net.
Also: every C++ file starts with a comment that says what it is, and stays short enough to be read at once.
"""

import os
import re
import sys

ORDER = ["parser", "config", "backends", "proxy"]
INNER = ["proxy/base", "proxy/net"]  # the same rule inside proxy/; all else there may include everything in it
LONGEST = 500  # lines; the median of code that people like to read is 90 to 150
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def sources(root):
    for top in [*ORDER, "tests", "bench"]:
        for path, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if name.endswith((".h", ".cc")):
                    yield top, os.path.join(path, name)


def problems_of(root, top, path):
    """Yields what is wrong with one file."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    if not lines[0].startswith("//"):
        yield 1, "must open with a comment: what is this file, what does it promise"
    if len(lines) - 1 > LONGEST:
        yield LONGEST, f"has {len(lines) - 1} lines, more than {LONGEST}"
    folder = os.path.relpath(os.path.dirname(path), root)
    if path.endswith(".h") and not any(line.strip() == "#pragma once" for line in lines):
        yield 1, "lacks #pragma once"
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            yield from ((number, why) for why in include_problems(root, top, folder, match.group(1)))


def include_problems(root, top, folder, included):
    layer = included.split("/")[0]
    inner = os.path.dirname(included)
    if not os.path.exists(os.path.join(root, included)):
        yield f'"{included}" is not a path from the top of the tree'
    elif top in ORDER and (layer not in ORDER or ORDER.index(layer) > ORDER.index(top)):
        yield f'"{included}": {top} may include only {", ".join(ORDER[:ORDER.index(top) + 1])}'
    elif folder in INNER and layer == top and inner not in INNER[:INNER.index(folder) + 1]:
        yield f'"{included}": {folder} may include of proxy only {", ".join(INNER[:INNER.index(folder) + 1])}'


def main():
    root = sys.argv[1]
    found, count = [], 0
    for top, path in sources(root):
        count += 1
        found += [f"{os.path.relpath(path, root)}:{number}: {why}" for number, why in problems_of(root, top, path)]
    print("\n".join(found) or f"{count} files, no problem")
    sys.exit(1 if found or not count else 0)


if __name__ == "__main__":
    main()
