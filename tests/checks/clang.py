#!/usr/bin/python3
"""Every source compiles with clang too: it warns of other things than g++ does, and -Werror holds for it as well.

    clang.py SOURCE_DIR BUILD_DIR     (the objects go to BUILD_DIR/clang)

Not optimised and not linked. What many sources include from the system is compiled once, ahead of them: that is most of
the work. With ccache a second run takes a moment.
"""

import collections
import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys

from units import read_units

FOR_GCC = re.compile(r"-[UD]_FORTIFY_SOURCE(=\d)?|-Wno-restrict|-O\d|-g\d?|-pthread")
FOR_CLANG = ["-O0", "-g0", "-pthread"]  # the same for all: what is compiled ahead fits no other
SYSTEM = re.compile(r"^#include <([^>]+)>", re.MULTILINE)
MANY = 4  # sources that include a header of the system, so that it is worth to be compiled ahead


def words_of(unit):
    """g++'s arguments as clang's, without input and output."""
    words = shlex.split(unit["command"])
    start = next(i for i, word in enumerate(words) if re.search(r"(c\+\+|g\+\+)(-\d+)?$", word))
    return [word for word in words[start + 1:words.index("-o")] if not FOR_GCC.fullmatch(word)] + FOR_CLANG


def common_headers(units):
    """The headers of the system that many of these sources include."""
    count = collections.Counter()
    for unit in units:
        with open(unit["file"], encoding="utf-8") as file:
            count.update(set(SYSTEM.findall(file.read())))
    return sorted(name for name, times in count.items() if times >= MANY)


def options_of(units):
    """What any of these sources is compiled with, each once."""
    found = {}
    for unit in units:
        words = iter(words_of(unit))
        found.update({(word, next(words)) if word == "-isystem" else (word,): None for word in words})
    return [word for option in found for word in option]


def compile_ahead(units, clang, folder):
    """Arguments that make a source use what was compiled ahead; none if that did not work."""
    header = os.path.join(folder, "common.h")
    with open(header, "w", encoding="utf-8") as file:
        file.writelines(f"#include <{name}>\n" for name in common_headers(units))
    done = subprocess.run([clang, *options_of(units), "-fpch-instantiate-templates", "-Xclang",
                           "-fno-pch-timestamp", "-x", "c++-header", "-o", header + ".pch", header],
                          capture_output=True, text=True)
    if done.returncode != 0:
        print("nothing is compiled ahead:", done.stderr[:500])
        return []
    return ["-include-pch", header + ".pch"]


def compiled(unit, compiler, ahead, folder, root):
    target = os.path.join(folder, os.path.relpath(unit["file"], root) + ".o")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    done = subprocess.run([*compiler, *words_of(unit), *ahead, "-MD", "-o", target, "-c", unit["file"]],
                          cwd=unit["directory"], capture_output=True, text=True)
    return done.returncode, done.stderr


def main():
    root, build = map(os.path.abspath, sys.argv[1:3])
    clang = shutil.which("clang++")
    if clang is None:
        print("skipped: no clang++")
        sys.exit(77)
    ccache = shutil.which("ccache")
    compiler = [ccache, clang] if ccache else [clang]
    # It is to trust -MD: its own look for what is included would do again what is compiled ahead.
    os.environ.update(CCACHE_BASEDIR=root, CCACHE_NOHASHDIR="1", CCACHE_DEPEND="1",
                      CCACHE_SLOPPINESS="pch_defines,time_macros")
    by_file = {unit["file"]: unit for unit in read_units(root, build) if unit["file"].endswith(".cc")}
    units = list(by_file.values())  # each once, though several programs have it
    folder = os.path.join(build, "clang")
    os.makedirs(folder, exist_ok=True)
    ahead = compile_ahead(units, clang, folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda unit: compiled(unit, compiler, ahead, folder, root), units))
    failed = [said for code, said in results if code != 0]
    print("".join(failed) or f"{len(units)} files compile with {os.path.basename(clang)}")
    sys.exit(1 if failed or not units else 0)


if __name__ == "__main__":
    main()
