// Where lines go: systemd's priorities, and lines that a reader must not take for whole.
#include "proxy/base/line_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace postigo::log {
namespace {

using Level = config::Log::Level;

// A non-blocking pipe and what came out of it.
class LineWriterTest : public testing::Test {
 protected:
  LineWriterTest() { EXPECT_EQ(pipe2(ends_, O_NONBLOCK | O_CLOEXEC), 0); }
  ~LineWriterTest() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  std::string read_all() {
    std::string text(1 << 20, 0);
    ssize_t count = ::read(ends_[0], text.data(), text.size());
    return text.substr(0, count < 0 ? 0 : static_cast<size_t>(count));
  }
  int to() const { return ends_[1]; }

  int ends_[2] = {-1, -1};
};

TEST_F(LineWriterTest, PrioritiesAreThoseOfSyslog) {
  LineWriter plain(to(), false, false);
  EXPECT_TRUE(plain.write(Level::error, "a\n"));
  EXPECT_EQ(read_all(), "a\n");
  LineWriter journal(to(), false, true);
  EXPECT_TRUE(journal.write(Level::error, "a\n"));
  EXPECT_TRUE(journal.write(Level::warning, "b\n"));
  EXPECT_TRUE(journal.write(Level::info, "c\n"));
  EXPECT_TRUE(journal.write(Level::debug, "d\n"));
  EXPECT_EQ(read_all(), "<3>a\n<4>b\n<6>c\n<7>d\n");
}

// sd_journal_stream_fd: the variable may be inherited by a program whose standard error leads elsewhere.
TEST_F(LineWriterTest, TheJournalIsKnownByDeviceAndInode) {
  struct stat facts {};
  ASSERT_EQ(fstat(to(), &facts), 0);
  std::string ours = std::to_string(facts.st_dev) + ":" + std::to_string(facts.st_ino);
  EXPECT_TRUE(LineWriter::is_journal(to(), ours.c_str()));
  EXPECT_FALSE(LineWriter::is_journal(to(), nullptr));
  EXPECT_FALSE(LineWriter::is_journal(to(), ""));
  EXPECT_FALSE(LineWriter::is_journal(to(), (ours + "1").c_str()));
  EXPECT_FALSE(LineWriter::is_journal(-1, ours.c_str()));
}

TEST_F(LineWriterTest, ATornLineDoesNotSwallowTheNextOne) {
  LineWriter sink(to(), false, false);
  std::string big(100'000, 'x');  // more than a pipe holds: the kernel takes a part, and nobody reads
  EXPECT_FALSE(sink.write(Level::info, big));
  std::string part = read_all();
  EXPECT_LT(part.size(), big.size());
  EXPECT_GT(part.size(), 0u);
  EXPECT_TRUE(sink.write(Level::info, "next\n"));
  EXPECT_TRUE(sink.write(Level::info, "last\n"));
  EXPECT_EQ(read_all(), "\nnext\nlast\n");
}

TEST_F(LineWriterTest, ALineThatNobodyTakesIsCountedAndLeavesNothing) {
  LineWriter sink(to(), false, false);
  std::string fill(1 << 20, 'x');
  while (::write(to(), fill.data(), fill.size()) > 0) {
  }
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(sink.write(Level::info, "lost\n"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1)) << "it waits once, not for each line";
  (void)read_all();
  EXPECT_TRUE(sink.write(Level::info, "here\n"));
  EXPECT_EQ(read_all(), "here\n");
}

}  // namespace
}  // namespace postigo::log
