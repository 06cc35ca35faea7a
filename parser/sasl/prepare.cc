// The tables of Unicode are libidn's.
#include "parser/sasl/prepare.h"

#include <stringprep.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "parser/base/secret.h"

namespace postigo::sasl {

std::optional<std::string> prepare(Bytes text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; })) return std::string(text);
  if (text.find('\0') != Bytes::npos) return std::nullopt;
  std::string in(text);
  char* made = nullptr;
  // As it is asked for, and not as it is kept: characters that were not assigned when the tables were made may pass.
  int result = stringprep_profile(in.c_str(), &made, "SASLprep", static_cast<Stringprep_profile_flags>(0));
  std::unique_ptr<char, void (*)(void*)> owned(made, std::free);
  wipe(in.data(), in.size());
  if (result != STRINGPREP_OK) return std::nullopt;
  std::string prepared(made);
  wipe(made, prepared.size());
  return prepared;
}

}  // namespace postigo::sasl
