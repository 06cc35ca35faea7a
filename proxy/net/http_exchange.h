// HttpExchange: one question as libcurl wants it, and its answer as backends/ wants it. Not the loop, nor names.
//
// Confined to one thread. What libcurl keeps of it is wiped when it is freed, as bodies and headers hold passwords.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/http.h"
#include "parser/base/result.h"
#include "proxy/net/address.h"

namespace postigo {

class HttpExchange {
 public:
  // Fails if the request cannot be asked at all: a URL that is none, a header with a line's end in it.
  static Result<std::unique_ptr<HttpExchange>> make(HttpRequest request);

  const HttpRequest& request() const { return request_; }
  const std::string& host() const { return host_; }      // without brackets
  const std::string& server() const { return server_; }  // "https://host:port"

  // Ready for curl_multi_add_handle; valid as long as this. `addresses`: of host(); none if it is one.
  CURL* begin(const std::vector<Address>& addresses, uint64_t timeout_ms);
  CURL* handle() const { return easy_.get(); }  // null before begin()
  HttpAnswer end(CURLcode code);

  static constexpr size_t kHeadMax = 64 * 1024;

 private:
  template <typename T, void (*release)(T*)>
  struct Release {
    void operator()(T* what) const { release(what); }
  };
  using Easy = std::unique_ptr<CURL, Release<CURL, curl_easy_cleanup>>;
  using Lines = std::unique_ptr<curl_slist, Release<curl_slist, curl_slist_free_all>>;
  using Url = std::unique_ptr<CURLU, Release<CURLU, curl_url_cleanup>>;

  explicit HttpExchange(HttpRequest request) : request_(std::move(request)) {}
  Result<void> read_url();
  Result<void> write_headers();
  std::string url_part(CURLUPart part, unsigned flags = 0) const;
  void set_method();
  void set_tls();
  void set_login();
  static void append(Lines& lines, const char* line);
  static size_t take_head(char* data, size_t, size_t size, void* me);
  static size_t take_body(char* data, size_t, size_t size, void* me);
  bool ends_with_head() const;
  void take_headers(HttpAnswer& answer);

  HttpRequest request_;
  std::string host_, server_;
  Url url_;
  Lines headers_, resolve_;
  Easy easy_;  // gone before what it refers to
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string body_;
  const char* too_long_ = nullptr;  // the answer
  size_t head_size_ = 0;
  bool head_ended_ = false, head_was_all_ = false;
};

}  // namespace postigo
