// The intrusive list: order, unlinking from every side, and elements or lists that go first.
#include "proxy/base/list.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace postigo {
namespace {

struct Left {};
struct Right {};

struct Item : ListNode<Left>, ListNode<Right> {
  explicit Item(int n) : number(n) {}
  int number;
};

using Items = List<Item, Left>;

std::vector<int> numbers(Items& list) {
  std::vector<int> result;
  list.for_each([&](Item& item) { result.push_back(item.number); });
  return result;
}

TEST(List, KeepsTheOrderOfArrival) {
  Item a(1), b(2), c(3);
  Items list;
  EXPECT_TRUE(list.empty());
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  EXPECT_EQ(numbers(list), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(list.pop_front().number, 1);
  EXPECT_EQ(numbers(list), (std::vector<int>{2, 3}));
}

TEST(List, PushingAnElementAgainMovesIt) {
  Item a(1), b(2);
  Items list, other;
  list.push_back(a);
  list.push_back(b);
  list.push_back(a);
  EXPECT_EQ(numbers(list), (std::vector<int>{2, 1}));
  other.push_back(b);
  EXPECT_EQ(numbers(list), (std::vector<int>{1}));
  EXPECT_EQ(numbers(other), (std::vector<int>{2}));
}

TEST(List, AnElementUnlinksItselfWhenItGoes) {
  Item a(1), c(3);
  Items list;
  list.push_back(a);
  {
    Item b(2);
    list.push_back(b);
    list.push_back(c);
  }
  EXPECT_EQ(numbers(list), (std::vector<int>{1, 3}));
}

TEST(List, AListUnlinksItsElementsWhenItGoes) {
  Item a(1);
  {
    Items list;
    list.push_back(a);
    EXPECT_TRUE(a.ListNode<Left>::linked());
  }
  EXPECT_FALSE(a.ListNode<Left>::linked());
  a.ListNode<Left>::unlink();  // once more is harmless
}

TEST(List, OneElementInTwoLists) {
  Item a(1);
  Items left;
  List<Item, Right> right;
  left.push_back(a);
  right.push_back(a);
  a.ListNode<Left>::unlink();
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(right.pop_front().number, 1);
}

TEST(List, TakeMovesAllToTheBack) {
  Item a(1), b(2), c(3);
  Items list, other;
  list.push_back(a);
  other.push_back(b);
  other.push_back(c);
  list.take(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(numbers(list), (std::vector<int>{1, 2, 3}));
}

TEST(List, AVisitorMayUnlinkOrDestroyWhatItIsGiven) {
  auto a = std::make_unique<Item>(1), b = std::make_unique<Item>(2), c = std::make_unique<Item>(3);
  Items list;
  for (Item* item : {a.get(), b.get(), c.get()}) list.push_back(*item);
  std::vector<int> seen;
  list.for_each([&](Item& item) {
    seen.push_back(item.number);
    if (item.number == 1) item.ListNode<Left>::unlink();
    if (item.number == 2) b.reset();
  });
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(numbers(list), (std::vector<int>{3}));
}

}  // namespace
}  // namespace postigo
