// The IMAP relay filter between a client that sends anything and a backend that reads as any server might: the backend
// is never made to leave our user (T41, A34), every list is rewritten, and nobody hangs who has an honest backend.
// First octets: the backend's moods and a seed; the rest is what the client sends.
#include <cstdint>
#include <string>

#include "tests/fuzz/imap_relay.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  postigo::fuzz::ImapRelay relay(data[0], data[1]);
  relay.run(std::string(reinterpret_cast<const char*>(data) + 2, size - 2));
  return 0;
}
