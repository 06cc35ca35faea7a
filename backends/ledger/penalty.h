// Penalties: the guesses of one process, in its memory.
//
// Pure: time is passed in. Any thread; a call takes a few short locks. Workers call it as Guesses; the rest is for the
// control thread. Bounded in memory: those with few failures are forgotten first, so that a crowd of addresses does not
// clear what is known of others; when there is no room for an address, its wider network answers for it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/ledger/guesses.h"
#include "backends/ledger/penalty_record.h"
#include "backends/ledger/striped.h"
#include "config/network.h"
#include "parser/base/bytes.h"

namespace postigo {

class Penalties final : public Guesses {
 public:
  // `entries_max`: of addresses, of wider networks, of users, and of users who are known somewhere, each.
  Penalties(size_t entries_max, SipKey key);

  Attempt begin(const PenaltyRules& rules, const Guest& guest, uint64_t now_ms) override;
  void failed(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, Bytes secret,
              uint64_t now_ms) override;
  void succeeded(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) override;
  void taken_back(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms) override;

  struct Row {
    std::string whom;  // "192.0.2.1/32", "2001:db8::/48", or a user
    bool user = false;
    double failures = 0;
    uint64_t wait_ms = 0;  // of an attempt that came now
  };
  // The worst first.
  std::vector<Row> list(const PenaltyRules& rules, size_t limit, uint64_t now_ms);
  // All addresses and networks in it, and those that it is in; how many records are clean now.
  size_t forgive(const PenaltyRules& rules, const config::Network& network, uint64_t now_ms);
  size_t forgive_user(Bytes user);

  // What is known, for another process with the same key: at most so many octets, who has few failures left out first.
  std::string text(const PenaltyRules& rules, size_t octets_max, uint64_t now_ms);
  // What another one has known, unless we know of the same. What is not understood, and all that follows it, is left.
  void adopt(const PenaltyRules& rules, std::string_view text, uint64_t now_ms);

  size_t size() const { return addresses_.size() + wides_.size() + users_.size(); }
  size_t entries_max() const { return addresses_.entries_max() + wides_.entries_max() + users_.entries_max(); }
  uint64_t evicted() const { return addresses_.evicted() + wides_.evicted() + users_.evicted(); }

 private:
  using Table = Striped<PenaltyRecord>;
  struct Place {  // one user at one address
    uint64_t address = 0;
    uint64_t until_ms = 0;
    uint64_t at_ms = 0;  // of `failures`
    float failures = 0;
    uint32_t under_way = 0;
    void leave() { under_way -= under_way > 0 ? 1 : 0; }
  };
  struct Places {
    std::array<Place, 4> places{};
  };
  static Keep keep_of(const PenaltyRecord& record, const PenaltyScale& scale, uint64_t now_ms);
  bool enter_known(const HashedName& user, uint64_t place, uint64_t now_ms);
  template <typename What>
  void at_place(const HashedName& user, uint64_t place, What&& what);
  template <typename What>
  void settle(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms, What&& what);
  void take_back(const PenaltyRules& rules, const Guest& guest, const Attempt& attempt, uint64_t now_ms);
  bool enter(Table& table, const PenaltyScale& scale, const HashedName& key, Attempt& attempt, uint64_t now_ms);
  struct Writer;  // penalty_text.cc
  void write_records(Writer& writer, const PenaltyRules& rules, bool light, uint64_t now_ms);
  void write_places(Writer& writer, uint64_t now_ms);
  void adopt_record(Table& table, const PenaltyScale& scale, Bytes key, Bytes numbers, uint64_t now_ms);
  void adopt_places(const PenaltyRules& rules, Bytes user, Bytes numbers, uint64_t now_ms);
  void sweep(Table& table, const PenaltyScale& scale, uint64_t now_ms);
  void learn(const PenaltyRules& rules, const HashedName& user, const Attempt& attempt, uint64_t now_ms);

  const SipKey key_;
  Table addresses_, wides_, users_;
  Striped<Places> known_;
  std::atomic<uint64_t> swept_ms_{0};
  std::atomic<size_t> next_sweep_{0};
};

}  // namespace postigo
