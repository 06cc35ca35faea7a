"""The usual scene of a test file: one CA, two Dovecots and, when asked, a Postigo before them."""

import itertools
import os
import shutil
import tempfile

from tests.e2e.harness.certificates import Certificates
from tests.e2e.harness.dovecot import Dovecot
from tests.e2e.harness.postigo import Postigo


class Platform:
    """Use from setUpModule/tearDownModule: start() ... stop(). Doors: a, b (Dovecots), proxy (Postigo)."""

    def __init__(self, dovecots=("a", "b"), dovecot_extra=""):
        self.folder = tempfile.mkdtemp(prefix="pgo-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.certificates = Certificates(os.path.join(self.folder, "ca"))
        self.dovecots = {}
        self._postigos = []
        self._fresh = (f"t{number:03}" for number in itertools.count())
        self._numbers = itertools.count(1)
        try:
            for name in dovecots:
                self.dovecots[name] = Dovecot(os.path.join(self.folder, name), self.certificates, extra=dovecot_extra)
        except BaseException:
            self.stop()
            raise

    @property
    def a(self):
        return self.dovecots["a"]

    @property
    def b(self):
        return self.dovecots["b"]

    def fresh_user(self):
        """A name that nobody used before in this file."""
        return next(self._fresh)

    def scratch(self, name="scratch"):
        folder = os.path.join(self.folder, f"{name}{next(self._numbers)}")
        os.makedirs(folder)
        return folder

    def secret(self, text):
        """A file that nobody else can read, with this and a newline."""
        path = os.path.join(self.scratch(), "secret")
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text + "\n")
        return path

    def postigo(self, backends=None, start=True, **options):
        """Another Postigo; stop() of the platform ends it too."""
        made = Postigo(os.path.join(self.folder, f"postigo{next(self._numbers)}"), self.certificates,
                       self.dovecots if backends is None else backends, **options)
        self._postigos.append(made)
        return made.start() if start else made

    def door(self, **options):
        """The Postigo under test; with POSTIGO_E2E_DIRECT=1 a Dovecot: that proves the test, not the product."""
        return self.b if os.environ.get("POSTIGO_E2E_DIRECT") else self.postigo(**options)

    def deliver(self, user, *messages, **options):
        """To the user's mailbox on every Dovecot: whichever the proxy chooses, the mail is there."""
        for dovecot in self.dovecots.values():
            dovecot.deliver(user, *messages, **options)

    def stop(self):
        """Ends everything; the first failure of a Postigo's end is raised after all is gone."""
        failure = None
        for made in self._postigos:
            try:
                made.stop()
            except AssertionError as error:
                failure = failure or error
        for dovecot in self.dovecots.values():
            dovecot.stop()
        if os.environ.get("POSTIGO_E2E_KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if failure:
            raise failure
