// RE2 twice. Not here: what is matched for (router.cc, names.cc).
#include "backends/names/octet_regex.h"

#include <re2/re2.h>

#include <array>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

OctetRegex::OctetRegex(const std::string& pattern) : text_(std::make_unique<RE2>(pattern, RE2::Quiet)) {
  RE2::Options octets(RE2::Quiet);
  octets.set_encoding(RE2::Options::EncodingLatin1);
  octets_ = std::make_unique<RE2>(pattern, octets);
}

OctetRegex::~OctetRegex() = default;
OctetRegex::OctetRegex(OctetRegex&&) noexcept = default;

const std::string& OctetRegex::error() const { return text_->error(); }

int OctetRegex::groups() const { return text_->NumberOfCapturingGroups(); }

const re2::RE2& OctetRegex::for_name(std::string_view name) const { return is_utf8(name) ? *text_ : *octets_; }

bool OctetRegex::matches(std::string_view name) const { return RE2::FullMatch(piece(name), for_name(name)); }

std::optional<std::string> OctetRegex::rewrite(std::string_view name, const std::string& replacement) const {
  constexpr int kGroups = 10;
  std::array<re2::StringPiece, kGroups> groups;
  const RE2& regex = for_name(name);
  const int wanted = 1 + RE2::MaxSubmatch(piece(replacement));
  if (!regex.Match(piece(name), 0, name.size(), RE2::ANCHOR_BOTH, groups.data(), wanted)) return std::nullopt;
  std::string result;
  if (!regex.Rewrite(&result, piece(replacement), groups.data(), wanted)) return std::nullopt;
  return result;
}

}  // namespace postigo
