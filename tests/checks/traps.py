#!/usr/bin/python3
"""Every row of the list of traps that this product promises to avoid has a test that says so.

    traps.py SOURCE_DIR            fails if a row has no test, or if tests/TRAPS.md names a test that is gone
    traps.py SOURCE_DIR --write    writes the tests of each row into tests/TRAPS.md

A test says which rows it is for in its name (T18_..., test_t18_..., t18_....txt) or, where the whole of it is meant, in
its title: the comment right above a TEST, the docstring of a test class or file, the first comment of a transcript.
"""

import ast
import os
import re
import sys

REQUIRED = ("T1-T21 T24 T27-T42 T44-T47 T49-T56 T58-T78 "
            "A1-A2 A11-A14 A16-A25 A27-A29 A31 A33-A39")
PAGE = "tests/TRAPS.md"
WORD = re.compile(r"(?:^|[^A-Z])([TA])0?([1-9]\d?)(?!\d)")  # in CamelCase names
PART = re.compile(r"(?:^|_)([ta])0?([1-9]\d?)(?=_|$)")  # in snake_case names
GTEST = re.compile(r"((?:^//.*\n)*)^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
ROW = re.compile(r"^\| ([TA]\d+) \| ([^|]*) \|(.*)\|$")


def expand(ranges):
    """"T1-T3 A1" as T1, T2, T3, A1."""
    for each in ranges.split():
        first, _, last = each.partition("-")
        yield from (f"{each[0]}{n}" for n in range(int(first[1:]), int((last or first)[1:]) + 1))


def rows_in(pattern, text):
    return {kind.upper() + number for kind, number in pattern.findall(text)}


def rows_of_title(text):
    """Rows and ranges of rows in prose: "T30-T34, A1"."""
    ranges = re.findall(r"\b[TA]\d{1,2}-[TA]\d{1,2}\b", text)
    return set(expand(" ".join(ranges))) | rows_in(WORD, text)


def transcripts(root):
    folder = os.path.join(root, "tests/dialogue")
    for path, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.endswith(".txt"):
                continue
            with open(os.path.join(path, name), encoding="utf-8", errors="replace") as file:
                title = file.readline()
            known = rows_in(PART, name[:-4]) | (rows_of_title(title) if title.startswith("#") else set())
            yield f"{os.path.relpath(path, folder)}/{name}", known


def unit_tests(root):
    for path, _, names in os.walk(os.path.join(root, "tests")):
        for name in sorted(names):
            if not name.endswith(("_test.cc", "_contract.h")):
                continue
            with open(os.path.join(path, name), encoding="utf-8") as file:
                for title, suite, test in GTEST.findall(file.read()):
                    yield f"{suite}.{test}", rows_in(WORD, test) | rows_of_title(title)


def end_to_end(root):
    folder = os.path.join(root, "tests/e2e")
    for name in sorted(os.listdir(folder)):
        if not (name.startswith("test_") and name.endswith(".py")):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            module = ast.parse(file.read())
        yield f"e2e/{name[:-3]}", rows_of_title(ast.get_docstring(module) or "")
        for group in (node for node in module.body if isinstance(node, ast.ClassDef)):
            tests = [node for node in group.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
            if tests:
                yield f"e2e/{name[:-3]}.{group.name}", rows_of_title(ast.get_docstring(group) or "")
            for test in tests:
                title = ast.get_docstring(test) or ""
                yield f"e2e/{name[:-3]}.{group.name}.{test.name}", rows_in(PART, test.name) | rows_of_title(title)


def tests_by_row(root):
    """The tests of each row; a file or class of tests only where none of its own tests names the row."""
    found = {}
    for source in (unit_tests, transcripts, end_to_end):
        for name, rows in source(root):
            for row in rows:
                found.setdefault(row, []).append(name)
    for tests in found.values():
        tests[:] = [test for test in tests if not any(other.startswith(test + ".") for other in tests)]
    return found


def write(root, found):
    path = os.path.join(root, PAGE)
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    for i, line in enumerate(lines):
        match = ROW.match(line)
        if match:
            tests = "<br>".join(f"`{test}`" for test in found.get(match[1], [])) or "**none**"
            lines[i] = f"| {match[1]} | {match[2]} | {tests} |"
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def problems(root, found):
    required = list(expand(REQUIRED))
    yield from (f"{row}: no test names it" for row in required if row not in found)
    with open(os.path.join(root, PAGE), encoding="utf-8") as file:
        told = {match[1]: re.findall(r"`([^`]+)`", match[3]) for match in map(ROW.match, file) if match}
    yield from (f"{row}: not in {PAGE}" for row in required if row not in told)
    for row, tests in told.items():
        yield from (f"{row}: {PAGE} names {test}, which is gone (traps.py . --write)" for test in tests
                    if test not in found.get(row, []))


def main():
    root = sys.argv[1]
    found = tests_by_row(root)
    if sys.argv[2:] == ["--write"]:
        write(root, found)
    told = list(problems(root, found))
    print("\n".join(told) or f"{len(list(expand(REQUIRED)))} rows, each with a test")
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
