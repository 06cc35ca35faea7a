// WipedFrees: while one lives, what C code of this thread frees is overwritten as well.
//
// For calls that leave secrets in memory which they free as it is: BoringSSL decrypts records in place, in buffers that
// it takes from malloc and does not wipe. Always on would cost bulk transfers a pass over every octet. Works in the
// program only (wiped_heap.cc); elsewhere it does nothing.
#pragma once

namespace postigo {

extern constinit thread_local bool wiping_frees;

class WipedFrees {
 public:
  explicit WipedFrees(bool on) : before_(wiping_frees) { wiping_frees = on; }
  ~WipedFrees() { wiping_frees = before_; }
  WipedFrees(const WipedFrees&) = delete;
  WipedFrees& operator=(const WipedFrees&) = delete;

 private:
  bool before_;
};

}  // namespace postigo
