"""Prometheus' text format as a dictionary, with sums over labels."""

import re
import urllib.request

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)(?: \d+)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """One scrape."""

    def __init__(self, url):
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.text = answer.read().decode()
        self.samples = []
        for line in self.text.splitlines():
            match = _SAMPLE.match(line)
            if match and not line.startswith("#"):
                name, labels, value = match.groups()
                self.samples.append((name, dict(_LABEL.findall(labels or "")), float(value)))

    def sum(self, name, **labels):
        """The sum over all samples of `name` whose labels contain these."""
        return sum(value for sample, has, value in self.samples
                   if sample == name and all(has.get(key) == wanted for key, wanted in labels.items()))

    def has(self, name):
        return any(sample == name for sample, _, _ in self.samples)

    def names(self):
        return sorted({sample for sample, _, _ in self.samples})

    def of(self, name):
        """All samples of a family, for messages."""
        return [(has, value) for sample, has, value in self.samples if sample == name]
