// What passes after login, and how sessions end.
#include "parser/base/copies.h"
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

void bytes(Families& out, Source source) {
  for (auto [protocol, p] : source.protocols) {
    auto put = [&, at = p, name = protocol->name](std::string_view dir, Counter ProtocolStats::*kept) {
      tally::put(out, {name, dir}, source.workers,
                 [&](const WorkerStats& w) -> decltype(auto) { return (w.protocols[at].*kept); });
    };
    put("from_client", &ProtocolStats::bytes_from_client);
    put("from_backend", &ProtocolStats::bytes_from_backend);
  }
}

void copies(Families& out, Source) {
  if constexpr (!kCountCopies) return;
  for (size_t i = 0; i < kCopyNames.size(); ++i) out.add({kCopyNames[i]}, copied_octets(i));
}

void commands(Families& out, Source source) {
  for (auto [protocol, p] : source.protocols) {
    for (size_t v = 0; v < protocol->verbs.size(); ++v) {
      tally::put(out, {protocol->name, protocol->verbs[v]}, source.workers,
                 [at = p, v](const WorkerStats& w) -> decltype(auto) { return (w.protocols[at].verbs[v]); });
    }
  }
}

void disconnects(Families& out, Source source) {
  for (auto [protocol, p] : source.protocols) {
    for (size_t r = 0; r < kCloseReasons; ++r) {
      tally::put(out, {protocol->name, kCloseReasonFacts[r].side, kCloseReasonFacts[r].name}, source.workers,
                 [at = p, r](const WorkerStats& w) -> decltype(auto) { return (w.protocols[at].closed[r]); });
    }
  }
}

constexpr auto kTrafficFamilies = std::to_array<Family>({
    {"postigo_bytes_total", counter, {"protocol", "dir"}, "Bytes relayed after login, decrypted.", bytes},
    {"postigo_copied_bytes_total",
     counter,
     {"place"},
     "Bytes copied in user space, by place; only in a build that counts.",
     copies},
    {"postigo_commands_total", counter, {"protocol", "verb"}, "Commands relayed after login.", commands},
    {"postigo_capability_rewrites_total",
     counter,
     {"protocol", "kind"},
     "Capability lists of backends that clients got in our version.",
     tally::of_protocols_by<&ProtocolStats::rewrites, kRewriteNames>},
    {"postigo_session_seconds",
     histogram,
     {"protocol"},
     "Length of sessions.",
     tally::of_protocols<&ProtocolStats::session_seconds>},
    {"postigo_disconnects_total",
     counter,
     {"protocol", "side", "reason"},
     "Who ended connections, and why.",
     disconnects},
});

}  // namespace

std::span<const Family> traffic_families() { return kTrafficFamilies; }

}  // namespace postigo
