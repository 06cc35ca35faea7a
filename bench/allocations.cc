// operator new and delete that count, over malloc. Apart from the benchmarks, so that no compiler inlines one of the
// two and then wonders about the other.
#include "bench/allocations.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace postigo::bench {

uint64_t allocations = 0;
uint64_t allocated_bytes = 0;

namespace {

void* counted(void* memory, size_t size) {
  if (memory == nullptr) throw std::bad_alloc();
  ++allocations;
  allocated_bytes += size;
  return memory;
}

}  // namespace
}  // namespace postigo::bench

using postigo::bench::counted;

void* operator new(size_t size) { return counted(std::malloc(size), size); }
void* operator new(size_t size, std::align_val_t alignment) {
  auto step = static_cast<size_t>(alignment);
  return counted(std::aligned_alloc(step, (size + step - 1) / step * step), size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
