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
  struct Node {
    std::string_view name;  // unique
    double weight = 1.0;    // > 0; used in steps of 1/65536
  };

  Rendezvous() = default;
  explicit Rendezvous(std::vector<Node> nodes);

  // The index of the node in the constructor's vector. REQUIRES: at least one node.
  size_t pick(Bytes key) const;
  // The first `count` of those that are wanted, in the order in which the key would come to them if the ones before
  // were not there: the first is pick()'s, if it is wanted.
  std::vector<size_t> rank(Bytes key, size_t count, const std::function<bool(size_t)>& wanted) const;

 private:
  struct Group {  // nodes of equal weight: among them the largest hash wins and no logarithm is needed
    uint64_t weight = 0;
    std::vector<uint64_t> seeds;
    std::vector<size_t> indices;
  };
  std::vector<Group> groups_;
};

}  // namespace postigo
