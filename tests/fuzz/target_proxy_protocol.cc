// PROXY headers: no crash, decided once and for all whatever follows, and what is written of it is read back (A27).
#include <string>

#include "parser/proxy_protocol/header.h"
#include "tests/fuzz/chunks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postigo;
  using proxy_protocol::Parsed;
  Bytes input(reinterpret_cast<const char*>(data), size);
  Parsed whole = proxy_protocol::parse(input);
  fuzz::check(whole.state != Parsed::State::more || size < proxy_protocol::kHeaderMax, "more is bounded");
  if (whole.state != Parsed::State::done) {
    fuzz::check(whole.consumed == 0, "nothing is taken");
    return 0;
  }
  fuzz::check(whole.consumed <= size && whole.consumed <= proxy_protocol::kHeaderMax, "no more than there is");
  for (size_t i = 0; i < whole.consumed; i += i < 32 ? 1 : 7) {
    fuzz::check(proxy_protocol::parse(input.substr(0, i)).state == Parsed::State::more, "not before its end");
  }
  std::string alone(input.substr(0, whole.consumed));  // its own memory: ASan sees an overrun
  fuzz::check(proxy_protocol::parse(alone).header == whole.header, "what follows does not matter");
  std::string written = proxy_protocol::encode_v2(whole.header);
  Parsed read = proxy_protocol::parse(written);
  fuzz::check(read.state == Parsed::State::done && read.consumed == written.size(), "what we write is a header");
  fuzz::check(written.size() > 4000 || read.header == whole.header, "and says the same");
  return 0;
}
