"""Says whether a session did what no session may do, from what the backend heard and answered and the client saw.

Written from what Dovecot 2.3 and 2.4, Cyrus 3.6 and Courier 5 answer when a verb that must not pass reaches them.
"""

import re

from tests.differential.servers import CANARY

IMAP_VERBS = ("LOGIN", "AUTHENTICATE", "STARTTLS", "UNAUTHENTICATE", "COMPRESS")
POP3_VERBS = ("USER", "PASS", "AUTH", "APOP", "RPOP", "STLS", "XCLIENT", "XOIP", "XTND")
_VERBS = "|".join(IMAP_VERBS).encode()
# What only a server says that has found the verb in a command's place. An unknown verb gets none of these.
_UNDERSTOOD = re.compile(
    rb"\S+ (OK|NO|BAD) (\[[^\]]*\] )?(Error in IMAP command (%b):|Begin (TLS|compression)|DEFLATE (active|not)|"
    rb"Already (logged in|authenticated)|User logged in|Starttls|Compress|Logged out)" % _VERBS, re.IGNORECASE)
# Names that no list may show after login (RFC 9051 7.2.2, T37 to T43).
_FORBIDDEN_NAMES = re.compile(rb"\b(AUTH=\S+|STARTTLS|LOGINDISABLED|SASL-IR|LOGIN-REFERRALS|UNAUTHENTICATE|COMPRESS=\S+|"
                              rb"MAILBOX-REFERRALS|STLS|XCLIENT)\b", re.IGNORECASE)
_LISTS = re.compile(rb"^\* CAPABILITY .*$|^\S+ \S+ \[CAPABILITY [^\]]*\]", re.IGNORECASE | re.MULTILINE)
_EVIL_OK = re.compile(rb"^e\d+ OK", re.IGNORECASE | re.MULTILINE)


def _imap_backend(recording):
    """The backend's answers behind the login of ours, without literals."""
    answers = _without_literals(bytes(recording.from_server))
    login = re.search(rb"^[^*+\s]\S* OK[^\n]*\n", answers, re.MULTILINE)
    for line in answers[login.end() if login else 0:].splitlines():
        if _EVIL_OK.match(line):
            yield f"a smuggled command succeeded: {line[:120]!r}"
        if _UNDERSTOOD.match(line):
            yield f"the verb arrived: {line[:120]!r}"


def _pop3_backend(recording):
    for line in re.split(rb"[\r\n]+", recording.relayed()):
        verb = re.split(rb"[\x00-\x20\x7f]", line.lstrip(b"\x00\t\x0b\x0c\x7f "))[0].upper().decode("latin-1")
        if verb in POP3_VERBS:
            yield f"the verb arrived: {line[:120]!r}"


def _without_literals(octets):
    """Server's octets with literal data left out."""
    kept, at = [], 0
    while (found := re.compile(rb"\{(\d+)\+?\}\r\n").search(octets, at)) is not None:
        kept.append(octets[at:found.end()])
        at = found.end() + int(found.group(1))
    return b"".join([*kept, octets[at:]])


def _client(transcript):
    if CANARY in transcript.raw:
        yield "another user's mail is visible"
    for found in _LISTS.finditer(_without_literals(transcript.raw)):
        if (name := _FORBIDDEN_NAMES.search(found.group(0))) is not None:
            yield f"a list shows {name.group(0).decode()}: {found.group(0)[:160]!r}"


def verdicts(protocol, recording, outcome):
    """All that is wrong with one session. recording: the tap's, or None if nothing reached the backend."""
    found = list(_client(outcome.transcript))
    if recording is not None:
        backend = _imap_backend if protocol == "imap" else _pop3_backend
        found += backend(recording)
    return found
