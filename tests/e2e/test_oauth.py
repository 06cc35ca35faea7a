"""Bearer tokens of a real shape, from an issuer of the tests' own making, with curl and Python as clients."""

import base64
import http.server
import imaplib
import json
import os
import poplib
import ssl
import subprocess
import threading
import time
import unittest
import urllib.parse

from tests.e2e.harness import MASTER, MASTER_PASSWORD, Platform, run, wait_for


def url64(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


class Issuer:
    """Discovery, keys and introspection over HTTP; it can be away, slow, or say nonsense."""

    def __init__(self, folder):
        self.folder = folder
        self.asked, self.away, self.nonsense, self.revoked = [], False, False, set()
        self.keys = {}
        self.new_key("k1")
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.answer(self, "")

            def do_POST(self):
                issuer.answer(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def new_key(self, name):
        path = os.path.join(self.folder, name + ".pem")
        run("openssl", "genrsa", "-out", path, "2048")
        modulus = run("openssl", "rsa", "-in", path, "-noout", "-modulus").stdout.strip().partition("=")[2]
        self.keys[name] = (path, {"kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "e": "AQAB",
                                  "n": url64(bytes.fromhex(modulus))})

    def answer(self, request, body):
        self.asked.append(request.path)
        if self.away:
            return request.send_error(503)
        paths = {"/realm/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": self.url + "/keys"},
                 "/realm/keys": {"keys": [public for _, public in self.keys.values()]},
                 "/realm/introspect": None}
        said = paths[request.path]
        if said is None:
            token = urllib.parse.parse_qs(body)["token"][0]
            said = {"active": False} if token in self.revoked else dict(json.loads(_body(token)), active=True)
        text = b"<html>" if self.nonsense else json.dumps(said).encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)
        return None

    def token(self, user, key="k1", **claims):
        said = {"iss": self.url, "aud": "imap", "exp": int(time.time()) + 600, "email": user, "scope": "mail"}
        said.update(claims)
        text = url64(json.dumps({"alg": "RS256", "kid": key}).encode()) + "." + url64(json.dumps(said).encode())
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.keys[key][0]], input=text.encode(),
                                capture_output=True, check=True)
        return text + "." + url64(signed.stdout)


def _body(token):
    text = token.split(".")[1]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


platform = issuer = None


def setUpModule():
    global platform, issuer
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    issuer = Issuer(platform.scratch())
    unittest.addModuleCleanup(issuer.close)


def door(more="", discovery=True):
    secret = platform.secret(MASTER_PASSWORD)
    auth = '[auth]\nmechanisms = ["OAUTHBEARER", "XOAUTH2", "PLAIN"]\n[auth.backend_login]\nmode = "master_separator"\n' \
           f'master_user = "{MASTER}"\nmaster_password_file = "{secret}"\n'
    directories = f'[[directory]]\nname = "tokens"\ntype = "oauth"\ntimeout = "2s"\n[directory.oauth]\nissuer = "{issuer.url}"\n' \
                  f'discovery = {str(discovery).lower()}\naudiences = ["imap"]\nscopes = ["mail"]\n{more}\n'
    return platform.postigo(auth=auth, directories=directories)


class Tokens(unittest.TestCase):
    def setUp(self):
        issuer.away = issuer.nonsense = False
        issuer.asked.clear()

    def xoauth2(self, proxy, user, token):
        context = ssl.create_default_context(cafile=proxy.certificates.ca)
        with imaplib.IMAP4_SSL("127.0.0.1", proxy.imaps, ssl_context=context, timeout=30) as client:
            told = client.authenticate("XOAUTH2", lambda challenge: f"user={user}\1auth=Bearer {token}\1\1".encode()
                                       if not challenge else b"")
            self.assertEqual("OK", told[0])
            self.assertEqual("OK", client.select()[0])

    def refused(self, proxy, user, token, text):
        with self.assertRaisesRegex(imaplib.IMAP4.error, text):
            self.xoauth2(proxy, user, token)

    def curl(self, proxy, scheme, port, user, token, mechanism):
        return run("curl", "--silent", "--show-error", "--cacert", proxy.certificates.ca, "--user", user, "--oauth2-bearer", token,
                   "--login-options", f"AUTH={mechanism}", "--connect-to", f"::127.0.0.1:{port}",
                   f"{scheme}://127.0.0.1:{port}/", check=False)

    def test_whose_token_it_is_comes_in(self):
        proxy = door()
        self.xoauth2(proxy, "u1", issuer.token("u1"))
        self.xoauth2(proxy, "U2", issuer.token("U2"))
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            for scheme, port in (("imaps", proxy.imaps), ("pop3s", proxy.pop3s)):
                done = self.curl(proxy, scheme, port, "u1", issuer.token("u1"), mechanism)
                self.assertEqual(0, done.returncode, f"{mechanism} {scheme}: {done.stderr}")
        self.assertLessEqual(len(issuer.asked), 2, "discovery, and keys, once")

    def test_others_do_not(self):
        proxy = door()
        good = issuer.token("u1")
        self.xoauth2(proxy, "u1", good)
        for token in (issuer.token("u1", exp=int(time.time()) - 600), issuer.token("u1", aud="other"),
                      issuer.token("u1", iss="https://evil.test"), issuer.token("u1", scope="openid"), good[:-8] + "AAAAAAAA", "nonsense"):
            self.refused(proxy, "u1", token, "AUTHENTICATIONFAILED")
        self.refused(proxy, "u1", issuer.token("u2"), "AUTHORIZATIONFAILED")
        for text in (good, good.split(".")[2]):
            self.assertNotIn(text, proxy.log_text())

    def test_pop3_says_it_in_two_steps_too(self):
        proxy = door()
        context = ssl.create_default_context(cafile=proxy.certificates.ca)
        client = poplib.POP3_SSL("127.0.0.1", proxy.pop3s, context=context, timeout=30)
        line = base64.b64encode(b"n,,\1auth=Bearer nonsense\1\1").decode()
        client._putcmd(f"AUTH OAUTHBEARER {line}")
        challenge = client._getline()[0]
        self.assertTrue(challenge.startswith(b"+ "), challenge)
        said = json.loads(base64.b64decode(challenge[2:]))
        self.assertEqual("invalid_token", said["status"])
        self.assertEqual(issuer.url + "/.well-known/openid-configuration", said["openid-configuration"])
        client._putcmd("AQ==")
        self.assertTrue(client._getline()[0].startswith(b"-ERR"))
        client.close()

    def test_a_new_key_and_an_issuer_that_is_away(self):
        proxy = door()
        self.xoauth2(proxy, "u1", issuer.token("u1"))
        issuer.away = True
        self.xoauth2(proxy, "u1", issuer.token("u1"))
        issuer.away = False
        issuer.new_key("k2")
        self.addCleanup(issuer.keys.pop, "k2")
        self.xoauth2(proxy, "u2", issuer.token("u2", key="k2"))

    def test_without_keys_nobody_is_told_no(self):
        issuer.away = True
        proxy = door()
        self.refused(proxy, "u1", issuer.token("u1"), "UNAVAILABLE")
        issuer.away, issuer.nonsense = False, True
        time.sleep(6)
        self.refused(proxy, "u1", issuer.token("u1"), "UNAVAILABLE")
        issuer.nonsense = False

        def recovered():
            try:
                self.xoauth2(proxy, "u1", issuer.token("u1"))
                return True
            except imaplib.IMAP4.error:
                return False

        wait_for(recovered, 30, what="it recovers by itself")

    def test_introspection(self):
        proxy = door(f'introspection = "{issuer.url}/introspect"\n', discovery=False)
        token = issuer.token("u1")
        self.xoauth2(proxy, "u1", token)
        issuer.revoked.add(token)
        self.refused(proxy, "u1", token, "AUTHENTICATIONFAILED")
        issuer.away = True
        self.refused(proxy, "u1", issuer.token("u1"), "UNAVAILABLE")
