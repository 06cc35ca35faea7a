// From a message to a verb, and back. Not here: what can be asked (verbs.cc), who asks (predecessors.cc).
#include "proxy/control/successor.h"

namespace postigo {

Successor::Successor(Loop& loop, Run run) : loop_(loop), run_(std::move(run)) {}
Successor::~Successor() = default;

Result<Descriptor> Successor::expect() {
  forget();
  auto ends = Link::pair();
  if (!ends) return tl::unexpected(ends.error());
  link_ = std::make_unique<Link>(
      loop_, std::move(ends->first),
      Link::Calls{.heard = [this](uint64_t number, const Json& message) { asked(number, message); },
                  .ended = [this] { forget(); }});
  return std::move(ends->second);
}

void Successor::forget() {
  ++expected_;
  if (link_ == nullptr) return;
  link_->leave();
  loop_.bury(std::move(link_));
}

// It may be a program of another version.
void Successor::asked(uint64_t number, const Json& message) {
  try {
    if (message.at("until_ms").get<uint64_t>() < loop_.now_ms()) return;
    run_(message.at("ask").get<std::string>(), message.at("parameters"),
         [this, number, expected = expected_](int status, const Json& told) {
           if (expected == expected_) answer(number, status, told);
         });
  } catch (const Json::exception&) {
    answer(number, 422, {{"error", "it does not understand what is asked"}});
  }
}

void Successor::answer(uint64_t number, int status, const Json& answer) {
  if (link_ == nullptr || link_->send(number, {{"status", status}, {"answer", answer}})) return;
  link_->send(number, {{"status", 413}, {"answer", {{"error", "its answer is too long"}}}});
}

}  // namespace postigo
