// The common bound of all that is not logged in: who goes first, who stays, and the gauge.
#include "proxy/session/login_memory.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

class LoginMemoryTest : public LoopTest {
 protected:
  struct Guest : LoginMemory::Holder {
    void make_room() override {
      gone = true;
      memory->hold(*this, 0);
    }
    LoginMemory* memory = nullptr;
    bool gone = false;
  };
  void SetUp() override {
    for (Guest& each : guests) each.memory = &memory;
  }
  void hold(size_t guest, size_t octets) { memory.hold(guests[guest], octets); }

  Counter gauge;
  LoginMemory memory{loop, gauge, 100'000};
  std::array<Guest, 40> guests;
};

TEST_F(LoginMemoryTest, TheGaugeIsTheSum) {
  hold(0, 500);
  hold(1, 60'000);
  hold(0, 300);
  EXPECT_EQ(gauge.get(), 60'300u);
  hold(1, 0);
  hold(0, 0);
  EXPECT_EQ(gauge.get(), 0u);
}

TEST_F(LoginMemoryTest, A12_TheLargestGoesFirst) {
  for (size_t i = 0; i < 5; ++i) hold(i, 10'000);
  hold(5, 40'000);
  turn();
  EXPECT_FALSE(guests[5].gone) << "within the limit";
  hold(6, 11'000);
  EXPECT_FALSE(guests[5].gone) << "told from inside the call";
  turn();
  EXPECT_TRUE(guests[5].gone);
  for (size_t i : {0u, 1u, 2u, 3u, 4u, 6u}) EXPECT_FALSE(guests[i].gone) << i;
  EXPECT_EQ(gauge.get(), 61'000u);
}

TEST_F(LoginMemoryTest, A12_OfEqualOnesTheOldestGoes) {
  hold(0, 30'000);
  run_for(60);
  hold(1, 30'000);
  hold(2, 30'000);
  run_for(60);
  hold(3, 30'000);
  turn();
  EXPECT_TRUE(guests[0].gone);
  EXPECT_FALSE(guests[3].gone);
}

TEST_F(LoginMemoryTest, A12_WhoHoldsLittleStays) {
  for (size_t i = 0; i < 38; ++i) hold(i, 1500);
  hold(38, 60'000);
  turn();
  EXPECT_TRUE(guests[38].gone);
  for (size_t i = 0; i < 38; ++i) EXPECT_FALSE(guests[i].gone) << i;
}

TEST_F(LoginMemoryTest, A12_AnEighthIsFreedAtOnce) {
  for (size_t i = 0; i < 21; ++i) hold(i, 5'000);
  turn();
  EXPECT_LE(gauge.get(), 87'500u);
  EXPECT_GT(gauge.get(), 80'000u) << "no more than that";
}

}  // namespace
}  // namespace postigo
