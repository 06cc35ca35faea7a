"""The program under test: a configuration, a process, its log, its metrics."""

import json
import os
import re
import signal
import urllib.error
import urllib.request

from tests.e2e.harness.dovecot import SOURCE
from tests.e2e.harness.metrics import Metrics
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, run, wait_for

_REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer",
            "Assertion ")


def postigo():
    """The binary: POSTIGO_BIN, or the Release build's."""
    path = os.environ.get("POSTIGO_BIN") or os.path.join(SOURCE, "build", "release", "proxy", "postigo")
    if not os.path.exists(path):
        raise AssertionError(f"{path} does not exist: build Postigo or set POSTIGO_BIN")
    return path


def sanitized():
    """True if the binary is built with a sanitizer: slower, and with reports to look for."""
    with open(postigo(), "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


def unexplained(entries):
    """Events, and fields of events, that the tables of proxy/LOG.md do not have."""
    with open(os.path.join(SOURCE, "proxy", "LOG.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| [^|]* \| ([^|]*) \|$", file.read(), re.M)
    table = {name: (level, set(re.findall(r"\w+", fields))) for name, level, fields in rows}
    faults = set()
    for entry in entries:
        level, fields = table.get(entry["event"], ("", set()))
        faults |= {f"{entry['event']}.{key}" for key in set(entry) - fields - {"time", "level", "event"}}
        if entry["level"] != level:
            faults.add(f"{entry['event']} at level {entry['level']}")
    return sorted(faults)


def _backend(name, door, tls, trusted, more=""):
    text = f'[[backend]]\nname = "{name}"\nhost = "127.0.0.1"\n'
    implicit = "implicit" in tls
    for protocol in ("imap", "pop3"):
        port = getattr(door, protocol + "s" if implicit else protocol)
        if port:
            text += f"{protocol}_port = {port}\n"
    if getattr(door, "lmtp", 0):
        text += f"lmtp_port = {door.lmtp}\n"
    return text + f"trusted = {str(trusted).lower()}\n" + (f"tls = {tls}\n" if tls else "") + more


class Postigo:
    """One configuration and, between start() and stop(), one process. It is a door: host, imap, imaps, pop3, pop3s, ca.

    `backend_more` is written into each [[backend]]. `sections` replaces parts of the default configuration by name: server, log, admin, limits, listeners, tls,
    backends, pool, routing, auth, capabilities; anything else is appended.
    """

    host = "127.0.0.1"

    def __init__(self, folder, certificates, backends, backend_tls="", trusted=False, backend_more="", **sections):
        self.folder = folder
        self.certificates = certificates
        self.ca = certificates.ca
        self.imap, self.imaps, self.pop3, self.pop3s, self.admin = free_ports(5)
        self.backends = backends
        os.makedirs(folder)
        self.file = os.path.join(folder, "postigo.toml")
        self.log_file = os.path.join(folder, "postigo.log")
        os.makedirs(os.path.join(folder, "run"))
        os.chmod(os.path.join(folder, "run"), 0o777)  # whatever account the process becomes
        self.admin_socket = os.path.join(folder, "run", "admin.sock")
        self.sections = self._defaults(backend_tls, trusted, backend_more)
        self.sections.update(sections)
        self.program = None
        self.binary = None  # another copy of the program
        self.write()

    def _defaults(self, backend_tls, trusted, backend_more):
        certificate, key = self.certificates.server
        names = ", ".join(f'"{name}"' for name in self.backends)
        return {
            "server": '[server]\nhostname = "mail.example.com"\nworkers = 2',
            "log": f'[log]\nformat = "json"\nlevel = "info"\nfile = "{self.log_file}"',
            "admin": f'[admin]\naddress = "127.0.0.1:{self.admin}"\nsocket = "{self.admin_socket}"',
            "limits": '[limits]\nauth_failure_delay = "200ms"',
            "listeners": "\n".join([
                self.listener("imap", self.imap, "starttls"), self.listener("imaps", self.imaps, "implicit"),
                self.listener("pop3", self.pop3, "starttls"), self.listener("pop3s", self.pop3s, "implicit")]),
            "tls": f'[[tls.certificate]]\ncertificate = "{certificate}"\nkey = "{key}"',
            "backends": "\n".join(_backend(name, door, backend_tls, trusted, backend_more)
                                  for name, door in self.backends.items()),
            "pool": f'[[pool]]\nname = "main"\nbackends = [{names}]',
            "routing": "",
            "auth": "",
            "capabilities": "",
        }

    @staticmethod
    def listener(name, port, tls, **settings):
        protocol = "pop3" if name.startswith("pop3") else "imap"
        text = f'[[listener]]\nname = "{name}"\nprotocol = "{protocol}"\naddress = "127.0.0.1:{port}"\ntls = "{tls}"\n'
        settings.setdefault("plaintext_login", tls != "implicit")
        return text + "".join(f"{key} = {str(value).lower()}\n" for key, value in settings.items())

    def write(self, **sections):
        """(Re)writes the file; sections that are named here replace what was there."""
        self.sections.update(sections)
        with open(self.file, "w", encoding="utf-8") as file:
            file.write("\n".join(text.rstrip() + "\n" for text in self.sections.values() if text))

    def start(self, under=(), **options):
        """under: words of a program that runs it (a debugger, a profiler) as the same process."""
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:exitcode=99",
                           UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1",
                           TSAN_OPTIONS="halt_on_error=0:exitcode=98")
        self.program = Program([*under, self.binary or postigo(), "serve", "-c", self.file],
                               os.path.join(self.folder, "stderr.log"),
                               env=environment, **options)
        try:
            wait_for(lambda: self.ready() or not self.program.running(), 20, what="Postigo's /readyz")
        finally:
            if not self.program.running():
                raise AssertionError(f"Postigo did not start (exit {self.program.process.poll()}):\n"
                                     f"{self.program.output()}{self.log_text()}\n--- {self.file}\n" +
                                     "\n".join(self.sections.values()))
        return self

    def ready(self):
        try:
            with urllib.request.urlopen(self.url("/readyz"), timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def url(self, path):
        return f"http://127.0.0.1:{self.admin}{path}"

    def metrics(self):
        return Metrics(self.url("/metrics"))

    def stop(self, grace=20):
        """SIGTERM; fails unless it ends by itself with 0 and without a word from a sanitizer."""
        if self.program is None:
            return
        program, self.program = self.program, None
        code = program.stop(grace)
        said = program.output() + self.log_text()
        reports = [word for word in _REPORTS if word in program.output()]
        unknown = unexplained(self.lines())
        if unknown:
            raise AssertionError(f"not in the tables of proxy/LOG.md: {unknown}")
        if code != 0 or reports:
            raise AssertionError(f"Postigo ended with {code}, {reports}; the end of what it said:\n{said[-6000:]}")

    def kill(self):
        """Without a look at how it ends."""
        if self.program is not None:
            self.program.signal(signal.SIGKILL)
            self.program.stop()
            self.program = None

    def log_text(self):
        if not os.path.exists(self.log_file):
            return ""
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def lines(self, event=None, **wanted):
        """The lines of the log (JSON) of one event whose fields have these values."""
        found = []
        for line in self.log_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if event in (None, entry["event"]) and all(str(entry.get(key)) == str(value) for key, value in wanted.items()):
                found.append(entry)
        return found

    def wait_lines(self, event, count=1, **wanted):
        return wait_for(lambda: len(self.lines(event, **wanted)) >= count and self.lines(event, **wanted),
                        what=lambda: f"{count} {event} line(s) with {wanted} in\n{self.log_text()[-3000:]}")

    def sessions(self, **wanted):
        return self.lines("session", **wanted)

    def wait_session(self, count=1, **wanted):
        return wait_for(lambda: len(self.sessions(**wanted)) >= count and self.sessions(**wanted),
                        what=f"{count} session line(s) with {wanted} in\n{self.log_text()[-3000:]}")

    def memory(self):
        """Resident octets now."""
        with open(f"/proc/{self.program.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.program.pid}/fd"))

    def ctl(self, *words):
        """The answer of a verb of `postigo ctl`; fails unless it is done."""
        return json.loads(run(postigo(), "ctl", "--socket", self.admin_socket, "--json", *words).stdout)

    def tool(self, *arguments, check=True, **options):
        """Runs another subcommand on the same configuration."""
        return run(postigo(), *arguments, "-c", self.file, check=check, **options)
