#!/usr/bin/python3
"""Every source compiles with clang too: it warns of other things than g++ does, and -Werror holds for it as well.

    clang.py SOURCE_DIR BUILD_DIR     (BUILD_DIR has compile_commands.json; the objects go to BUILD_DIR/clang)

Not optimised and not linked. With ccache a second run takes a moment.
"""

import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

FOR_GCC = re.compile(r"-[UD]_FORTIFY_SOURCE(=\d)?|-Wno-restrict|-W(no-)?tsan|-O\d|-g\d?")
FOR_CLANG = ["-O0", "-g0"]


def command_of(unit, compiler, folder, root):
    """g++'s command as clang's, with an object of its own."""
    words = shlex.split(unit["command"])
    start = next(i for i, word in enumerate(words) if re.search(r"(c\+\+|g\+\+)(-\d+)?$", word))
    kept = [word for word in words[start + 1:words.index("-o")] if not FOR_GCC.fullmatch(word)]
    target = os.path.join(folder, os.path.relpath(unit["file"], root) + ".o")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    return [*compiler, *kept, *FOR_CLANG, "-o", target, "-c", unit["file"]]


def compiled(unit, compiler, folder, root):
    done = subprocess.run(command_of(unit, compiler, folder, root), cwd=unit["directory"], capture_output=True, text=True)
    return done.returncode, done.stderr


def main():
    root, build = map(os.path.abspath, sys.argv[1:3])
    clang = shutil.which("clang++")
    if clang is None:
        print("skipped: no clang++")
        sys.exit(77)
    ccache = shutil.which("ccache")
    compiler = [ccache, clang] if ccache else [clang]
    os.environ.update(CCACHE_BASEDIR=root, CCACHE_NOHASHDIR="1")
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        by_file = {unit["file"]: unit for unit in json.load(file) if unit["file"].endswith(".cc")}
    units = list(by_file.values())  # each once, though several programs have it
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda unit: compiled(unit, compiler, os.path.join(build, "clang"), root), units))
    failed = [said for code, said in results if code != 0]
    print("".join(failed) or f"{len(units)} files compile with {os.path.basename(clang)}")
    sys.exit(1 if failed or not units else 0)


if __name__ == "__main__":
    main()
