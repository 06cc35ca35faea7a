// Any octets as the name of a login, and any rules: no crash; what is accepted rests, has no control character, is no
// domain alone and not too long. The first line is an expression, the second its replacement, the rest is the name.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "backends/names/names.h"

namespace {

using postigo::Names;
using postigo::config::NameForm;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void try_name(const NameForm& form, std::string_view name) {
  const Names names(form);
  auto once = names.normalise(name);
  if (!once || once->empty()) return require(!once || name.empty());
  require(once->size() <= form.length_max && once->front() != '@');
  require(std::none_of(once->begin(), once->end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }));
  require(names.normalise(*once) == *once);
  require(names.domain(names.domain(name)) == names.domain(name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  NameForm form;
  form.rewrites = {{std::string(take_line(text)), std::string(take_line(text))}};
  form.delimiter = "+";
  form.domain_aliases = {"example.net=example.com"};
  if (Names::check(form).empty()) try_name(form, text);
  form.rewrites.clear();
  for (auto idn : {NameForm::Idn::ascii, NameForm::Idn::unicode, NameForm::Idn::keep}) {
    form.idn = idn;
    try_name(form, text);
  }
  form.strip_domains = {"*"};
  form.lowercase = false;
  try_name(form, text);
  return 0;
}
