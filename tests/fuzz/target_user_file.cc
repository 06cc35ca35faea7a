// Any text is a file of users or a list of problems with places: no crash, no problem outside of the file, and what is
// accepted may be stored (check_entry).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "backends/directory/user_file.h"
#include "parser/base/ascii.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postigo;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  UserFile file = read_users(text, [](std::string_view name) { return lower(name); });
  for (const LineProblem& problem : file.problems) {
    require(problem.line >= 1 && problem.line <= lines);
    require(!problem.message.empty() && !has_ctl(problem.message));
  }
  size_t last = 0;
  for (const UserLine& user : file.users) {
    require(user.line > last && user.line <= lines);
    last = user.line;
    if (file.problems.empty()) require(check_entry(user.entry).has_value());
  }
  return 0;
}
