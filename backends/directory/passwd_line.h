// One line of a passwd-file in Dovecot's format, as an entry.
//
//   user:password:uid:gid:(gecos):home:(shell):extra_fields
//
// Only user and password need be there. A password without {SCHEME} is CRYPT's, and so is libpam-pwdfile's "hash[13]"
// ("[34]": MD5); "*" and "!..." are nobody's. extra_fields are "key=value", separated by blanks, without quotes:
//
//   nologin                    may not log in (with proxy beside it: may, as Dovecot has it)
//   allow_nets=net,net         from where he may log in; "local" is nothing that reaches a proxy
//   user=, destuser=           his name at the backend
//   host=                      the backend of this name or address
//   pass=                      what opens it for him, instead of the master's identity
//   any field of fields.h      as there: pool=, class=, valid_until=, ...
//   nopassword, allow_real_nets   are an error: what they mean cannot be had here
//
// What else there is says how Dovecot reaches the mail (userdb_..., proxy, port, ssl, master) and is left out.
#pragma once

#include <string_view>

#include "backends/directory/entry.h"
#include "backends/directory/fields.h"
#include "parser/base/result.h"

namespace postigo {

// `fields`: other names for extra fields; they come before those above. The entry's name is as the line has it. An
// Error shows nothing of the line but a field's name.
Result<Entry> parse_passwd_line(std::string_view line, const FieldNames& fields);

}  // namespace postigo
