"""One dump of callgrind, read: instructions per function, and who asked the C library for memory. No process here.

The dump must be written with --compress-strings=no --compress-pos=no --dump-line=no (callgrind.py does).
"""

import collections

ALLOCATORS = frozenset(("malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"))
# Those who ask on behalf of their caller: it is he who is named.
_BORINGSSL = frozenset(("OPENSSL_malloc", "OPENSSL_calloc", "OPENSSL_zalloc", "OPENSSL_realloc"))
_AGENTS = _BORINGSSL | {
    "operator new(unsigned long)", "operator new[](unsigned long)", "operator new(unsigned long, std::align_val_t)",
    "operator new(unsigned long, std::nothrow_t const&)", "uv__malloc", "uv__calloc", "uv__realloc"}


def _name(text):
    """Without the mark of a recursion."""
    return text.partition("'")[0]


class Profile:
    """self: {function: instructions}; calls: {(caller, callee): number}; total: all instructions."""

    def __init__(self, text):
        self.self = collections.Counter()
        self.calls = collections.Counter()
        self._below = collections.Counter()
        self._read(text)
        self.total = sum(self.self.values())

    def _read(self, text):
        function = callee = None
        of_call = False
        for line in text.splitlines():
            if line.startswith("fn="):
                function = _name(line[3:])
            elif line.startswith("cfn="):
                callee = _name(line[4:])
            elif line.startswith("calls="):
                self.calls[function, callee] += int(line[6:].split()[0])
                of_call = True
            elif line[:1].isdigit() and function is not None:
                cost = int(line.split()[1])
                if not of_call:
                    self.self[function] += cost
                elif callee != function:
                    self._below[function] += cost
                of_call = False

    def inclusive(self, function):
        """With all that it called. Too much for functions that call each other in a circle."""
        return self.self[function] + self._below[function]

    def _agents(self):
        """With the entries of linkage tables, which have no names."""
        return _AGENTS | {caller for caller, callee in self.calls if callee in ALLOCATORS | _AGENTS
                          and caller.startswith("0x")}

    def allocations(self):
        """{who asked: how often}."""
        asked, agents = collections.Counter(), self._agents()
        for (caller, callee), number in self.calls.items():
            if callee in ALLOCATORS | agents and caller not in ALLOCATORS | agents:
                asked[caller] += number
        return asked

    def allocated_by_boringssl(self):
        """Through its own functions, or from within its namespace (the buffers of records ask directly)."""
        agents = self._agents()
        return sum(number for (caller, callee), number in self.calls.items()
                   if (callee in _BORINGSSL and caller not in _BORINGSSL)
                   or (caller.startswith("bssl::") and callee in (ALLOCATORS | agents) - _BORINGSSL))

    def allocated(self):
        """How often anybody asked: counted at the C library's own doors."""
        return sum(number for (caller, callee), number in self.calls.items()
                   if callee in ALLOCATORS and caller not in ALLOCATORS)

    def top_self(self, count):
        return self.self.most_common(count)

    def top_inclusive(self, count, prefix):
        found = {name: self.inclusive(name) for name in self.self if name.startswith(prefix)}
        return sorted(found.items(), key=lambda item: -item[1])[:count]
