// Link: whole messages between the control threads of two processes of this program, in both directions.
//
// A message is JSON with a number, sent as CBOR, in packets of a unix socket that keeps packets apart (SOCK_SEQPACKET):
// so an end may be given to another process at any moment (SCM_RIGHTS) and the rest of a message that was meant for the
// one before is told from a new one. Confined to its loop; nothing blocks.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/work/descriptor.h"
#include "parser/base/result.h"
#include "proxy/net/loop.h"

namespace postigo {

// What every packet begins with; the octets of the message follow, from `at` on.
struct LinkHead {
  uint64_t number = 0;
  uint32_t size = 0;  // of the whole message
  uint32_t at = 0;
};

class Link final : public Watched {
 public:
  using Json = nlohmann::ordered_json;
  static constexpr size_t kMessageMax = 64 * 1024 * 1024;  // of what waits to be sent, too

  struct Calls {
    std::function<void(uint64_t number, const Json& message)> heard;
    std::function<void()> ended;  // once: the other side has ended, or says what cannot be; bury it
  };
  // The two ends.
  static Result<std::pair<Descriptor, Descriptor>> pair();

  Link(Loop& loop, Descriptor end, Calls calls);  // listens from now on
  ~Link() override;

  // False: too much waits to be sent already. Calls nothing.
  bool send(uint64_t number, const Json& message);
  bool idle() const { return out_.empty(); }  // the other side has taken all of it

  void pause();  // hears nothing: another process may be listening
  void go_on();  // what came meanwhile is heard
  void leave();  // for good

  Descriptor copy() const { return end_.copy(); }
  pid_t maker() const;  // the process that made the pair
  // It, to be watched, as it may outlive its end of the link (pidfd_open(2)). None: it has left that end already, it is
  // this process, or the kernel has none.
  Descriptor process() const;

 private:
  struct Outgoing {
    LinkHead head;  // `at`: what was sent
    std::vector<uint8_t> octets;
  };
  void ready(uint32_t events) override;
  bool take(std::string_view packet);
  bool send_packet(Outgoing& message);
  void flush();

  Loop& loop_;
  Descriptor end_;
  Calls calls_;
  std::deque<Outgoing> out_;
  size_t waiting_ = 0;  // octets in out_
  LinkHead head_;       // of the message that comes in
  std::string in_;
  bool listens_ = false, gone_ = false;
};

}  // namespace postigo
