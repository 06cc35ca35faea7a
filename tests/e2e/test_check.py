"""What is told before the start: everything at once, with its place, by `check` and by `serve` in the same words.

The files are what OpenSSL makes, as an operator would have them; nothing is mocked.
"""

import os
import resource
import socket
import unittest

from tests.e2e.harness import Platform, postigo, run

platform = None
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


class Door:
    imap, imaps, pop3, pop3s = 10143, 10993, 10110, 10995


def openssl(*words):
    run("openssl", *words)


def dated(folder, name, start, end):
    """A certificate that is valid in a time of its own; only `openssl ca` makes those."""
    key, request, made, config = (os.path.join(folder, f"{name}.{end_}") for end_ in ("key", "csr", "pem", "cnf"))
    for file, text in ((f"{name}.index", ""), (f"{name}.serial", "01\n")):
        with open(os.path.join(folder, file), "w", encoding="ascii") as sink:
            sink.write(text)
    with open(config, "w", encoding="ascii") as sink:
        sink.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/{name}.index\nserial={folder}/{name}.serial\n"
                   f"new_certs_dir={folder}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    openssl("req", "-new", *EC, "-nodes", "-subj", f"/CN={name}.example.org", "-keyout", key, "-out", request)
    openssl("ca", "-batch", "-config", config, "-selfsign", "-keyfile", key, "-in", request, "-out", made, "-startdate",
            start, "-enddate", end, "-notext")
    return made, key


class Same(unittest.TestCase):
    """`check` and `serve` read the same file and say the same."""

    def both(self, door, *, code=3, **options):
        """What both say on standard error, as lines."""
        said = []
        for command in ("check", "serve"):
            done = run(postigo(), command, "-c", door.file, check=False, timeout=30, **options)
            self.assertEqual(code, done.returncode, f"{command}: {done.stdout}{done.stderr}")
            said.append(done.stderr)
        self.assertEqual(said[0], said[1])
        self.assertFalse(os.path.exists(door.log_file), "something was started, or the check has made the log")
        return said[0].splitlines()

    def door(self, **sections):
        made = platform.postigo({"a": Door}, start=False, **sections)
        os.chmod(made.file, 0o600)
        return made

    def tls(self, certificate, key=None, more=""):
        return f'[[tls.certificate]]\ncertificate = "{certificate}"\n' + (f'key = "{key}"\n' if key else "") + more


class Certificates(Same):
    """Files that are not what they should be."""

    @classmethod
    def setUpClass(cls):
        cls.folder = platform.scratch("files")
        cls.certificate, cls.key = platform.certificates.pair("mine")
        cls.path = staticmethod(lambda name: os.path.join(cls.folder, name))

    def told(self, certificate, key, expected):
        lines = self.both(self.door(tls=self.tls(certificate, key)))
        self.assertEqual(1, len(lines), lines)
        self.assertRegex(lines[0], r"^.*postigo\.toml:\d+:\d+: tls\.certificate\.(certificate|key): " + expected)

    def test_a_key_that_does_not_belong(self):
        other = platform.certificates.pair("other")[1]
        rsa = platform.certificates.pair("rsa", kind="rsa")[1]
        for key in (other, rsa):
            self.told(self.certificate, key, f"{key}: not the key of {self.certificate} .*renewed")

    def test_an_encrypted_key(self):
        new, old = self.path("new.key"), self.path("old.key")
        openssl("pkcs8", "-topk8", "-in", self.key, "-passout", "pass:x", "-out", new)
        openssl("ec", "-in", self.key, "-aes256", "-passout", "pass:x", "-out", old)
        for key in (new, old):
            self.told(self.certificate, key, f"{key}: the key is encrypted, .*`openssl pkey -in {key}")

    def test_der_instead_of_pem(self):
        certificate, key, bundle = self.path("c.der"), self.path("k.der"), self.path("both.p12")
        openssl("x509", "-in", self.certificate, "-outform", "DER", "-out", certificate)
        openssl("pkey", "-in", self.key, "-outform", "DER", "-out", key)
        openssl("pkcs12", "-export", "-in", self.certificate, "-inkey", self.key, "-passout", "pass:x", "-out", bundle)
        self.told(certificate, self.key, f"{certificate}: DER, not PEM: .*`openssl x509 -inform DER -in {certificate}")
        self.told(self.certificate, key, f"{key}: DER, not PEM: .*`openssl pkey -inform DER -in {key}")
        self.told(bundle, self.key, f"{bundle}: not PEM; .*`openssl pkcs12 ")

    def test_one_in_the_place_of_the_other(self):
        request = self.path("request.pem")
        openssl("req", "-new", "-key", self.key, "-subj", "/CN=x", "-out", request)
        copy = self.path("copy.pem")
        run("cp", self.certificate, copy)
        os.chmod(copy, 0o600)
        self.told(copy, copy, f"{copy}: no private key in it, but CERTIFICATE .*name its file with key = ")
        self.told(self.certificate, copy, f"{copy}: no private key in it, but CERTIFICATE .*swapped")
        self.told(self.key, self.key, f"{self.key}: no certificate in it, but PRIVATE KEY .*swapped")
        self.told(request, self.key, f"{request}: no certificate in it, but CERTIFICATE REQUEST .*authority")

    def test_the_chain_before_the_leaf(self):
        turned = self.path("turned.pem")
        with open(turned, "w", encoding="ascii") as sink:
            for name in (platform.certificates.ca, self.certificate):
                with open(name, encoding="ascii") as source:
                    sink.write(source.read())
        self.told(turned, self.key, f"{turned}: .*must come first; it is number 2")

    def test_expired_and_not_yet_valid_are_warnings(self):
        """What one name lacks must not keep the others from a restart; the day and the file are told."""
        late = dated(self.folder, "late", "20200101000000Z", "20210102000000Z")
        early = dated(self.folder, "early", "20990101000000Z", "21000101000000Z")
        text = self.tls(*platform.certificates.server) + self.tls(*late) + self.tls(*early)
        done = self.door(tls=text).tool("check")
        self.assertRegex(done.stderr, rf"postigo\.toml:\d+:\d+: warning: tls\.certificate\.certificate: {late[0]}: .*"
                                      r"\(late\.example\.org\) has expired on 2021-01-02 00:00 UTC")
        self.assertRegex(done.stderr, rf"warning: .*{early[0]}: .* is not valid before 2099-01-01")
        door = self.door(tls=text).start()
        with open(os.path.join(door.folder, "stderr.log"), encoding="utf-8") as file:
            self.assertIn("has expired on 2021-01-02", file.read(), "serve says it too")
        door.stop()

    def test_an_expired_authority_for_backends(self):
        late = dated(self.folder, "ca", "20200101000000Z", "20210102000000Z")
        done = self.door(backend_tls=f'{{ mode = "starttls", ca_file = "{late[0]}" }}').tool("check")
        self.assertRegex(done.stderr, r"warning: backend\.tls\.ca_file: .* has expired on 2021-01-02")

    def test_one_bad_cipher_in_a_list(self):
        text = '[tls]\nciphers = "ECDHE+AESGCM:ECDHE-RSA-AES128-SHA257:ECDHE+CHACHA20"\n'
        lines = self.both(self.door(tls=text + self.tls(*platform.certificates.server)))
        self.assertEqual(1, len(lines), lines)
        self.assertRegex(lines[0], r"toml:\d+:11: tls\.ciphers: there is no cipher \"ECDHE-RSA-AES128-SHA257\" \(did you mean")


class Everything(Same):
    """All of it in one run, whoever finds it."""

    def test_all_at_once(self):
        folder = platform.scratch()
        missing = os.path.join(folder, "no", "such")
        door = self.door(
            server='[server]\nhostname = "m.example.com"\nuser = "nobody-of-that-name"\n',
            log=f'[log]\nfile = "{missing}/postigo.log"\n',
            tls=self.tls(platform.certificates.pair("mine")[0], platform.certificates.pair("other")[1]),
            directories=f'[[directory]]\nname = "one"\ntype = "sqlite"\npath = "{missing}/one.db"\n'
                        f'[[directory]]\nname = "two"\ntype = "sqlite"\npath = "{folder}/two.db"\n')
        said = "\n".join(self.both(door))
        for expected in (r'server\.user: this machine has no user "nobody-of-that-name"',
                         rf"log\.file: cannot open the log file {missing}/postigo\.log: its folder {missing}: No such",
                         r"tls\.certificate\.key: .*not the key of",
                         r"directory: directory one: .*`postigo user add`", r"directory: directory two: .*`postigo user add`"):
            self.assertRegex(said, rf"(?m)^\S+postigo\.toml:\d+:\d+: {expected}")

    def test_addresses(self):
        def address(text):
            return "\n".join(self.both(self.door(
                listeners=f'[[listener]]\nprotocol = "imap"\naddress = [{text}]\ntls = "off"\nplaintext_login = true\n')))

        self.assertIn('"localhost" is a name', address('"localhost:10144"'))
        self.assertIn('"127.0.0.1:10144" overlaps with "0.0.0.0:10144"', address('"0.0.0.0:10144", "127.0.0.1:10144"'))
        self.assertIn('"192.0.2.77:10144" is no address of this machine', address('"192.0.2.77:10144"'))

    def test_an_address_that_somebody_has(self):
        """Not an error of the file: a check before the old server is stopped must be possible. serve then fails."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            door = self.door(listeners='[[listener]]\nprotocol = "imap"\ntls = "off"\nplaintext_login = true\n'
                                       f'address = "127.0.0.1:{other.getsockname()[1]}"\n')
            done = door.tool("check")
            self.assertRegex(done.stderr, r"warning: listener\.address: .* is in use now")
            done = door.tool("serve", check=False, timeout=20)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"postigo: cannot start: listener imap: cannot listen on .*: address already in use")

    def test_mechanisms(self):
        self.assertRegex("\n".join(self.both(self.door(auth="[auth]\nmechanisms = []\n"))), "auth.mechanisms: must not be empty")

    def test_few_descriptors(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

        lines = self.both(self.door(), preexec_fn=few)
        self.assertEqual(1, len(lines), lines)
        self.assertRegex(lines[0], r"the limit of open files is 64, and 2 workers need at least \d+: .*ulimit -n")


@unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
class AsTheAccount(Same):
    """What root may do and the account may not."""

    SERVER = '[server]\nhostname = "m.example.com"\nworkers = 2\nuser = "nobody"\n'

    def test_a_database_that_the_account_cannot_open(self):
        folder = platform.scratch()
        path = os.path.join(folder, "users.db")
        door = self.door(server=self.SERVER, log="", directories=f'[[directory]]\ntype = "sqlite"\npath = "{path}"\n')
        door.tool("user", "add", "ann")
        os.chown(path, 0, 0)
        os.chmod(path, 0o600)
        lines = self.both(door)
        self.assertEqual(1, len(lines), lines)
        self.assertRegex(lines[0], rf"toml:\d+:\d+: directory: directory sqlite: .*{path}.* \(as nobody\)$")

    def test_a_folder_that_the_account_cannot_write_to(self):
        folder = platform.scratch()
        os.chmod(folder, 0o755)
        door = self.door(server=self.SERVER + f'state_file = "{folder}/state.json"\n', log="",
                         admin=f'[admin]\nsocket = "{folder}/admin.sock"')
        lines = self.both(door)
        self.assertEqual(2, len(lines), lines)
        for line, key in zip(lines, ("admin.socket", "server.state_file")):
            self.assertRegex(line, rf"toml:\d+:\d+: {key}: cannot make files in {folder}/: Permission denied \(as nobody\)$")

    def test_ports_below_1024(self):
        """Started as nobody, without the capability."""
        door = self.door(log="", listeners='[[listener]]\nprotocol = "imap"\naddress = "127.0.0.1:993"\n',
                         tls=self.tls(*platform.certificates.pair("open")))
        os.chmod(door.file, 0o644)
        os.chmod(platform.certificates.pair("open")[1], 0o644)
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            if int(file.read()) <= 993:
                self.skipTest("this machine lets everybody bind port 993")
        said = []
        for command in ("check", "serve"):
            done = run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", postigo(), command, "-c", door.file,
                       check=False, timeout=20)
            self.assertEqual(3, done.returncode, done.stderr)
            said.append(done.stderr)
        self.assertEqual(said[0], said[1])
        self.assertRegex(said[0], r'listener\.address: may not listen on "127\.0\.0\.1:993": .*CAP_NET_BIND_SERVICE')

    def test_only_root_becomes_somebody_else(self):
        door = self.door(log="", server='[server]\nuser = "daemon"\n', tls=self.tls(*platform.certificates.pair("open")))
        os.chmod(door.file, 0o644)
        os.chmod(platform.certificates.pair("open")[1], 0o644)
        for command in ("check", "serve"):
            done = run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", postigo(), command, "-c", door.file,
                       check=False, timeout=20)
            self.assertEqual(3, done.returncode)
            self.assertRegex(done.stderr, r"postigo\.toml:\d+:\d+: server\.user: only root can become somebody else")


class Habits(unittest.TestCase):
    """What people type first."""

    def test_version_and_test(self):
        version = run(postigo(), "version").stdout
        for flag in ("--version", "-v", "-V"):
            self.assertEqual(version, run(postigo(), flag).stdout)
        door = platform.postigo({"a": Door}, start=False)
        self.assertRegex(run(postigo(), "-t", "-c", door.file).stdout, r"postigo\.toml: ok")

    def test_keys_by_other_names(self):
        path = os.path.join(platform.scratch(), "postigo.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write('[limits]\nmax_sessions = 10\nidle_timeout = "30m"\n[server]\nhostname = "mail\n')
        said = run(postigo(), "check", "-c", path, check=False).stderr
        self.assertRegex(said, r"postigo\.toml:5:\d+: syntax: a quote is missing in this line")
        with open(path, "w", encoding="utf-8") as file:
            file.write('[limits]\nmax_sessions = 10\nidle_timeout = "30m"\n')
        said = run(postigo(), "check", "-c", path, check=False).stderr
        self.assertIn('limits.max_sessions: unknown key (did you mean "sessions_max"?)', said)
        self.assertIn('limits.idle_timeout: unknown key (did you mean "imap_idle_timeout" or "pop3_idle_timeout"?)', said)


if __name__ == "__main__":
    unittest.main()
