// From %u, %n, %d to what servers know as parameters. Not here: whether the rest is SQL (the server says so when it
// prepares the statement).
#include "backends/directory/drivers/sql_query.h"

#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr char kLabel = 'l';

bool is_word(char c) {
  const char letter = to_lower(c);
  return is_digit(c) || (letter >= 'a' && letter <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// Whether what comes next is read as SQL, or stands in quotes or in a comment.
class Reader {
 public:
  explicit Reader(const SqlDialect& dialect) : dialect_(dialect) {}

  void read(std::string_view text) {
    for (size_t i = 0; i < text.size();) i += within_ == 0 ? outside(text, i) : inside(text, i);
  }
  bool at_sql() const { return within_ == 0; }
  bool in_quotes() const { return within_ != 0 && within_ != kLine && within_ != kBlock; }

 private:
  static constexpr char kLine = '\n', kBlock = '*', kDollar = '$';

  // Each takes what begins at `i` and returns how long it is.
  size_t outside(std::string_view text, size_t i);
  size_t inside(std::string_view text, size_t i);
  size_t open(char within, std::string_view what) {
    within_ = within;
    last_ = ' ';
    return what.size();
  }
  size_t open_dollar(std::string_view rest);

  const SqlDialect& dialect_;
  char within_ = 0;  // a quote, or one of the above; 0: SQL
  char last_ = ' ';  // the octet of SQL before this one
  bool escapes_ = false;
  std::string tag_;  // "$tag$" that ends it
};

size_t Reader::outside(std::string_view text, size_t i) {
  const std::string_view rest = text.substr(i);
  const char c = rest[0];
  if (c == '\'' || c == '"' || c == '`') {
    escapes_ = dialect_.backslashes ? c != '`' : c == '\'' && to_lower(last_) == 'e';
    return open(c, rest.substr(0, 1));
  }
  if (rest.starts_with("--")) return open(kLine, "--");
  if (rest.starts_with("/*")) return open(kBlock, "/*");
  if (dialect_.hash_comments && c == '#') return open(kLine, "#");
  if (dialect_.dollar_quotes && c == '$' && !is_word(last_)) return open_dollar(rest);
  last_ = c;
  return 1;
}

size_t Reader::open_dollar(std::string_view rest) {
  size_t end = 1;
  while (end < rest.size() && is_word(rest[end])) ++end;
  last_ = '$';
  if (end == rest.size() || rest[end] != '$' || (end > 1 && is_digit(rest[1]))) return 1;
  tag_ = rest.substr(0, end + 1);
  return open(kDollar, tag_);
}

size_t Reader::inside(std::string_view text, size_t i) {
  const std::string_view rest = text.substr(i);
  const std::string_view end = within_ == kBlock    ? std::string_view("*/")
                               : within_ == kDollar ? std::string_view(tag_)
                                                    : std::string_view(&within_, 1);
  if (in_quotes() && within_ != kDollar && escapes_ && rest[0] == '\\') return rest.size() > 1 ? 2 : 1;
  if (!rest.starts_with(end)) return 1;
  const size_t size = end.size();
  within_ = 0;
  return size;
}

}  // namespace

Result<SqlQuery> SqlQuery::parse(std::string_view text, const SqlDialect& dialect, bool labelled) {
  auto cut = NameTemplate::parse(text, labelled ? kLabel : '\0');
  if (!cut) return tl::unexpected(cut.error());
  SqlQuery query;
  Reader reader(dialect);
  for (const NameTemplate::Part& part : cut->parts()) {
    reader.read(part.text);
    query.text_ += part.text;
    if (part.place == 0) continue;
    if (!reader.at_sql()) {
      return fail(std::string("%") + part.place +
                  (reader.in_quotes() ? " stands in quotes: write it without them (it is bound as a value), and join "
                                        "it with texts by || or concat()"
                                      : " stands in a comment"));
    }
    query.places_ += part.place;
    query.text_ += dialect.numbered ? "$" + std::to_string(query.places_.size()) : "?";
    reader.read(" ");  // a word has ended here
  }
  if (reader.in_quotes()) return fail("a quote is not closed");
  return query;
}

std::vector<std::string> SqlQuery::values(std::string_view user, std::string_view label) const {
  std::vector<std::string> values;
  for (char place : places_) values.emplace_back(place == kLabel ? label : NameTemplate::value(place, user));
  return values;
}

}  // namespace postigo
