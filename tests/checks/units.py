"""The sources of the project, each with the command that compiles it alone: what a build tree compiles is groups."""

import fcntl
import json
import os
import subprocess


def read_units(root, build):
    """The compile commands, configured (never built) in BUILD/each."""
    tree = os.path.join(build, "each")
    os.makedirs(tree, exist_ok=True)
    with open(os.path.join(tree, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several checks ask, some at the same time
        done = subprocess.run(["cmake", "-S", root, "-B", tree, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                               "-DPOSTIGO_TESTS=ON", "-DPOSTIGO_BENCH=ON", "-DCMAKE_UNITY_BUILD=OFF"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        with open(os.path.join(tree, "compile_commands.json"), encoding="utf-8") as file:
            return [unit for unit in json.load(file) if os.path.exists(unit["file"])]  # nothing is generated there
