"""The one list of what is different through Postigo, and why. Anything else that differs is a failure.

Nothing is excused wholesale. The tap says which of the client's lines arrived as something else; each such change must be
one that the list allows. Then the same change is made to what a client says directly, and the answers must be the same.
"""

import dataclasses
import functools
import re

RULES = {
    "alias": "a command that asks for \"+\" passes under a tag that nobody else uses; its answer carries the client's tag",
    "line end": "servers differ about a bare LF; it passes as CR LF",
    "synchronising": "{n+} may pass as {n}: what servers do with a literal that they refuse early differs",
    "forbidden": "LOGIN, AUTHENTICATE, STARTTLS, UNAUTHENTICATE, COMPRESS, and in POP3 USER, PASS, AUTH, APOP, STLS, XCLIENT and "
                 "the like would change whom or what the backend believes to talk to; they pass as an unknown verb",
    "odd": "a line that two servers could read in two ways passes as an unknown verb under the client's tag: one answer",
    "swallowed": "the octets of a {n+} whose command was refused are data (RFC 7888 4), whatever the server would do",
    "order": "Dovecot runs commands side by side (RFC 9051 5.5); their answers may come in another order",
    "doubt": "where a server waits for ever for octets that the client does not mean to send, we end after a bounded time",
    "gone": "what is said last before either side ends the connection may not arrive",
    "incomplete": "a line passes when it is complete: some servers run it at its bare CR",
}

_TAG = rb"[!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+"
_ATOM = rb"[^\x00-\x20\x7f-\xff{}\"\\()]+"
_QUOTED = rb"\"(?:[^\x00-\x1f\x7f-\xff\"\\]|\\[\"\\])*\""
_PLAIN = re.compile(rb"(%b) ([A-Za-z]+)((?: \(?(?:%b|%b)\)?)*)( ~?\{\d{1,8}\+?\})?\r?\n" % (_TAG, _ATOM, _QUOTED))
_POP3_PLAIN = re.compile(rb"[A-Za-z]{3,8}(?: [!-~]+)*\r?\n")
_FORBIDDEN = {"imap": {b"LOGIN", b"AUTHENTICATE", b"STARTTLS", b"UNAUTHENTICATE", b"COMPRESS"},
              "pop3": {b"USER", b"PASS", b"AUTH", b"APOP", b"RPOP", b"STLS", b"XCLIENT", b"XOIP", b"XTND"}}
_ALIAS = re.compile(rb"PSTG\d+")


@dataclasses.dataclass(frozen=True)
class Change:
    """A line of the client, what it became for the backend (b"": nothing), and by which rule ("": none)."""

    line: bytes
    became: bytes
    rule: str

    def tags(self):
        """(alias, the client's tag), or None."""
        alias = _ALIAS.match(self.became)
        return (alias.group(0), _tag(self.line)) if alias and self.rule and self.rule != "same" else None


def _words(line):
    return line.upper().split()


def _is_odd(protocol, line, before):
    """Not something that every server reads in the same way. before: the client's lines until this one."""
    if protocol == "pop3":
        return not _POP3_PLAIN.fullmatch(line)
    found = _PLAIN.fullmatch(line)
    if found is None:
        return True
    verb, arguments = found.group(2).upper(), found.group(3) + (found.group(4) or b"")
    behind_idle = any(_words(each)[1:2] == [b"IDLE"] for each in before)
    asks = verb == b"IDLE" or found.group(4)
    return bool(verb == b"IDLE" and arguments or behind_idle and asks or re.search(rb"[%*()]", arguments)
                or _announces(before[-1:]))


def _is_forbidden(protocol, line):
    words = _words(line)
    while protocol == "imap" and words[1:2] == [b"UID"]:
        del words[1]
    return bool(_FORBIDDEN[protocol] & set(words[1:2] if protocol == "imap" else words[:1]))


def _announces(lines):
    return any(re.search(rb"\{\d+\+?\}\r?\n$", line) for line in lines)


def _tag(line):
    return re.split(rb"[ \r\n]", line)[0]


def _with_tag_of(line, arrived):
    """What arrived, with the client's own tag in the place of an alias."""
    return _ALIAS.sub(lambda _: _tag(line), arrived, count=1) if _ALIAS.match(arrived) else arrived


def _rule(protocol, line, arrived, before):
    """By which rule this line may have become that; None: it did not become that."""
    if line == arrived:
        return "same"
    if _ALIAS.match(arrived) and not _tag(line):
        return None
    mine = _with_tag_of(line, arrived)
    ended = re.sub(rb"\r?\n$", b"\r\n", line)
    for form, rule in ((line, "alias"), (ended, "line end"), (re.sub(rb"\+\}\r\n$", b"}\r\n", ended), "synchronising")):
        if mine == form:
            return rule
    unknown = re.search(rb"( ?X+|\*? X|)\r\n$", mine)
    head = mine[:unknown.start()] if unknown else b""
    if unknown and (line.startswith(head) or head == b"*"):
        if _is_forbidden(protocol, line):
            return "forbidden"
        rest_of_a_command = _announces(before) and head != _tag(line) and mine != b"* X\r\n"
        return "odd" if rest_of_a_command or _is_odd(protocol, line, before) else ""
    return None


def _split(octets):
    return re.findall(rb"[^\n]*\n|[^\n]+$", octets)


def changes(protocol, sent, arrived):
    """What each line of the client became: a list of Change. What arrived and no line explains is a change of b""."""
    lines, others = _split(sent), _split(arrived)

    @functools.lru_cache(maxsize=None)
    def best(at, there):
        """(cost, how) of the rest."""
        if at == len(lines):
            return (10 * (len(others) - there), None)
        options = []  # of equals the first is taken
        if there < len(others):
            rule = _rule(protocol, lines[at], others[there], lines[:at])
            if rule is not None:
                options.append(({"same": 0, "": 8}.get(rule, 1) + best(at + 1, there + 1)[0], "pair"))
            options.append((10 + best(at, there + 1)[0], "insert"))
        options.append(((4 if _rule_of_drop(lines, at) else 12) + best(at + 1, there)[0], "drop"))
        return min(options, key=lambda option: option[0])

    for at in range(len(lines), -1, -1):  # so that the recursion stays flat
        for there in range(len(others), -1, -1):
            best(at, there)
    return list(_walk(protocol, lines, others, best))


def _walk(protocol, lines, others, best):
    at = there = 0
    while at < len(lines) or there < len(others):
        how = best(at, there)[1] if at < len(lines) else "insert"
        if how == "pair":
            yield Change(lines[at], others[there], _rule(protocol, lines[at], others[there], lines[:at]))
            at, there = at + 1, there + 1
        elif how == "drop":
            yield Change(lines[at], b"", _rule_of_drop(lines, at))
            at += 1
        else:
            yield Change(b"", others[there], "")
            there += 1


def _rule_of_drop(lines, at):
    if not lines[at].endswith(b"\n"):
        return "incomplete"
    return "swallowed" if any(re.search(rb"\+\}\r?\n$", line) for line in lines[:at]) else ""


class Rewriter:
    """Says directly what arrived through Postigo: takes the client's octets as he says them, gives segments to send.

    paced: a line that passed as a question is a segment of its own, as it was through Postigo. A client may say it so
    directly, too. hide: {n+} is said as {n}, as it was through Postigo, and its "+" is not heard. Dovecot keeps back the answers of what stands before an incomplete command in one segment.
    """

    def __init__(self, made=(), paced=False, hide=False):
        made = [change for change in made if change.line]
        refused = {at - 1 for at, change in enumerate(made) if change.rule == "swallowed"}
        plain = [change.rule == "synchronising" and at not in refused and not hide for at, change in enumerate(made)]
        self._became = [_as_client(change) if as_client else change.became for change, as_client in zip(made, plain)]
        self._asks = list(_questions(made, hide))
        self._last_is_part = bool(made) and not made[-1].line.endswith(b"\n")
        self._asked = []  # (tag, whether the client would not see the "+" through Postigo), of those without an answer
        self._alone = [paced and change.tags() is not None and _asks(change.line) for change in made]
        self._pending = b""
        self.pause_s = 0.15 if paced else 0
        self.tags = dict(filter(None, (change.tags() for change in made)))

    def __call__(self, octets):
        *complete, self._pending = (self._pending + octets).split(b"\n")
        segments = [b""]
        for line in complete:
            if not self._became:  # he says more than he said through Postigo
                segments[-1] += line + b"\n"
                continue
            alone, became = self._alone.pop(0), self._became.pop(0)
            self._asked += self._asks.pop(0)
            segments = [*segments, became, b""] if alone else [*segments[:-1], segments[-1] + became]
        if self._pending and len(self._became) == 1 and self._last_is_part:
            segments[-1] += self._became.pop()
            self._pending = b""
        return segments


    def heard_plus(self):
        """False: this "+" is one that the client would not see."""
        return not self._asked or not self._asked.pop(0)[1]

    def heard_answer(self, tag):
        self._asked = [asked for asked in self._asked if asked[0] != tag]


def _questions(made, hide):
    """For each line the "+" that Postigo waited for, as [(tag, hidden)] or []. Each question has an alias."""
    tag = b""
    for change in made:
        alias = _ALIAS.match(change.became)
        tag = alias.group(0) if alias else tag
        asks = re.search(rb"\{\d+\}\r\n$", change.became) or alias and _words(change.became)[1:2] == [b"IDLE"]
        wanted = change.rule == "synchronising" or alias and asks
        yield [(tag, hide and change.rule == "synchronising")] if wanted else []


def _asks(line):
    return _announces([line]) or _words(line)[1:2] == [b"IDLE"]


def _as_client(change):
    """{n+} as the client said it, for the server that knows it says no "+"."""
    alias = _ALIAS.match(change.became)
    return alias.group(0) + change.line[len(_tag(change.line)):] if alias else change.line
