"""The server's own log as a witness: nobody came in but whom we sent, and nobody twice in one session.

The tap sees one wire; whatever way somebody comes in, the server writes it down.
"""

import collections


class Witness:
    """Listens from construction on."""

    def __init__(self, server):
        self._server = server
        self._before = self._lines()

    def _lines(self):
        return collections.Counter(self._server.log().splitlines())

    def verdicts(self, sessions):
        """All that is wrong with what was logged since. sessions: how many each user had, by name."""
        new = list((self._lines() - self._before).elements())
        logins = collections.Counter(found.group(1) for line in new if (found := self._server.login_line.search(line)))
        for user, count in sorted(logins.items()):
            if user not in sessions:
                yield f"{user!r} was let in, whom nobody played"
            elif count > sessions[user] + self._server.logins_to_prepare:
                yield f"{user!r} was let in {count} times, in {sessions[user]} sessions"
        yield from (f"a verb arrived: {line}" for line in new if self._server.verb_line.search(line))
