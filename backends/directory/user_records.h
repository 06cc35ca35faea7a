// Lines and CSV records of an import file, with their line numbers. What they mean: user_file.cc.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/result.h"

namespace postigo {

// A view into the text, which must outlive it. Copying it is looking ahead.
class Records {
 public:
  using Fields = std::vector<std::string>;

  explicit Records(std::string_view text) : rest_(text) {}

  size_t line() const { return line_; }  // where the last record began, from 1

  std::optional<std::string_view> next_line();  // without its end; nothing: the end of the text

  // RFC 4180; a record may span several lines. A quote that is not closed is an error.
  std::optional<Result<Fields>> next_csv();

 private:
  std::string_view rest_;
  size_t line_ = 0;
  size_t next_ = 1;
};

}  // namespace postigo
