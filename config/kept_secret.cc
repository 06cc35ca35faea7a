// Pages from mmap, not from the heap: they are protected as a whole and given back as a whole.
#include "config/kept_secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace postigo::config {

class KeptSecret::Place {
 public:
  explicit Place(Bytes octets) : size_(octets.size()) {
    auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    mapped_ = (size_ + page - 1) / page * page;
    memory_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    (void)::mlock(memory_, mapped_);  // fails where the limit is 0: then it may be swapped out
    ::madvise(memory_, mapped_, MADV_DONTDUMP);
    std::memcpy(memory_, octets.data(), size_);
    ::mprotect(memory_, mapped_, PROT_READ);
  }
  ~Place() {
    ::mprotect(memory_, mapped_, PROT_READ | PROT_WRITE);
    wipe(memory_, size_);
    ::munmap(memory_, mapped_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  Bytes view() const { return {static_cast<const char*>(memory_), size_}; }

 private:
  void* memory_;
  size_t size_, mapped_;
};

KeptSecret::KeptSecret(const Secret& secret) {
  if (!secret.empty()) place_ = std::make_shared<const Place>(secret.reveal());
}

Bytes KeptSecret::reveal() const { return place_ == nullptr ? Bytes() : place_->view(); }

}  // namespace postigo::config
