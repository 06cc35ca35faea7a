// Looking for a password in a text. Rather too careful: a short password may hide a text that it is in by chance.
#include "proxy/session/confidential.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"

namespace postigo {
namespace {

constexpr std::string_view kBlanks = " \t\"'()<>[]{},;:";
constexpr const char* kRemark = "(its answer repeats a password)";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool hides(std::string_view word, std::string_view password) {
  std::optional<Secret> decoded = base64_decode(word);
  return decoded && contains(decoded->reveal(), password);
}

}  // namespace

std::string without_secret(const std::string& text, const Secret& password) {
  std::string_view secret = password.reveal();
  if (secret.empty()) return text;
  std::string escaped = printable(secret, text.size() + 8);  // as it would stand in a text
  bool repeats = contains(text, secret) || contains(text, escaped);
  wipe(escaped.data(), escaped.size());
  std::string_view rest = text;
  while (!repeats && !rest.empty()) {
    size_t size = std::min(rest.find_first_of(kBlanks), rest.size());
    repeats = hides(rest.substr(0, size), secret);
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  if (repeats) return kRemark;
  // The last word may be the beginning of one.
  if (text.ends_with("...")) return text.substr(0, text.find_last_of(kBlanks) + 1) + "...";
  return text;
}

}  // namespace postigo
