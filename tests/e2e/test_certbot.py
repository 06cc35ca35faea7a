"""The deploy hook on files as certbot lays them out: live/NAME is links into archive/NAME, and a renewal swaps them."""

import grp
import os
import shutil
import stat
import unittest

from tests.e2e.harness import PASSWORD, SOURCE, Imap, Platform, run, wait_for

HOOK = os.path.join(SOURCE, "deploy", "certbot", "deploy.sh")
platform = None


def setUpModule():
    global platform
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root, to give files a group")
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Lineage:
    """/etc/letsencrypt of one name, in a folder of the test's."""

    def __init__(self, name):
        root = platform.scratch("letsencrypt")
        self.live, self.archive = os.path.join(root, "live", name), os.path.join(root, "archive", name)
        self.number = 0
        for folder in (self.live, self.archive):
            os.makedirs(folder)
        os.chmod(root, 0o700)

    def renew(self, certificate, key):
        """As certbot does: new files in archive, then each link anew."""
        self.number += 1
        for name, source, mode in (("fullchain", certificate, 0o644), ("privkey", key, 0o600)):
            kept = os.path.join(self.archive, f"{name}{self.number}.pem")
            shutil.copy(source, kept)
            os.chmod(kept, mode)
            link = os.path.join(self.live, f"{name}.pem")
            if os.path.lexists(link):
                os.remove(link)
            os.symlink(os.path.relpath(kept, self.live), link)


class Certbot(unittest.TestCase):
    def setUp(self):
        self.lineage = Lineage("mail.example.com")
        self.store = os.path.join(platform.scratch("store"), "tls")
        self.deployed = os.path.join(self.store, "mail.example.com")
        self.group = grp.getgrgid(65534).gr_name

    def deploy(self, check=True, **environment):
        return run(HOOK, check=check, env=dict(os.environ, RENEWED_LINEAGE=self.lineage.live, POSTIGO_TLS=self.store,
                                               POSTIGO_GROUP=self.group, **environment))

    def renew(self, label):
        names = (f"{label}.example.com", "localhost", "127.0.0.1")
        self.lineage.renew(*platform.certificates.pair(label, names))

    def proxy(self):
        made = platform.postigo(tls=f'[[tls.certificate]]\ncertificate = "{self.deployed}/fullchain.pem"\n'
                                    f'key = "{self.deployed}/privkey.pem"',
                                server='[server]\nhostname = "mail.example.com"\nuser = "nobody"\n'
                                       f'group = "{self.group}"', log='[log]\nformat = "json"')
        self.addCleanup(made.kill)
        return made

    def test_a_renewal_is_taken_up_without_a_reload(self):
        self.renew("first")
        self.deploy()
        proxy = self.proxy()
        with Imap.open(proxy) as wire:
            wire.logged_in("alice", PASSWORD)
            self.renew("second")
            self.deploy()
            wait_for(lambda: "second.example.com" in str(proxy.ctl("certs")), 30, proxy.program.output)
            wire.ok("NOOP")
        self.assertNotIn("first.example.com", str(proxy.ctl("certs")))

    def test_readable_for_the_group_and_nobody_else(self):
        self.renew("first")
        self.deploy()
        for path, mode in ((self.store, 0o750), (self.deployed, 0o750), (f"{self.deployed}/privkey.pem", 0o640),
                           (f"{self.deployed}/fullchain.pem", 0o640)):
            seen = os.stat(path)
            self.assertEqual((mode, 0, 65534), (stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid), path)

    def test_nothing_is_left_of_what_was_before(self):
        for label in ("first", "second", "third"):
            self.renew(label)
            self.deploy()
        self.assertEqual(2, len(os.listdir(self.store)), os.listdir(self.store))

    def test_a_pair_is_swapped_as_one(self):
        """Whoever looks at any time finds a certificate and the key that belongs to it."""
        for label in ("first", "second"):
            self.renew(label)
            self.deploy()
            private = os.path.join(self.deployed, "privkey.pem")
            public = [run("openssl", *words).stdout for words in (
                ("pkey", "-in", private, "-pubout"),
                ("x509", "-in", os.path.join(self.deployed, "fullchain.pem"), "-noout", "-pubkey"))]
            self.assertEqual(*public)
            self.assertTrue(os.path.islink(self.deployed))

    def test_what_does_not_belong_together_changes_nothing(self):
        self.renew("first")
        self.deploy()
        before = os.readlink(self.deployed)
        certificate, _ = platform.certificates.pair("second", ("second.example.com",))
        self.lineage.renew(certificate, platform.certificates.pair("third", ("third.example.com",))[1])
        done = self.deploy(check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("do not belong together", done.stderr)
        self.assertEqual(before, os.readlink(self.deployed))

    def test_one_line_for_what_is_missing(self):
        done = self.deploy(check=False)
        self.assertEqual((1, 1), (done.returncode, done.stderr.count("\n")), done.stderr)
        self.assertIn("fullchain.pem", done.stderr)
        done = run(HOOK, check=False, env={"PATH": os.environ["PATH"]})
        self.assertEqual((1, 1), (done.returncode, done.stderr.count("\n")), done.stderr)


if __name__ == "__main__":
    unittest.main()
