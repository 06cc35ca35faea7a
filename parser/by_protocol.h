// One value for each row of protocols(): what configuration keeps of a protocol without naming it.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <string_view>

namespace postigo {

constexpr size_t kProtocols = 2;

// The place of the row with that name; kProtocols if there is none.
size_t protocol_index(std::string_view name);

template <typename Value>
struct ByProtocol {
  std::array<Value, kProtocols> values{};

  // REQUIRES: there is such a protocol.
  Value& operator[](std::string_view name) {
    size_t index = protocol_index(name);
    assert(index < kProtocols);
    return values[index];
  }
  const Value& operator[](std::string_view name) const { return const_cast<ByProtocol&>(*this)[name]; }
  // Of an unknown protocol: what a new Value is.
  Value of(std::string_view name) const {
    size_t index = protocol_index(name);
    return index < kProtocols ? values[index] : Value{};
  }
  bool operator==(const ByProtocol&) const = default;
};

}  // namespace postigo
