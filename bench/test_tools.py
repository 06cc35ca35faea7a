#!/usr/bin/python3
"""The bench's own programs: do they work, and does the judge see what is wrong? No figure is judged here.

    test_tools.py BENCH_BUILD_DIR
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

BUILD = ""
ERRORS = ["connect", "tls", "refused", "closed", "protocol", "checksum", "timeout"]
PATIENCE_S = 120


def program(name):
    return os.path.join(BUILD, name, "bench_" + name)


def make_certificate(folder):
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=bench", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return ["--certificate", certificate, "--key", key]


@contextlib.contextmanager
def serving(*command):
    """Yields the first line that the program says, as an object; ends it and fails if it does not end cleanly."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)
    if process.returncode != 0:
        raise AssertionError(f"{command[0]} exited with {process.returncode}")


class Tools(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.tls = make_certificate(self.stack.enter_context(tempfile.TemporaryDirectory()))

    def sink(self, *options):
        return self.stack.enter_context(serving(
            program("sink"), "--imap", "0", "--pop3", "0", "--imaps", "0", "--pop3s", "0", *self.tls, *options))

    def load(self, mode, port, *options, said="", code=0):
        done = subprocess.run([program("load"), mode, "--connect", f"127.0.0.1:{port}", "--seconds", "30", *options],
                              input=said, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["mark"] for line in lines if "mark" in line], ["start", "stop"])
        report = lines[-1]
        self.assertEqual(list(report["errors"]), ERRORS)
        if code == 0:
            self.assertEqual(sum(report["errors"].values()), 0, report)
            self.assertGreater(report["units"], 0)
            self.assertGreater(report["latency_ms"]["p50"], 0)
        return report

    def each_way(self, sink):
        for protocol in ("imap", "pop3"):
            yield ["--protocol", protocol], sink[protocol]
            for tls in ("full", "resumed"):
                yield ["--protocol", protocol, "--tls", tls], sink[protocol + "s"]

    def test_logins(self):
        for options, port in self.each_way(self.sink()):
            with self.subTest(options):
                report = self.load("login", port, *options, "--clients", "4", "--count", "40", "--warmup", "4",
                                   "--sources", "3", "--threads", "2")
                self.assertEqual(report["units"], 40)
                self.assertEqual(report["handshakes"], 40 if "--tls" in options else 0)
                self.assertEqual(report["resumed"], 40 if "resumed" in options else 0)
                if "--tls" in options:
                    self.assertEqual((report["tls_version"], report["cipher"], report["group"]),
                                     ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519"))

    def test_rate(self):
        report = self.load("rate", self.sink()["imap"], "--rate", "200", "--count", "40", "--clients", "20")
        self.assertEqual((report["mode"], report["units"]), ("rate", 40))

    def test_fetches_of_every_size_around_a_line_and_a_block(self):
        for options, port in self.each_way(self.sink()):
            for size in (2, 77, 78, 79, 80, 81, 4095, 16385, 1048553, 1048554, 1048557, 3000000):
                with self.subTest((options, size)):
                    report = self.load("fetch", port, *options, "--clients", "2", "--count", "4", "--size", str(size))
                    self.assertEqual(report["bytes"], 4 * size)

    def test_appends_arrive_as_they_were_sent(self):
        sink = self.sink("--verify")
        for options, port in (([], sink["imap"]), (["--tls", "full"], sink["imaps"])):
            for literal in ([], ["--literal-plus"]):
                for size in (1, 5000, 1500000):
                    with self.subTest((options, literal, size)):
                        self.load("append", port, *options, *literal, "--clients", "2", "--count", "6",
                                  "--size", str(size))

    def test_round_trips_and_a_mixed_day(self):
        for options, port in self.each_way(self.sink()):
            with self.subTest(options):
                self.load("noop", port, *options, "--clients", "4", "--count", "400", "--warmup", "10")
                self.load("mixed", port, *options, "--clients", "10", "--count", "100", "--warmup", "20")

    def test_held_sessions(self):
        for options, port in self.each_way(self.sink()):
            for mode, said in (("idle", "done\n"), ("idle", "storm\n"), ("storm", "")):
                with self.subTest((options, mode, said)):
                    report = self.load(mode, port, *options, "--sessions", "30", "--clients", "5", said=said)
                    self.assertEqual((report["held"], report["answered"], report["units"]), (30, 30, 30))

    def test_a_wrong_octet_is_seen(self):
        for options, name in ((["--protocol", "imap"], "imap"), (["--protocol", "pop3", "--tls", "full"], "pop3s")):
            with self.subTest(options):
                port = self.sink("--corrupt", "3")[name]
                report = self.load("fetch", port, *options, "--clients", "2", "--count", "10", "--size", "70000",
                                   code=1)
                self.assertEqual(report["errors"], {**dict.fromkeys(ERRORS, 0), "checksum": 1})
                self.assertEqual(report["units"], 10)

    def test_kinds_of_errors_are_told_apart(self):
        sink = self.sink()
        for kind, port, options in (("refused", sink["imap"], ["--password", "wrong"]),
                                    ("refused", sink["pop3"], ["--password", "wrong", "--protocol", "pop3"]),
                                    ("tls", sink["imap"], ["--tls", "full"]),
                                    ("connect", 1, []),
                                    ("protocol", sink["pop3"], [])):
            with self.subTest((kind, options)):
                report = self.load("login", port, *options, "--count", "5", "--clients", "2", code=1)
                self.assertEqual(report["errors"], {**dict.fromkeys(ERRORS, 0), kind: 5})

    def test_a_command_line_without_sense(self):
        for tool, options in (("load", ["sing", "--connect", "127.0.0.1:1"]),
                              ("load", ["append", "--connect", "nowhere"]),
                              ("sink", []), ("bare", []), ("bare", ["relay", "--backend", "x"])):
            with self.subTest((tool, options)):
                done = subprocess.run([program(tool), *options], capture_output=True, timeout=PATIENCE_S, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, b""))

    def test_bare_relay(self):
        sink = self.sink()
        for tls in ([], self.tls):
            with self.subTest(tls), serving(program("bare"), "relay", "--listen", "0", "--backend",
                                            f"127.0.0.1:{sink['imap']}", *tls) as relay:
                options = ["--tls", "full"] if tls else []
                self.load("fetch", relay["port"], *options, "--clients", "4", "--count", "20", "--size", "3000000")
                self.load("append", relay["port"], *options, "--clients", "4", "--count", "20", "--size", "3000000")
                self.load("login", relay["port"], *options, "--clients", "4", "--count", "20")

    def test_bare_figures(self):
        handshake = ["handshake", "--count", "5", "--kind"]
        for options, figure in (([*handshake, "ecdsa", "--resumed", "0"], "cpu_us_per_handshake"),
                                ([*handshake, "rsa", "--resumed", "1"], "cpu_us_per_handshake"),
                                (["seal", "--bytes", "1000000", "--record", "16384"], "cpu_s_per_gb"),
                                (["copy", "--bytes", "1000000"], "cpu_s_per_gb")):
            with self.subTest(options):
                done = subprocess.run([program("bare"), *options], capture_output=True, timeout=PATIENCE_S, check=True)
                self.assertGreater(json.loads(done.stdout)[figure], 0)


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
