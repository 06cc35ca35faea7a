"""A real Prometheus before a real run: do rules and their alerts find what they ask for, and does the runbook have them?

deploy/prometheus/ as it is shipped, over IMAP and POP3 logins at two Dovecots, some of them refused, and a backend that
is dead.
"""

import json
import os
import re
import unittest

from tests.e2e.harness import PASSWORD, SOURCE, Imap, Platform, Pop3, free_ports, postigo, run, wait_for
from tests.e2e.harness.prometheus import PROMETHEUS, PROMTOOL, RULES, Prometheus, promtool

GRAFANA = os.path.join(SOURCE, "deploy", "grafana")
platform = proxy = prometheus = None
KEYWORDS = {"sum", "max", "min", "count", "avg", "rate", "increase", "changes", "absent", "without", "by", "unless", "and",
            "or", "on", "ignoring", "offset", "time", "histogram_quantile", "avg_over_time", "group_left", "topk",
            "label_replace", "clamp_max", "clamp_min", "e", "le", "inf", "vector", "sort_desc", "group", "m", "h", "d", "s"}
# Recordings that have no data here, and why.
SILENT = {
    "instance:postigo_policy_failed:ratio5m": "there is no policy server to be asked",
}
SETTINGS = {
    "limits": '[limits]\nauth_failure_delay = "10ms"\nsessions_per_user = 20',
    "health": '[health]\nretry_max = "1s"\n',
    "pool": '[[pool]]\nname = "main"\nbackends = ["a", "b"]\nsessions_max = 500\naffinity = true\n'
            '[[pool]]\nname = "spare"\nbackends = ["dead"]\n',
    "routing": '[routing]\ndefault_pool = "main"\n[[routing.rule]]\nuser = "t099"\npool = "spare"\n',
    "directories": '[[directory]]\ntype = "static"\ncheck_password = false\n'
                   + "".join(f'[[directory.user]]\nname = "t{number:03}"\n' for number in range(100)),
}


def setUpModule():
    global platform, proxy, prometheus
    if not PROMETHEUS or not PROMTOOL:
        raise unittest.SkipTest("no prometheus, or no promtool (deploy/packages.sh test installs both)")
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    tls = f'{{ mode = "starttls", ca_file = "{platform.certificates.ca}" }}'
    proxy = platform.postigo(start=False, **SETTINGS, backend_tls=tls, backend_more="sessions_max = 300\nlogins_per_s = 200\n")
    port, = free_ports(1)
    dead = f'\n[[backend]]\nname = "dead"\nhost = "127.0.0.1"\nimap_port = {port}\npop3_port = {port}\n'
    listeners = proxy.sections["listeners"] + "sessions_max = 400\n"  # the last one's
    proxy.write(backends=proxy.sections["backends"] + dead, listeners=listeners)
    proxy.start()
    prometheus = Prometheus(platform.scratch(), proxy.admin)
    unittest.addModuleCleanup(prometheus.stop)
    some_of_everything()
    for last in ("postigo_auth_attempts_total", 'postigo_backend_errors_total{backend="dead"}'):
        wait_for(lambda: prometheus.query(f"rate({last}[5m]) > 0"), 120, f"{last} that grows in Prometheus")
    wait_for(recorded, 120, lambda: f"recordings with data; without: {silent()}")


def some_of_everything():
    """Before the first scrape counters stand at 0; a second scrape must see more than the one before."""
    wait_for(lambda: prometheus.query('sum_over_time(up{job="postigo"}[1m]) >= 2'), 120, "two scrapes")
    for number in range(12):
        kind, mode = (Imap, Pop3)[number % 2], ("implicit", "starttls", "off")[number % 3]
        with kind.open(proxy, mode) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
            wire.ok("NOOP")
            wire.ok("LOGOUT" if kind is Imap else "QUIT")
        with kind.open(proxy) as wire:
            name = platform.fresh_user() if number % 3 else "nobody"
            for line in (f"LOGIN {name} wrong",) if kind is Imap else (f"USER {name}", "PASS wrong"):
                wire.command(line)
    with Imap.open(proxy) as wire:  # his backend is dead
        wire.login("t099", PASSWORD)


def silent():
    """Recordings without data, those that may be left out."""
    names = [rule["name"] for rule in prometheus.rules() if rule["type"] == "recording"]
    return sorted(name for name in names if name not in SILENT and not prometheus.query(name))


def recorded():
    return not silent()


def selectors(expression):
    """(name, {label: (operator, value)}) of each selector, and labels of `by` and `without`."""
    labels = re.findall(r"\b(?:by|without|on|ignoring) \(([^)]*)\)", expression)
    plain = re.sub(r"\b(?:by|without|on|ignoring) \([^)]*\)", " ", expression)
    plain = re.sub(r"\[[^]]*\]", " ", plain)
    found = [(name, inside or "") for name, inside in re.findall(r"([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?", plain)
             if name not in KEYWORDS]
    inside = re.compile(r"\{[^}]*\}")
    names = set(re.findall(r"(?<![\w:])([a-zA-Z_:][\w:]*)", inside.sub("", plain))) - KEYWORDS
    return [each for each in found if each[0] in names], {word for group in labels for word in re.findall(r"\w+", group)}


class Rules(unittest.TestCase):
    def test_promtool_on_the_scrape(self):
        done = run(PROMTOOL, "check", "metrics", input=proxy.metrics().text, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))

    def test_promtool_on_the_files(self):
        promtool("check", "rules", "recording.yml", "alerts.yml")
        promtool("check", "config", "prometheus.yml")

    def test_each_alert_fires_and_does_not(self):
        promtool("test", "rules", "alerts_test.yml")
        with open(os.path.join(RULES, "alerts_test.yml"), encoding="utf-8") as file:
            tested = set(re.findall(r'labels: .\{alertname="(\w+)"', file.read()))
        self.assertEqual({rule["name"] for rule in prometheus.rules() if rule["type"] == "alerting"}, tested)

    def test_all_are_evaluated(self):
        for rule in prometheus.rules():
            self.assertEqual(("ok", ""), (rule["health"], rule.get("lastError", "")), rule["name"])

    def test_each_recording_has_data(self):
        wait_for(recorded, 120, lambda: f"recordings with data; without: {silent()}")
        for name, why in SILENT.items():
            self.assertEqual([], prometheus.query(name), f"{name} has data: it is no more so that {why}")

    def test_no_dead_names(self):
        """Each selector of each rule finds a series, and each label that is summed over exists there."""
        for rule in prometheus.rules():
            found, labels = selectors(rule["query"])
            self.assertTrue(found, rule["query"])
            seen = set()
            for name, inside in found:
                if name in SILENT or f'absent({name}' in rule["query"]:
                    continue
                series = prometheus.found(f"{name}{{{inside}}}")
                self.assertTrue(series, f"{rule['name']}: nothing is {name}{{{inside}}}")
                seen |= {label for metric, _ in series for label in metric}
            if not any(name in SILENT for name, _ in found):
                self.assertLessEqual(labels, seen | {"le"}, rule["name"])

    def test_each_value_of_a_label_exists(self):
        """In a choice (reason=~"a|b") a name that is no more would go unseen."""
        for rule in prometheus.rules():
            for name, inside in selectors(rule["query"])[0]:
                for label, values in re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"]+)"', inside):
                    for value in values.split("|"):
                        self.assertTrue(prometheus.found(f'{name}{{{label}="{value}"}}'), f"{name}: no {label} is {value}")

    def test_a_dead_backend_is_on_its_way_to_an_alert(self):
        def down():
            return {each["labels"]["backend"] for each in prometheus.ask("alerts")["alerts"]
                    if each["labels"]["alertname"] == "PostigoBackendDown"}

        wait_for(lambda: "dead" in down(), 60, lambda: f"PostigoBackendDown for the dead one, not only {down()}")


class Dashboards(unittest.TestCase):
    """Each query of each panel of deploy/grafana/, asked as Grafana would."""

    def test_each_query_has_data(self):
        empty = []
        for name in ("fleet", "door", "backend", "security"):
            with open(os.path.join(GRAFANA, f"{name}.json"), encoding="utf-8") as file:
                board = json.load(file)
            for panel in board["panels"]:
                for target in panel.get("targets", ()):
                    asked = re.sub(r"\$(door|backend|listener|pool)\b", ".*", target["expr"])
                    found = prometheus.found(asked.replace("$__rate_interval", "5m"))
                    if not found:
                        empty.append((name, panel["title"], asked))
                    for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                        self.assertTrue(all(label in metric for metric, _ in found), f"{name}: {panel['title']}: {label}")
        self.assertEqual([], empty)

    def test_a_picture_can_be_drawn(self):
        """With Debian's Python, which has matplotlib."""
        folder = platform.scratch()
        run("/usr/bin/python3", "-B", os.path.join(GRAFANA, "pictures.py"), f"http://127.0.0.1:{prometheus.port}", folder, "1",
            "fleet", timeout=240)
        with open(os.path.join(folder, "fleet.png"), "rb") as file:
            self.assertEqual(b"\x89PNG", file.read(4))

    def test_each_choice_has_values(self):
        with open(os.path.join(GRAFANA, "door.json"), encoding="utf-8") as file:
            choices = [each["definition"] for each in json.load(file)["templating"]["list"] if each["type"] == "query"]
        with open(os.path.join(GRAFANA, "backend.json"), encoding="utf-8") as file:
            choices += [each["definition"] for each in json.load(file)["templating"]["list"] if each["type"] == "query"]
        self.assertGreaterEqual(len(set(choices)), 4)
        for choice in choices:
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", choice).groups()
            self.assertTrue(all(label in metric for metric, _ in prometheus.found(selector)), choice)


class Runbook(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(RULES, "RUNBOOK.md"), encoding="utf-8") as file:
            self.text = file.read()
        self.sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", self.text, re.S | re.M))

    def test_a_section_for_each_alert_and_the_other_way_round(self):
        alerts = [rule for rule in prometheus.rules() if rule["type"] == "alerting"]
        self.assertEqual({rule["name"] for rule in alerts}, set(self.sections))
        for rule in alerts:
            self.assertEqual(f"RUNBOOK.md#{rule['name'].lower()}", rule["annotations"]["runbook"])
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
        for name, text in self.sections.items():
            self.assertEqual(["Means", "Look", "Do"], re.findall(r"^- \*\*(\w+)\*\*: ", text, re.M), name)

    def test_links_lead_somewhere(self):
        for anchor in re.findall(r"\]\(#(\w+)\)", self.text):
            self.assertIn(anchor, {name.lower() for name in self.sections})
        for path in re.findall(r"\]\(([^#)]+)", self.text):
            self.assertTrue(os.path.exists(os.path.join(RULES, path)), path)

    def test_commands_exist(self):
        """Verb, words and options of each `postigo ctl`, as its help has them."""
        commands = set(re.findall(r"postigo ctl ([^`;\n]+)", self.text))
        self.assertGreater(len(commands), 15)
        for command in sorted(commands):
            words = command.split()
            if words[0] == "--door":
                continue
            known = run(postigo(), "ctl", words[0], "--help").stdout
            for word in words[1:]:
                if word.startswith("--") or word.islower() and not word[0].isdigit():
                    self.assertIn(word.rstrip(","), known, command)

    def test_events_and_families_exist(self):
        with open(os.path.join(SOURCE, "proxy", "LOG.md"), encoding="utf-8") as file:
            events = set(re.findall(r"^\| `(\w+)` \| \w+ \|", file.read(), re.M))
        named = {word for choice in re.findall(r"journalctl -u postigo -g '?([\w|]+)", self.text) for word in choice.split("|")}
        self.assertTrue(named)
        self.assertLessEqual(named, events)
        families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in proxy.metrics().names()}
        self.assertLessEqual(set(re.findall(r"\bpostigo_\w+", self.text)), families)


class Reference(unittest.TestCase):
    """METRICS.md is what a scrape has. POSTIGO_REWRITE_DOCS=1 writes it anew."""

    FREE = {"listener": "a listener's name", "backend": "a backend's name", "pool": "a pool's name",
            "worker": "a number", "number": "a number", "hash": "a hash", "boringssl": "a version", "name": "a host name"}
    # What a label of a few values means where it is not one of the names above.
    FIXED = {("postigo_queue_jobs", "pool"), ("postigo_queue_jobs_limit", "pool")}
    HERE_ONLY = {("postigo_build_info", "version"): "a version", ("postigo_cert_not_after_seconds", "kind"): "ecdsa, rsa"}
    MANY = {"reason": "see [LOG.md](../../proxy/LOG.md)", "verb": "a command", "mechanism": "a mechanism"}
    HEAD = """# Metrics

All families of `/metrics`, from a scrape. A label has the values that are named here; none is ever a user, an address or a
text of somebody else's. A histogram has `_bucket` (with `le`), `_sum` and `_count`. `_limit` is what may be: a part of it
is how full that is, and 0 is no limit. Families of a pool are there if it has a limit, those of TLS if it is used, and `postigo_directory_cache_...` (questions by
`result`: hit, miss, shared; stale answers; entries) if a directory has a cache.

<!-- generated by tests/e2e/test_prometheus.py -->
| family | type | unit | labels | what it tells |
|---|---|---|---|---|
"""

    def values(self, family, label, seen):
        if (family, label) in self.HERE_ONLY:
            return self.HERE_ONLY[family, label]
        if label in self.FREE and (family, label) not in self.FIXED:
            return self.FREE[label]
        return ", ".join(value or '""' for value in seen) if len(seen) <= 12 else self.MANY[label]

    @staticmethod
    def unit(family):
        for suffix, unit in (("_timestamp_seconds", "seconds since 1970"), ("_not_after_seconds", "seconds since 1970"),
                             ("_start_time_seconds", "seconds since 1970"), ("_seconds", "seconds"), ("_bytes", "bytes"),
                             ("_bytes_limit", "bytes"), ("_bytes_total", "bytes"), ("_rate_limit", "per second"),
                             ("_info", "always 1"), ("_state", "0 or 1"), ("_differ", "0 or 1"), ("_successful", "0 or 1"),
                             ("_draining", "0 or 1")):
            if family.endswith(suffix):
                return unit
        return "count"

    def page(self, scrape):
        told = dict(re.findall(r"^# HELP (\w+) (.*)$", scrape.text, re.M))
        rows = []
        for family, kind in re.findall(r"^# TYPE (\w+) (\w+)$", scrape.text, re.M):
            seen = {}
            for name, has, _ in scrape.samples:
                if re.sub(r"_(bucket|sum|count)$", "", name) == family or name == family:
                    for label, value in has.items():
                        seen.setdefault(label, {})[value] = True
            seen.pop("le", None)
            labels = "; ".join(f"`{label}`: {self.values(family, label, list(values))}" for label, values in seen.items())
            rows.append(f"| `{family}` | {kind} | {self.unit(family)} | {labels} | {told[family].replace('|', ' or ')} |\n")
        return self.HEAD + "".join(rows)

    def test_the_page_is_what_a_scrape_has(self):
        path = os.path.join(RULES, "METRICS.md")
        page = self.page(proxy.metrics())
        if os.environ.get("POSTIGO_REWRITE_DOCS"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(page)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), page, "POSTIGO_REWRITE_DOCS=1 writes it anew")


if __name__ == "__main__":
    unittest.main()
