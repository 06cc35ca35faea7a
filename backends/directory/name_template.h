// NameTemplate: a text with places for a user's name: %u all of it, %n what stands before its last @, %d what stands
// behind it, %% a percent sign. Names go in as values, never as text that is looked at again (A5, A6).
//
// Immutable; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/result.h"

namespace postigo {

class NameTemplate {
 public:
  struct Part {
    std::string text;  // as it is
    char place = 0;    // 'u', 'n' or 'd' behind it; 0: nothing
  };

  // "%x is not known: write %u, %n, %d or %%". `more`: a letter for a place of the caller's; 0: none.
  static Result<NameTemplate> parse(std::string_view text, char more = 0);

  const std::vector<Part>& parts() const { return parts_; }
  // `escape` makes a value harmless where it will stand (RFC 4514, RFC 4515); null: values stand as they are.
  std::string fill(std::string_view user, const std::function<std::string(std::string_view)>& escape = {}) const;

  // What stands at a place of this letter for this user.
  static std::string_view value(char place, std::string_view user);

 private:
  std::vector<Part> parts_;
};

}  // namespace postigo
