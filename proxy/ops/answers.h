// What the verbs of the admin API answer, for its OpenAPI document: fields with their types, and columns of rows.
#pragma once

#include <string_view>
#include <vector>

namespace postigo {

struct Field {
  enum class Type { text, integer, real, flag, texts, counts, rows };  // counts: an object of integers
  std::string_view name;
  Type type;
  std::string_view doc;
  bool always = true;
  std::vector<Field> columns = {};  // of rows, each of which has all of them
};

namespace answers {

std::vector<Field> status();
std::vector<Field> version();
std::vector<Field> who();
std::vector<Field> kick();
std::vector<Field> backends();
std::vector<Field> backend();
std::vector<Field> listeners();
std::vector<Field> certs();
std::vector<Field> totals();
std::vector<Field> problems();
std::vector<Field> route();
std::vector<Field> trace();
std::vector<Field> penalties();
std::vector<Field> forgive();
std::vector<Field> cache();
std::vector<Field> move();
std::vector<Field> drain();
std::vector<Field> hold();
std::vector<Field> release();
std::vector<Field> users();
std::vector<Field> flush();
std::vector<Field> config();
std::vector<Field> diff();
std::vector<Field> reload();
std::vector<Field> log();
std::vector<Field> upgrade();

}  // namespace answers
}  // namespace postigo
