"""Mail clients that nobody here wrote, each driven through one scenario against a door (a Dovecot or Postigo).

Every scenario is a function (door, mode, user, folder) that returns what the client saw, as lines of text in which only
what differs between any two mailboxes (times, UIDVALIDITY, ports) is masked, and the capabilities that must not pass:
test_capabilities looks at those. mode: implicit or starttls.
"""

import hashlib
import imaplib
import os
import poplib
import pty
import re
import select
import ssl
import time

from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.harness.program import run, wait_for

_MASKS = (
    (re.compile(r"\(\d+\.\d+ \+ [^)]*secs\)"), "(TIME)"),
    (re.compile(r"UIDVALIDITY \d+"), "UIDVALIDITY N"),
    (re.compile(r"(APPENDUID|COPYUID) \d+"), r"\1 N"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "UIDL"),
    (re.compile(r" SASL-IR| LOGIN-REFERRALS|b'SASL-IR', |b'LOGIN-REFERRALS', "), ""),
    (re.compile(r"(\[CAPABILITY [^\]]*\] )?Logged in\.?"), "Logged in"),
    (re.compile(r'"\d\d-[A-Z][a-z]{2}-\d{4} [0-9:]{8} [+-]\d{4}"'), "DATE"),
)


def masked(lines, *, user=""):
    text = "\n".join(line if isinstance(line, str) else repr(line) for line in lines)
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return (text.replace(user, "USER") if user else text).split("\n")


def digest(data):
    return f"{len(data)} octets, sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def context(door):
    return ssl.create_default_context(cafile=door.ca)


class Curl:
    """One invocation per command, as curl does it."""

    def __init__(self, door, mode, user, protocol):
        port = getattr(door, protocol + "s" if mode == "implicit" else protocol)
        scheme = protocol + "s" if mode == "implicit" else protocol
        self.url = f"{scheme}://127.0.0.1:{port}/"
        self.base = ["curl", "-sS", "--max-time", "60", "--cacert", door.ca, "-u", f"{user}:{PASSWORD}"]
        self.base += ["--ssl-reqd"] if mode == "starttls" else []

    def __call__(self, path="", *options, binary=False):
        done = run(*self.base, *options, self.url + path, check=False, timeout=90)
        return [f"exit {done.returncode}", digest(done.stdout.encode()) if binary else done.stdout, done.stderr]


def curl_imap(door, mode, user, folder):
    curl = Curl(door, mode, user, "imap")
    big = os.path.join(folder, "..", "big.eml")
    said = curl() + curl("INBOX;UID=1") + curl("", "-X", "EXAMINE INBOX") + curl("INBOX?SUBJECT%20second")
    said += curl("", "-X", "STATUS INBOX (MESSAGES UNSEEN)", "--sasl-ir") + curl("", "-X", "CREATE Archive")
    said += curl("INBOX", "-T", big) + curl("INBOX", "-X", "FETCH 4 RFC822.SIZE")
    said += curl("INBOX;MAILINDEX=4", binary=True) + curl("INBOX;UID=99") + curl("Nowhere")
    said += curl("", "-X", "CAPABILITY") + curl("", "--login-options", "AUTH=LOGIN") + curl("", "-u", f"{user}:wrong")
    return said


def curl_pop3(door, mode, user, _):
    curl = Curl(door, mode, user, "pop3")
    said = curl() + curl("1") + curl("2") + curl("", "-X", "UIDL") + curl("", "-X", "TOP 1 0") + curl("9")
    said += curl("", "--login-options", "AUTH=LOGIN") + curl("", "-u", f"{user}:wrong", "-l")
    return said + curl("1", "-X", "DELE", "-I") + curl()


def _imaplib(door, mode, user):
    client = (imaplib.IMAP4_SSL("localhost", door.imaps, ssl_context=context(door)) if mode == "implicit"
              else imaplib.IMAP4("localhost", door.imap))
    if mode == "starttls":
        client.starttls(context(door))
    return client, client.login(user, PASSWORD)


def imaplib_session(door, mode, user, folder):
    client, said = _imaplib(door, mode, user)
    said = [said, client.select("INBOX")]
    said += [client.fetch("1:*", "(UID FLAGS RFC822.SIZE ENVELOPE)")]
    said += [client.uid("SEARCH", "SUBJECT", "second"), client.search("UTF-8", "BODY", "third")]
    said += [client.fetch("2", "(BODY.PEEK[])"), client.fetch("2", "(BODY[HEADER.FIELDS (SUBJECT)] BODY[TEXT]<0.10>)")]
    said += [client.create("Archive"), client.uid("MOVE", "2", "Archive"), client.list(), client.lsub()]
    said += [client.append("Archive", r"(\Flagged)", None, b"Subject: appended\r\n\r\nempty\r\n"), client.namespace()]
    said += [client.select("Archive"), client.sort("REVERSE SUBJECT", "UTF-8", "ALL")]
    said += [client.store("1", "+FLAGS", r"\Deleted"), client.expunge(), client.response("EXPUNGE"), client.status("INBOX", "(MESSAGES)")]
    said += [client.close()]
    with open(os.path.join(folder, "..", "big.eml"), "rb") as file:
        big = file.read()
    said += [client.append("Archive", None, None, big), client.select("Archive")]
    fetched = client.fetch("*", "(BODY[])")[1][0][1]
    return said + [digest(fetched), sorted(client.capability()[1][0].split()), client.logout()]


def imaplib_idle(door, mode, user, _):
    """A message that arrives while IDLE is pushed by the server."""
    client, _ = _imaplib(door, mode, user)
    client.select("INBOX")
    tag = client._new_tag()
    client.send(tag + b" IDLE\r\n")
    said = [client.readline()]
    other, _ = _imaplib(door, mode, user)
    other.append("INBOX", None, None, b"Subject: pushed\r\n\r\nnow\r\n")
    client.socket().settimeout(10)
    while b"EXISTS" not in said[-1]:
        said.append(client.readline())
    client.send(b"DONE\r\n")
    while not said[-1].startswith(tag):
        said.append(client.readline())
    said[-1] = said[-1][len(tag):]
    other.logout()
    client.logout()
    return [line for line in said if b"RECENT" not in line]


def imaplib_authenticate(door, mode, user, _):
    """AUTHENTICATE with and without luck on one connection, then an error, then a logout."""
    client, _ = _imaplib(door, mode, user)
    said = [client.noop(), client.logout()]
    client = (imaplib.IMAP4_SSL("localhost", door.imaps, ssl_context=context(door)) if mode == "implicit"
              else imaplib.IMAP4("localhost", door.imap))
    if mode == "starttls":
        client.starttls(context(door))
    try:
        client.login(user, "wrong")
    except imaplib.IMAP4.error as error:
        said.append(re.sub(r"^b'(\[\w+\]).*", r"\1", str(error)))
    said.append(client.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode()))
    return said + [client.select("Nowhere"), client.logout()]


def imaplib_enable(door, mode, user, _):
    """imaplib, like other clients, keeps the list from before login: ENABLE must be in it."""
    client, _ = _imaplib(door, mode, user)
    return [client.enable("CONDSTORE"), client.select("INBOX"), client.logout()]


def _poplib(door, mode):
    if mode == "implicit":
        return poplib.POP3_SSL("localhost", door.pop3s, context=context(door))
    client = poplib.POP3("localhost", door.pop3)
    client.stls(context(door))
    return client


def poplib_session(door, mode, user, _):
    client = _poplib(door, mode)
    said = [client.user(user)]
    try:
        client.pass_("wrong")
    except poplib.error_proto as error:
        said.append(re.sub(r"^b'(-ERR \[\w+\]).*", r"\1", str(error)))
    said += [client.user(user), client.pass_(PASSWORD), client.stat()]
    said += [client.list(), client.uidl()]
    said += [client.retr(1), client.top(2, 0), client.noop(), client.dele(1), client.stat()]
    said += [client.rset(), client.stat(), client.dele(2)]
    client.close()  # without QUIT: message 2 stays
    again = _poplib(door, mode)
    again.user(user)
    again.pass_(PASSWORD)
    said += [again.stat(), again.dele(3), again.quit()]
    last = _poplib(door, mode)
    last.user(user)
    said += [last.pass_(PASSWORD), last.list(), last.quit()]
    return said


def _tree(folder):
    """Maildir as lines: box, flags, content."""
    said = []
    for path, _, files in sorted(os.walk(folder)):
        for name in files:
            if os.path.basename(path) in ("cur", "new"):
                with open(os.path.join(path, name), "rb") as file:
                    flags = name.rpartition(",")[2] if ":2," in name else ""
                    said.append(f"{os.path.relpath(path, folder)} [{flags}] {digest(file.read())}")
    return sorted(said)


def mbsync(door, mode, user, folder):
    box = os.path.join(folder, "mail")
    os.makedirs(box)
    rc = os.path.join(folder, "mbsyncrc")
    port, kind = (door.imaps, "IMAPS") if mode == "implicit" else (door.imap, "STARTTLS")
    with open(rc, "w", encoding="utf-8") as file:
        file.write(f"IMAPAccount x\nHost localhost\nPort {port}\nUser {user}\nPass {PASSWORD}\nSSLType {kind}\n"
                   f"CertificateFile {door.ca}\n\nIMAPStore far\nAccount x\n\nMaildirStore near\nPath {box}/\n"
                   f"Inbox {box}/INBOX\nSubFolders Verbatim\n\nChannel c\nFar :far:\nNear :near:\nPatterns *\n"
                   "Create Both\nExpunge Both\nSync All\nSyncState *\n")
    said = [run("mbsync", "-c", rc, "-q", "c").stdout] + _tree(box)
    with open(os.path.join(box, "INBOX", "new", "1.local"), "wb") as file:
        file.write(b"Subject: written here\n\nlocal\n")
    said += [run("mbsync", "-c", rc, "-q", "c").stdout] + _tree(box)
    client, _ = _imaplib(door, mode, user)
    said += [client.select("INBOX"), client.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")]
    return said + [client.logout()]


def _fetchmail(protocol):
    def scenario(door, mode, user, folder):
        port = getattr(door, protocol + "s" if mode == "implicit" else protocol)
        rc, box = os.path.join(folder, "fetchmailrc"), os.path.join(folder, "box")
        with open(rc, "w", encoding="utf-8") as file:
            file.write(f'set invisible\npoll localhost service {port} protocol {protocol.upper()}\n'
                       f'  user "{user}" password "{PASSWORD}"\n'
                       f'  {"ssl" if mode == "implicit" else "sslproto TLS1+"} sslcertck sslcertfile "{door.ca}"\n'
                       f'  fetchall no rewrite mda "cat >>{box}"\n')
        os.chmod(rc, 0o600)
        environment = dict(os.environ, FETCHMAILHOME=folder, HOME=folder)
        said = []
        for _ in range(2):  # the second one finds nothing: what was fetched is deleted
            done = run("fetchmail", "-f", rc, "--nosyslog", "--nodetach", check=False, env=environment)
            said += [f"exit {done.returncode}", done.stdout.replace(str(port), "PORT"), done.stderr]
        with open(box, "rb") as file:
            return said + [file.read().decode(errors="backslashreplace")]

    return scenario


fetchmail_imap = _fetchmail("imap")
fetchmail_pop3 = _fetchmail("pop3")


def neomutt(door, mode, user, folder):
    """Copies all messages to a local mbox and deletes the first one on the server, by keystrokes on a terminal."""
    port, scheme = (door.imaps, "imaps") if mode == "implicit" else (door.imap, "imap")
    rc, box = os.path.join(folder, "muttrc"), os.path.join(folder, "mbox")
    with open(rc, "w", encoding="utf-8") as file:
        file.write(f'set imap_user="{user}"\nset imap_pass="{PASSWORD}"\nset certificate_file="{door.ca}"\n'
                   f'set ssl_ca_certificates_file="{door.ca}"\nset ssl_force_tls=yes\nset mbox_type=mbox\n'
                   "set confirmappend=no\nset confirmcreate=no\nset delete=yes\nset quit=yes\nset wait_key=no\n"
                   "set sleep_time=0\nset move=no\n"
                   f'push "<tag-pattern>~A<enter><tag-prefix><copy-message>{box}<enter><untag-pattern>~A<enter>'
                   '<first-entry><delete-message><sync-mailbox><quit>"\n')
    code, screen = _on_terminal(["neomutt", "-F", rc, "-f", f"{scheme}://localhost:{port}/INBOX"], folder)
    if not os.path.exists(box):
        raise AssertionError(f"neomutt ended with {code} and copied nothing; its screen:\n{screen[-2000:]}")
    with open(box, encoding="utf-8") as file:
        said = [line for line in file.read().split("\n") if not line.startswith("From ")]
    client, _ = _imaplib(door, mode, user)
    return [f"exit {code}"] + said + [client.select("INBOX"), client.uid("SEARCH", "ALL"), client.logout()]


def _on_terminal(command, home):
    """Runs a full-screen program on a terminal of its own for at most 30 s; returns exit code and screen bytes."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(HOME=home, TERM="xterm", LANG="C.UTF-8")
        os.execvp(command[0], command)
    screen, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            break
        screen += data
    else:
        os.kill(pid, 9)
    os.close(terminal)
    code = wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0] and ["ended"], 10, what=" ".join(command))
    return code[0], screen.decode(errors="replace")
