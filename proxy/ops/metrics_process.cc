// The families of the process: loops, descriptors, memory, the log, what runs. Not here: sessions and backends
// (metrics.cc).
#include <dirent.h>

#include <fstream>

#include "proxy/base/log.h"
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

uint64_t open_descriptors() {
  uint64_t count = 0;
  if (DIR* folder = opendir("/proc/self/fd")) {
    while (readdir(folder) != nullptr) ++count;
    closedir(folder);
  }
  return count > 3 ? count - 3 : 0;  // "." and ".." and the folder itself
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  return resident * 4096;
}

void loop_lag(Families& out, Source source) {
  for (size_t i = 0; i < source.workers.size(); ++i) {
    out.add({std::to_string(i)}, std::vector<const LatencyHistogram*>{&source.workers[i]->loop_lag});
  }
}

void worker_sessions(Families& out, Source source) {
  for (size_t i = 0; i < source.workers.size(); ++i) {
    uint64_t total = 0;
    for (const Counter& phase : source.workers[i]->sessions) total += phase.get();
    out.add({std::to_string(i)}, total);
  }
}

void buffers_limit(Families& out, Source source) {
  out.add({}, static_cast<double>(source.shared->sessions_max) * 2 *
                  (static_cast<double>(source.snapshot->live.limits.relay_high_water) + Loop::kPlainSize));
}

void log_lines(Families& out, Source) {
  const log::Counts counts = log::counts();
  for (size_t i = 0; i < counts.lines.size(); ++i) out.add({log::kLevelNames[i]}, counts.lines[i]);
}

void log_lines_lost(Families& out, Source) {
  const log::Counts counts = log::counts();
  out.add({"over_limit"}, counts.over_limit);
  out.add({"unwritten"}, counts.unwritten);
}

uint64_t predecessors(Source source) {
  return source.predecessors != nullptr ? source.predecessors->processes.load() : 0;
}

uint64_t predecessor_sessions(Source source) {
  return source.predecessors != nullptr ? source.predecessors->sessions.load() : 0;
}

constexpr auto kProcessFamilies = std::to_array<Family>({
    {"postigo_event_loop_lag_seconds",
     histogram,
     {"worker"},
     "How late a worker's loop was, measured every 50 ms.",
     loop_lag},
    {"postigo_worker_sessions", gauge, {"worker"}, "Sessions of a worker.", worker_sessions},
    {"postigo_fds", gauge, {}, "Open descriptors.", [](Families& out, Source) { out.add({}, open_descriptors()); }},
    {"postigo_fds_limit",
     gauge,
     {},
     "Descriptors that the process may have.",
     [](Families& out, Source source) { out.add({}, source.fds_limit); }},
    {"postigo_buffers_bytes",
     gauge,
     {},
     "Bytes in chunks that wait for slow peers.",
     tally::of_workers<&WorkerStats::buffered_bytes>},
    {"postigo_buffers_bytes_limit",
     gauge,
     {},
     "What back-pressure lets the chunks grow to if every peer is slow.",
     buffers_limit},
    {"postigo_log_lines_total", counter, {"level"}, "Lines of the log by level.", log_lines},
    {"postigo_log_lines_lost_total",
     counter,
     {"reason"},
     "Lines that are not in the log: over a limit, or not taken by the file or socket.",
     log_lines_lost},
    {"postigo_log_lines_sampled_out_total",
     counter,
     {},
     "Lines of sessions that a rule of [[log.sample]] leaves out.",
     [](Families& out, Source) { out.add({}, log::counts().left_out); }},
    {"postigo_log_lines_cut_total",
     counter,
     {},
     "Lines with a value that was too long.",
     [](Families& out, Source) { out.add({}, log::counts().cut); }},
    {"postigo_draining",
     gauge,
     {},
     "1 while sessions are let go; postigo_connections{state=\"relay\"} tells how far it is.",
     [](Families& out, Source source) { out.add({}, source.shared->draining ? 1.0 : 0.0); }},
    {"postigo_predecessors",
     gauge,
     {},
     "Processes from before an upgrade that still have sessions.",
     [](Families& out, Source source) { out.add({}, predecessors(source)); }},
    {"postigo_predecessor_sessions",
     gauge,
     {},
     "Sessions of these processes, which no other metric here counts.",
     [](Families& out, Source source) { out.add({}, predecessor_sessions(source)); }},
    {"postigo_build_info",
     gauge,
     {"version", "boringssl"},
     "Always 1; the labels tell what runs.",
     [](Families& out, Source source) {
       out.add({source.version, source.boringssl}, 1.0);
     }},
    {"postigo_config_last_load_success_timestamp_seconds",
     gauge,
     {},
     "When the running configuration was loaded.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->loads.succeeded_s.load())); }},
    {"postigo_config_last_load_attempt_timestamp_seconds",
     gauge,
     {},
     "When a configuration was last tried to be loaded.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->loads.attempted_s.load())); }},
    {"postigo_config_last_load_successful",
     gauge,
     {},
     "1 if that attempt took effect.",
     [](Families& out, Source source) { out.add({}, source.shared->loads.good ? 1.0 : 0.0); }},
    {"postigo_config_info",
     gauge,
     {"hash"},
     "Always 1; the label is a hash of the configuration in effect.",
     [](Families& out, Source source) { out.add({source.shared->loads.hash()}, 1.0); }},
    {"process_start_time_seconds",
     gauge,
     {},
     "When the process started, in seconds since 1970.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.start_time_s)); }},
    {"process_resident_memory_bytes",
     gauge,
     {},
     "Resident memory.",
     [](Families& out, Source) { out.add({}, resident_bytes()); }},
});

}  // namespace

std::span<const Family> process_families() { return kProcessFamilies; }

}  // namespace postigo
