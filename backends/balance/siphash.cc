// SipHash-2-4 as in the paper, octet order spelled out so that a big-endian node agrees with the others. Not here:
// password hashing (directory/password.cc); this hash is fast, which is what a password hash must not be.
#include "backends/balance/siphash.h"

#include <bit>
#include <random>

namespace postigo {
namespace {

struct State {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

// Eight octets, known to be so many: one load where the machine has the same order.
uint64_t load_eight(const char* from) {
  uint64_t word = 0;
  for (unsigned i = 0; i < 8; ++i) word |= uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  return word;
}

}  // namespace

uint64_t siphash(const SipKey& key, Bytes bytes) {
  State state{key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261,
              key.k1 ^ 0x7465646279746573};
  uint64_t last = uint64_t{bytes.size() & 0xff} << 56;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) state.absorb(load_eight(bytes.data()));
  state.absorb(last | load_little_endian(bytes));
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

SipKey random_sip_key() {
  std::random_device device;
  auto word = [&] { return uint64_t{device()} << 32 | device(); };
  return {word(), word()};
}

size_t SeededHash::operator()(std::string_view name) const {
  static const SipKey key = random_sip_key();
  return static_cast<size_t>(siphash(key, name));
}

}  // namespace postigo
