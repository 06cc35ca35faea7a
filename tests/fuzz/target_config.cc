// Any text is a configuration or a list of problems with places: no crash, no exception, no problem outside the file,
// and what is accepted can be printed and is accepted again. Files that a text names are looked up below /dev/null,
// where there are none.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/dump.h"
#include "config/load.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postigo::config;
  std::string text(reinterpret_cast<const char*>(data), size);
  auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1;
  Loaded loaded = load_text(text, "fuzz.toml", "/dev/null");
  for (const Problem& problem : loaded.problems) {
    require(problem.line <= lines + 1);
    require(!problem.message.empty() && to_string(problem).find('\n') == std::string::npos);
  }
  if (!loaded.ok()) return 0;
  std::string shown = dump(loaded.config);
  Loaded again = load_text(shown, "dump.toml", "/dev/null");
  require(again.ok() && dump(again.config) == shown);
  return 0;
}
