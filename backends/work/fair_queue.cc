// Lists of lists, so that a job can leave from anywhere. Not here: threads and locks (offload.cc), who gets which rank
// (backends/directory).
#include "backends/work/fair_queue.h"

#include <algorithm>

namespace postigo {
namespace {

constexpr unsigned kFromTheOtherEnd = 4;
constexpr uint64_t kAverageOver = 16;

}  // namespace

size_t FairQueue::limit(const Line& of) const {
  if (patience_us_ == 0 || of.cost_us == 0) return jobs_max_;
  const uint64_t in_time = threads_ * patience_us_ / 2 / of.cost_us;
  return std::min(jobs_max_, static_cast<size_t>(std::max<uint64_t>(in_time, threads_)));
}

bool FairQueue::has_room(const Line& into, const Client* client, bool costs) const {
  const size_t places = limit(into);
  if (client == nullptr) return into.clients.size() < places;
  if (into.size >= jobs_max_) return false;
  return !costs || client->costly * into.clients.size() < places;
}

bool FairQueue::push(const JobPtr& job) {
  Line& into = line(job->turn.rank);
  auto known = into.by_id.find(job->turn.client);
  if (!has_room(into, known == into.by_id.end() ? nullptr : &*known->second, job->turn.costs)) return false;
  if (known == into.by_id.end()) {
    into.clients.push_back({job->turn.client, {}, 0});
    known = into.by_id.emplace(job->turn.client, std::prev(into.clients.end())).first;
  }
  job->client = known->second;
  job->client->jobs.push_back(job);
  job->place = std::prev(job->client->jobs.end());
  job->client->costly += job->turn.costs;
  job->waiting = true;
  ++into.size;
  return true;
}

FairQueue::Line* FairQueue::next_line() {
  auto waits = [](const Line& one) { return one.size != 0; };
  if (choices_ % kFromTheOtherEnd == kFromTheOtherEnd - 1) {
    auto found = std::find_if(lines_.rbegin(), lines_.rend(), waits);
    return found == lines_.rend() ? nullptr : &*found;
  }
  auto found = std::find_if(lines_.begin(), lines_.end(), waits);
  return found == lines_.end() ? nullptr : &*found;
}

FairQueue::JobPtr FairQueue::pop() {
  Line* from = next_line();
  if (from == nullptr) return nullptr;
  JobPtr job = from->clients.front().jobs.front();
  if (job->turn.costs) ++choices_;
  from->clients.splice(from->clients.end(), from->clients, from->clients.begin());
  remove(*job);
  return job;
}

void FairQueue::remove(Job& job) {
  if (!job.waiting) return;
  job.waiting = false;
  Line& from = line(job.turn.rank);
  --from.size;
  auto client = job.client;
  client->costly -= job.turn.costs;
  client->jobs.erase(job.place);  // may be the last reference to the job
  if (!client->jobs.empty()) return;
  from.by_id.erase(client->id);
  from.clients.erase(client);
}

void FairQueue::took(Turn turn, uint64_t microseconds) {
  if (!turn.costs) return;
  uint64_t& cost_us = line(turn.rank).cost_us;
  cost_us = cost_us == 0 ? microseconds : (cost_us * (kAverageOver - 1) + microseconds) / kAverageOver;
}

size_t FairQueue::limit() const {
  size_t all = 0;
  for (const Line& one : lines_) all += limit(one);
  return all;
}

size_t FairQueue::size() const {
  size_t all = 0;
  for (const Line& one : lines_) all += one.size;
  return all;
}

}  // namespace postigo
