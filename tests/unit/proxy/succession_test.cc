// Who serves in the end, if the successor says that it serves when nobody waits for that any more.
#include "proxy/control/succession.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>

#include "proxy/control/inheritance.h"
#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

class SuccessionTest : public LoopTest {
 protected:
  // One that has asked to take over is given nothing but a time.
  Inheritance give(uint64_t timeout_ms) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    succession.give(Descriptor(ends[0]), Estate(), timeout_ms,
                    [this](const std::string& failure, pid_t) { told = failure; });
    Inheritance inheritance;
    inheritance.predecessor = Descriptor(ends[1]);
    EXPECT_TRUE(receive_estate(ends[1]).has_value());
    return inheritance;
  }

  Succession succession{loop};
  std::optional<std::string> told;
};

TEST_F(SuccessionTest, OneThatServesInTimeIsTheOnlyOne) {
  Inheritance successor = give(60'000);
  EXPECT_TRUE(tell_predecessor(successor));
  ASSERT_TRUE(run_until([&] { return told.has_value(); }));
  EXPECT_EQ(*told, "");
}

TEST_F(SuccessionTest, OneThatIsLateLearnsThatItMustNotServe) {
  Inheritance successor = give(20);
  ASSERT_TRUE(run_until([&] { return told.has_value(); }));
  EXPECT_EQ(*told, "the new program did not serve in time");
  EXPECT_FALSE(tell_predecessor(successor));
}

// Nobody else is left.
TEST_F(SuccessionTest, OneWhosePredecessorHasDiedServes) {
  Inheritance successor = give(60'000);
  succession.close();
  EXPECT_TRUE(tell_predecessor(successor));
  EXPECT_FALSE(told.has_value());
}

TEST_F(SuccessionTest, WithoutAPredecessorNobodyIsTold) {
  Inheritance none;
  EXPECT_TRUE(tell_predecessor(none));
}

}  // namespace
}  // namespace postigo
