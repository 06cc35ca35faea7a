"""The words of generated IMAP: mailboxes, strings in all their forms, arguments of each verb. What breaks them is in
imap_grammar.py."""

from tests.differential.pipeline import Piece

BOXES = (b"INBOX", b"inbox", b"Archive", b"missing", b"Archive/sub", b"new box", b"")
SEQUENCES = (b"1", b"1:*", b"2,3", b"*", b"99", b"1:3", b"0", b"1:")
FLAGS = (rb"\Seen", rb"\Deleted", rb"\Flagged \Answered", b"", b"keyword", rb"\Recent", rb"\Nonsense")
ITEMS = (b"FLAGS", b"(UID FLAGS)", b"BODY[]", b"BODY.PEEK[HEADER.FIELDS (SUBJECT)]", b"(ENVELOPE RFC822.SIZE)", b"ALL",
         b"BODY[TEXT]<0.10>", b"BODYSTRUCTURE", b"NONSENSE", b"BINARY[1]", b"(FLAGS")
KEYS = (b"ALL", b"UNSEEN", b"1:2", b"NOT DELETED", b"OR SEEN FLAGGED", b"UID 1:*", b"NONSENSE", b"SINCE 1-Feb-2024")
MESSAGES = (b"Subject: one\r\n\r\nbody\r\n", b"Subject: two\r\n\r\nb2 LOGOUT\r\n+ idling\r\na1 OK no\r\n", b"x", b"",
            b"Subject: three\r\n\r\n" + b"A line that is long enough to be cut somewhere.\r\n" * 40)
# Verbs that must not pass, and what a client would say with them (deliberate.py).
FORBIDDEN = (b'LOGIN "other" "pw"', b"LOGIN other {2}", b"AUTHENTICATE PLAIN", b"AUTHENTICATE PLAIN AG90aGVyAHB3", b"STARTTLS",
             b"UNAUTHENTICATE", b"COMPRESS DEFLATE", b"authenticate login")
SIMPLE = (b"NOOP", b"CHECK", b"CLOSE", b"UNSELECT", b"EXPUNGE", b"NAMESPACE", b"CAPABILITY", b"ID NIL", b'ID ("name" "x")',
          b"ENABLE CONDSTORE", b"GETQUOTAROOT INBOX", b'LIST "" *', b'LIST "" %', b'LSUB "" *', b"LOGOUT", b"noop",
          b"XFOO", b"XFOO bar baz", b"NOOP extra", b"SELECT", b"FETCH", b"UID", b"UID FOO 1", b'LIST ""', b"STORE 1",
          b"SORT (DATE) UTF-8 ALL", b"THREAD REFERENCES UTF-8 ALL", b"UID EXPUNGE 1:*", b"FETCH 1 (UID", b"NOOP NOOP")


def literal(dice, data):
    """[the announcement and its line end, the data]: {n}, {n+}, ~{n}, ~{n+}, with data that may be short or long."""
    size = len(data)
    if dice.random() < 0.08:
        size = max(0, size + dice.choice((-3, -1, 1, 2, 5, 40)))
    plus = dice.random() < 0.5
    tilde = b"~" if dice.random() < 0.06 else b""
    announced = tilde + b"{%d%s}\r\n" % (size, b"+" if plus else b"")
    if plus:
        return [Piece(announced), Piece(data)]
    manner = dice.random()
    polite = manner < 0.6
    return [Piece(announced), Piece(data, after_plus=manner < 0.85, only_if_plus=polite)]


def string(dice, value):
    """The value as an atom, quoted, or a literal."""
    form = dice.random()
    if form < 0.4 and value and b" " not in value:
        return [Piece(value)]
    if form < 0.7:
        return [Piece(b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"')]
    return literal(dice, value)


def joined(*parts):
    """Octets and lists of pieces, as one list."""
    pieces = []
    for part in parts:
        pieces += [Piece(part)] if isinstance(part, bytes) else part
    return pieces


def _append(dice, box):
    flags = b"(" + dice.choice(FLAGS) + b") " if dice.random() < 0.4 else b""
    date = b'"01-Feb-2024 10:00:00 +0000" ' if dice.random() < 0.2 else b""
    more = joined(b" ", literal(dice, dice.choice(MESSAGES))) if dice.random() < 0.1 else []
    return joined(b"APPEND ", box, b" " + flags + date, literal(dice, dice.choice(MESSAGES)), more)


def _search(dice, box):
    key = dice.choice((b"SUBJECT ", b"BODY ", b"HEADER Subject ", b"TEXT "))
    charset = b"CHARSET UTF-8 " if dice.random() < 0.3 else b""
    return joined(b"SEARCH " + charset + key, string(dice, dice.choice((b"one", b"second", b"x y", b""))))


_WITH_BOX = {
    b"SELECT": 3, b"EXAMINE": 2, b"CREATE": 2, b"DELETE": 1, b"SUBSCRIBE": 1, b"UNSUBSCRIBE": 1,
}


def _box_verb(dice, box):
    return joined(dice.choice(tuple(_WITH_BOX)) + b" ", box)


def _rename(dice, box):
    return joined(b"RENAME ", box, b" ", string(dice, dice.choice(BOXES)))


def _status(dice, box):
    return joined(b"STATUS ", box, b" ", dice.choice((b"(MESSAGES UNSEEN)", b"(UIDNEXT)", b"MESSAGES", b"()")))


def _list(dice, box):
    return joined(dice.choice((b'LIST "" ', b'LSUB "" ')), box)


def _fetch(dice, _box):
    return joined(b"FETCH " + dice.choice(SEQUENCES) + b" " + dice.choice(ITEMS))


def _store(dice, _box):
    how = dice.choice((b"FLAGS", b"+FLAGS", b"-FLAGS.SILENT", b"FOO"))
    return joined(b"STORE " + dice.choice(SEQUENCES) + b" " + how + b" (" + dice.choice(FLAGS) + b")")


def _copy(dice, box):
    return joined(dice.choice((b"COPY ", b"MOVE ")) + dice.choice(SEQUENCES) + b" ", box)


_KINDS = ((_append, 5), (_search, 3), (_box_verb, 4), (_rename, 1), (_status, 3), (_list, 1), (_fetch, 3), (_store, 2),
          (_copy, 2))
_UID_TOO = (_search, _fetch, _store, _copy)


def arguments(dice):
    """One valid or nearly valid command without tag and line end."""
    if dice.random() < 0.35:
        return [Piece(dice.choice(SIMPLE))]
    make = dice.choices([kind for kind, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    pieces = make(dice, string(dice, dice.choice(BOXES)))
    return joined(b"UID ", pieces) if make in _UID_TOO and dice.random() < 0.3 else pieces
