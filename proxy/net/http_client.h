// HttpClient: questions to one HTTP server, without a thread of their own: libcurl's multi interface on our loop. It
// keeps connections, speaks HTTPS with the system's roots, and knows HTTP better than we ever would.
//
// One per worker, confined to its thread. Nothing completes inside the call that started it. What is under way when it
// is destroyed is never answered, so whoever asks keeps it alive (shared_ptr).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backends/env.h"
#include "proxy/net/loop.h"
#include "proxy/net/resolver.h"

namespace postigo {

class HttpClient {
 public:
  struct Settings {
    std::string url;             // http:// or https://, all but the query
    std::string user, password;  // Basic; empty: none
    uint64_t timeout_ms = 2'000;
    size_t connections_max = 16;
  };
  struct Answer {
    long status = 0;   // 0: there was none
    std::string body;  // at most kBodyMax octets
    std::string why;   // there was none, for people
  };
  static constexpr size_t kBodyMax = 64 * 1024;

  HttpClient(Loop& loop, Settings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;

  // JSON to `url` + `query`. Destroying the ticket ends it.
  Ticket post(Resolver& resolver, const std::string& query, std::string body, std::function<void(Answer)> then);

 private:
  class Multi;
  std::shared_ptr<Multi> multi_;
};

}  // namespace postigo
