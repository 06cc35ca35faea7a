// CacheStore: what one directory has answered, for a while, and who is asking it now. Shared by all workers. Pure: the
// clock is passed in, and nobody is called.
//
// Of each context (who, from where, by what way: key.h) it keeps one answer that lets him in, with a keyed hash of the
// secret that it was for, and one that does not. Another secret than the one that is kept is asked about, so that a
// wrong one is never answered with a yes, nor a new one with a no; and a yes for it takes the place of the one for the
// old. Not kept are "try later", damaged entries, what bars somebody for now, and, where `keeps_refusals` is false,
// wrong passwords. Equal questions at a time are one: the first asks, the others look whether he has been answered, and
// one of them asks if he has gone.
//
// Any thread; each call holds one stripe for moments. For a fleet: answers may be shared as they are (a key that all
// have, an engine's own times to live); a question under way is a lease with a deadline, and whoever finds it over
// asks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "backends/directory.h"
#include "backends/ledger/striped.h"
#include "config/directory.h"

namespace postigo {

class CacheStore {
 public:
  using Digest = std::array<uint8_t, 32>;
  struct Question {
    std::string context;
    Digest secret{};
  };
  struct Now {
    uint64_t ms = 0;     // monotonic
    int64_t unix_s = 0;  // for ends that the answer itself knows
  };
  // What becomes of a question. Whoever is told `ask` or `wait` comes back: with end(), again() or leave().
  struct Step {
    enum class Next : uint8_t { answered, ask, wait };
    Next next = Next::ask;
    LookupResult answer = {};  // when answered
    uint64_t flight = 0;       // 0: he asks for himself alone
    uint64_t epoch = 0;
  };

  CacheStore(const config::Cache& terms, bool keeps_refusals);

  Step begin(const Question& question, Now now);
  Step again(const Question& question, const Step& waiting);
  // Returns what whoever asked is told: `answer`, or one that is stale.
  LookupResult end(const Question& question, const Step& asking, LookupResult answer, Now now);
  void leave(const Question& question, const Step& step);  // nobody wants to know any more

  // Forgets what is kept of a user, or of everybody (""). Also what is being asked now is not kept.
  size_t flush(std::string_view user);

  struct Counters {
    std::atomic<uint64_t> hits{0}, misses{0}, shared{0}, stale{0};
  };
  const Counters& counters() const { return counters_; }
  size_t entries() const { return table_.size(); }
  size_t entries_max() const { return table_.entries_max(); }

 private:
  struct Kept {
    std::shared_ptr<const LookupResult> answer;  // null: none
    Digest secret{};
    uint64_t until_ms = 0;
  };
  struct Value {
    Kept yes, no;
    uint64_t flight = 0, epoch = 0;  // of the last question that others may wait for
    Digest asked{};
    unsigned waiting = 0;
    bool flying = false;
    std::shared_ptr<const LookupResult> last;  // for those who wait
  };
  static bool is_good(const Kept& kept, const Digest& secret, Now now);
  static Keep keep_of(const Value& value);
  static bool is_about(Bytes context, const Value& value, std::string_view user);
  void keep(Value& value, const Digest& secret, const LookupResult& answer, Now now) const;
  const LookupResult* stale(const Value& value, const Digest& secret, Now now) const;
  LookupResult settle(Value& value, const Question& question, const Step& asking, LookupResult answer, Now now);

  const config::Cache terms_;
  const bool keeps_refusals_;
  Striped<Value> table_;
  std::atomic<uint64_t> flights_{0}, epoch_{0};
  Counters counters_;
};

}  // namespace postigo
