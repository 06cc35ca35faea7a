#!/usr/bin/python3
"""The test command itself: what matches nothing fails, what is skipped is seen with its reason, and
what needed a second try by its name.

    runner.py SOURCE_DIR
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(sys.argv[1])

TREE = """add_test([=[kind.passes]=] "true")
add_test([=[kind.script]=] "sh" "-c" "seq 9999; echo 'skipped: no such tool'; exit 77")
set_tests_properties([=[kind.script]=] PROPERTIES SKIP_RETURN_CODE 77)
add_test([=[kind.gtest]=] "printf" "x_test.cc:12: Skipped\\nno such machine\\n[  SKIPPED ] A.B\\n")
set_tests_properties([=[kind.gtest]=] PROPERTIES SKIP_REGULAR_EXPRESSION "\\\\[  SKIPPED \\\\]")
"""

PYTHON = """import unittest
class Some(unittest.TestCase):
    def test_runs(self):
        {runs}
    {mark}
    def test_other(self):
        {other}
"""


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, **options)


class Runner(unittest.TestCase):
    """Each test has a folder with a build tree `one` of three tests."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pgo-runner-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.makedirs(os.path.join(self.folder, "one"))
        with open(os.path.join(self.folder, "one", "CTestTestfile.cmake"), "w", encoding="ascii") as file:
            file.write(TREE)

    def gather(self, *choices):
        return run(sys.executable, "-B", f"{ROOT}/tests/gather.py", os.path.join(self.folder, "all"), *choices)

    def test_what_matches_nothing_fails(self):
        for choices in (["one:^other"], ["one:^kind", "one:^other"], ["one:^other", "one:^kind"]):
            done = self.gather(*choices)
            self.assertNotEqual(0, done.returncode, done)
            self.assertIn("no test of one matches ^other", done.stderr)

    def test_a_test_that_matches_twice_is_taken_once(self):
        self.assertIn("3 tests from one", self.gather("one:passes", "one:^kind").stdout)

    def test_who_waits_takes_half_a_core_and_what_is_long_begins_first(self):
        names = ("check.layers", "e2e.login", "e2e.reload", "check.headers")
        os.makedirs(os.path.join(self.folder, "release"))
        with open(os.path.join(self.folder, "release", "CTestTestfile.cmake"), "w", encoding="ascii") as file:
            file.writelines(f'add_test([=[{name}]=] "true")\nset_tests_properties([=[{name}]=] PROPERTIES TIMEOUT 7)\n'
                            for name in names)
        self.gather("release:.")
        tree = os.path.join(self.folder, "all")
        told = json.loads(run("ctest", "--test-dir", tree, "--show-only=json-v1").stdout)["tests"]
        found = {each["name"]: {p["name"]: p["value"] for p in each["properties"]} for each in told}
        self.assertEqual([2, 1, 1, 4], [found[f"release.{name}"].get("PROCESSORS", 1) for name in names], found)
        self.assertEqual({7}, {each["TIMEOUT"] for each in found.values()}, "what a test has already stays")
        begun = [line.split()[-1] for line in run("ctest", "--test-dir", tree, "-j", "2").stdout.splitlines()
                 if "Start " in line]
        self.assertEqual([f"release.{name}" for name in reversed(names)], begun)

    def test_skips_are_told_with_their_reason(self):
        self.gather("one:^kind")
        report = os.path.join(self.folder, "results.xml")
        run("ctest", "--test-dir", os.path.join(self.folder, "all"), "--output-junit", report)
        done = run(sys.executable, "-B", f"{ROOT}/tests/skipped.py", report)
        self.assertEqual(["== 2 skipped", "   one.kind.script: no such tool", "   one.kind.gtest: no such machine"],
                         done.stdout.splitlines(), done)

    def test_nothing_skipped(self):
        self.gather("one:passes")
        report = os.path.join(self.folder, "results.xml")
        run("ctest", "--test-dir", os.path.join(self.folder, "all"), "--output-junit", report)
        self.assertEqual("== nothing was skipped\n", run(sys.executable, "-B", f"{ROOT}/tests/skipped.py", report).stdout)

    def test_a_second_try_is_told(self):
        for fails, result in ((1, 0), (3, 1)):
            tests = [f"""add_test([=[flaky.{n}]=] "sh" "-c" "test -e '{self.folder}/{fails}.{n}' || ! touch '{self.folder}/{fails}.{n}'")"""
                     for n in range(fails)]
            with open(os.path.join(self.folder, "one", "CTestTestfile.cmake"), "w", encoding="ascii") as file:
                file.write(TREE + "\n".join(tests) + "\n")
            self.gather("one:^kind", "one:^flaky")
            tree = os.path.join(self.folder, "all")
            self.assertEqual(0, run("ctest", "--test-dir", tree, "--repeat", "until-pass:2").returncode)
            done = run(sys.executable, "-B", f"{ROOT}/tests/repeated.py", f"{tree}/Testing/Temporary/LastTest.log")
            self.assertEqual(result, done.returncode, done)
            self.assertEqual([f"one.flaky.{n}" for n in range(fails)],
                             [line.split()[-1] for line in done.stdout.splitlines()], done)

    def test_without_second_tries_nothing_is_told(self):
        self.gather("one:^kind")
        tree = os.path.join(self.folder, "all")
        run("ctest", "--test-dir", tree, "--repeat", "until-pass:2")
        done = run(sys.executable, "-B", f"{ROOT}/tests/repeated.py", f"{tree}/Testing/Temporary/LastTest.log")
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def python(self, runs="pass", mark="", other="pass", text=None):
        """Exit code and output of a Python test file in our runner."""
        with open(os.path.join(self.folder, "test_it.py"), "w", encoding="ascii") as file:
            file.write(PYTHON.format(runs=runs, mark=mark, other=other) if text is None else text)
        done = run(sys.executable, "-B", "-m", "tests.e2e", "test_it", cwd=ROOT,
                   env=dict(os.environ, PYTHONPATH=self.folder))
        return done.returncode, done.stdout + done.stderr

    def test_python(self):
        self.assertEqual(0, self.python()[0])
        self.assertEqual(1, self.python(runs="self.fail()")[0])
        code, said = self.python(other="self.skipTest('no tool')")
        self.assertEqual(77, code, said)
        self.assertIn("skipped: test_it.Some.test_other: no tool\n", said)
        self.assertEqual(77, self.python(mark="@unittest.skip('never')")[0])
        self.assertEqual(1, self.python(runs="self.fail()", other="self.skipTest('no tool')")[0])

    def test_a_python_file_without_tests_fails(self):
        self.assertEqual(1, self.python(text="import unittest\n")[0])
        self.assertEqual(1, self.python(text="import nothing_of_that_name\n")[0])

    def test_a_whole_python_file_skipped(self):
        code, said = self.python(text=PYTHON.format(runs="pass", mark="", other="pass") +
                                 "def setUpModule():\n    raise unittest.SkipTest('no root')\n")
        self.assertEqual(77, code, said)
        self.assertIn("no root", said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
