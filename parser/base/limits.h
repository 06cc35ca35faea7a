// Every number that bounds what a stranger can make us hold, with its reason. All in octets unless the name says else.
#pragma once

#include <cstddef>

namespace postigo::limits {

// One IMAP command before login, lines and literals together. RFC 2971 3.3 allows an ID of 30 x (30 + 1024) octets plus
// quoting (T11: about 31 KB), and SASL tokens take up to 16 KB (T17); 64 KB carries both with room.
inline constexpr size_t kCommandMax = 64 * 1024;

// User name and password after decoding. A password may be a token of some service (T17); a longer one is nobody's.
inline constexpr size_t kUserMax = 512;
inline constexpr size_t kPasswordMax = 16 * 1024;
inline constexpr size_t kTagMax = 256;

// One literal before login: a name, a password, a value of ID; anything longer is refused before "+" is sent (T4).
inline constexpr size_t kLoginLiteralMax = kPasswordMax;

// One pre-login line from a POP3 client. RFC 2449 4: 255. Lines that carry a name or a password, in base64 or as they
// are (RFC 5034 4), may be longer: base64 of 16 KB with two names, and the command before it (T17).
inline constexpr size_t kPop3LineMax = 255;
inline constexpr size_t kSaslLineMax = 24 * 1024;
// XCLIENT of a proxy that is trusted, with fields in base64. Dovecot 2.3 takes 1 KB.
inline constexpr size_t kXclientMax = 4 * 1024;

// One line from a backend during login: a CAPABILITY list or a text. Dovecot's longest is about 700.
inline constexpr size_t kBackendLineMax = 16 * 1024;
// All that a backend may say between its greeting and its answer to the login.
inline constexpr size_t kBackendLoginMax = 64 * 1024;

// How often a client may err before it is shown the door (A20: five lines of HTTP are enough to know).
inline constexpr int kBadCommandsMax = 10;
inline constexpr int kAuthFailuresMax = 5;
// Commands before login: NOOP for ever is not a login.
inline constexpr unsigned kCommandsBeforeLoginMax = 200;

// One line of a client in the relay: it passes whole or not at all. Dovecot takes 64 KB, Cyrus words of 128 KB.
inline constexpr size_t kRelayLineMax = 256 * 1024;
// RFC 2449 4 has 255; names of folders and languages may be longer than their authors thought.
inline constexpr size_t kPop3RelayLineMax = 8 * 1024;

// One capability atom in the relay filter; a longer one cannot be known to us and is dropped (T37).
inline constexpr size_t kCapabilityAtomMax = 128;

static_assert(kCommandMax >= 30 * (30 + 1024) + 1024, "a legal ID command must fit (RFC 2971 3.3)");
static_assert(kCommandMax >= kSaslLineMax, "a SASL line is a command");
static_assert(kSaslLineMax >= (kPasswordMax + 2 * kUserMax + 2) / 3 * 4 + 16, "PLAIN with the longest of all fits");

}  // namespace postigo::limits
