// The block, the last three octets of each message (which must end a line, wherever it was cut), and the checksum.
#include "bench/common/payload.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace postigo::bench {
namespace {

struct Made {
  std::string block;
  std::array<std::array<char, Payload::kTail>, Payload::kLine> tails;

  Made() : block(Payload::kBlock, '\0') {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t state = 0x9e3779b97f4a7c15;  // xorshift64: any fixed sequence without a period shorter than the block
    for (size_t i = 0; i < block.size(); ++i) {
      size_t column = i % Payload::kLine;
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      block[i] = column == 76 ? '\r' : column == 77 ? '\n' : kAlphabet[state >> 58];
    }
    // Where the cut falls on a CR, a letter takes its place: no CR without LF.
    for (size_t column = 0; column < tails.size(); ++column) {
      tails[column] = {column == 77 ? '\n' : 'x', '\r', '\n'};
    }
  }
};

const Made& made() {
  static const Made once;
  return once;
}

std::string_view short_message(size_t size) { return size == 1 ? "x" : size == 2 ? "\r\n" : ""; }

uint32_t table_crc(uint32_t crc, std::string_view data) {
  static const auto table = [] {
    std::array<uint32_t, 256> values{};
    for (uint32_t i = 0; i < values.size(); ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0U);
      values[i] = value;
    }
    return values;
  }();
  for (char octet : data) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(octet)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t fast_crc(uint32_t crc, std::string_view data) {
  uint64_t wide = crc;
  while (data.size() >= 8) {
    uint64_t word = 0;
    memcpy(&word, data.data(), 8);
    wide = _mm_crc32_u64(wide, word);
    data.remove_prefix(8);
  }
  crc = static_cast<uint32_t>(wide);
  for (char octet : data) crc = _mm_crc32_u8(crc, static_cast<uint8_t>(octet));
  return crc;
}
#endif

}  // namespace

std::string_view Payload::piece(size_t size, size_t offset) {
  if (size < kTail) return short_message(size).substr(offset);
  size_t body = size - kTail;
  if (offset >= body) {
    const auto& tail = made().tails[body % kLine];
    return std::string_view(tail.data(), tail.size()).substr(offset - body);
  }
  size_t at = offset % kBlock;
  return {made().block.data() + at, std::min(kBlock - at, body - offset)};
}

bool Payload::matches(size_t size, size_t offset, std::string_view data) {
  while (!data.empty()) {
    std::string_view expected = piece(size, offset);
    size_t count = std::min(expected.size(), data.size());
    if (count == 0 || memcmp(expected.data(), data.data(), count) != 0) return false;
    offset += count;
    data.remove_prefix(count);
  }
  return true;
}

uint32_t Payload::crc(size_t size) {
  uint32_t crc = 0;
  for (size_t offset = 0; offset < size;) {
    std::string_view next = piece(size, offset);
    crc = crc32c(crc, next);
    offset += next.size();
  }
  return crc;
}

uint32_t crc32c(uint32_t crc, std::string_view data) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~fast_crc(~crc, data);
#endif
  return ~table_crc(~crc, data);
}

}  // namespace postigo::bench
