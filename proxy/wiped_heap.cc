// Whatever C++ frees in this program is overwritten first: a password that went through a std::string, a closure or a
// library's object is not there any more for whoever reads freed memory (A16, A33). C libraries that get secrets wipe
// their own (BoringSSL's keys, libargon2, libcrypt); where one does not, base/wiping.h extends it to free(), which the
// linker leads here (--wrap=free). It costs a login about a microsecond, and relaying nothing: it does not allocate.
// Part of the program, not of the library: tests and benchmarks have allocators of their own, as have sanitizers, which
// also must see what is freed twice.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <malloc.h>

#include <cstring>
#include <new>

#include "proxy/base/wiping.h"

extern "C" {
void __real_free(void* memory);  // libc's
void __wrap_free(void* memory);
}

namespace {

// What was asked for is what anybody could write to. As postigo::wipe(), which is a call more: forty times a login.
void wipe_and_free(void* memory, size_t size) noexcept {
  if (memory == nullptr) return;
  std::memset(memory, 0, size);
  asm volatile("" : : "r"(memory) : "memory");  // the compiler must believe that somebody reads it
  __real_free(memory);
}

void wipe_and_free(void* memory) noexcept {
  if (memory != nullptr) wipe_and_free(memory, malloc_usable_size(memory));
}

}  // namespace

// All that is linked statically calls this for free(). Nothing is what BoringSSL frees most: dozens of times per
// record.
void __wrap_free(void* memory) {
  if (memory == nullptr) return;
  if (postigo::wiping_frees) return wipe_and_free(memory);
  __real_free(memory);
}

// libstdc++ allocates with malloc and aligned_alloc, so that free is right for both.
void operator delete(void* memory) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, size_t size) noexcept { wipe_and_free(memory, size); }
void operator delete[](void* memory, size_t size) noexcept { wipe_and_free(memory, size); }
void operator delete(void* memory, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, size_t size, std::align_val_t) noexcept { wipe_and_free(memory, size); }
void operator delete[](void* memory, size_t size, std::align_val_t) noexcept { wipe_and_free(memory, size); }

#endif
