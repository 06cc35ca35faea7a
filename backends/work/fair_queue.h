// FairQueue: jobs that wait for a thread, in lines by rank and, within a line, by client.
//
// Which one is next: of the first line that is not empty; of that line, the clients in turn; of a client, the oldest.
// Every fourth choice looks at the lines from the other end, so that none is starved; jobs that cost nothing are no
// choice. All operations are O(1). Not thread-safe: its owner has the lock (offload.cc).
//
// Nobody waits who would wait too long: a client may have so many jobs in a line that the last of them, served in turn
// with those of the others, begins within half of the time that anybody waits. So who floods a line keeps nobody else
// out: who has no job in it yet finds a place as long as there are fewer clients than places.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

#include "backends/work/turn.h"

namespace postigo {

class FairQueue {
 public:
  struct Client;
  struct Job {
    std::function<void()> work;
    Turn turn;
    bool waiting = false;
    std::list<Client>::iterator client;  // valid while waiting, like the next one
    std::list<std::shared_ptr<Job>>::iterator place;
  };
  using JobPtr = std::shared_ptr<Job>;
  struct Client {
    uint64_t id;
    std::list<JobPtr> jobs;  // never empty
    size_t costly;           // how many of them cost something
  };

  // `jobs_max` is for each line. `patience_us`: how long a job may wait; 0: only the count limits.
  FairQueue(unsigned threads, size_t jobs_max, uint64_t patience_us)
      : threads_(threads), jobs_max_(jobs_max), patience_us_(patience_us) {}

  void set_patience(uint64_t patience_us) { patience_us_ = patience_us; }

  bool push(const JobPtr& job);                 // false: no room
  JobPtr pop();                                 // null: empty
  void remove(Job& job);                        // nothing happens if it does not wait
  void took(Turn turn, uint64_t microseconds);  // what such a job has cost

  size_t size() const;
  size_t limit() const;  // jobs that may wait, as of now

 private:
  struct Line {
    std::list<Client> clients;  // the next one in front
    std::unordered_map<uint64_t, std::list<Client>::iterator> by_id;
    size_t size = 0;
    uint64_t cost_us = 0;  // a moving average
  };
  Line& line(Turn::Rank rank) { return lines_[static_cast<size_t>(rank)]; }
  size_t limit(const Line& line) const;
  bool has_room(const Line& into, const Client* client, bool costs) const;
  Line* next_line();

  unsigned threads_;
  size_t jobs_max_;
  uint64_t patience_us_;
  std::array<Line, 3> lines_;
  unsigned choices_ = 0;
};

}  // namespace postigo
