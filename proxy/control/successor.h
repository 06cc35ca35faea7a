// Successor: the process that takes this one's place, or one after it, asks over a link of its own for the sessions
// that are still here; it is answered as operators are.
//
// Confined to the control thread's loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proxy/control/link.h"

namespace postigo {

class Successor {
 public:
  using Json = Link::Json;
  using Done = std::function<void(int status, const Json& answer)>;
  // What is asked, by whoever; parameters of the right types, but not checked. May throw what JSON throws.
  using Run = std::function<void(const std::string& what, const Json& parameters, Done done)>;

  Successor(Loop& loop, Run run);
  ~Successor();

  // There is going to be one: its end of the link. The one before is forgotten.
  Result<Descriptor> expect();
  void forget();

 private:
  void asked(uint64_t number, const Json& message);
  void answer(uint64_t number, int status, const Json& answer);

  Loop& loop_;
  Run run_;
  std::unique_ptr<Link> link_;
  uint64_t expected_ = 0;  // so far: an answer that comes late is not for the next one
};

}  // namespace postigo
