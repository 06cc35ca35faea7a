// Socketmap: a server of Postfix' socketmap protocol (socketmap_table(5)): "name key" in a netstring, an answer in one.
//
// On a loop, never blocking. Bounded: so many connections, of which the one that was silent for longest goes where
// another one comes; one question at a time on each, of limited length, answered within a time. Confined to the loop's
// thread, but for open(), which may be called before the loop runs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "parser/base/result.h"
#include "proxy/base/list.h"
#include "proxy/net/listener.h"

namespace postigo {

struct SocketmapTag {};

// What was answered since the start, by the first word of the reply. Any thread.
inline constexpr std::array<std::string_view, 5> kSocketmapWords = {"OK", "NOTFOUND", "TEMP", "TIMEOUT", "PERM"};
uint64_t socketmap_replies(size_t word);

class Socketmap final : private Listener::Owner {
 public:
  // "OK value", "NOTFOUND ", "TEMP why", "PERM why". Once; at once or later on the loop's thread. Nothing happens if
  // the client is gone by then.
  using Answer = std::function<void(std::string reply)>;
  // `name` is the map's, which the client chose.
  using Asked = std::function<void(std::string_view name, std::string_view key, Answer answer)>;

  struct Bounds {
    size_t connections_max = 200;
    uint64_t timeout_ms = 10'000;    // for an answer: then "TIMEOUT"
    uint64_t silence_ms = 3600'000;  // of a connection
  };
  static constexpr size_t kQuestionMax = 1024;  // octets; an address has 254

  // On a listening socket, which is taken. The error is one line.
  static Result<std::unique_ptr<Socketmap>> open(Loop& loop, int fd, Bounds bounds, Asked asked);
  ~Socketmap();  // closes everything

  void stop_listening() { listener_.reset(); }

 private:
  class Connection;
  Socketmap(Loop& loop, Bounds bounds, Asked asked) : loop_(loop), bounds_(bounds), asked_(std::move(asked)) {}
  void on_accepted(Listener& listener, int fd, const Address& peer) override;
  void retire(Connection& connection);

  Loop& loop_;
  const Bounds bounds_;
  const Asked asked_;
  Listener::Ptr listener_;
  List<Connection, SocketmapTag> connections_;  // who spoke longest ago first
  size_t count_ = 0;
};

}  // namespace postigo
