// HttpClient: questions to HTTP servers, without a thread of their own: libcurl's multi interface on our loop. It keeps
// connections, speaks HTTPS, and knows HTTP better than we ever would.
//
// One per loop, confined to its thread. Nothing completes inside the call that started it. A question has all of its
// time (HttpRequest::timeout_ms) for a place, an address, a connection and an answer together.
#pragma once

#include <functional>
#include <memory>

#include "backends/http.h"
#include "backends/ticket.h"
#include "proxy/net/loop.h"
#include "proxy/net/resolver.h"

namespace postigo {

class HttpClient {
 public:
  explicit HttpClient(Loop& loop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // For names, from now on. The one before may go when what was asked of it needs no answer any more; `resolver`
  // outlives close().
  void use(Resolver& resolver);
  // Destroying the ticket ends it. REQUIRES: use().
  Ticket fetch(HttpRequest request, std::function<void(HttpAnswer)> then);
  // What is under way, and what is asked from now on, is not answered. REQUIRED before the loop ends.
  void close();

  static constexpr size_t kQuestionsMax = 20'000;  // at a time

 private:
  class Multi;
  Loop& loop_;
  Resolver* resolver_ = nullptr;
  std::shared_ptr<Multi> multi_;  // from the first question on
  bool closed_ = false;
};

}  // namespace postigo
