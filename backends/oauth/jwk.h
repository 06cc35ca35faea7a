// JwkSet: the public keys of whoever issues tokens (RFC 7517, 7518), and whether one of them has signed something.
//
// A key verifies with the algorithms of its own kind only, so a token cannot make an RSA key a shared secret (algorithm
// confusion), and there is no "none". Immutable; any thread. Costs some 30 to 150 us for each key that is tried.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/bytes.h"
#include "parser/base/result.h"

namespace postigo::oauth {

class Jwk {
 public:
  virtual ~Jwk() = default;
  virtual bool can(std::string_view algorithm) const = 0;
  virtual bool verify(std::string_view algorithm, Bytes signed_text, Bytes signature) const = 0;

  std::string id;  // "kid", or empty
};

class JwkSet {
 public:
  static constexpr size_t kTextMax = 256 * 1024;
  static constexpr size_t kKeysMax = 64;

  // Keys that are not for signatures, or of a kind that we do not know, are left out; those that are damaged or weak
  // (RSA below 2048 bits) are an error, as is a set without any key of use.
  static Result<JwkSet> parse(std::string_view json);

  // Whether a key with this id is there; for an empty one, any that knows the algorithm.
  bool knows(std::string_view id, std::string_view algorithm) const;
  bool verify(std::string_view id, std::string_view algorithm, Bytes signed_text, Bytes signature) const;
  size_t size() const { return keys_.size(); }

 private:
  std::vector<std::shared_ptr<const Jwk>> keys_;
};

}  // namespace postigo::oauth
