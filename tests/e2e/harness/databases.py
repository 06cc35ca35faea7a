"""Real database servers of the tests' own, on loopback: PostgreSQL and MariaDB, with one database "mail"."""

import glob
import itertools
import os
import pwd
import shutil
import signal

from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, run, wait_for

DATABASE_PASSWORD = "canary-Database-password"  # of the account "postigo"


def _account(name):
    """For Popen: servers refuse to run as root."""
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []} if os.getuid() == 0 else {}


def _family(pid):
    """A process and its children, whatever groups they are in."""
    found = [pid]
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found.append(int(text.split()[0]))
    return found


class _Server:
    """Runs from start() to stop(). `sql`: what makes its tables, run once."""

    account = ""

    def __init__(self, folder, certificates, sql):
        self.folder = folder
        self.port, = free_ports(1)
        os.makedirs(folder)
        self.certificate, self.key = (os.path.join(folder, name) for name in ("server.pem", "server.key"))
        for source, copy in zip(certificates.server, (self.certificate, self.key)):
            shutil.copy(source, copy)
            os.chmod(copy, 0o600)
        if os.getuid() == 0:
            for path in (folder, self.certificate, self.key):
                shutil.chown(path, self.account, pwd.getpwnam(self.account).pw_gid)
        self.program = None
        self._logs = (os.path.join(folder, f"log{number}") for number in itertools.count())  # one of each start
        self._make()
        self.start()
        self._first(sql)

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    def _run(self, *command, **options):
        return run(*command, **_account(self.account), **options)

    def start(self):
        self.program = Program(self._command(), next(self._logs), **_account(self.account))
        wait_for(lambda: self._up() or not self.program.running(), 120, what=lambda: self.program.output())
        if not self.program.running():
            raise AssertionError(f"{self.program.command[0]} did not start:\n{self.program.output()}")
        return self

    def signal(self, number):
        for pid in _family(self.program.pid):
            os.kill(pid, number)

    def kill(self):
        """As by kill -9, all of it."""
        self.signal(signal.SIGSTOP)  # no child is born meanwhile
        self.signal(signal.SIGKILL)
        self.program.process.wait()

    def stop(self):
        if self.program.running():
            self.kill()


class Postgresql(_Server):
    type = "postgresql"
    account = "postgres"

    def _make(self):
        self.programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self._run(f"{self.programs}/initdb", "-D", f"{self.folder}/data", "-U", "admin", "--auth-local=trust",
                  "--auth-host=scram-sha-256", "--no-sync", "--no-locale", "-E", "UTF8", cwd=self.folder)

    def _command(self):
        if os.path.exists(f"{self.folder}/data/postmaster.pid"):
            os.unlink(f"{self.folder}/data/postmaster.pid")  # after a kill its number may be somebody else's
        settings = {"listen_addresses": "127.0.0.1", "fsync": "off", "ssl": "on", "ssl_cert_file": self.certificate,
                    "ssl_key_file": self.key, "shared_buffers": "8MB"}
        return [f"{self.programs}/postgres", "-D", f"{self.folder}/data", "-k", self.folder, "-p", self.port,
                *(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))]

    def _ask(self, sql, database="mail", check=True):
        return run(f"{self.programs}/psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.port,
                   "-U", "admin", "-d", database, "-c", sql, check=check)

    def _up(self):
        return self._ask("SELECT 1", "postgres", check=False).returncode == 0

    def _first(self, sql):
        self._ask(f"CREATE ROLE postigo LOGIN PASSWORD '{DATABASE_PASSWORD}'", "postgres")
        self._ask("CREATE DATABASE mail", "postgres")
        self._ask(sql + ";GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO postigo")

    def connections(self):
        """The processes that serve Postigo."""
        return set(self._ask("SELECT pid FROM pg_stat_activity WHERE usename = 'postigo'").stdout.split())


class Mariadb(_Server):
    type = "mysql"
    account = "mysql"

    def _make(self):
        self._run("mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data", "--skip-test-db",
                  "--auth-root-authentication-method=normal", "--innodb-log-file-size=4M", cwd=self.folder)
        self._orders = f"{self.folder}/init.sql"
        with open(self._orders, "w", encoding="utf-8") as file:
            os.chmod(self._orders, 0o644)

    def _command(self):
        return ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.folder}/data", "--bind-address=127.0.0.1",
                f"--port={self.port}", f"--socket={self.folder}/mysqld.sock", f"--pid-file={self.folder}/pid",
                f"--ssl-cert={self.certificate}", f"--ssl-key={self.key}", "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=8M", "--skip-log-bin",
                f"--init-file={self._orders}"]

    def _up(self):
        return "ready for connections" in self.program.output()

    def _first(self, sql):
        """There need be no client program: the server runs a file, and starts again without it."""
        with open(self._orders, "w", encoding="utf-8") as file:
            file.write("CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\nUSE mail;\n"
                       + "".join(line + ";\n" for line in sql.split(";"))
                       + f"CREATE USER postigo IDENTIFIED BY '{DATABASE_PASSWORD}';\nGRANT SELECT, UPDATE ON mail.* TO postigo;\n")
        self.program.stop(60)
        self.start()
        with open(self._orders, "w", encoding="utf-8"):
            pass
