#!/usr/bin/python3
"""Puts the tests of several build trees into one, so that one ctest runs them and sums up once.

    gather.py DESTINATION TREE:REGEX...     the tests of DESTINATION/../TREE whose names match become TREE.NAME

A choice that matches nothing is an error: a kind of test that was renamed or lost must not drop out unnoticed. So name
each kind in a choice of its own; a test that several choices match is taken once.
"""

import json
import os
import re
import subprocess
import sys

# What a test takes: names, half cores, seconds. The first that matches counts. Whoever mostly waits, for clocks and for
# servers, takes one half; whoever computes takes two. What takes long begins early, also where no earlier run is known.
TAKES = (
    (r"^release\.check\.headers$", 4, 90),
    (r"^release\.differential\.self$", 1, 90),
    (r"^release\.differential\.", 2, 90),
    (r"^release\.e2e\.(directories|health|kill|lookup|penalties|reload)$", 1, 60),
    (r"^release\.(e2e|package)\.", 1, 30),
    (r"\.e2e\.", 2, 60),
    (r"^[at]san\.unit_proxy\.HttpTest\.AClientThatDrips", 1, 15),
    (r"^[at]san\.unit_proxy\.(?!SessionSlow)", 1, 0),  # whose time-outs are short
    (r"", 2, 0),
)


def tests_of(tree):
    """The tests of a build tree as ctest tells them."""
    told = subprocess.run(["ctest", "--test-dir", tree, "--show-only=json-v1"], check=True, capture_output=True, text=True)
    return json.loads(told.stdout)["tests"]


def quoted(text):
    """A bracket argument of CMake: nothing inside is special."""
    return f"[==[{text}]==]"


def value(content):
    if isinstance(content, bool):
        return "1" if content else "0"
    if isinstance(content, list):
        return ";".join(item if isinstance(item, str) else json.dumps(item) for item in content)
    if isinstance(content, float) and content.is_integer():
        return str(int(content))
    return str(content)


def entry(tree, test):
    """CTestTestfile lines for one test; one that was not built is left to fail with its own message."""
    name = quoted(f"{tree}.{test['name']}")
    command = " ".join(quoted(word) for word in test.get("command", ["false"]))
    half_cores, seconds = next(each[1:] for each in TAKES if re.search(each[0], f"{tree}.{test['name']}"))
    properties = {each["name"]: each["value"] for each in test.get("properties", []) if each["name"] != "DEPENDS"}
    properties |= {"PROCESSORS": half_cores} | ({"COST": seconds} if seconds else {})
    listed = " ".join(f"{key} {quoted(value(content))}" for key, content in properties.items())
    return f"add_test({name} {command})\nset_tests_properties({name} PROPERTIES {listed})\n"


def main():
    destination, choices = sys.argv[1], [choice.partition(":")[::2] for choice in sys.argv[2:]]
    os.makedirs(destination, exist_ok=True)
    beside = os.path.dirname(destination) or "."
    lines = {}
    for tree, wanted in choices:
        chosen = [test for test in tests_of(os.path.join(beside, tree)) if re.search(wanted, test["name"])]
        if not chosen:
            sys.exit(f"gather: no test of {tree} matches {wanted}")
        lines.update({(tree, test["name"]): entry(tree, test) for test in chosen})
    with open(os.path.join(destination, "CTestTestfile.cmake"), "w", encoding="utf-8") as file:
        file.writelines(lines.values())
    print(f"== {len(lines)} tests from {', '.join(dict(choices))}")


if __name__ == "__main__":
    main()
