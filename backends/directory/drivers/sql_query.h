// SqlQuery: the operator's own statement, cut at the places where a name belongs. Names are bound there as values and
// never become text of the statement (A5).
//
// Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/directory/name_template.h"
#include "parser/base/result.h"

namespace postigo {

// How a kind of server reads a statement.
struct SqlDialect {
  bool numbered;       // places are $1, $2, ... and not ?
  bool backslashes;    // escape within all quotes; else in E'...' only
  bool hash_comments;  // from # to the end of the line
  bool dollar_quotes;  // $tag$ ... $tag$
};

class SqlQuery {
 public:
  // An error says what to write instead: a place in quotes would be the text "%u" to the server.
  // `labelled`: %l stands for the label of a password for programs.
  static Result<SqlQuery> parse(std::string_view text, const SqlDialect& dialect, bool labelled = false);

  const std::string& text() const { return text_; }  // with $1, $2, ... or ?
  size_t places() const { return places_.size(); }
  std::vector<std::string> values(std::string_view user, std::string_view label = {}) const;  // one for each place

 private:
  std::string text_;
  std::string places_;  // a letter for each
};

}  // namespace postigo
