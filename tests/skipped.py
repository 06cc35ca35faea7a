#!/usr/bin/python3
"""What a run of ctest left out, and why: one line per test that was skipped, from the file of --output-junit.

    skipped.py RESULTS.xml

Every test that is skipped says so in its output: googletest by GTEST_SKIP() << reason, Python by skipTest(reason) (as
run by tests/e2e/__main__.py), a script by a line "skipped: reason" and exit code 77.
"""

import re
import sys
import xml.etree.ElementTree

_GTEST = re.compile(r"^\S+:\d+: Skipped\n(.*)", re.MULTILINE)
_LINE = re.compile(r"^(?:\S+: )?skipped: (.*)", re.MULTILINE)


def reasons(output):
    """All that a test's output says of what it left out."""
    return [found.strip() for found in _LINE.findall(output) + _GTEST.findall(output) if found.strip()]


def skipped(report):
    """Pairs of a test's name and its reasons, in order."""
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            output = case.findtext("system-out") or ""
            yield case.get("name"), reasons(output) or [case.find("skipped").get("message") or "no reason given"]


def main():
    found = [(name, reason) for name, all_of_them in skipped(sys.argv[1]) for reason in all_of_them]
    print(f"== {len(found)} skipped" if found else "== nothing was skipped")
    for name, reason in found:
        print(f"   {name}: {reason}")


if __name__ == "__main__":
    main()
