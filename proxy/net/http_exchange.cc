// Requests to libcurl's options, libcurl's outcome to answers. Not here: when (http_client.cc).
#include "proxy/net/http_exchange.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr long kLifetimeS = 600;  // of a connection: the name may mean another machine by then
constexpr size_t kTriedMax = 8;

void wipe_and_free(void* memory) {
  if (memory == nullptr) return;
  wipe(memory, malloc_usable_size(memory));
  std::free(memory);
}

void* grow(void* memory, size_t size) {
  void* fresh = std::malloc(size);
  if (fresh == nullptr || memory == nullptr) return fresh;
  std::memcpy(fresh, memory, std::min(size, malloc_usable_size(memory)));
  wipe_and_free(memory);
  return fresh;
}

// Once, whichever thread is first.
void begin_library() {
  [[maybe_unused]] static const CURLcode begun =
      curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wipe_and_free, grow, strdup, std::calloc);
}

}  // namespace

Result<std::unique_ptr<HttpExchange>> HttpExchange::make(HttpRequest request) {
  begin_library();
  std::unique_ptr<HttpExchange> made(new HttpExchange(std::move(request)));
  if (auto read = made->read_url(); !read) return tl::unexpected(read.error());
  if (auto written = made->write_headers(); !written) return tl::unexpected(written.error());
  return made;
}

Result<void> HttpExchange::read_url() {
  url_.reset(curl_url());
  const CURLUcode code = curl_url_set(url_.get(), CURLUPART_URL, request_.url.c_str(), CURLU_DISALLOW_USER);
  if (code != CURLUE_OK) return fail(std::string("the URL is of no use: ") + curl_url_strerror(code));
  const std::string scheme = url_part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return fail("the URL is neither http nor https");
  host_ = url_part(CURLUPART_HOST);
  server_ = scheme + "://" + host_ + ':' + url_part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (host_.starts_with('[')) host_ = host_.substr(1, host_.size() - 2);
  return {};
}

std::string HttpExchange::url_part(CURLUPart part, unsigned flags) const {
  char* text = nullptr;
  if (curl_url_get(url_.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

void HttpExchange::append(Lines& lines, const char* line) {
  curl_slist* longer = curl_slist_append(lines.get(), line);
  if (longer == nullptr) return;  // no memory
  (void)lines.release();
  lines.reset(longer);
}

// What libcurl would send by itself is said by the request, or by nobody.
Result<void> HttpExchange::write_headers() {
  for (const char* unsaid : {"Accept:", "Content-Type:", "Expect:"}) append(headers_, unsaid);
  for (const auto& [name, value] : request_.headers) {
    if (!fits_in_line(name) || !fits_in_line(value)) return fail("the header " + printable(name) + " is not one line");
    Secret line;
    line.append(name);
    line.append(value.empty() ? ";" : ": ");
    line.append(value);
    line.append(Bytes("", 1));
    append(headers_, line.reveal().data());
  }
  return {};
}

CURL* HttpExchange::begin(const std::vector<Address>& addresses, uint64_t timeout_ms) {
  easy_.reset(curl_easy_init());
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_CURLU, url_.get());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // Each question has a connection of its own: one that hangs holds up no other.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout_ms));
  curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, kLifetimeS);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpExchange::take_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpExchange::take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  if (!addresses.empty()) {
    std::string line = '+' + host_ + ':' + url_part(CURLUPART_PORT, CURLU_DEFAULT_PORT) + ':';
    for (size_t i = 0; i < std::min(addresses.size(), kTriedMax); ++i) {
      line += (i == 0 ? "[" : ",[") + addresses[i].host() + ']';
    }
    append(resolve_, line.c_str());
    curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve_.get());
  }
  set_method();
  set_tls();
  set_login();
  return easy;
}

void HttpExchange::set_method() {
  CURL* easy = easy_.get();
  if (request_.method == "GET" && request_.body.empty()) return;  // as libcurl does by itself
  if (request_.method == "HEAD") return (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  Bytes body = request_.body.reveal();
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());  // refers to it
  if (request_.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void HttpExchange::set_tls() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!request_.tls_ca.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, request_.tls_ca.c_str());
  if (!request_.tls_ca.empty()) curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  if (request_.tls_verify) return;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

void HttpExchange::set_login() {
  if (request_.login.empty()) return;
  Secret password = request_.password;
  password.append(Bytes("", 1));
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
  curl_easy_setopt(easy_.get(), CURLOPT_USERNAME, request_.login.c_str());
  curl_easy_setopt(easy_.get(), CURLOPT_PASSWORD, password.reveal().data());
}

// RFC 9112 6.3: without these only the end of the connection ends a body.
bool HttpExchange::ends_with_head() const {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return false;
  for (const char* name : {"Content-Length", "Transfer-Encoding"}) {
    curl_header* found = nullptr;
    if (curl_easy_header(easy_.get(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK) return false;
  }
  return true;
}

size_t HttpExchange::take_head(char* data, size_t, size_t size, void* me) {
  HttpExchange& self = *static_cast<HttpExchange*>(me);
  self.head_size_ += size;
  if (self.head_size_ > kHeadMax) {
    self.too_long_ = "an answer with too long a head";
    return 0;
  }
  const bool last = Bytes(data, size) == "\r\n" || Bytes(data, size) == "\n";
  self.head_ended_ = last || (self.head_ended_ && !Bytes(data, size).starts_with("HTTP/"));  // one may follow a 1xx
  self.head_was_all_ = last && self.request_.head_alone && self.ends_with_head();
  return self.head_was_all_ ? 0 : size;
}

size_t HttpExchange::take_body(char* data, size_t, size_t size, void* me) {
  HttpExchange& self = *static_cast<HttpExchange*>(me);
  if (self.body_.size() + size > HttpAnswer::kBodyMax) {
    self.too_long_ = "an answer with too long a body";
    return 0;
  }
  self.body_.append(data, size);
  return size;
}

void HttpExchange::take_headers(HttpAnswer& answer) {
  curl_header* header = nullptr;
  while ((header = curl_easy_nextheader(easy_.get(), CURLH_HEADER, -1, header)) != nullptr) {
    if (answer.headers.size() == HttpAnswer::kHeadersMax) {
      answer = {};
      answer.why = "an answer with too many headers";
      return;
    }
    answer.headers.emplace_back(lower(header->name), header->value);
  }
}

// RFC 9112 8: nobody knows what an answer would have said that was cut off in its head; libcurl takes it for whole.
HttpAnswer HttpExchange::end(CURLcode code) {
  HttpAnswer answer;
  if (code == CURLE_OK && !head_ended_) {
    answer.why = "the connection ended in the answer's head";
  } else if (code == CURLE_OK || head_was_all_) {
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    answer.body = std::move(body_);
    take_headers(answer);
  } else if (too_long_ != nullptr) {
    answer.why = too_long_;
  } else {
    answer.why = error_[0] != 0 ? error_.data() : curl_easy_strerror(code);
  }
  return answer;
}

}  // namespace postigo
