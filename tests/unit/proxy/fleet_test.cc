// Fleet and SlotTable: a name is the same one for ever, and counters stay where they are.
#include "proxy/fleet.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "proxy/base/slot_table.h"

namespace postigo {
namespace {

TEST(Fleet, WhoComesBackIsTheSameOne) {
  Fleet fleet;
  BackendState* a = *fleet.backend("a");
  BackendState* b = *fleet.backend("b");
  EXPECT_EQ(a->slot, 0u);
  EXPECT_EQ(b->slot, 1u);
  a->logins = 3;
  EXPECT_EQ(*fleet.backend("a"), a);
  EXPECT_EQ(a->logins, 3);
  EXPECT_EQ(fleet.backends(), 2u);
  EXPECT_EQ((*fleet.listener("a"))->slot, 0u) << "listeners have names and slots of their own";
}

TEST(Fleet, WordsOfOrders) {
  for (std::string_view name : kWantedNames) EXPECT_EQ(name_of(*wanted_of(name)), name);
  EXPECT_FALSE(wanted_of("sideways"));
}

TEST(Fleet, NamesRunOut) {
  Fleet fleet;
  for (size_t i = 0; i < SlotTable<int>::kSlotsMax; ++i) ASSERT_TRUE(fleet.backend(std::to_string(i)).has_value());
  auto late = fleet.backend("late");
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().message, "more than 32768 names of backends were used since the start: restart");
  EXPECT_TRUE(fleet.backend("17").has_value()) << "who has a slot keeps it";
}

TEST(SlotTable, AddressesDoNotChange) {
  SlotTable<int> table;
  table.grow(1);
  int* first = &table[0];
  *first = 7;
  table.grow(1000);
  EXPECT_EQ(&table[0], first);
  EXPECT_EQ(table[0], 7);
  EXPECT_EQ(table[999], 0);
}

// TSan's business: one thread adds, one reads.
TEST(SlotTable, GrowsWhileItIsRead) {
  SlotTable<int> table;
  table.grow(1);
  std::thread reader([&] {
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(table[0], 0);
  });
  for (size_t i = 1; i < SlotTable<int>::kSlotsMax; i += 100) table.grow(i);
  reader.join();
}

}  // namespace
}  // namespace postigo
