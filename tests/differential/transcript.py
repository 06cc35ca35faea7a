"""What a client heard, as events: tagged answers, "+", and the end. Literals of the server are skipped by count."""

import collections
import re

_LITERAL = re.compile(rb"\{(\d+)\+?\}\r?\n$")
# Untagged answers that the same question to the same mailbox always gets, whenever it is asked.
_DATA = {"SEARCH", "STATUS", "LIST", "LSUB", "SORT", "THREAD", "NAMESPACE", "QUOTAROOT"}
_TAGGED = re.compile(rb"^(\S+) (OK|NO|BAD)\b", re.IGNORECASE)


class ImapTranscript:
    """Fed with octets as they come; `events` grows. rewriter (deliberate.py): whose tags and "+" are not the client's."""

    def __init__(self, rewriter=None):
        self._names = rewriter.tags if rewriter else {}
        self._rewriter = rewriter
        self.raw = b""
        self.events = []  # ("tag", "OK"), ("+",), ("*", "BYE") ...
        self.times = []
        self.data = []  # lines of _DATA
        self.plus = 0
        self._tags = collections.Counter()
        self._at = 0
        self._skip = 0
        self._inside = False  # the line goes on behind a literal

    def feed(self, data, now):
        self.raw += data
        while True:
            if self._skip:
                step = min(self._skip, len(self.raw) - self._at)
                self._at += step
                self._skip -= step
                if self._skip:
                    return
            end = self.raw.find(b"\n", self._at)
            if end < 0:
                return
            line, self._at = self.raw[self._at:end + 1], end + 1
            self._line(line, now)

    def _line(self, line, now):
        first = not self._inside
        untagged = line.startswith(b"* ") or self._inside
        literal = _LITERAL.search(line) if untagged else None
        self._inside = literal is not None
        self._skip = int(literal.group(1)) if literal else 0
        if first:
            self._event(line, now)

    def _event(self, line, now):
        if line.startswith(b"+"):
            if self._rewriter and not self._rewriter.heard_plus():
                return
            self.plus += 1
            self._add(("+",), now)
        elif line.startswith(b"* "):
            words = line[2:].upper().split()
            name = words[1] if len(words) > 1 and words[0].isdigit() else words[0] if words else b""
            self._add(("*", name.decode("latin-1")), now)
            if name.decode("latin-1") in _DATA:
                self.data.append(line)
        elif (found := _TAGGED.match(line)) is not None:
            if self._rewriter:
                self._rewriter.heard_answer(found.group(1))
            tag = self._names.get(found.group(1), found.group(1)).decode("latin-1")
            self._tags[tag] += 1
            self._add((tag, found.group(2).upper().decode()), now)
        else:
            self._add(("?", line[:60].decode("latin-1")), now)

    def _add(self, event, now):
        self.events.append(event)
        self.times.append(now)

    def count(self, tag):
        """How many answers came under this tag."""
        return self._tags[tag]

    def essence(self):
        """What must be equal in order: tagged answers, "+", lines that are nothing known; of untagged ones NO, BAD, BYE."""
        return [event for event in self.events if event[0] != "*" or event[1] in ("BAD", "NO", "BYE")]

    def content(self):
        """What must be equal in whatever order: servers run commands side by side."""
        return sorted(self.data)


_HEX = re.compile(r"\b[0-9a-fA-F]{8,}\b")  # UIDLs
_CAPABILITY = re.compile(r"(TOP|UIDL|USER|SASL|STLS|RESP-CODES|PIPELINING|AUTH-RESP-CODE|EXPIRE|LOGIN-DELAY|UTF8|LANG|"
                         r"IMPLEMENTATION|APOP|XCLIENT)( .*)?")


class Pop3Transcript:
    """POP3 has no tags: every line counts. Not those of a CAPA listing, which is written anew (T44)."""

    def __init__(self, rewriter=None):
        del rewriter  # there are no tags
        self.raw = b""
        self.events = []
        self.times = []
        self.plus = 0
        self._answers = 0
        self._at = 0

    def feed(self, data, now):
        self.raw += data
        while (end := self.raw.find(b"\n", self._at)) >= 0:
            line, self._at = self.raw[self._at:end + 1], end + 1
            self._answers += line.startswith((b"+OK", b"-ERR"))
            self.plus += line.startswith(b"+ ")
            self.events.append((_HEX.sub("HEX", line.rstrip(b"\r\n").decode("latin-1")),))
            self.times.append(now)

    def count(self, _tag):
        return self._answers

    def essence(self):
        """Refusals by their sign, for their texts name the verb; all else as it is."""
        said = [event[0] for event in self.events if not _CAPABILITY.fullmatch(event[0])]
        return [("-ERR",) if text.startswith("-ERR") else (text,) for text in said]

    def content(self):
        return []


TRANSCRIPTS = {"imap": ImapTranscript, "pop3": Pop3Transcript}
