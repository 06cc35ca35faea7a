// Made, compared, and read from fields. Not here: where they are kept (sqlite_store.cc), when they are asked
// (entry.cc).
#include "backends/directory/app_password.h"

#include <openssl/digest.h>
#include <openssl/rand.h>

#include <array>

#include "backends/directory/fields.h"
#include "backends/directory/moment.h"
#include "backends/directory/password.h"
#include "parser/base/ascii.h"
#include "parser/base/base64.h"

namespace postigo {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";  // RFC 4648 6: no 0, 1, 8 to be mistaken
constexpr size_t kSize = 26;                                               // of five bits each
constexpr size_t kGroup = 4;
constexpr size_t kLabelMax = 64;

// As it was made: without what people put between groups.
Secret canonical(const Secret& said) {
  Secret plain;
  plain.reserve(said.size());
  for (char c : said.reveal()) {
    if (c == '-' || c == ' ') continue;
    const char small = to_lower(c);
    plain.append(Bytes(&small, 1));
  }
  return plain;
}

bool looks_made(const Secret& plain) {
  return plain.size() == kSize && plain.reveal().find_first_not_of(kLetters) == Bytes::npos;
}

std::string hash_of(const Secret& plain) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets;
  unsigned size = 0;
  EVP_Digest(plain.reveal().data(), plain.size(), octets.data(), &size, EVP_sha256(), nullptr);
  return "{SHA256}" + base64_encode(Bytes(reinterpret_cast<const char*>(octets.data()), size));
}

}  // namespace

Result<MadeAppPassword> make_app_password() {
  std::array<unsigned char, kSize> random;
  RAND_bytes(random.data(), random.size());
  Secret plain;
  MadeAppPassword made;
  for (size_t i = 0; i < kSize; ++i) {
    const char letter = kLetters[random[i] % kLetters.size()];
    if (i > 0 && i % kGroup == 0) made.shown.append("-");
    made.shown.append(Bytes(&letter, 1));
    plain.append(Bytes(&letter, 1));
  }
  wipe(random.data(), random.size());
  made.hash = hash_of(plain);
  return made;
}

const AppPassword* find_app_password(std::span<const AppPassword> passwords, const Secret& said) {
  if (passwords.empty() || said.empty()) return nullptr;
  const Secret plain = canonical(said);
  const Secret& tried = looks_made(plain) ? plain : said;  // what somebody else has made is as it is
  const AppPassword* found = nullptr;
  for (const AppPassword& password : passwords) {
    if (verify_quickly(tried, password.hash)) found = &password;
  }
  return found;
}

Result<bool> set_app_field(AppPassword& password, std::string_view name, std::string_view value) {
  if (equal_ignoring_case(name, "label")) {
    password.label = value;
  } else if (equal_ignoring_case(name, "password")) {
    password.hash = value;
  } else if (equal_ignoring_case(name, "used")) {
    auto used = parse_moment(value);
    if (!used) return fail("used " + used.error().message);
    password.used_s = *used;
  } else {
    bool ours = false;
    for (std::string_view condition : {"protocols", "networks", "listeners", "valid_from", "valid_until"}) {
      ours = ours || equal_ignoring_case(name, condition);
    }
    if (!ours) return false;
    Entry entry;
    entry.may = std::move(password.may);
    auto set = set_field(entry, name, value);
    password.may = std::move(entry.may);
    if (!set) return tl::unexpected(set.error());
  }
  return true;
}

Result<void> check_app_password(const AppPassword& password) {
  if (password.label.empty()) return fail("the label is empty");
  if (password.label.size() > kLabelMax) return fail("the label is over " + std::to_string(kLabelMax) + " octets");
  if (has_ctl(password.label) || !is_utf8(password.label)) return fail("the label is no text");
  if (!is_quick(password.hash)) return fail("the hash of a password for programs is none of SHA256 and the like");
  return {};
}

}  // namespace postigo
