#!/usr/bin/python3
"""The program file is hardened as deploy/cmake/Hardening.cmake has it: what was asked for is what came out.

    hardening.py PROGRAM
"""

import platform
import re
import subprocess
import sys

FEWEST = 100  # functions of ours that can be called from elsewhere; there are thousands


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def own_functions(program):
    """The code of each function of ours, as text."""
    code = {}
    name = None
    for line in output("objdump", "-dC", "--no-show-raw-insn", program).splitlines():
        if line.endswith(">:"):
            name = line if re.search(r"<postigo::(\w+::)*~?\w+\(", line) and "[clone" not in line else None
        elif name:
            code.setdefault(name, []).append(line)
    return ["\n".join(lines) for lines in code.values()]


def problems_of_code(program):
    functions = own_functions(program)
    if len(functions) < FEWEST:
        yield f"only {len(functions)} functions of ours found: is it stripped?"
        return
    if not any("__stack_chk_fail" in code for code in functions):
        yield "no function of ours has a stack protector"
    if not any(re.search(r"call.*_chk@", code) for code in functions):
        yield "no function of ours calls a fortified one (_FORTIFY_SOURCE)"
    if platform.machine() == "x86_64":
        if not any(re.search(r"\bor[lq]? +\$0x0,.*%rsp", code) for code in functions):
            yield "no large frame of ours is probed page by page (stack clash)"
        padded = sum("endbr64" in code.split("\n", 1)[0] for code in functions)
        if padded < len(functions) * 0.9:
            yield f"only {padded} of {len(functions)} functions begin with endbr64 (CET)"


def problems(program):
    header, dynamic, segments = (output("readelf", "-W", flag, program) for flag in ("-h", "-d", "-l"))
    if "DYN (" not in header:
        yield "it is not position-independent (PIE)"
    if not re.search(r"FLAGS_1.*\bPIE\b", dynamic):
        yield "the linker was not told that it is a program (PIE)"
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        yield "symbols are bound lazily (no BIND_NOW)"
    if "GNU_RELRO" not in segments:
        yield "relocations stay writable (no RELRO)"
    if not re.search(r"GNU_STACK\s+\S+ \S+ \S+ \S+ \S+ RW ", segments):
        yield "the stack is executable"
    if re.search(r"\bRWE\b", segments):
        yield "a segment is writable and executable"
    if re.search(r"\b(RPATH|RUNPATH)\b", dynamic):
        yield "it looks for libraries in a folder of the build (RPATH)"
    yield from problems_of_code(program)


def main():
    found = list(problems(sys.argv[1]))
    print("\n".join(found) or "PIE, RELRO, BIND_NOW, no executable stack, stack protector, FORTIFY, CET: all there")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
