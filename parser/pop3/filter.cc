// The relay filter of POP3: two streams and, between them, the answers that are owed. Everything is decided there.
// It never makes a command of its own, least of all QUIT (T49, T51).
#include "parser/pop3/filter.h"

#include <utility>

#include "parser/pop3/backend_stream.h"
#include "parser/pop3/client_stream.h"

namespace postigo::pop3 {
namespace {

class Filter : public RelayFilter {
 public:
  Filter(std::shared_ptr<const CapabilityPolicy> policy, FilterCounts counts)
      : client_(counts.verbs), backend_(std::move(policy), counts.lists) {}

  FilterStep from_client(Bytes in, Slices& out) override { return client_.feed(in, out, owed_); }
  FilterStep from_backend(Bytes in, Slices& out) override { return backend_.feed(in, out, owed_); }
  bool at_line_start() const override { return backend_.between_replies(); }
  bool transparent() const override { return false; }  // nothing in POP3 makes the stream opaque
  bool said_quit() const override { return client_.said_quit(); }
  uint64_t commands() const override { return client_.commands(); }

 private:
  ReplyQueue owed_;
  ClientStream client_;
  BackendStream backend_;
};

}  // namespace

std::unique_ptr<RelayFilter> make_filter(std::shared_ptr<const CapabilityPolicy> policy, std::span<const std::string>,
                                         FilterCounts counts) {
  return std::make_unique<Filter>(std::move(policy), counts);
}

}  // namespace postigo::pop3
