// The families of the process: loops, descriptors, memory, the log, what runs. Not here: sessions and backends
// (metrics.cc).
#include <dirent.h>

#include <fstream>

#include "proxy/base/log.h"
#include "proxy/ops/families.h"
#include "proxy/ops/metrics.h"

namespace postigo {
namespace {

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

void log_lines(Families& out) {
  log::Counts lines = log::counts();
  out.counter("postigo_log_lines_total", "Lines of the log by level.");
  for (size_t i = 0; i < lines.lines.size(); ++i) out.add({{"level", log::kLevelNames[i]}}, lines.lines[i]);
  out.counter("postigo_log_lines_lost_total", "Lines that are not in the log: over a limit, or not taken by the file.");
  out.add({{"reason", "over_limit"}}, lines.over_limit);
  out.add({{"reason", "unwritten"}}, lines.unwritten);
  out.counter("postigo_log_lines_cut_total", "Lines with a value that was too long.");
  out.add({}, lines.cut);
}

void predecessors(Families& out, const PredecessorCounts* counts) {
  out.gauge("postigo_predecessors", "Processes from before an upgrade that still have sessions.");
  out.add({}, counts != nullptr ? counts->processes.load() : 0);
  out.gauge("postigo_predecessor_sessions", "Sessions of these processes, which no other metric here counts.");
  out.add({}, counts != nullptr ? counts->sessions.load() : 0);
}

}  // namespace

void process_families(Families& out, const MetricsSource& source) {
  const std::vector<const WorkerStats*>& workers = source.workers;
  out.histogram("postigo_event_loop_lag_seconds", "How late a worker's loop was, measured every 50 ms.");
  for (size_t i = 0; i < workers.size(); ++i) {
    out.add({{"worker", std::to_string(i)}}, std::vector<const LatencyHistogram*>{&workers[i]->loop_lag});
  }
  out.gauge("postigo_worker_sessions", "Sessions of a worker.");
  for (size_t i = 0; i < workers.size(); ++i) {
    uint64_t total = 0;
    for (const Counter& phase : workers[i]->sessions) total += phase.get();
    out.add({{"worker", std::to_string(i)}}, total);
  }
  out.gauge("postigo_fds", "Open descriptors.");
  out.add({}, open_descriptors());
  out.gauge("postigo_fds_limit", "Descriptors that the process may have.");
  out.add({}, source.fds_limit);
  out.gauge("postigo_buffers_bytes", "Bytes in chunks that wait for slow peers.");
  uint64_t buffered = 0;
  for (const WorkerStats* worker : workers) buffered += worker->buffered_bytes.get();
  out.add({}, buffered);
  out.gauge("postigo_buffers_bytes_limit", "What back-pressure lets the chunks grow to if every peer is slow.");
  out.add({}, static_cast<double>(source.shared->sessions_max) * 2 *
                  (static_cast<double>(source.snapshot->live.limits.relay_high_water) + Loop::kPlainSize));
  log_lines(out);
  out.gauge("postigo_draining",
            "1 while sessions are let go; postigo_connections{state=\"relay\"} tells how far it is.");
  out.add({}, source.shared->draining ? 1.0 : 0.0);
  predecessors(out, source.predecessors);
  out.gauge("postigo_build_info", "Always 1; the labels tell what runs.");
  out.add({{"version", source.version}, {"boringssl", source.boringssl}}, 1.0);
  const Loads& loads = source.shared->loads;
  out.gauge("postigo_config_last_load_success_timestamp_seconds", "When the running configuration was loaded.");
  out.add({}, static_cast<double>(loads.succeeded_s.load()));
  out.gauge("postigo_config_last_load_attempt_timestamp_seconds", "When a configuration was last tried to be loaded.");
  out.add({}, static_cast<double>(loads.attempted_s.load()));
  out.gauge("postigo_config_last_load_successful", "1 if that attempt took effect.");
  out.add({}, loads.good ? 1.0 : 0.0);
  out.gauge("postigo_config_info", "Always 1; the label is a hash of the configuration in effect.");
  out.add({{"hash", loads.hash()}}, 1.0);
  out.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.");
  out.add({}, static_cast<double>(source.start_time_s));
  out.gauge("process_resident_memory_bytes", "Resident memory.");
  out.add({}, resident_bytes());
}

}  // namespace postigo
