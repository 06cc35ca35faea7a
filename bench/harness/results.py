"""The raw figures of a run, written to one JSON file after each row, so that an ended run is not lost."""

import json
import os
import statistics

from bench.harness.tools import failures

# What a TLS row has to have spoken; anything else is another comparison.
_SPOKEN = {"cipher": "TLS_AES_128_GCM_SHA256", "group": "X25519"}


def oddities(result, peer):
    """What makes a clean run incomparable: another cipher or group than asked for; "" if nothing does."""
    if result.get("tls", "off") == "off":
        return ""
    wrong = [f"{key} {result[key]}" for key, wanted in _SPOKEN.items() if result.get(key) and result[key] != wanted]
    return ", ".join(wrong)


class Results:
    """samples: of loads. idles: of sessions held. limits: of bench_bare. growth: of Postigo alone."""

    def __init__(self, kind, path, machine):
        self.path = path
        self.data = {"format": 1, "kind": kind, "machine": machine, "seconds": 0, "samples": [], "idles": [],
                     "limits": [], "growth": [], "failed": []}

    def add(self, what, entry):
        self.data[what].append(entry)

    def fail(self, row, peer, why):
        """Something did not even run; the table says so."""
        self.data["failed"].append({"row": row, "peer": peer, "why": str(why)[-2000:]})

    def save(self):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
            file.write("\n")
        os.replace(self.path + ".new", self.path)

    def rate(self, row, peer):
        """Median units per second of a peer's clean samples in this run; None without any."""
        rates = [sample["load"]["per_second"] for sample in self.data["samples"]
                 if (sample["row"], sample["peer"]) == (row, peer) and not sample["problem"]]
        return statistics.median(rates) if rates else None


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


__all__ = ["Results", "failures", "load", "oddities"]
