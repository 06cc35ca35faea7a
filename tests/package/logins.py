"""Clients of the Postigo in a root: one, or one after the other for as long as something else takes."""

import contextlib
import threading

from tests.e2e.harness import PASSWORD, Gone, Imap


class Logins:
    """For a TestCase that has `ports` (imaps first) and `ca`."""

    def login(self):
        """A session that is logged in; the caller closes it."""
        class Door:
            host, imap, imaps, ca = "127.0.0.1", 0, self.ports[0], self.ca

        return Imap.open(Door).logged_in("alice", PASSWORD)

    @contextlib.contextmanager
    def load(self):
        """Logins meanwhile; there must be some, and none may fail."""
        done, failed, over = [], [], threading.Event()

        def log_in_again():
            while not over.is_set():
                try:
                    with self.login() as session:
                        session.ok("NOOP")
                    done.append(1)
                except (AssertionError, OSError, Gone) as why:
                    failed.append(repr(why))

        thread = threading.Thread(target=log_in_again)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        self.assertEqual([], failed)
        self.assertGreater(len(done), 10)
