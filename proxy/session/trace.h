// Trace: what goes over the wire of a session, into a file, for an operator who was asked to look.
//
// Before login there are only steps: phases, states of the dialogues, what was decided; no octet of what anybody said.
// Behind it there are octets of both sides, as they come and as they are sent on, without what TraceBlanks hides; a
// stream that is compressed is only counted. A file has a time and a size after which nothing is written any more.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/work/descriptor.h"
#include "config/network.h"
#include "parser/base/result.h"
#include "proxy/session/trace_blanks.h"

namespace postigo {

// One order's. Any thread.
class TraceFile {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr uint64_t kOctetsMax = 64 * 1024 * 1024;

  // A new file in `folder`, mode 0600, never through a symbolic link. Blocking. The error is one line.
  static Result<std::shared_ptr<TraceFile>> open(const std::string& folder, Clock::time_point until);
  TraceFile(Descriptor fd, std::string path, Clock::time_point until)
      : fd_(std::move(fd)), path_(std::move(path)), until_(until) {}

  void write(std::string records);  // whole lines
  bool over() const { return Clock::now() >= until_ || written_ >= kOctetsMax; }
  const std::string& path() const { return path_; }

 private:
  Descriptor fd_;
  const std::string path_;
  const Clock::time_point until_;
  std::atomic<uint64_t> written_{0};
};

// Of one session. Confined to the worker's thread.
class Trace {
 public:
  Trace(std::shared_ptr<TraceFile> file, std::string_view id) : file_(std::move(file)), id_(id) {}

  void note(std::string_view what);  // never what anybody said
  enum class Way { from_client, to_backend, from_backend, to_client };
  void octets(Way way, Bytes data, bool opaque);

 private:
  std::string record(std::string_view who, std::string_view text) const;

  std::shared_ptr<TraceFile> file_;
  const std::string id_;
  TraceBlanks from_client_, to_backend_;
};

// Whom operators asked for. Any thread; costs a load while there is nobody.
class Traces {
 public:
  static constexpr size_t kOrdersMax = 8;

  struct Order {
    std::optional<config::Network> network;  // else the user
    std::string user;                        // as normalised
    std::shared_ptr<TraceFile> file;
  };
  bool full();  // of orders that are not over
  void add(Order order);

  // Null: nobody asked.
  std::unique_ptr<Trace> of_address(const config::AnyAddress& address, std::string_view id);
  std::unique_ptr<Trace> of_user(std::string_view user, std::string_view id);

 private:
  template <typename Fits>
  std::unique_ptr<Trace> find(std::string_view id, Fits fits);
  void forget_old();

  std::atomic<size_t> count_{0};
  std::mutex mutex_;  // of what follows
  std::vector<Order> orders_;
};

}  // namespace postigo
