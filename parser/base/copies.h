// count_copy: says, beside a memcpy of ours, how many octets of a client or a backend it moves. Nothing at all, unless
// the build has POSTIGO_COUNT_COPIES: then the metric postigo_copied_bytes_total, which bench/copies.py reads.
//
// Every place that copies what is relayed is in the list, so that "no copy" is a number and not a belief. Not here: the
// kernel's copies, and encryption, which writes its result somewhere else by nature.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postigo {

enum class Copy : uint8_t {
  bio_read,        // ciphertext from the receive buffer into BoringSSL's buffer of one record
  bio_write,       // ciphertext from that into what the loop sends
  bio_grown,       // what the loop sends had to move to a larger block
  boringssl_read,  // BoringSSL's own, once per call of SSL_read: the decrypted record into our buffer
  queue,           // what a peer does not take at once, into chunks
  held,            // what the filter may not pass yet, for a while
  input,           // before and during the login, into what a dialogue has not consumed
  token,           // in a filter: the beginning of a word at the end of a read
};
inline constexpr std::array<std::string_view, 8> kCopyNames = {"bio_read", "bio_write", "bio_grown", "boringssl_read",
                                                               "queue",    "held",      "input",     "token"};

#ifdef POSTIGO_COUNT_COPIES
inline constexpr bool kCountCopies = true;
inline std::array<std::atomic<uint64_t>, kCopyNames.size()> copied;
inline void count_copy(Copy place, size_t octets) {
  copied[static_cast<size_t>(place)].fetch_add(octets, std::memory_order_relaxed);
}
inline uint64_t copied_octets(size_t place) { return copied[place].load(std::memory_order_relaxed); }
#else
inline constexpr bool kCountCopies = false;
inline void count_copy(Copy, size_t) {}
inline uint64_t copied_octets(size_t) { return 0; }
#endif

}  // namespace postigo
