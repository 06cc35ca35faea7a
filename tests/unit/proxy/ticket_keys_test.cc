// Rotation: a key seals for one period, opens for one more, and is unknown afterwards.
#include "proxy/net/ticket_keys.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace postigo {
namespace {

constexpr uint64_t kPeriod = 1000;
std::atomic<uint64_t> clock_ms{0};
uint64_t now() { return clock_ms; }

class TicketKeysTest : public testing::Test {
 protected:
  TicketKeysTest() { clock_ms = 50'000; }
  bool opens(const TicketKeys::Key& key) {
    auto found = keys.find(key.name.data());
    return found != nullptr && found->secret == key.secret;
  }
  TicketKeys keys{kPeriod, now};
};

TEST_F(TicketKeysTest, OneKeyPerPeriod) {
  TicketKeys::Key key = keys.current();
  clock_ms += kPeriod - 1;
  EXPECT_EQ(keys.current().name, key.name);
  EXPECT_TRUE(opens(key));
  clock_ms += 1;
  TicketKeys::Key next = keys.current();
  EXPECT_NE(next.name, key.name);
  EXPECT_NE(next.secret, key.secret);
}

TEST_F(TicketKeysTest, AKeyOpensForOnePeriodAfterItHasSealed) {
  TicketKeys::Key key = keys.current();
  clock_ms += kPeriod;
  TicketKeys::Key next = keys.current();
  EXPECT_TRUE(opens(key));
  EXPECT_TRUE(opens(next));
  clock_ms += kPeriod - 1;
  EXPECT_TRUE(opens(key));
  clock_ms += 1;
  EXPECT_FALSE(opens(key));
  EXPECT_TRUE(opens(next)) << "its second period";
  clock_ms += kPeriod;
  EXPECT_FALSE(opens(next));
}

TEST_F(TicketKeysTest, AQuietNightEndsAllKeys) {
  TicketKeys::Key key = keys.current();
  clock_ms += 10 * kPeriod;
  EXPECT_FALSE(opens(key)) << "nobody has asked for a new key meanwhile";
  EXPECT_NE(keys.current().name, key.name);
}

// Nobody connects at night: the keys of the evening are wiped all the same.
TEST_F(TicketKeysTest, KeysGoWhenTheirTimeIsOverAlsoWhenNobodyAsks) {
  EXPECT_EQ(keys.sweep(), 2 * kPeriod) << "there is none";
  TicketKeys::Key key = keys.current();
  clock_ms += kPeriod / 2;
  EXPECT_EQ(keys.sweep(), 2 * kPeriod - kPeriod / 2);
  EXPECT_TRUE(opens(key));
  clock_ms += 3 * kPeriod / 2;
  EXPECT_EQ(keys.sweep(), 2 * kPeriod) << "none is left";
}

TEST_F(TicketKeysTest, UnknownNamesOpenNothing) {
  keys.current();
  TicketKeys::Key foreign = TicketKeys(kPeriod, now).current();
  EXPECT_FALSE(opens(foreign));
}

TEST_F(TicketKeysTest, ManyThreadsOneKey) {
  std::vector<std::thread> threads;
  std::atomic<int> lost{0};
  std::atomic<bool> stop{false};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        TicketKeys::Key key = keys.current();
        // A key that was current a moment ago opens, unless two periods went by in between.
        uint64_t born = key.born_ms;
        if (!opens(key) && clock_ms < born + 2 * kPeriod) ++lost;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    clock_ms += kPeriod / 4;
    std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace postigo
