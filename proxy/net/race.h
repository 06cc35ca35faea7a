// Race: connects to a name that has several addresses, as RFC 8305 says: the families by turns, the next address when
// the one before has failed or has not answered within a quarter of a second, and the first connection wins. So an
// address that answers nothing costs a moment, not the whole time that a connection may take.
//
// Owned by its Client, who hears of one end, never from inside start(). Confined to the loop's thread. Letting go of it
// lets all attempts go.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "proxy/net/address.h"
#include "proxy/net/socket.h"
#include "proxy/net/timer_wheel.h"

namespace postigo {

class Race final : public Socket::Owner {
 public:
  static constexpr uint64_t kNextMs = 250;  // RFC 8305 5, "Connection Attempt Delay"

  class Client {
   public:
    virtual void race_won(SocketPtr socket) = 0;  // the others are closed
    // `begun` and `why` of the newest failure; `begun`: -errno if it never left this machine, else not below 0.
    virtual void race_lost(int begun, const std::string& why) = 0;

   protected:
    ~Client() = default;
  };
  using Begin = std::function<int(const Address&)>;  // as Socket::begin

  Race(Loop& loop, Client& client, Begin begin);
  ~Race();
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  void start(std::vector<Address> addresses);  // REQUIRES: one at least; in the order in which they are to be tried
  void stop();

 private:
  struct Runner {
    SocketPtr socket;
    int begun;
  };
  void send_next();
  std::vector<Runner>::iterator find(const Socket& socket);

  void on_connected(Socket& socket) override;
  void on_failed(Socket& socket, const std::string& why) override;
  void on_data(Socket&, Bytes) override {}
  void on_eof(Socket&, bool) override {}

  Loop& loop_;
  Client& client_;
  Begin begin_;
  std::vector<Address> addresses_;
  size_t next_ = 0;
  std::vector<Runner> runners_;
  Timer patience_;
};

}  // namespace postigo
