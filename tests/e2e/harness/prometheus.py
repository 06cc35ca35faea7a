"""A real Prometheus on loopback that scrapes Postigos every three seconds, and answers queries over its HTTP API."""

import json
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request

from tests.e2e.harness.dovecot import SOURCE
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, run, wait_for

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
RULES = os.path.join(SOURCE, "deploy", "prometheus")


def ask(port, path, **parameters):
    """The `data` of an answer of its API; a query that it does not take is an AssertionError with its words."""
    url = f"http://127.0.0.1:{port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{parameters}: {error.read().decode()}") from error


def query(port, expression):
    """[(labels, value)] of now, without what is no number."""
    found = ask(port, "query", query=expression)["result"]
    return [(each["metric"], float(each["value"][1])) for each in found if each["value"][1] != "NaN"]


class Prometheus:
    """Our own configuration with other targets (ports) and shorter intervals; storage and all in `folder`."""

    def __init__(self, folder, *targets):
        self.port, = free_ports(1)
        with open(os.path.join(RULES, "prometheus.yml"), encoding="utf-8") as file:
            text = re.sub(r"_interval: \w+", "_interval: 3s", file.read())
        text = text.replace('"127.0.0.1:9090"', ", ".join(f'"127.0.0.1:{target}"' for target in targets))
        text = re.sub(r"\b(\w+)\.yml(?=[,\]])", lambda name: os.path.join(RULES, name[0]), text)
        self.file = os.path.join(folder, "prometheus.yml")
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)
        self.program = Program(
            [PROMETHEUS, f"--config.file={self.file}", f"--storage.tsdb.path={os.path.join(folder, 'tsdb')}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            os.path.join(folder, "prometheus.log"), cwd=folder, env=dict(os.environ, GOMAXPROCS="1"))
        wait_for(self.ready, 60, what=lambda: f"Prometheus:\n{self.program.output()}")

    def ready(self):
        if not self.program.running():
            raise AssertionError(self.program.output())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def ask(self, path, **parameters):
        return ask(self.port, path, **parameters)

    def query(self, expression):
        return query(self.port, expression)

    def found(self, expression, seconds=60):
        """The same, asked again while there is nothing: a scrape that took too long leaves a gap."""
        over = time.monotonic() + seconds
        while not (result := self.query(expression)) and time.monotonic() < over:
            time.sleep(0.5)
        return result

    def rules(self):
        """All rules as it has read them: recordings and alerts."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def stop(self):
        self.program.stop()


def promtool(*words, **options):
    return run(PROMTOOL, *words, cwd=RULES, **options)
