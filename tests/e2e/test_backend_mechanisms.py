"""How we log in to backends, shown with real Dovecots: SCRAM, tokens of the client's own, our certificate; and with a
backend that cannot prove that it is one."""

import base64
import hashlib
import hmac
import json
import os
import re
import time
import unittest

from tests.differential.servers.dovecot import Dovecot24
from tests.differential.servers.roots import Unavailable
from tests.differential.servers.server import PASSWORD as PASSWORD24
from tests.e2e.harness import MASTER_PASSWORD, PASSWORD, Dovecot, Imap, Platform, Pop3, run, wait_for
from tests.fakes.backend import FakeBackend

KINDS = {"imap": Imap, "pop3": Pop3}
WRONG = "canary-Wrong-backend/password"
KEPT, KEPT_PASSWORD = "kept", "canary-Kept/password"  # of whom Dovecot has SCRAM's keys only
HASHED = "hashed"                                     # of whom it has a hash that is good for no mechanism but PLAIN
SCRAMMER = "scrammer"  # a master for whom Dovecot does not go on to the user's own password, which its SCRAM would take
ISSUER_KEY = b"canary-issuer-key-of-the-tests"
platform = backend = cert_backend = None


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def url64(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def token(user, seconds=600, **claims):
    said = {"email": user, "sub": user, "iat": int(time.time()) - 60, "exp": int(time.time()) + seconds, "scope": "mail", **claims}
    text = url64(b'{"alg":"HS256","typ":"JWT"}') + "." + url64(json.dumps(said).encode())
    return text + "." + url64(hmac.new(ISSUER_KEY, text.encode(), hashlib.sha256).digest())


def strong_dovecot(folder):
    """Passwords in three forms, and tokens that it checks with a key of its own."""
    keys = os.path.join(folder, "keys", "default", "HS256")
    os.makedirs(keys)
    texts = {os.path.join(keys, "default"): encoded(ISSUER_KEY),
             os.path.join(folder, "more"): "".join(
                 f"{user}:{run('doveadm', 'pw', '-s', scheme, '-p', KEPT_PASSWORD).stdout.strip()}\n"
                 for user, scheme in ((KEPT, "SCRAM-SHA-256"), (HASHED, "SHA512-CRYPT"))),
             os.path.join(folder, "masters"): f"{SCRAMMER}:{{PLAIN}}{MASTER_PASSWORD}\n",
             os.path.join(folder, "oauth2.conf"): "introspection_mode = local\nusername_attribute = email\n"
             f"local_validation_key_dict = fs:posix:prefix={folder}/keys/\n"}
    for path, text in texts.items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(folder, 0o755)
    return f"""
auth_mechanisms = plain login scram-sha-1 scram-sha-256 oauthbearer xoauth2
passdb {{
  driver = passwd-file
  args = {folder}/masters
  master = yes
}}
passdb {{
  driver = passwd-file
  args = {folder}/more
}}
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {folder}/oauth2.conf
}}
"""


CERTIFICATES = """
auth_mechanisms = plain external
ssl_ca = <{ca}
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
passdb {{
  driver = static
  args = nopassword=y
  mechanisms = external
  master = yes
  override_fields = allow_nets=127.0.0.0/8
}}
"""


def setUpModule():
    global platform, backend, cert_backend
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)
    made = {"strong": strong_dovecot(platform.scratch()), "certs": CERTIFICATES.format(ca=platform.certificates.ca)}
    for name, extra in made.items():
        platform.dovecots[name] = Dovecot(os.path.join(platform.folder, name), platform.certificates, extra=extra)
    backend, cert_backend = platform.dovecots["strong"], platform.dovecots["certs"]


def ours(mode, master=SCRAMMER, password=MASTER_PASSWORD):
    """Passwords are checked here, and we log in for the users."""
    secret = platform.secret(password)
    return {"auth": f'[auth]\n[auth.backend_login]\nmode = "{mode}"\nmaster_user = "{master}"\nmaster_password_file = "{secret}"\n',
            "directories": '[[directory]]\nname = "few"\ntype = "static"\ncheck_password = true\n' + "".join(
                f'[[directory.user]]\nname = "{user}"\npassword = "{{PLAIN}}{PASSWORD}"\n' for user in ("alice", "bob"))}


class Scene(unittest.TestCase):
    """A proxy before one backend; what became of a login, from the client's side and from the backend's."""

    def door(self, mechanism, at=None, tls="", **options):
        more = f'mechanism = "{mechanism}"\n' if mechanism else ""
        proxy = platform.postigo({"it": at or backend}, backend_tls=tls, backend_more=more + options.pop("more", ""), **options)
        self.addCleanup(proxy.stop)
        return proxy

    def says(self, proxy, kind, user, password):
        """The answer to a login in the protocol's own command."""
        with KINDS[kind].open(proxy) as wire:
            if kind == "imap":
                return wire.login(user, password)[-1]
            wire.ok(f"USER {user}")
            return wire.command(f"PASS {password}")

    def let_in(self, proxy, user, password, mechanism, at=None):
        at = at or backend
        for kind in KINDS:
            seen = len(at.logins(user))
            self.assertRegex(self.says(proxy, kind, user, password), rb"^(OK|\+OK)", f"{kind} {mechanism}")
            line = at.wait_login(user, seen + 1)[-1]
            self.assertIn(f"method={mechanism}", line)

    def refused(self, proxy, user, password):
        for kind in KINDS:
            self.assertRegex(self.says(proxy, kind, user, password), rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])", kind)

    def unavailable(self, proxy, user, password, kinds=KINDS):
        for kind in kinds:
            self.assertRegex(self.says(proxy, kind, user, password), rb"^(NO \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])", kind)

    def clean(self, proxy, *secrets):
        for secret in (PASSWORD, MASTER_PASSWORD, WRONG, *secrets):
            self.assertNotIn(secret, proxy.log_text())


class OwnPasswords(Scene):
    """The client's own password, by a mechanism that keeps it back."""

    def test_scram(self):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            proxy = self.door(mechanism.lower())
            self.let_in(proxy, "alice", PASSWORD, mechanism)
            self.refused(proxy, "alice", WRONG)
            self.refused(proxy, "nobody-here", WRONG)
            self.clean(proxy)

    def test_where_the_backend_has_keys_only(self):
        self.let_in(self.door("SCRAM-SHA-256"), KEPT, KEPT_PASSWORD, "SCRAM-SHA-256")

    def test_auto_loses_no_login_that_the_password_itself_wins(self):
        proxy = self.door("auto")
        self.let_in(proxy, HASHED, KEPT_PASSWORD, "PLAIN")
        self.let_in(proxy, "alice", PASSWORD, "PLAIN")

    def test_with_ready_connections(self):
        proxy = self.door("scram-sha-256", more="ready = { max = 2, min = 1 }\n")
        for _ in range(3):
            self.let_in(proxy, "alice", PASSWORD, "SCRAM-SHA-256")

    def test_a_backend_that_does_not_offer_it(self):
        proxy = self.door("scram-sha-256", at=cert_backend)
        before = len(cert_backend.logins("alice"))
        self.unavailable(proxy, "alice", PASSWORD)
        self.assertEqual(before, len(cert_backend.logins("alice")))
        lines = proxy.wait_lines("backend_away")
        self.assertIn("does not offer SCRAM-SHA-256, which its `mechanism` asks for", lines[0]["detail"])

    def test_octets_of_every_kind(self):
        """Through the mechanisms that a backend has where nothing else works."""
        for mechanism in ("login", "plain"):
            self.let_in(self.door(mechanism), "alice", PASSWORD, mechanism.upper())


class OurSecrets(Scene):
    """The master's, with his name behind the user's or as the one who acts."""

    def test_auto_is_scram(self):
        for mode in ("master_separator", "master_authzid"):
            proxy = self.door("auto", **ours(mode))
            for user in ("alice", "bob", "alice"):
                self.let_in(proxy, user, PASSWORD, "SCRAM-SHA-256")
            self.refused(proxy, "alice", WRONG)
            self.clean(proxy)

    def test_scram_sha_1(self):
        self.let_in(self.door("scram-sha-1", **ours("master_separator")), "alice", PASSWORD, "SCRAM-SHA-1")

    def test_a_wrong_secret_of_ours_is_not_the_users_fault(self):
        proxy = self.door("scram-sha-256", **ours("master_separator", password=WRONG))
        self.unavailable(proxy, "alice", PASSWORD)
        proxy.wait_lines("master_refused", 2)
        self.clean(proxy)

    def test_a_users_own_from_the_directory(self):
        secret = platform.folder + "/users"
        with open(secret, "w", encoding="utf-8") as file:
            file.write(f"alice:{{PLAIN}}{WRONG}::::::pass={PASSWORD}\n")
        proxy = self.door("auto", directories=f'[[directory]]\nname = "file"\ntype = "passwd-file"\ncheck_password = true\npath = "{secret}"\n')
        self.let_in(proxy, "alice", WRONG, "SCRAM-SHA-256")
        self.clean(proxy)

    def test_probes_log_in_the_same_way(self):
        account = platform.secret(PASSWORD)
        proxy = self.door("auto", more=f'[backend.health]\nlevel = "login"\ninterval = "1s"\nuser = "t399"\npassword_file = "{account}"\n')
        self.assertIn("method=SCRAM-SHA-256", backend.wait_login("t399")[-1])
        self.clean(proxy)


class Tokens(Scene):
    """A client's own token, which only the backend can judge."""

    def door_for_tokens(self, at=None, **options):
        auth = options.pop("auth", '[auth]\nmechanisms = ["OAUTHBEARER", "XOAUTH2", "PLAIN"]\n')
        return self.door("", at=at, more="forward_tokens = true\n", auth=auth, **options)

    def bearer(self, proxy, kind, mechanism, user, said):
        """The last line of the answer, and what came in a challenge before it."""
        text = f"n,a={user},\1auth=Bearer {said}\1\1" if mechanism == "OAUTHBEARER" else f"user={user}\1auth=Bearer {said}\1\1"
        with KINDS[kind].open(proxy) as wire:
            wire.send(f"a AUTHENTICATE {mechanism}\r\n" if kind == "imap" else f"AUTH {mechanism}\r\n")
            self.assertEqual(b"+", wire.line()[:1])
            wire.send(encoded(text) + "\r\n")
            reason, line = b"", wire.line()
            while line.startswith((b"* ", b"+ ")):
                if line.startswith(b"+ "):
                    reason = base64.b64decode(line[2:])
                    wire.send("AQ==\r\n")
                line = wire.line()
            return line.removeprefix(b"a "), reason

    def test_it_goes_on_as_it_is(self):
        proxy = self.door_for_tokens()
        for kind in KINDS:
            for mechanism in ("OAUTHBEARER", "XOAUTH2"):
                seen, good = len(backend.logins("bob")), token("bob")
                said, _ = self.bearer(proxy, kind, mechanism, "bob", good)
                self.assertRegex(said, rb"^(OK|\+OK)", f"{kind} {mechanism}")
                self.assertIn("method=OAUTHBEARER", backend.wait_login("bob", seen + 1)[-1])
                self.clean(proxy, good, good.split(".")[2])
        self.let_in(proxy, "alice", PASSWORD, "PLAIN")

    def test_t22_the_backend_says_why_not(self):
        proxy = self.door_for_tokens()
        bad = token("bob")[:-6] + "AAAAAA"
        for kind in KINDS:
            for mechanism, user, said in (("OAUTHBEARER", "bob", bad), ("XOAUTH2", "bob", bad), ("XOAUTH2", "alice", token("bob")),
                                          ("OAUTHBEARER", "bob", token("bob", seconds=-300))):
                line, reason = self.bearer(proxy, kind, mechanism, user, said)
                self.assertRegex(line, rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])", f"{kind} {mechanism}")
                self.assertIn("status", json.loads(reason), f"{kind} {mechanism}")
                self.clean(proxy, said)
        self.assertEqual([], proxy.lines("master_refused"))

    def test_t17_a_long_token(self):
        """Dovecot takes 8 KB of base64, and no longer line for a command."""
        proxy = self.door_for_tokens()
        for kind in KINDS:
            seen = len(backend.logins("carol"))
            said, _ = self.bearer(proxy, kind, "XOAUTH2", "carol", token("carol", filler="x" * 3000))
            self.assertRegex(said, rb"^(OK|\+OK)", kind)
            backend.wait_login("carol", seen + 1)

    def test_whom_no_directory_knows_does_not_reach_a_backend(self):
        proxy = self.door_for_tokens(directories='[[directory]]\nname = "few"\ntype = "static"\n[[directory.user]]\nname = "bob"\n')
        self.assertRegex(self.bearer(proxy, "imap", "XOAUTH2", "bob", token("bob"))[0], b"^OK")
        seen = len(backend.logins("dave"))
        self.assertRegex(self.bearer(proxy, "imap", "XOAUTH2", "dave", token("dave"))[0], rb"^NO \[AUTHENTICATIONFAILED\]")
        self.assertEqual(seen, len(backend.logins("dave")))

    def test_a_backend_that_takes_none(self):
        proxy = self.door_for_tokens(at=cert_backend)
        said, _ = self.bearer(proxy, "imap", "XOAUTH2", "bob", token("bob"))
        self.assertRegex(said, rb"^NO \[UNAVAILABLE\]")
        self.assertIn("no mechanism for tokens", proxy.wait_lines("backend_away")[0]["detail"])

    def test_only_some_backends_take_them(self):
        """Where nobody can judge a token it is not said as a password."""
        proxy = platform.postigo({"it": backend, "other": cert_backend}, start=False,
                                 auth='[auth]\nmechanisms = ["XOAUTH2", "PLAIN"]\n')
        self.addCleanup(proxy.stop)
        proxy.sections["backends"] = proxy.sections["backends"].replace('name = "it"', 'name = "it"\nforward_tokens = true')
        proxy.write(routing='[[routing.rule]]\nuser = "alice"\npool = "main"\nshard = "other"\n')
        proxy.start()
        seen = cert_backend.log().count("<alice>")
        said, _ = self.bearer(proxy, "imap", "XOAUTH2", "alice", token("alice"))
        self.assertRegex(said, rb"^NO \[UNAVAILABLE\]")
        self.assertEqual(seen, cert_backend.log().count("<alice>"))


class OurCertificate(Scene):
    """EXTERNAL: TLS says who we are, the response for whom."""

    def tls(self, name="postigo.test"):
        certificate, key = platform.certificates.pair(name, names=(name,), client=True)
        return f'{{ mode = "implicit", ca_file = "{platform.certificates.ca}", certificate = "{certificate}", key = "{key}" }}'

    def people(self):
        return {"directories": ours("master_separator")["directories"]}

    def test_it_opens_the_door_for_whom_we_verified(self):
        proxy = self.door("external", at=cert_backend, tls=self.tls(), **self.people())
        for user in ("alice", "bob"):
            self.let_in(proxy, user, PASSWORD, "EXTERNAL", at=cert_backend)
        self.refused(proxy, "alice", WRONG)
        self.clean(proxy)

    def test_a_backend_that_does_not_take_it(self):
        proxy = self.door("external", at=backend, tls=self.tls(), **self.people())
        self.unavailable(proxy, "alice", PASSWORD)
        self.assertIn("does not offer EXTERNAL", proxy.wait_lines("backend_away")[0]["detail"])


class Newer(Dovecot24):
    """Dovecot 2.4, with SCRAM."""

    def write(self, path, text, *more):
        if path.endswith("dovecot.conf"):
            text = text.replace("auth_mechanisms = plain login", "auth_mechanisms = plain scram-sha-1 scram-sha-256")
        super().write(path, text, *more)

    def logins(self, user):
        return [line for line in self.log().splitlines() if f"user=<{user}>" in line and re.search("Log(in|ged in):", line)]


class Dovecot24Too(Scene):
    """The other one that operators have."""

    def test_scram(self):
        server = Newer()
        self.addCleanup(server.stop)
        try:
            server.start()
        except Unavailable as why:
            self.skipTest(str(why))
        server.imaps = server.pop3s = 0
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            proxy = self.door(mechanism.lower(), at=server)
            for kind in KINDS:
                self.assertRegex(self.says(proxy, kind, "alice", PASSWORD24), rb"^(OK|\+OK)", kind)
            self.refused(proxy, "alice", WRONG)
            wait_for(lambda method=f"method={mechanism}": any(method in line for line in server.logins("alice")), 30,
                     what=lambda: server.log()[-2000:])


def scram_backend(kind, first=None, last=None):
    """One that says SCRAM as told. first(nonce): its first answer; last: what follows the proof, as lines."""

    def script(peer):
        if kind == "imap":
            peer.send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256] ready\r\n")
            words = peer.expect("AUTHENTICATE SCRAM-SHA-256").decode().split()
        else:
            peer.send("+OK ready\r\n")
            peer.expect("CAPA")
            peer.send("+OK\r\nSASL PLAIN SCRAM-SHA-256\r\n.\r\n")
            words = peer.expect("AUTH SCRAM-SHA-256").decode().split()
        yes = f"{words[0]} OK [CAPABILITY IMAP4rev1] in\r\n" if kind == "imap" else "+OK in\r\n"
        nonce = base64.b64decode(words[-1]).decode().split("r=")[1]
        said = first(nonce)
        peer.send(yes if said is None else f"+ {said if said.startswith('$') else encoded(said)}\r\n")
        peer.line()
        peer.send(yes if last is None else f"+ {encoded(last)}\r\n")
        peer.line()
        peer.send(yes)
        peer.wait_end()

    return script


class WhoCannotProveItself(Scene):
    """T78: a backend that is none may say yes to everybody; nobody is logged in there, and it never sees the password."""

    SALT = "s=W22ZaJ0SNY7soEsUEjb6gQ=="

    def hostile(self, first, why, last=None):
        fake = FakeBackend(imap=scram_backend("imap", first, last), pop3=scram_backend("pop3", first, last))
        self.addCleanup(fake.stop)
        proxy = self.door("scram-sha-256", at=fake)
        for kind in KINDS:
            self.unavailable(proxy, "alice", PASSWORD, [kind])
        # The log tells of the first; each of them is in the line of its session.
        self.assertRegex(proxy.wait_lines("backend_away")[0]["detail"], why)
        for line in proxy.wait_lines("session", 2):
            self.assertRegex(line["detail"], why)
        self.assertEqual([], proxy.lines("login"))
        for peer in fake.peers:
            self.assertNotIn(PASSWORD.encode(), peer.said())
            self.assertNotIn(encoded("\0alice\0" + PASSWORD).encode(), peer.said())
        self.clean(proxy)

    def good(self, nonce):
        return f"r={nonce}Other,{self.SALT},i=4096"

    def test_t78_yes_before_the_proof(self):
        self.hostile(self.good, "without a proof")

    def test_t78_yes_at_once(self):
        self.hostile(lambda nonce: None, "without a proof")

    def test_a_made_up_signature(self):
        self.hostile(self.good, "proof is wrong", last="v=" + encoded(b"x" * 32))

    def test_no_signature(self):
        self.hostile(self.good, "last answer is not SCRAM's", last="r=x")

    def test_yes_behind_an_error(self):
        self.hostile(self.good, "without a proof", last="e=other-error")

    def test_another_nonce(self):
        self.hostile(lambda nonce: f"r=Other{nonce},{self.SALT},i=4096", "nonce does not begin with ours")

    def test_a12_iterations_without_end(self):
        self.hostile(lambda nonce: f"r={nonce}Other,{self.SALT},i=4000000000", "4096 to 20000 are done")

    def test_garbage(self):
        self.hostile(lambda nonce: "$$$$", "is no base64")


class Contradictions(Scene):
    """One line each, with its key."""

    def told(self, words, mechanism="", tls="", **options):
        proxy = platform.postigo({"it": backend}, start=False, backend_tls=tls,
                                 backend_more=(f'mechanism = "{mechanism}"\n' if mechanism else "") + options.pop("more", ""), **options)
        done = proxy.tool("check", check=False)
        self.assertRegex(done.stdout + done.stderr, words)
        return done.returncode

    def test_they_are_told(self):
        certificate, key = platform.certificates.pair("postigo.test", names=("postigo.test",), client=True)
        tls = f'{{ mode = "implicit", ca_file = "{platform.certificates.ca}", certificate = "{certificate}", key = "{key}" }}'
        self.assertNotEqual(0, self.told(r"backend\.mechanism.*certificate in \[backend\.tls\]", "external", **ours("master_separator")))
        self.assertNotEqual(0, self.told(r"backend\.mechanism.*check_password = true", "external", tls))
        self.assertNotEqual(0, self.told(r"backend\.mechanism.*binds to TLS", "scram-sha-256-plus"))
        self.assertNotEqual(0, self.told(r"backend\.mechanism.*carries no authzid", "cram-md5", **ours("master_authzid")))
        self.assertNotEqual(0, self.told(r"backend\.mechanism.*scram-sha-256", "scram-sha256"))
        self.assertNotEqual(0, self.told(r"auth\.mechanisms.*forward_tokens = true", auth='[auth]\nmechanisms = ["XOAUTH2"]\n'))
        self.told(r"backend\.forward_tokens.*has no effect", more="forward_tokens = true\n")
        self.assertEqual(0, self.told("^", "external", tls, **ours("master_separator")))
