"""`postigo check --connect`: is each connection that a configuration names tried, and what is wrong with it told?"""

import json
import os
import re
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, PASSWORD, Platform
from tests.e2e.harness.databases import DATABASE_PASSWORD, Postgresql
from tests.e2e.harness.ports import free_ports
from tests.fakes.dns import FakeDns

platform = database = None


def setUpModule():
    global platform, database
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    database = Postgresql(os.path.join(platform.folder, "postgresql"), platform.certificates,
                          "CREATE TABLE mailbox (username VARCHAR(255), password VARCHAR(255))")
    unittest.addModuleCleanup(database.stop)


def people(servers):
    return ('[[directory]]\nname = "people"\ntype = "postgresql"\ncheck_password = true\nlogin = "postigo"\ntimeout = "2s"\n'
            f'password_file = "{platform.secret(DATABASE_PASSWORD)}"\nservers = {json.dumps(servers)}\n[directory.sql]\n'
            'database = "mail"\nquery = "SELECT password FROM mailbox WHERE username = %u"\n'
            '[[directory]]\nname = "few"\n[[directory.user]]\nname = "u1"\n')


def sections(servers, **more):
    auth = (f'[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "{MASTER}"\n'
            f'master_password_file = "{platform.secret(MASTER_PASSWORD)}"\n')
    return {"auth": auth, "directories": people(servers), **more}


class Connect(unittest.TestCase):
    def tried(self, code, *words, **more):
        door = platform.postigo(start=False, **more)
        done = door.tool("check", "--connect", *words, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        for canary in (DATABASE_PASSWORD, MASTER_PASSWORD, PASSWORD):
            self.assertNotIn(canary, done.stdout + done.stderr)
        return done

    def test_all_is_well(self):
        said = self.tried(0, **sections([database.server])).stdout
        for name in ("a", "b"):
            for protocol in ("imap", "pop3"):
                self.assertRegex(said, rf"(?m)^ok   backend {name}: {protocol} 127\.0\.0\.1:\d+ \(clear text, greeting, \d+ ms\)$")
        self.assertRegex(said, rf"(?m)^ok   directory people: postgresql {database.server} \(answers, \d+ ms\)$")
        self.assertRegex(said, r"(?m)^ok   directory few: static \(answers, \d+ ms\)$")
        self.assertRegex(said, r"(?m)^ok   file: \S+\.pem \(readable, ")
        self.assertNotIn("FAIL", said)

    def test_each_server_by_itself(self):
        nobody, = free_ports(1)
        done = self.tried(1, **sections([f"127.0.0.1:{nobody}", database.server]))
        self.assertRegex(done.stdout, rf"(?m)^FAIL directory people: postgresql 127\.0\.0\.1:{nobody}: .*refused")
        self.assertRegex(done.stdout, rf"(?m)^ok   directory people: postgresql {database.server} ")
        self.assertRegex(done.stderr, rf"\.toml:\d+:\d+: warning: directory\.servers: postgresql 127\.0\.0\.1:{nobody}: ")

    def test_backends_that_are_not_there(self):
        class Nobody:
            host, ca = "127.0.0.1", platform.certificates.ca
            imap, imaps, pop3, pop3s = free_ports(4)

        door = platform.postigo({"a": platform.dovecots["a"], "gone": Nobody}, start=False)
        done = door.tool("check", "--connect", "--json", check=False)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        said = {(each["what"], each["where"].split()[0]): each for each in json.loads(done.stdout)}
        self.assertTrue(said["backend a", "imap"]["good"])
        self.assertFalse(said["backend gone", "imap"]["good"])
        self.assertRegex(said["backend gone", "imap"]["text"], "refused")

    def test_a_probe_account_logs_in(self):
        health = '[health]\nlevel = "login"\nuser = "u1"\npassword_file = "%s"\n'
        said = self.tried(0, health=health % platform.secret(PASSWORD)).stdout
        self.assertEqual(4, len(re.findall(r"(?m)^ok   backend .*logged in as u1, ", said)), said)
        said = self.tried(1, health=health % platform.secret("wrong")).stdout
        self.assertRegex(said, r"(?m)^FAIL backend a: imap \S+: refuses u1 ")

    def test_tls_is_verified(self):
        table = '{ mode = "starttls", ca_file = "%s" }'
        said = self.tried(0, backend_tls=table % platform.certificates.ca).stdout
        self.assertEqual(4, len(re.findall(r"(?m)^ok   backend .*\(TLS, greeting, ", said)), said)
        said = self.tried(1, backend_tls=table % platform.certificates.server[0]).stdout
        self.assertRegex(said, r"(?m)^FAIL backend a: imap \S+: .*CERTIFICATE_VERIFY_FAILED")

    def test_name_servers_and_the_policy_server(self):
        dns = FakeDns({"mail.internal": "127.0.0.1"})
        self.addCleanup(dns.stop)
        nobody, = free_ports(1)
        services = {"resolver": f'[resolver]\nservers = ["127.0.0.1:{dns.port}", "127.0.0.1:{nobody}"]\ntries = 1\n',
                    "policy": f'[policy]\nurl = "http://127.0.0.1:{nobody}/"\n',
                    "more": f'[[backend]]\nname = "named"\nhost = "mail.internal"\nimap_port = {platform.dovecots["a"].imap}\n',
                    "pool": '[[pool]]\nname = "main"\nbackends = ["a", "b", "named"]'}
        said = self.tried(1, **services).stdout
        self.assertRegex(said, rf"(?m)^ok   name server: 127\.0\.0\.1:{dns.port} \(knows mail\.internal, ")
        self.assertRegex(said, rf"(?m)^FAIL name server: 127\.0\.0\.1:{nobody}: mail\.internal: ")
        self.assertRegex(said, rf"(?m)^FAIL policy server: http://127\.0\.0\.1:{nobody}/: ")
        self.assertRegex(said, r"(?m)^ok   backend named: imap mail\.internal:")


if __name__ == "__main__":
    unittest.main()
