"""What the harness needs of a mail server, and the mail that every user begins with."""

import hashlib
import os
import re

PASSWORD = "diff-Pa55word"  # of every user
VICTIM = "victim"  # a user whose mail nobody may see
CANARY = b"canary-of-the-victim"
SECRETS = (b"Subject: %b\r\n\r\nnobody may see this %b\r\n" % (CANARY, CANARY),)  # in the victim's INBOX
INBOX = (b"From: a@example.org\r\nSubject: one\r\n\r\nfirst\r\n",
         b"Subject: second\r\n\r\na1 OK done\r\n+ idling\r\n* BYE\r\nin {5}\r\n.\r\n..\r\n",
         b"Subject: third {7}\r\n\r\nlast one {3}\r\n")
ARCHIVE = (b"Subject: kept\r\n\r\nin the archive\r\n",)


class Server:
    """Runs between start() and stop(). Every user whose name begins with "u" exists and has PASSWORD."""

    name = ""
    protocols = ("imap", "pop3")
    pipelined_login = True  # it keeps what arrives glued to the login
    side_by_side = False  # it runs commands at the same time, and answers them as they end
    host = "127.0.0.1"
    login_line = re.compile(r"(?!)")  # of the log, for each login; group 1 is who
    verb_line = re.compile(r"(?!)")  # of the log, where a verb arrived that must not pass
    logins_to_prepare = 0  # of prepare(), in the log

    def __init__(self):
        self.imap = self.pop3 = None  # ports
        self.imaps = self.pop3s = None

    def start(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def log(self):
        """All that the server has logged."""
        raise NotImplementedError

    async def prepare(self, user, inbox=INBOX):
        """Gives a new user INBOX, or these messages, and ARCHIVE."""
        raise NotImplementedError

    async def forget(self, user):
        """Removes what prepare made; nobody is logged in as this user any more."""

    def mail(self, user):
        """What is in this user's mailboxes, as something that can be compared; None if that cannot be seen."""


def mail_in(folder):
    """Server.mail for a Maildir: boxes, flags and digests of the messages."""
    found = []
    for path, _, files in os.walk(folder):
        if os.path.basename(path) in ("cur", "new"):
            for name in files:
                with open(os.path.join(path, name), "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()[:12]
                flags = name.rpartition(":2,")[2] if ":2," in name else ""
                found.append((os.path.relpath(os.path.dirname(path), folder), flags, digest))
    return sorted(found)


def maildir(folder, owner, inbox):
    """Writes the mail that a user begins with. File names are equal for all, so that UIDLs are. owner: (uid, gid)."""
    number = 0
    for box, messages in (("", inbox), (".Archive", ARCHIVE)):
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(folder, box, sub))
        if box:
            _write(os.path.join(folder, box, "maildirfolder"), b"")
        for message in messages:
            number += 1
            _write(os.path.join(folder, box, "cur", f"{1700000000 + number}.M{number}P1.test:2,S"), message)
    _write(os.path.join(folder, "subscriptions"), b"Archive\n")
    if os.geteuid() == 0:
        for path, _, files in os.walk(os.path.dirname(folder)):
            os.chown(path, *owner)
            for name in files:
                os.chown(os.path.join(path, name), *owner)


def _write(path, octets):
    with open(path, "wb") as file:
        file.write(octets)
