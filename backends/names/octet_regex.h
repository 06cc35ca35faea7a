// OctetRegex: an operator's expression for whole names, which are octets (T76): read as UTF-8 where a name is that,
// else as single octets. RE2, so that no name costs more than its length. Immutable, any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace postigo {

class OctetRegex {
 public:
  // Never fails; ask error(). One that has an error matches nothing.
  explicit OctetRegex(const std::string& pattern);
  ~OctetRegex();
  OctetRegex(OctetRegex&&) noexcept;

  const std::string& error() const;  // empty: none
  int groups() const;

  bool matches(std::string_view name) const;
  // With \0 to \9 for the groups; nothing if it does not match. REQUIRES: no group is named that does not exist.
  std::optional<std::string> rewrite(std::string_view name, const std::string& replacement) const;

 private:
  const re2::RE2& for_name(std::string_view name) const;

  std::unique_ptr<re2::RE2> text_, octets_;
};

}  // namespace postigo
