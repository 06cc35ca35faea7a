// One row per kind of hash: its shape as an expression that captures the parameters, and what they may be. Not here:
// {SCHEME}s and hashing (password.cc). What no row knows is libcrypt's to judge; none of those has a parameter.
#include "backends/directory/password_cost.h"

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace postigo {
namespace {

constexpr uint64_t kMemoryKibMax = 256 * 1024;
constexpr uint64_t kMemoryPassesMax = 1024 * 1024;  // KiB filled, over all passes
constexpr uint64_t kLanesMax = 16;                  // threads while it is checked
constexpr uint64_t kRoundsMax = 1'000'000;          // of SHA-2, SHA-1, MD5 or DES
constexpr uint64_t kBcryptMax = 14;                 // log2 of rounds

using Captures = std::vector<std::string>;

struct CostKind {
  std::string_view prefix;
  const char* shape;  // what follows the prefix, whole
  Result<void> (*check)(const Captures& parts);
};

Result<void> at_most(std::string_view what, uint64_t value, uint64_t bound) {
  if (value <= bound) return {};
  return fail(fmt::format("the stored hash is too dear: {} {}, at most {} is accepted", what, value, bound));
}

// Digits only; what does not fit is a lot.
uint64_t cost_of(const std::string& digits) {
  uint64_t value = 0;
  for (char c : digits) {
    if (value > UINT32_MAX) break;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

// libcrypt's own base 64, the lowest six bits first.
uint64_t number64(const std::string& text) {
  constexpr std::string_view kDigits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  uint64_t value = 0;
  for (size_t i = text.size(); i-- > 0;) value = value << 6 | kDigits.find(text[i]);
  return value;
}

Result<void> argon2(const Captures& parts) {
  const uint64_t memory = cost_of(parts[0]), passes = cost_of(parts[1]), lanes = cost_of(parts[2]);
  if (passes == 0 || lanes == 0 || memory < 8 * lanes) return fail("the stored hash is damaged: its parameters");
  if (auto good = at_most("m", memory, kMemoryKibMax); !good) return good;
  if (auto good = at_most("p", lanes, kLanesMax); !good) return good;
  return at_most("m times t", memory * passes, kMemoryPassesMax);
}

Result<void> rounds(const Captures& parts) { return check_rounds(cost_of(parts[0])); }
Result<void> rounds64(const Captures& parts) { return check_rounds(number64(parts[0])); }
Result<void> bcrypt(const Captures& parts) { return at_most("cost", cost_of(parts[0]), kBcryptMax); }
Result<void> no_parameter(const Captures&) { return {}; }

// Both fill 128 * r octets 2^log2_n times.
Result<void> blocks(uint64_t log2_n, uint64_t r, uint64_t p) {
  if (auto good = at_most("log2 N", log2_n, 30); !good) return good;
  if (auto good = at_most("r", r, 1024); !good) return good;
  if (auto good = at_most("memory in KiB", (r << log2_n) / 8, kMemoryKibMax); !good) return good;
  return at_most("p", p, kLanesMax);
}

Result<void> scrypt(const Captures& parts) {
  return blocks(number64(parts[0]), number64(parts[1]), number64(parts[2]));
}

// The one form that libcrypt writes: flavour, log2 N and r of one character each, both counted from one.
Result<void> yescrypt(const Captures& parts) { return blocks(number64(parts[0]) + 1, number64(parts[1]) + 1, 1); }

#define B64 "[./0-9A-Za-z]"
#define ARGON2 R"((?:v=\d{1,9}\$)?m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+)"
constexpr CostKind kKinds[] = {
    {"$argon2id$", ARGON2, argon2},
    {"$argon2i$", ARGON2, argon2},
    {"$6$", R"((?:rounds=(\d+)\$)?[^$:]*\$)" B64 "{86}", rounds},
    {"$5$", R"((?:rounds=(\d+)\$)?[^$:]*\$)" B64 "{43}", rounds},
    {"$1$", R"([^$:]*\$)" B64 "{22}", no_parameter},
    {"$2", R"([abxy]\$(\d\d)\$)" B64 "{53}", bcrypt},
    {"$y$", "[./0-9A-Za-j]([./0-9A-Za-j])([./0-9A-Za-j])\\$" B64 "*\\$" B64 "+", yescrypt},
    {"$gy$", "[./0-9A-Za-j]([./0-9A-Za-j])([./0-9A-Za-j])\\$" B64 "*\\$" B64 "+", yescrypt},
    {"$7$", "(" B64 ")(" B64 "{5})(" B64 "{5}).*\\$" B64 "+", scrypt},
    {"$md5,", R"(rounds=(\d+)\$.+)", rounds},
    {"$sha1$", R"((\d+)\$.+)", rounds},
    {"_", "(" B64 "{4})" B64 "{15}", rounds64},
};
#undef ARGON2
#undef B64

const std::vector<std::unique_ptr<RE2>>& shapes() {
  static const auto made = [] {
    std::vector<std::unique_ptr<RE2>> all;
    for (const CostKind& kind : kKinds) all.push_back(std::make_unique<RE2>(kind.shape, RE2::Latin1));
    return all;
  }();
  return made;
}

}  // namespace

Result<void> check_rounds(uint64_t rounds) { return at_most("rounds", rounds, kRoundsMax); }

Result<void> check_password_cost(std::string_view hash) {
  for (const CostKind& kind : kKinds) {
    if (!hash.starts_with(kind.prefix)) continue;
    const RE2& shape = *shapes()[static_cast<size_t>(&kind - kKinds)];
    Captures parts(static_cast<size_t>(shape.NumberOfCapturingGroups()));
    std::vector<RE2::Arg> arguments;
    std::vector<const RE2::Arg*> pointers;
    for (std::string& part : parts) arguments.emplace_back(&part);
    for (const RE2::Arg& argument : arguments) pointers.push_back(&argument);
    const std::string_view rest = hash.substr(kind.prefix.size());
    if (!RE2::FullMatchN({rest.data(), rest.size()}, shape, pointers.data(), static_cast<int>(pointers.size()))) {
      return fail(fmt::format("the stored hash is damaged: it is no whole {} hash", kind.prefix));
    }
    return kind.check(parts);
  }
  return {};
}

}  // namespace postigo
