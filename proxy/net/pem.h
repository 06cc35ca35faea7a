// Certificates and keys from PEM files, with words for everything that operators get wrong about them.
//
// Blocking; any thread. What is read of a key is wiped; no message holds anything of it.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "parser/base/result.h"

namespace postigo {

using X509Chain = std::vector<bssl::UniquePtr<X509>>;

// A certificate, those that vouch for it, and its key.
struct KeyPair {
  X509Chain chain;  // leaf first; never empty
  bssl::UniquePtr<EVP_PKEY> key;
};

// All certificates of a file, at least one. The error begins with the file.
Result<X509Chain> read_certificates(const std::string& file);
Result<bssl::UniquePtr<EVP_PKEY>> read_key(const std::string& file);

// Reads both and sees whether they belong together. Everything that is wrong goes to `problems`, under the keys
// "certificate" and "key" below `path`; nothing is returned if one of them is an error. Certificates whose time is over
// or has not come are warnings: a proxy that did not start for that would deny everybody what one name lacks.
std::optional<KeyPair> read_pair(const std::string& certificate_file, const std::string& key_file,
                                 const std::string& path, config::Problems& problems);

// Warns of every certificate whose time is over or has not come.
void check_times(const X509Chain& chain, const std::string& file, const std::string& key, config::Problems& problems);

int64_t not_before_s(const X509* certificate);  // unix time
int64_t not_after_s(const X509* certificate);

}  // namespace postigo
