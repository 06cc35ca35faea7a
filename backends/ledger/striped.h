// Striped: a table of what all workers must agree on, by names that strangers choose: bounded, in stripes of which each
// has a mutex of its own. A call locks one stripe for as long as its function runs; that must be short, and must not
// come back here.
//
// Any thread. An entry is one allocation: its value and its key. Keys are hashed with `key`, which nobody can guess
// (A26). For a fleet a shared engine keeps such tables: change() is then a round trip to the one that owns the key, so
// callers must be content with an answer that is a moment old, and with none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "backends/balance/siphash.h"
#include "parser/base/bytes.h"

namespace postigo {

enum class Keep : uint8_t {
  busy,   // it must stay
  spare,  // it may be evicted where there is no room, those first that were changed longest ago
  gone,   // it is not needed any more
};

// For any table with the key that it was hashed with.
struct HashedName {
  Bytes name;
  uint64_t hash = 0;
};

template <typename Value>
class Striped {
  struct Entry;

 public:
  // Where an entry is. It stays there as long as it is busy, so whoever made it so finds it again without its name.
  class Pin {
   public:
    Pin() = default;
    explicit Pin(void* address) : entry_(static_cast<Entry*>(address)) {}
    void* address() const { return entry_; }  // for those who do not know the table

   private:
    friend Striped;
    Entry* entry_ = nullptr;
  };

  // `entries_max` is of all together; a stripe may be full a little before.
  Striped(size_t entries_max, SipKey key, size_t stripes = 64)
      : key_(key), each_max_((entries_max + stripes - 1) / stripes), stripes_(stripes) {}
  Striped(const Striped&) = delete;
  Striped& operator=(const Striped&) = delete;
  HashedName hashed(Bytes name) const { return {name, siphash(key_, name)}; }

  // Calls what(Value&) -> Keep, with a new Value{} if there was none. False, without the call, if there was none and no
  // room for one: the stripe is full of busy entries.
  template <typename What>
  bool change(const HashedName& whom, What&& what, Pin* pin = nullptr) {
    Stripe& stripe = of(whom);
    Held held(*this, stripe);
    Entry* entry = stripe.find(whom);
    if (entry == nullptr) {
      if (stripe.count >= each_max_ && !stripe.evict()) return false;
      entry = stripe.add(whom);
    }
    if (pin != nullptr) pin->entry_ = entry;
    stripe.settle(*entry, what(entry->value));
    return true;
  }
  template <typename What>
  bool change(Bytes name, What&& what, Pin* pin = nullptr) {
    return change(hashed(name), what, pin);
  }
  // REQUIRES: it has been busy ever since.
  template <typename What>
  void change(const Pin& pin, What&& what) {
    Stripe& stripe = stripes_[stripe_of(pin.entry_->hash)];
    Held held(*this, stripe);
    stripe.settle(*pin.entry_, what(pin.entry_->value));
  }

  // Calls what(Value&) -> Keep if there is one. False if there was none.
  template <typename What>
  bool touch(const HashedName& whom, What&& what) {
    Stripe& stripe = of(whom);
    Held held(*this, stripe);
    Entry* entry = stripe.find(whom);
    if (entry != nullptr) stripe.settle(*entry, what(entry->value));
    return entry != nullptr;
  }
  template <typename What>
  bool touch(Bytes name, What&& what) {
    return touch(hashed(name), what);
  }

  // Calls what(const Value&) if there is one. False if there was none.
  template <typename What>
  bool look(const HashedName& whom, What&& what) const {
    if (size() == 0) return false;
    const Stripe& stripe = of(whom);
    std::lock_guard lock(stripe.mutex);
    const Entry* entry = stripe.find(whom);
    if (entry != nullptr) what(entry->value);
    return entry != nullptr;
  }
  template <typename What>
  bool look(Bytes name, What&& what) const {
    return look(hashed(name), what);
  }

  // Calls what(Bytes name, Value&) -> Keep for each entry of one stripe, in no order. The order of eviction stays.
  template <typename What>
  void visit(size_t stripe, What&& what) {
    Stripe& one = stripes_[stripe];
    Held held(*this, one);
    for (size_t i = 0; i < one.buckets.size(); ++i) {
      for (Entry* entry = one.buckets[i]; entry != nullptr;) {
        Entry* next = entry->next;
        Keep keep = what(entry->name(), entry->value);
        if (keep == Keep::gone || (keep == Keep::spare) != (entry->newer != nullptr)) one.settle(*entry, keep);
        entry = next;
      }
    }
  }
  size_t stripes() const { return stripes_.size(); }

  size_t size() const { return size_.load(std::memory_order_relaxed); }  // one load
  uint64_t evicted() const { return total(&Stripe::evicted); }
  size_t entries_max() const { return each_max_ * stripes_.size(); }

 private:
  struct Entry {
    Entry* next = nullptr;  // in its bucket
    Entry* older = nullptr;
    Entry* newer = nullptr;  // null: it is busy
    uint32_t hash = 0;
    uint32_t size = 0;
    Value value{};

    Bytes name() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  };

  struct Stripe {
    mutable std::mutex mutex;
    std::vector<Entry*> buckets;
    size_t count = 0;
    uint64_t evicted = 0;
    Entry spare;  // a ring: newer is the oldest of all, older the newest

    void* vacant = nullptr;  // memory of an entry that went: most that go are followed by others
    size_t vacant_size = 0;  // of the name that fits in

    Stripe() { spare.older = spare.newer = &spare; }
    ~Stripe() {
      for (Entry* entry : buckets) {
        while (entry != nullptr) release(std::exchange(entry, entry->next));
      }
      ::operator delete(vacant);
    }

    void release(Entry* entry) {
      const size_t size = entry->size;
      entry->~Entry();
      void* memory = entry;
      if (vacant == nullptr || size > vacant_size) {
        std::swap(memory, vacant);
        vacant_size = size;
      }
      ::operator delete(memory);
    }

    void* memory_for(size_t size) {
      if (vacant != nullptr && size <= vacant_size) return std::exchange(vacant, nullptr);
      return ::operator new(sizeof(Entry) + size);
    }

    // Of the lower half of the hash the lowest bits choose the stripe, the others the bucket.
    static constexpr unsigned kStripeBits = 6;
    Entry** slot(uint32_t hash) { return &buckets[hash >> kStripeBits & (buckets.size() - 1)]; }

    Entry* find(const HashedName& whom) const {
      if (buckets.empty()) return nullptr;
      const auto hash = static_cast<uint32_t>(whom.hash);
      Entry* entry = buckets[hash >> kStripeBits & (buckets.size() - 1)];
      while (entry != nullptr && !(entry->hash == hash && entry->name() == whom.name)) entry = entry->next;
      return entry;
    }

    Entry* add(const HashedName& whom) {
      if (count >= buckets.size()) grow();
      auto* entry = new (memory_for(whom.name.size())) Entry;
      entry->hash = static_cast<uint32_t>(whom.hash);
      entry->size = static_cast<uint32_t>(whom.name.size());
      if (!whom.name.empty()) std::memcpy(static_cast<void*>(entry + 1), whom.name.data(), whom.name.size());
      Entry** at = slot(entry->hash);
      entry->next = std::exchange(*at, entry);
      ++count;
      return entry;
    }

    void grow() {
      std::vector<Entry*> before(buckets.empty() ? 8 : buckets.size() * 2);
      before.swap(buckets);
      for (Entry* entry : before) {
        while (entry != nullptr) {
          Entry* moved = std::exchange(entry, entry->next);
          Entry** at = slot(moved->hash);
          moved->next = std::exchange(*at, moved);
        }
      }
    }

    void unlink(Entry& entry) {
      if (entry.newer == nullptr) return;
      entry.newer->older = entry.older;
      entry.older->newer = entry.newer;
      entry.newer = entry.older = nullptr;
    }

    void settle(Entry& entry, Keep keep) {
      unlink(entry);
      if (keep == Keep::gone) return remove(entry);
      if (keep == Keep::busy) return;
      entry.newer = &spare;
      entry.older = spare.older;
      spare.older->newer = &entry;
      spare.older = &entry;
    }

    void remove(Entry& entry) {
      Entry** at = slot(entry.hash);
      while (*at != &entry) at = &(*at)->next;
      *at = entry.next;
      --count;
      release(&entry);
    }

    bool evict() {
      Entry* oldest = spare.newer;
      if (oldest == &spare) return false;
      unlink(*oldest);
      remove(*oldest);
      ++evicted;
      return true;
    }
  };

  // A stripe that may change; how many entries there are then is told before anybody else sees it.
  class Held {
   public:
    Held(Striped& table, Stripe& stripe) : table_(table), stripe_(stripe), lock_(stripe.mutex), before_(stripe.count) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
      if (stripe_.count != before_) table_.size_.fetch_add(stripe_.count - before_, std::memory_order_relaxed);
    }

   private:
    Striped& table_;
    Stripe& stripe_;
    std::lock_guard<std::mutex> lock_;
    const size_t before_;
  };

  size_t stripe_of(uint32_t hash) const { return hash % static_cast<uint32_t>(stripes_.size()); }
  Stripe& of(const HashedName& whom) { return stripes_[stripe_of(static_cast<uint32_t>(whom.hash))]; }
  const Stripe& of(const HashedName& whom) const { return stripes_[stripe_of(static_cast<uint32_t>(whom.hash))]; }

  template <typename Number>
  Number total(Number Stripe::*number) const {
    Number sum = 0;
    for (const Stripe& stripe : stripes_) {
      std::lock_guard lock(stripe.mutex);
      sum += stripe.*number;
    }
    return sum;
  }

  const SipKey key_;
  const size_t each_max_;
  std::vector<Stripe> stripes_;
  std::atomic<size_t> size_{0};
};

}  // namespace postigo
