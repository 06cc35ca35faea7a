// The watchdog is fed while all workers answer, and by nobody else.
#include "proxy/control/watchdog.h"

#include <sys/un.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

// What systemd would hear.
class Manager {
 public:
  Manager() : path_(testing::TempDir() + "notify-" + std::to_string(::getpid())) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    std::filesystem::remove(path_);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  }
  ~Manager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    std::filesystem::remove(path_);
  }
  int words() {
    int count = 0;
    char buffer[256];
    for (ssize_t size = 0; (size = ::recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT)) > 0; ++count) {
      EXPECT_EQ(std::string(buffer, static_cast<size_t>(size)), "WATCHDOG=1");
    }
    return count;
  }

 private:
  std::string path_;
  Descriptor fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

class WatchdogTest : public WorkerTest {
 protected:
  ~WatchdogTest() override {
    watchdog.close();
    loop.stop();
    loop.run();
    loop.close();
  }
  void turn_for(milliseconds time) {
    auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      loop.turn(false);
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  Manager manager;
  Loop loop{nullptr};
  Watchdog watchdog{loop, workers};
};

TEST_F(WatchdogTest, FedWhileAllAnswer) {
  start();
  ::setenv("WATCHDOG_USEC", "400000", 1);
  watchdog.start();
  turn_for(milliseconds(1000));
  EXPECT_GE(manager.words(), 4);
}

TEST_F(WatchdogTest, AWorkerThatIsStuckStopsIt) {
  start();
  ::setenv("WATCHDOG_USEC", "400000", 1);
  std::atomic<bool> stuck{true};
  workers[1]->ask([&stuck] {
    while (stuck) std::this_thread::sleep_for(milliseconds(5));
  });
  watchdog.start();
  turn_for(milliseconds(100));
  EXPECT_EQ(manager.words(), 1) << "the first question is open";
  turn_for(milliseconds(600));
  EXPECT_EQ(manager.words(), 0);
  stuck = false;
  turn_for(milliseconds(500));
  EXPECT_GE(manager.words(), 1) << "it came back in time, if only just";
}

TEST_F(WatchdogTest, WhoHasEndedIsNotAsked) {
  start();
  ::setenv("WATCHDOG_USEC", "400000", 1);
  stop();
  watchdog.start();
  turn_for(milliseconds(500));
  EXPECT_GE(manager.words(), 2);
}

TEST_F(WatchdogTest, NobodyAskedForIt) {
  start();
  watchdog.start();
  ::setenv("WATCHDOG_USEC", "400000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  watchdog.start();
  turn_for(milliseconds(300));
  EXPECT_EQ(manager.words(), 0);
}

}  // namespace
}  // namespace postigo
