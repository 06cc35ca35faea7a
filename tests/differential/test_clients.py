"""mbsync, offlineimap and a copy as imapsync makes it: what they leave is the same directly and through Postigo."""

import asyncio
import hashlib
import imaplib
import os
import shutil
import tempfile
import unittest

from tests.differential.servers import PASSWORD, SERVERS, Unavailable
from tests.e2e.harness import Certificates, Postigo, run


def tree(folder):
    """What is in a Maildir: boxes and digests of messages, without the lines that a client writes of itself."""
    found = []
    for path, _, files in os.walk(folder):
        for name in files if os.path.basename(path) in ("cur", "new") else ():
            with open(os.path.join(path, name), "rb") as file:
                lines = [line for line in file.read().splitlines() if not line.startswith((b"X-TUID", b"X-OfflineIMAP"))]
            found.append((os.path.relpath(os.path.dirname(path), folder), hashlib.sha256(b"\n".join(lines)).hexdigest()[:12]))
    return sorted(found)


def mbsync(door, user, folder):
    box, rc = os.path.join(folder, "mail"), os.path.join(folder, "rc")
    os.makedirs(os.path.join(box, "INBOX", "new"))
    os.makedirs(os.path.join(box, "INBOX", "cur"))
    os.makedirs(os.path.join(box, "INBOX", "tmp"))
    with open(os.path.join(box, "INBOX", "new", "1.here"), "wb") as file:
        file.write(b"Subject: written here\n\nlocal\n")
    with open(rc, "w", encoding="ascii") as file:
        file.write(f"IMAPAccount a\nHost 127.0.0.1\nPort {door.imap}\nUser {user}\nPass {PASSWORD}\nSSLType None\n"
                   f"AuthMechs LOGIN\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {box}/\nInbox {box}/INBOX\n"
                   "SubFolders Verbatim\n\nChannel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Both\nExpunge Both\n"
                   "Sync All\nSyncState *\n")
    said = [run("mbsync", "-c", rc, "c", check=False).returncode for _ in range(2)]
    return said, tree(box)


def offlineimap(door, user, folder):
    box, rc = os.path.join(folder, "mail"), os.path.join(folder, "rc")
    os.makedirs(box)
    with open(rc, "w", encoding="ascii") as file:
        file.write(f"[general]\naccounts = a\nmetadata = {folder}/meta\nui = quiet\n[Account a]\nlocalrepository = l\n"
                   f"remoterepository = r\n[Repository l]\ntype = Maildir\nlocalfolders = {box}\n[Repository r]\ntype = IMAP\n"
                   f"remotehost = 127.0.0.1\nremoteport = {door.imap}\nremoteuser = {user}\nremotepass = {PASSWORD}\n"
                   "ssl = no\nstarttls = no\nauth_mechanisms = LOGIN\n")
    said = [run("offlineimap", "-o", "-c", rc, check=False, timeout=120).returncode for _ in range(2)]
    return said, tree(box)


def copy(door, user, _folder):
    """Each message with its flags and date by UID, appended to a new box, verified, flagged: as imapsync does it."""
    client = imaplib.IMAP4(door.host, door.imap)
    client.login(user, PASSWORD)
    names = [name.rpartition(b" ")[2] for name in client.list()[1]]
    said = [client.create("INBOX.Copy" if b'"INBOX.Archive"' in names else "Copy")[0], client.select("INBOX")[0]]
    for uid in client.uid("SEARCH", None, "ALL")[1][0].split():
        answer = client.uid("FETCH", uid, "(FLAGS INTERNALDATE BODY.PEEK[])")
        said += [answer[0], client.append("INBOX", r"(\Flagged)", None, answer[1][0][1])[0]]
    said += [client.uid("STORE", "1:*", "+FLAGS", r"(\Answered)")[0], client.expunge()[0], client.select("INBOX")[1]]
    said += [hashlib.sha256(part[1]).hexdigest()[:12] for part in client.fetch("1:*", "(BODY.PEEK[])")[1] if part != b")"]
    client.logout()
    return said


class Clients(unittest.TestCase):
    def differ(self, name, scenario):
        """Fails unless the scenario sees the same at both doors of this server."""
        folder = tempfile.mkdtemp(prefix="pgo-", dir="/tmp")
        server, proxy = SERVERS[name](), None
        try:
            server.start()
            proxy = Postigo(os.path.join(folder, "p"), Certificates(os.path.join(folder, "ca")), {"real": server}).start()
            seen = []
            for user, door in (("u0000001", server), ("u0000002", proxy)):
                asyncio.run(server.prepare(user))
                os.makedirs(os.path.join(folder, user))
                done = scenario(door, user, os.path.join(folder, user))
                seen.append((done, len(server.mail(user) or ())))  # the texts differ: mbsync writes a random line
            self.assertEqual(seen[0], seen[1])
            if scenario is not copy:
                codes, found = seen[0][0]
                self.assertEqual(codes, [0, 0])
                self.assertGreaterEqual(len(found), 3)
        except Unavailable as reason:
            self.skipTest(str(reason))
        finally:
            if proxy:
                proxy.stop()
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _add(name, scenario):
    setattr(Clients, f"test_{scenario.__name__}_{name}", lambda self: self.differ(name, scenario))


for _name in SERVERS:
    for _scenario in (mbsync, offlineimap, copy):
        _add(_name, _scenario)


if __name__ == "__main__":
    unittest.main()
