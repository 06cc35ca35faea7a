"""Runs test files as ctest wants it: what is skipped is seen.

    python3 -m tests.e2e FILE...      exit code 0: all ran; 77: some were skipped, each with a line "skipped: NAME: REASON";
                                      1: a failure, or nothing ran at all
"""

import resource
import sys
import unittest


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # shells often give 1024, and a crowd needs more
    run = unittest.main(module=None, argv=["tests.e2e", *sys.argv[1:]], verbosity=2, exit=False).result
    sys.stdout.flush()
    for test, reason in run.skipped:
        print(f"skipped: {test.id().removeprefix('tests.e2e.')}: {reason}")
    if not run.wasSuccessful() or not (run.testsRun or run.skipped):
        sys.exit(1)
    sys.exit(77 if run.skipped else 0)


if __name__ == "__main__":
    main()
