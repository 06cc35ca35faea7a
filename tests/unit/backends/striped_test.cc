// The table that workers share: what stays, what goes first, and threads at once.
#include "backends/ledger/striped.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace postigo {
namespace {

struct Count {
  int64_t value = 0;
};

constexpr SipKey kStripeKey{1, 2};

class StripedTable : public testing::Test {
 protected:
  bool put(const std::string& name, int64_t value, Keep keep) {
    return table_.change(name, [&](Count& count) {
      count.value = value;
      return keep;
    });
  }
  int64_t get(const std::string& name) const {
    int64_t value = -1;
    table_.look(name, [&](const Count& count) { value = count.value; });
    return value;
  }

  Striped<Count> table_{3, kStripeKey, 1};
};

TEST_F(StripedTable, WhatWasPutIsThere) {
  EXPECT_EQ(get("ann"), -1);
  EXPECT_TRUE(put("ann", 7, Keep::busy));
  EXPECT_TRUE(put("", 8, Keep::spare));
  EXPECT_EQ(get("ann"), 7);
  EXPECT_EQ(get(""), 8);
  EXPECT_EQ(get("an"), -1);
  EXPECT_EQ(table_.size(), 2U);
  EXPECT_TRUE(put("ann", 0, Keep::gone));
  EXPECT_EQ(get("ann"), -1);
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(StripedTable, ANewEntryIsFresh) {
  put("ann", 7, Keep::gone);
  table_.change("ann", [](Count& count) {
    EXPECT_EQ(count.value, 0);
    return Keep::gone;
  });
  EXPECT_FALSE(table_.touch("ann", [](Count&) { return Keep::busy; })) << "it makes none";
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(StripedTable, TheSpareOneThatWasTouchedLongestAgoGoesFirst) {
  for (const char* name : {"a", "b", "c"}) put(name, 1, Keep::spare);
  put("a", 2, Keep::spare);
  EXPECT_TRUE(put("d", 1, Keep::spare));
  EXPECT_EQ(get("b"), -1);
  EXPECT_EQ(get("a"), 2);
  EXPECT_EQ(table_.evicted(), 1U);
}

TEST_F(StripedTable, BusyOnesStayAndFillIt) {
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(put(name, 1, Keep::busy));
  EXPECT_FALSE(put("d", 1, Keep::spare));
  EXPECT_TRUE(put("b", 2, Keep::busy)) << "who is there needs no room";
  put("c", 1, Keep::spare);
  EXPECT_TRUE(put("d", 1, Keep::busy));
  EXPECT_EQ(get("c"), -1);
  EXPECT_EQ(get("a"), 1);
}

TEST_F(StripedTable, AVisitMayChangeAndRemove) {
  put("a", 1, Keep::spare);
  put("b", 2, Keep::busy);
  put("c", 3, Keep::busy);
  std::map<std::string, int64_t> seen;
  table_.visit(0, [&](Bytes name, Count& count) {
    seen[std::string(name)] = count.value;
    return count.value == 2 ? Keep::gone : count.value == 3 ? Keep::spare : Keep::busy;
  });
  EXPECT_EQ(seen, (std::map<std::string, int64_t>{{"a", 1}, {"b", 2}, {"c", 3}}));
  EXPECT_EQ(get("b"), -1);
  put("d", 4, Keep::busy);
  EXPECT_TRUE(put("e", 5, Keep::busy));
  EXPECT_EQ(get("c"), -1) << "the visit made it spare";
  EXPECT_EQ(get("a"), 1) << "the visit made it busy";
}

// Whoever holds a busy entry finds it without its name, whatever comes and goes around it.
TEST_F(StripedTable, APinLeadsToItsEntry) {
  Striped<Count> table(1000, kStripeKey, 2);
  Striped<Count>::Pin pin;
  auto put = [&](const std::string& name, Keep keep) { table.change(name, [&](Count&) { return keep; }); };
  put("b", Keep::busy);
  table.change(
      "a",
      [](Count& count) {
        count.value = 1;
        return Keep::busy;
      },
      &pin);
  for (int i = 0; i < 500; ++i) put(std::to_string(i), i % 2 == 0 ? Keep::busy : Keep::spare);
  for (int i = 0; i < 500; ++i) put(std::to_string(i), Keep::gone);
  auto up = [](Count& count) {
    ++count.value;
    return Keep::busy;
  };
  table.change(pin, up);
  EXPECT_TRUE(table.touch("a", up));
  EXPECT_EQ(table.size(), 2U);
  table.change(pin, [](Count& count) {
    EXPECT_EQ(count.value, 3);
    return Keep::gone;
  });
  EXPECT_EQ(table.size(), 1U);
  EXPECT_FALSE(table.touch("a", up));
  EXPECT_TRUE(table.touch("b", up));
}

// The memory of one that went may serve the next one, whose name fits or does not.
TEST_F(StripedTable, NamesOfAllSizesFollowEachOther) {
  for (size_t size : std::initializer_list<size_t>{5, 3, 9, 9, 0, 40, 1, 41}) {
    const std::string name(size, 'x');
    EXPECT_TRUE(put(name, 1, Keep::busy));
    put(name + "y", 2, Keep::busy);
    EXPECT_EQ(get(name), 1);
    EXPECT_EQ(get(name + "y"), 2);
    put(name + "y", 0, Keep::gone);
    put(name, 0, Keep::gone);
    EXPECT_EQ(get(name), -1);
  }
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(StripedTable, LookingOnKeepsTheOrderOfEviction) {
  for (const char* name : {"a", "b", "c"}) put(name, 1, Keep::spare);
  table_.visit(0, [](Bytes, Count&) { return Keep::spare; });
  get("a");
  put("d", 1, Keep::busy);
  EXPECT_EQ(get("a"), -1);
}

// Against a model that is as simple as it can be.
TEST(Striped, IsWhatAModelSays) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Striped<Count> table(50, kStripeKey, 1);
    std::map<std::string, std::pair<int64_t, Keep>> model;
    std::list<std::string> spare;  // oldest first
    for (int step = 0; step < 4000; ++step) {
      std::string name = std::to_string(random() % 90);
      auto keep = static_cast<Keep>(random() % 3);
      if (keep == Keep::busy && random() % 2 == 0) keep = Keep::spare;
      bool room = model.contains(name) || model.size() < 50 || !spare.empty();
      if (room && !model.contains(name) && model.size() == 50) {
        model.erase(spare.front());
        spare.pop_front();
      }
      ASSERT_EQ(table.change(name,
                             [&](Count& count) {
                               count.value = step;
                               return keep;
                             }),
                room);
      if (!room) continue;
      spare.remove(name);
      model[name] = {step, keep};
      if (keep == Keep::gone) model.erase(name);
      if (keep == Keep::spare) spare.push_back(name);
      ASSERT_EQ(table.size(), model.size());
    }
    std::map<std::string, int64_t> left, expected;
    table.visit(0, [&](Bytes name, Count& count) {
      left[std::string(name)] = count.value;
      return model.at(std::string(name)).second;
    });
    for (const auto& [name, entry] : model) expected[name] = entry.first;
    EXPECT_EQ(left, expected);
  }
}

TEST(Striped, ThreadsAtOnceLoseNothing) {
  Striped<Count> table(1000, kStripeKey);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&table] {
      for (int i = 0; i < 20'000; ++i) {
        table.change(std::to_string(i % 100), [](Count& count) {
          ++count.value;
          return Keep::busy;
        });
        if (i % 1000 == 0) table.visit(static_cast<size_t>(i) / 1000 % 64, [](Bytes, Count&) { return Keep::busy; });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int64_t total = 0;
  for (size_t i = 0; i < table.stripes(); ++i) {
    table.visit(i, [&](Bytes, Count& count) {
      total += count.value;
      return Keep::busy;
    });
  }
  EXPECT_EQ(total, 80'000);
  EXPECT_EQ(table.size(), 100U);
}

// A name that was chosen to collide with others under one key does not under another.
TEST(Striped, A26_WhereANameGoesDependsOnTheKey) {
  Striped<Count> one(1000, {1, 2}), other(1000, {3, 4});
  std::vector<size_t> places[2];
  size_t at = 0;
  for (Striped<Count>* table : {&one, &other}) {
    for (int i = 0; i < 200; ++i) table->change(std::to_string(i), [](Count&) { return Keep::busy; });
    for (size_t stripe = 0; stripe < table->stripes(); ++stripe) {
      size_t here = 0;
      table->visit(stripe, [&](Bytes, Count&) {
        ++here;
        return Keep::busy;
      });
      places[at].push_back(here);
    }
    ++at;
  }
  EXPECT_NE(places[0], places[1]);
}

}  // namespace
}  // namespace postigo
