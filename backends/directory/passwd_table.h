// PasswdTable: a passwd-file in memory, as it was at one moment. Immutable; any thread.
//
// It holds the file's octets and, for each user, eight to sixteen octets more that say where his line is: lines are
// understood when somebody asks for them. A million users of 120 octets are 136 MB and take about a second of one core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/balance/siphash.h"
#include "backends/names/names.h"
#include "config/directory.h"
#include "parser/base/result.h"

namespace postigo {

class PasswdTable {
 public:
  // What a look at a file sees; another one means that it may have changed.
  struct State {
    uint64_t device = 0, inode = 0;
    int64_t size = 0, changed_s = 0, changed_ns = 0;
    bool operator==(const State&) const = default;
    bool is_same_file(const State& other) const { return device == other.device && inode == other.inode; }
  };
  static Result<State> look_at(const std::string& path);

  // Blocks. An Error names the line: "line 7: there is no ":" in it". `names`: what logins look like.
  static Result<std::shared_ptr<const PasswdTable>> read(const std::string& path, const config::NameForm& names);
  static Result<std::shared_ptr<const PasswdTable>> parse(std::string text, const config::NameForm& names);

  // The line of a name that was normalised; nothing: nobody is called so. Valid as long as the table.
  std::optional<std::string_view> line(std::string_view name) const;
  std::vector<std::string_view> first_lines(size_t at_most) const;

  size_t users() const { return users_; }
  const State& state() const { return state_; }
  // What is odd and does no harm: one line; empty: nothing.
  const std::string& oddity() const { return oddity_; }

 private:
  PasswdTable() = default;
  Result<void> index(const config::NameForm& names);
  Result<void> add(std::string_view line, size_t number);
  void grow();
  void place(uint64_t hash, size_t offset);
  std::string_view line_at(size_t offset) const;
  Result<std::string> name_at(size_t offset) const;
  std::optional<size_t> find(std::string_view name, uint64_t hash) const;

  std::string text_;
  Names names_{config::NameForm{}};
  SipKey key_;
  std::vector<uint64_t> slots_;  // a power of two; 24 bits of the hash and 40 of (offset + 1); 0: free
  size_t users_ = 0;
  State state_;
  std::string oddity_;
};

}  // namespace postigo
