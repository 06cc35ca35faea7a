// base64_decode: no crash, and what it accepts is exactly what base64_encode makes of the result (T16).
#include "parser/base/base64.h"
#include "tests/fuzz/chunks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postigo;
  Bytes text(reinterpret_cast<const char*>(data), size);
  std::optional<Secret> octets = base64_decode(text);
  if (octets) fuzz::check(base64_encode(octets->reveal()) == text, "accepted text is canonical");
  std::optional<Secret> back = base64_decode(base64_encode(text));
  fuzz::check(back && back->reveal() == text, "decode(encode(x)) == x");
  return 0;
}
