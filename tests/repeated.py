#!/usr/bin/python3
"""Which tests of a run of ctest failed and then passed (--repeat until-pass), from its LastTest.log; too many fail it.

    repeated.py LastTest.log

On two cores that other machines share, a test that waits for a clock may fail without a fault. That must not hide a
race: each one that needed a second try is named here, to be looked at, and more than MANY are no accident.
"""

import re
import sys

MANY = 2
_TEST = re.compile(r"^\d+/\d+ Test: (\S+)$|^Test (Passed|Failed)\.$", re.MULTILINE)


def repeated(log):
    """Names of the tests that failed before they passed, in order."""
    name, failed, found = "", set(), []
    for begun, outcome in _TEST.findall(log):
        if begun:
            name = begun
        elif outcome == "Failed":
            failed.add(name)
        elif name in failed:
            found.append(name)
    return found


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        found = repeated(log.read())
    for name in found:
        print(f"== passed only the second time, which is a race of the test's or of Postigo's: {name}")
    if len(found) > MANY:
        sys.exit(f"== {len(found)} tests needed a second try: too many to be noise")


if __name__ == "__main__":
    main()
