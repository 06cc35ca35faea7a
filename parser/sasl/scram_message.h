// The messages of SCRAM, cut into their parts (RFC 5802 7). Views point into what was cut.
#pragma once

#include <string>

#include "parser/base/bytes.h"

namespace postigo::sasl {

// gs2-header client-first-message-bare
struct ScramFirst {
  Bytes header;         // as it is said once more in the final message, with its two commas
  Bytes bare;           // the rest
  char flag = 'n';      // of channel binding: 'n', 'y' or 'p'
  Bytes binding;        // its name if the flag is 'p'
  std::string authzid;  // decoded; empty: none
  std::string user;     // decoded
  Bytes nonce;
};
// False: it breaks the grammar, or wants an extension that must be understood ("m=").
bool parse(Bytes text, ScramFirst& message);

// channel-binding "," nonce ["," extensions] "," proof
struct ScramFinal {
  Bytes without_proof;
  Bytes binding;  // in base64
  Bytes nonce;
  Bytes proof;  // in base64
};
bool parse(Bytes text, ScramFinal& message);

// nonce "," salt "," iteration-count ["," extensions]
struct ScramServerFirst {
  Bytes nonce;
  Bytes salt;  // in base64
  unsigned iterations = 0;
};
bool parse(Bytes text, ScramServerFirst& message);

}  // namespace postigo::sasl
