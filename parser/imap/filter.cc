// Ties the two directions together, and steps aside when the stream becomes compressed. What is rewritten and why
// stands in client_stream.cc and backend_stream.cc.
#include "parser/imap/filter.h"

#include <algorithm>

#include "parser/imap/backend_stream.h"
#include "parser/imap/client_stream.h"

namespace postigo::imap {
namespace {

class Filter final : public RelayFilter {
 public:
  Filter(std::shared_ptr<const CapabilityPolicy> policy, bool literal_plus, FilterCounts counts)
      : both_(std::move(policy), counts), client_(both_, literal_plus), backend_(both_) {}

  FilterStep from_client(Bytes in, Slices& out) override {
    if (transparent()) return pass(in, out);
    return client_.feed(in, out);
  }

  FilterStep from_backend(Bytes in, Slices& out) override {
    if (transparent()) return pass(in, out);
    return backend_.feed(in, out);
  }

  uint32_t patience_ms() const override { return transparent() ? 0 : client_.patience_ms(); }
  std::string_view give_up() override { return client_.give_up(); }

  bool at_line_start() const override { return !transparent() && backend_.at_line_start(); }
  bool transparent() const override { return both_.exchange.compressed(); }
  bool said_quit() const override { return client_.said_logout(); }
  uint64_t commands() const override { return client_.commands(); }

  Bytes farewell(Farewell why) const override {
    if (!at_line_start()) return {};
    switch (why) {
      case Farewell::idle_too_long:
        return "* BYE Idle for too long.\r\n";
      case Farewell::shutting_down:
        return "* BYE [UNAVAILABLE] Server is shutting down.\r\n";
      case Farewell::too_many_connections:
        return "* BYE [UNAVAILABLE] Too many connections.\r\n";
      case Farewell::backend_lost:
        return "* BYE [UNAVAILABLE] Connection to the mail server lost.\r\n";
      case Farewell::internal_error:
        return "* BYE [SERVERBUG] Internal error.\r\n";
    }
    return {};
  }

 private:
  static FilterStep pass(Bytes in, Slices& out) {
    out.add(in);
    return {in.size(), FilterStep::State::ok};
  }

  BothWays both_;
  ClientStream client_;
  BackendStream backend_;
};

}  // namespace

std::unique_ptr<RelayFilter> make_filter(std::shared_ptr<const CapabilityPolicy> policy,
                                         std::span<const std::string> backend, FilterCounts counts) {
  // RFC 7888, and RFC 9051 for which LITERAL- is a part of IMAP4rev2.
  bool literal_plus = std::any_of(backend.begin(), backend.end(), [](Bytes name) {
    return name == "LITERAL+" || name == "LITERAL-" || name == "IMAP4REV2";
  });
  return std::make_unique<Filter>(std::move(policy), literal_plus, counts);
}

}  // namespace postigo::imap
