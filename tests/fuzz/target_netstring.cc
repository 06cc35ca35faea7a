// Netstrings: no crash, decided once and for all whatever follows, and what is read is what was written.
#include <string>

#include "parser/socketmap/netstring.h"
#include "tests/fuzz/chunks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postigo;
  using netstring::Parsed;
  constexpr size_t kMax = 1000;
  Bytes input(reinterpret_cast<const char*>(data), size);
  Parsed whole = netstring::parse(input, kMax);
  fuzz::check(whole.state != Parsed::State::more || size < kMax + 11, "more is bounded");
  if (whole.state != Parsed::State::done) {
    fuzz::check(whole.consumed == 0, "nothing is taken");
    for (size_t i = 0; i < size; ++i) {
      fuzz::check(netstring::parse(input.substr(0, i), kMax).state != Parsed::State::done, "not before its end");
    }
    return 0;
  }
  fuzz::check(whole.consumed <= size && whole.text.size() <= kMax, "no more than there is");
  for (size_t i = 0; i < whole.consumed; ++i) {
    fuzz::check(netstring::parse(input.substr(0, i), kMax).state == Parsed::State::more, "not before its end");
  }
  std::string alone(input.substr(0, whole.consumed));  // its own memory: ASan sees an overrun
  fuzz::check(netstring::parse(alone, kMax).text == whole.text, "what follows does not matter");
  std::string written;
  netstring::append(written, whole.text);
  fuzz::check(written == alone, "there is one way to write it");
  return 0;
}
