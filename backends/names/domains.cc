// libidn2. Not here: when a domain is looked at (names.cc).
#include "backends/names/domains.h"

#include <idn2.h>

#include <memory>

#include "config/units.h"

namespace postigo {
namespace {

constexpr size_t kDomainMax = 1024;  // octets of UTF-8; none that is longer is one of 253 in ASCII
// Without IDN2_USE_STD3_ASCII_RULES: with it libidn2 drops what those forbid, and "\uff20example.com" were example.com.
constexpr int kFlags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT;

using Freed = std::unique_ptr<char, decltype(&idn2_free)>;

template <typename Convert>
std::optional<std::string> converted(std::string_view domain, Convert convert) {
  if (domain.empty() || domain.size() > kDomainMax || domain.find('\0') != std::string_view::npos) return std::nullopt;
  char* result = nullptr;
  const int status = convert(std::string(domain).c_str(), &result);
  const Freed freed(result, &idn2_free);
  if (status != IDN2_OK || result == nullptr || *result == 0) return std::nullopt;
  return std::string(result);
}

}  // namespace

std::optional<std::string> domain_to_ascii(std::string_view domain) {
  auto ascii = converted(domain, [](const char* from, char** to) { return idn2_to_ascii_8z(from, to, kFlags); });
  return ascii && config::is_host_name(*ascii) ? ascii : std::nullopt;
}

// Only what leads back is the domain's other spelling.
std::optional<std::string> domain_to_unicode(std::string_view domain) {
  const auto ascii = domain_to_ascii(domain);
  if (!ascii) return std::nullopt;
  auto unicode = converted(*ascii, [](const char* from, char** to) { return idn2_to_unicode_8z8z(from, to, kFlags); });
  if (!unicode || domain_to_ascii(*unicode) != ascii) return std::nullopt;
  return unicode;
}

}  // namespace postigo
