// getaddrinfo on libuv's pool, which nothing else in Postigo uses. Ports are the caller's business.
#include "proxy/net/resolver.h"

#include <netdb.h>

namespace postigo {

struct Resolver::Question : Ticket::Operation {
  uv_getaddrinfo_t request;
  Resolver* resolver;
  std::string host;
  std::function<void(Answer)> then;
  std::shared_ptr<Question> self;  // until libuv has called back

  void cancel() override {
    then = nullptr;
    if (self) uv_cancel(reinterpret_cast<uv_req_t*>(&request));
  }
  void answered(int status, addrinfo* list);
};

void Resolver::Question::answered(int status, addrinfo* list) {
  auto keep = std::move(self);
  std::vector<Address> addresses;
  for (addrinfo* item = list; item != nullptr; item = item->ai_next) addresses.emplace_back(item->ai_addr);
  uv_freeaddrinfo(list);
  auto call = std::exchange(then, nullptr);
  if (!call) return;  // cancelled: the resolver may be gone too
  if (status != 0 || addresses.empty()) {
    return call(fail("cannot resolve " + host + ": " + (status != 0 ? uv_strerror(status) : "no address")));
  }
  if (resolver->memory_.size() >= kNamesMax) resolver->memory_.clear();
  resolver->memory_[host] = {addresses, resolver->loop_.now_ms() + kRememberMs};
  call(std::move(addresses));
}

const std::vector<Address>* Resolver::known(const std::string& host) {
  auto found = memory_.find(host);
  if (found != memory_.end() && found->second.until_ms > loop_.now_ms()) return &found->second.addresses;
  std::optional<Address> literal = Address::parse(host, 0);
  if (!literal) return nullptr;
  if (memory_.size() >= kNamesMax) memory_.clear();
  Entry& entry = memory_[host];
  entry = {{*literal}, UINT64_MAX};
  return &entry.addresses;
}

Ticket Resolver::resolve(const std::string& host, std::function<void(Answer)> then) {
  auto question = std::make_shared<Question>();
  question->resolver = this;
  question->host = host;
  question->then = std::move(then);
  question->request.data = question.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  int status = uv_getaddrinfo(
      loop_.uv(), &question->request,
      [](uv_getaddrinfo_t* request, int result, addrinfo* list) {
        static_cast<Question*>(request->data)->answered(result, list);
      },
      host.c_str(), nullptr, &hints);
  if (status != 0) {
    loop_.defer([question, status] { question->answered(status, nullptr); });
  }
  question->self = question;
  return Ticket(question);
}

}  // namespace postigo
