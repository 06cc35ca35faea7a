// Rendezvous: weighted rendezvous hashing (highest random weight), from a key to one of N named nodes.
//
// Adding or removing a node moves only the keys that it gains or loses; so does changing a weight. The answer depends
// on the key and on the set of (name, weight), not on their order, the machine or the compiler: integers only. The
// exact function is written down in backends/README.md; changing it would move everybody's mailbox.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "parser/base/bytes.h"

namespace postigo {

class Rendezvous {
 public:
  // Another weight at the end of a time; in between it changes evenly, by whole minutes of unix time.
  struct Change {
    double weight = 0;
    int64_t from_s = 0, until_s = 0;  // both 0: there is none
  };
  struct Node {
    std::string_view name;  // unique
    double weight = 1.0;    // used in steps of 1/65536; 0: nobody comes here
    Change change = {};
  };

  Rendezvous() = default;
  explicit Rendezvous(std::vector<Node> nodes);

  // The index of the node in the constructor's vector. `now_s`: unix time. REQUIRES: a node whose weight is above 0
  // then.
  size_t pick(Bytes key, int64_t now_s = 0) const;
  // The first `count` of those that are wanted, in the order in which the key would come to them if the ones before
  // were not there: the first is pick()'s, if it is wanted.
  std::vector<size_t> rank(Bytes key, size_t count, const std::function<bool(size_t)>& wanted, int64_t now_s = 0) const;

 private:
  struct Group {  // nodes of equal weight: among them the largest hash wins and no logarithm is needed
    uint64_t weight = 0;
    std::vector<uint64_t> seeds;
    std::vector<size_t> indices;
  };
  struct Moving {  // its weight is another one in each minute
    uint64_t seed = 0;
    size_t index = 0;
    int64_t weight = 0, weight_then = 0, from_min = 0, until_min = 0;
    uint64_t weight_at(int64_t now_s) const;
  };
  std::vector<Group> groups_;
  std::vector<Moving> moving_;
};

}  // namespace postigo
