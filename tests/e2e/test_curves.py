"""A newcomer's way: from the quick start to a page with curves, by the commands that README and quick start name."""

import os
import re
import shutil
import tempfile
import unittest
import urllib.parse
import urllib.request

from tests.e2e.harness import SOURCE, Program, free_ports, postigo, run, wait_for
from tests.e2e.harness.prometheus import PROMETHEUS, query

PROMETHEUS_LINE = re.compile(r"^ *(prometheus --config\.file=\S+ --storage\.tsdb\.path=\S+ --web\.listen-address=\S+)$", re.M)


class Page:
    """One of Prometheus' pages: does it stand there, and has it what its curves ask for?"""

    def __init__(self, link):
        self.link = link
        address, _, choices = link.partition("?")
        self.host = address.partition("//")[2].partition("/")[0]
        self.expressions = [value for key, value in urllib.parse.parse_qsl(choices) if key.endswith(".expr")]

    def stands(self):
        try:
            with urllib.request.urlopen(self.link, timeout=5) as answer:
                return b"graph_template" in answer.read()
        except OSError:
            return False

    def empty(self):
        """Curves without a point."""
        return [each for each in self.expressions if not query(int(self.host.rpartition(":")[2]), each)]


@unittest.skipUnless(PROMETHEUS, "no prometheus (deploy/packages.sh watch installs it)")
class Curves(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pgo-curves-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def quickstart(self):
        """What it says when it has begun to stay. It is built: cmake has nothing to do."""
        os.makedirs(os.path.join(self.folder, "build", "proxy"))
        open(os.path.join(self.folder, "build", "build.ninja"), "w", encoding="ascii").close()
        os.symlink(os.path.abspath(postigo()), os.path.join(self.folder, "build", "proxy", "postigo"))
        stub = os.path.join(self.folder, "cmake")
        with open(stub, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
            file.write("#!/bin/sh\n")
        started = Program([os.path.join(SOURCE, "deploy", "quickstart.sh")], os.path.join(self.folder, "quickstart.log"),
                          env=dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}",
                                   POSTIGO_BUILD_DIR=os.path.join(self.folder, "build")))
        self.addCleanup(started.stop, 30)
        wait_for(lambda: "Ctrl-C ends it" in started.output() or not started.running(), 240, started.output)
        self.assertTrue(started.running(), started.output())
        return started.output()

    def page_of(self, command, link):
        """The command runs; the page stands, and each of its curves has points."""
        command = re.sub(r"--storage\.tsdb\.path=\S+", f"--storage.tsdb.path={self.folder}/curves", command)
        watching = Program(command.split(), os.path.join(self.folder, "prometheus.log"), cwd=self.folder,
                           env=dict(os.environ, GOMAXPROCS="1"))
        self.addCleanup(watching.stop)
        page = Page(link)
        wait_for(lambda: page.stands() or not watching.running(), 60, watching.output)
        self.assertTrue(watching.running(), watching.output())
        self.assertEqual(3, len(page.expressions), link)
        wait_for(lambda: not page.empty(), 120, lambda: f"curves of {page.empty()}; {watching.output()}")
        watching.stop()

    def test_from_the_quick_start_to_curves(self):
        said = self.quickstart()
        run(*re.search(r"^ *(\S+packages\.sh watch)$", said, re.M)[1].split(), timeout=300)
        self.page_of(PROMETHEUS_LINE.search(said)[1], re.search(r"^ *(http\S+/graph\?\S+)$", said, re.M)[1])
        admin = re.search(r"http://127\.0\.0\.1:(\d+)/metrics", said)[1]
        with self.subTest("as README has it"):
            with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
                readme = file.read()
            command, link = PROMETHEUS_LINE.search(readme)[1], re.search(r"\((http\S+/graph\?\S+)\)$", readme, re.M)[1]
            port, = free_ports(1)
            shutil.copytree(os.path.join(SOURCE, "deploy", "prometheus"), os.path.join(self.folder, "deploy", "prometheus"))
            path = os.path.join(self.folder, "deploy", "prometheus", "prometheus.yml")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("127.0.0.1:9090", f"127.0.0.1:{admin}"))
            self.page_of(command.replace("127.0.0.1:9099", f"127.0.0.1:{port}"), link.replace(":9099", f":{port}"))


if __name__ == "__main__":
    unittest.main()
