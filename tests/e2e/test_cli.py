"""The command line: check, route, version, help; exit codes; what serve says when it cannot."""

import grp
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import unittest

from tests.e2e.harness import SOURCE, Imap, Platform, postigo, run, wait_for

platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)

    class Door:
        imap, imaps, pop3, pop3s = 10143, 10993, 10110, 10995

    proxy = platform.postigo({"a": Door, "b": Door}, start=False,
                             routing='[[routing.rule]]\nuser = "alice"\npool = "main"\nshard = "b"')


def tool(*arguments, **options):
    return run(postigo(), *arguments, check=False, **options)


def with_text(text):
    path = os.path.join(platform.scratch(), "postigo.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Help(unittest.TestCase):
    """--help for everything, on standard output, with exit code 0; mistakes on standard error."""

    def test_help(self):
        for words in ([], ["serve"], ["check"], ["route"], ["version"], ["user"], ["user", "add"], ["user", "import"]):
            with self.subTest(words):
                done = tool(*words, "--help")
                self.assertEqual((0, ""), (done.returncode, done.stderr))
                self.assertIn("Usage", done.stdout)
        self.assertIn("-c", tool("serve", "--help").stdout)

    def test_mistakes(self):
        for words in (["nonsense"], ["serve", "--nonsense"], ["route"], ["check", "-c"]):
            with self.subTest(words):
                done = tool(*words)
                self.assertNotEqual(0, done.returncode)
                self.assertTrue(done.stderr.strip(), "nothing on standard error")

    def test_version(self):
        said = tool("version").stdout
        self.assertRegex(said, r"\d+\.\d+\.\d+")
        self.assertIn("BoringSSL", said)


class Check(unittest.TestCase):
    """All problems at once, each with its place and, where possible, a suggestion."""

    def test_good(self):
        done = proxy.tool("check", check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_all_problems_with_places(self):
        with open(proxy.file, encoding="utf-8") as file:
            good = file.read()
        bad = good.replace("workers = 2", "workers = 2\nwrokers = 3")
        bad = bad.replace("[limits]", '[limits]\nlogin_timeout = "soon"')
        bad += '\n[[backend]]\nname = "a"\nhost = "x"\n'
        path = with_text(bad)
        done = tool("check", "-c", path)
        said = done.stdout + done.stderr
        self.assertNotEqual(0, done.returncode)
        for key in ("wrokers", "login_timeout"):
            number = next(n for n, line in enumerate(bad.split("\n"), 1) if key in line)
            self.assertRegex(said, rf"postigo\.toml:{number}:\d+:.*{key}")
        self.assertRegex(said, r"wrokers.*workers")
        self.assertGreaterEqual(len(re.findall(r"postigo\.toml:\d+:\d+", said)), 3, said)

    def test_syntax_error_and_missing_file(self):
        done = tool("check", "-c", with_text("[server\nx"))
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stdout + done.stderr, r"postigo\.toml:\d+:\d+")
        done = tool("check", "-c", "/nonexistent/postigo.toml")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("/nonexistent/postigo.toml", done.stdout + done.stderr)

    def test_the_example_is_understood(self):
        """With the files that it names, and as an account that exists, there is nothing to complain about."""
        folder = platform.scratch()
        os.mkdir(os.path.join(folder, "tls"))
        with open(os.path.join(SOURCE, "config", "example.toml"), encoding="utf-8") as file:
            text = file.read()
        for path, kind in (("mail.example.com", "ecdsa"), ("mail.example.com-rsa", "rsa"), ("mail.example.org", "ecdsa"),
                           ("proxy-client", "ecdsa")):
            pair = platform.certificates.pair(path, (path.replace("-rsa", ""),), kind)
            for source, end in zip(pair, ("pem", "key")):
                shutil.copy(source, os.path.join(folder, "tls", f"{path}.{end}"))
        for authorities in ("internal-ca.pem", "users-ca.pem"):
            shutil.copy(platform.certificates.ca, os.path.join(folder, "tls", authorities))
        shutil.copy(platform.certificates.revocations(), os.path.join(folder, "tls", "users-crl.pem"))
        for name, secret in (("master-password", "secret"), ("policy.secret", "x"), ("policy.nonce", "x"),
                             ("probe.password", "secret"), ("db.password", "secret"), ("ldap.password", "secret"),
                             ("dashboard.token", "0123456789abcdef" * 2), ("passwd", "ann:{PLAIN}secret")):
            with open(os.path.join(folder, name), "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(secret + "\n")
        me, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        for wanted, here in (('user = "postigo"', f'user = "{me}"'), ('group = "postigo"', f'group = "{group}"'),
                             ("/var/log/postigo/", f"{folder}/"), ("/var/lib/postigo/", f"{folder}/"),
                             ("/run/postigo/", f"{folder}/"), ("/etc/postigo/passwd", f"{folder}/passwd"),
                             ('pam_service = "postigo"', 'pam_service = "other"'), ('"10.0.0.1:1993"', '"127.0.0.1:1993"'),
                             ('"10.0.0.1:2143"', '"127.0.0.1:2143"'),
                             ('"10.0.0.5", "10.0.0.6"', '"127.0.0.5", "127.0.0.6"')):
            self.assertIn(wanted, text)
            text = text.replace(wanted, here)
        path = os.path.join(folder, "example.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        tool("user", "add", "-c", path, "ann", "--password-stdin", input="secret\n")
        done = tool("check", "-c", path)
        self.assertEqual(0, done.returncode, done.stderr)
        for line in done.stderr.splitlines():  # servers of the example, which nobody has
            self.assertRegex(line, r"warning: directory: directory (postgresql|ldap|redis): ")
        self.assertRegex(done.stdout, r"^\S+example\.toml: ok")


class Route(unittest.TestCase):
    """Explains where a user goes."""

    def test_rule_and_hash(self):
        said = proxy.tool("route", "alice").stdout
        self.assertRegex(said, r"main")
        self.assertRegex(said, r"\bb\b")
        places = {name: proxy.tool("route", name).stdout for name in (f"user{number}" for number in range(20))}
        self.assertTrue(all("main" in text for text in places.values()))
        self.assertGreater(len({re.sub(r"user\d+", "USER", text) for text in places.values()}), 1, "all on one shard")
        self.assertEqual(places["user3"], proxy.tool("route", "user3").stdout)

    def test_without_a_configuration(self):
        self.assertNotEqual(0, tool("route", "-c", "/nonexistent", "alice").returncode)


class Serve(unittest.TestCase):
    """It starts completely or not at all, and says why."""

    def test_bad_configuration(self):
        done = tool("serve", "-c", with_text('[[listener]]\nprotocol = "smtp"\n'), timeout=20)
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stderr + done.stdout, r"postigo\.toml:\d+")

    def test_port_taken_by_somebody_else(self):
        with socket.create_server(("127.0.0.1", proxy.imap)):
            done = tool("serve", "-c", proxy.file, timeout=20)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, rf"postigo: cannot start: .*127\.0\.0\.1:{proxy.imap}: address already in use")

    def test_raises_the_soft_limit_and_says_how_many_sessions(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        proxy.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
        with open(f"/proc/{proxy.program.pid}/limits", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("Max open files"))
        sessions = proxy.metrics().sum("postigo_connections_limit")
        proxy.stop()
        self.assertEqual(str(hard), line.split()[3])
        self.assertTrue(hard * 0.4 < sessions <= hard / 2, f"{sessions} sessions under {hard} descriptors")
        self.assertRegex(proxy.log_text() + open(os.path.join(proxy.folder, "stderr.log")).read(), f"{int(sessions)}")

    def test_sighup_changes_nothing(self):
        """A habit or a closing terminal must not cost anybody the session."""
        proxy.start()
        with Imap.open(proxy) as wire:
            proxy.program.signal(signal.SIGHUP)
            proxy.wait_lines("reloaded", cause="SIGHUP")
            wire.ok("NOOP")
        proxy.stop()


if __name__ == "__main__":
    unittest.main()
