// See run.h. Standard output is a dialogue with a harness: each line is one JSON object, the last one is the report.
#include "bench/load/run.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "bench/common/program.h"
#include "bench/common/tls.h"
#include "bench/load/held.h"
#include "bench/load/worker.h"

namespace postigo::bench {
namespace {

constexpr double kPauseMax = 60;  // seconds; somebody reads clocks, and a run may be shorter than that takes

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// One line from standard input; empty when it has ended or the time is over. Unbuffered, because poll must tell the
// truth.
std::string wait_for_line(double seconds) {
  std::string line;
  int64_t end = now_ns() + static_cast<int64_t>(seconds * 1e9);
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    int64_t left_ms = (end - now_ns()) / 1'000'000;
    if (left_ms <= 0 || poll(&input, 1, static_cast<int>(left_ms)) <= 0) return {};
    char octet = '\0';
    if (read(STDIN_FILENO, &octet, 1) != 1) return {};
    if (octet == '\n') return line;
    line += octet;
  }
}

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {
    if (options.tls != "off") context_ = client_context(options.ca);
    for (uint64_t i = 0; i < options.threads; ++i) workers_.push_back(make(i));
  }

  int go() {
    each([](Worker& worker) { worker.prepare(); });
    if (held_mode()) {
      held_part();
    } else {
      measured([](Worker& worker) { worker.measure(); });
    }
    each([](Worker& worker) { worker.release(); });
    return report();
  }

 private:
  using Phase = std::function<void(Worker&)>;

  bool held_mode() const { return options_.mode == "idle" || options_.mode == "storm"; }

  std::unique_ptr<Worker> make(uint64_t number) {
    if (held_mode()) return std::make_unique<Held>(options_, context_.get(), number);
    if (options_.mode == "mixed") return mixed_worker(options_, context_.get(), number);
    bool logins = options_.mode == "login" || options_.mode == "rate";
    return (logins ? login_worker : commands_worker)(options_, context_.get(), number);
  }

  static Held& held(Worker& worker) { return static_cast<Held&>(worker); }

  void all_threads(const Phase& body) {
    std::vector<std::thread> threads;
    for (auto& worker : workers_) threads.emplace_back([&] { body(*worker); });
    for (std::thread& thread : threads) thread.join();
  }

  void each(const Phase& begin) {
    all_threads([&](Worker& worker) {
      begin(worker);
      worker.run(options_.seconds);
    });
  }

  void mark(const char* name) {
    print({{"mark", name}});
    if (options_.pause_at_marks) wait_for_line(std::max(options_.seconds, kPauseMax));
  }

  void measured(const Phase& begin) {
    mark("start");
    int64_t since = now_ns();
    double cpu = cpu_seconds();
    each(begin);
    seconds_ = static_cast<double>(now_ns() - since) / 1e9;
    cpu_ = cpu_seconds() - cpu;
    mark("stop");
  }

  void say_state(const char* state, double seconds) {
    print({{"state", state}, {"sessions", sum(&Held::held)}, {"wanted", options_.sessions}, {"seconds", seconds}});
  }

  void held_part() {
    say_state("held", static_cast<double>(now_ns() - began_) / 1e9);
    std::string command = options_.mode == "storm" ? "storm" : hold();
    if (command == "storm") {
      measured([](Worker& worker) { held(worker).storm(); });
      say_state("back", seconds_);
      each([](Worker& worker) { worker.measure(); });
    } else {
      measured([](Worker& worker) { worker.measure(); });
    }
  }

  std::string hold() {
    std::atomic<bool> go_on = false;
    std::string command;
    std::thread waiting([&] { all_threads([&](Worker& worker) { held(worker).hold(go_on); }); });
    command = wait_for_line(options_.seconds);
    go_on = true;
    waiting.join();
    return command;
  }

  uint64_t sum(uint64_t (Held::*what)() const) {
    uint64_t all = 0;
    for (auto& worker : workers_) all += (held(*worker).*what)();
    return all;
  }

  int report() {
    Numbers all;
    Worker::TlsFacts tls;
    for (auto& worker : workers_) {
      all.add(worker->numbers());
      if (tls.version.empty()) tls = worker->facts();
    }
    Json errors;
    for (size_t i = 0; i < kErrorNames.size(); ++i) errors[kErrorNames[i]] = all.errors[i];
    const Latencies& each = all.latencies;
    Json line = {{"mode", options_.mode},
                 {"protocol", options_.protocol},
                 {"tls", options_.tls},
                 {"units", all.units},
                 {"seconds", seconds_},
                 {"per_second", seconds_ > 0 ? static_cast<double>(all.units) / seconds_ : 0.0},
                 {"bytes", all.bytes},
                 {"latency_ms",
                  {{"p50", each.percentile_ms(50)},
                   {"p90", each.percentile_ms(90)},
                   {"p99", each.percentile_ms(99)},
                   {"max", each.max_ms()},
                   {"mean", each.mean_ms()}}},
                 {"resumed", all.resumed},
                 {"handshakes", all.handshakes},
                 {"tls_version", tls.version},
                 {"cipher", tls.cipher},
                 {"group", tls.group},
                 {"cpu_seconds", cpu_},
                 {"errors", errors}};
    if (held_mode()) {
      line["held"] = sum(&Held::held);
      line["answered"] = sum(&Held::answered);
    }
    print(line);
    return all.all_errors() == 0 ? kClean : kErrors;
  }

  const Options& options_;
  Context context_;
  std::vector<std::unique_ptr<Worker>> workers_;
  int64_t began_ = now_ns();
  double seconds_ = 0, cpu_ = 0;
};

}  // namespace

int run(const Options& options) { return Run(options).go(); }

}  // namespace postigo::bench
