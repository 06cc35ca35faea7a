// c-ares on our loop: its sockets, its time, and its answers as ours. SRV answers are read by glibc's own parser
// (libresolv): that of c-ares drops their TTL. Not here: memory, who waits, literals
// (resolver.cc).
#include "proxy/net/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

// A channel reads /etc/resolv.conf when it is made. One that is older gets no more questions, so that a changed file
// takes effect, also while servers that are gone are still being asked.
constexpr uint64_t kChannelMs = 30'000;
constexpr size_t kAddressesMax = 64;  // of one name
constexpr size_t kTargetsMax = 256;
constexpr size_t kSrvNumbers = 6;  // octets of an SRV record before its target

Dns::Answer answer_of(int status, const ares_addrinfo* list) {
  Dns::Answer answer;
  int ttl_s = INT32_MAX;
  for (auto* node = list != nullptr ? list->nodes : nullptr; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    if (answer.addresses.size() < kAddressesMax) answer.addresses.emplace_back(node->ai_addr);
    ttl_s = std::min(ttl_s, node->ai_ttl);
  }
  for (auto* alias = list != nullptr ? list->cnames : nullptr; alias != nullptr; alias = alias->next) {
    ttl_s = std::min(ttl_s, alias->ttl);
  }
  answer.addresses = by_turns(std::move(answer.addresses));
  answer.ttl_ms = answer.addresses.empty() ? 0 : static_cast<uint64_t>(std::max(ttl_s, 0)) * 1000;
  answer.why = status == ARES_SUCCESS ? "no address" : ares_strerror(status);
  return answer;
}

// None: it is no such record, its target is no host, or it says that there is no such service (".").
std::optional<config::SrvTarget> target_of(const ns_msg& message, const ns_rr& record) {
  const unsigned char* data = ns_rr_rdata(record);
  if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) <= kSrvNumbers) return {};
  std::array<char, NS_MAXDNAME> name{};
  const unsigned char *begin = ns_msg_base(message), *end = ns_msg_end(message);
  if (dn_expand(begin, end, data + kSrvNumbers, name.data(), static_cast<int>(name.size())) < 0) return {};
  config::SrvTarget target;
  target.priority = static_cast<uint16_t>(ns_get16(data));
  target.weight = static_cast<uint16_t>(ns_get16(data + 2));
  target.port = static_cast<uint16_t>(ns_get16(data + 4));
  target.host = lower(name.data());
  if (target.port == 0 || !config::is_host_name(target.host)) return {};
  return target;
}

Dns::Answer targets_of(int status, const unsigned char* octets, int size) {
  Dns::Answer answer;
  ns_msg message{};
  answer.why = status == ARES_SUCCESS ? "no target" : ares_strerror(status);
  if (status != ARES_SUCCESS || ns_initparse(octets, size, &message) != 0) return answer;
  uint32_t ttl_s = INT32_MAX;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) break;
    ttl_s = std::min(ttl_s, static_cast<uint32_t>(ns_rr_ttl(record)));  // of aliases, too
    auto target = target_of(message, record);
    if (target) answer.targets.push_back(std::move(*target));
  }
  std::sort(answer.targets.begin(), answer.targets.end());
  answer.targets.erase(std::unique(answer.targets.begin(), answer.targets.end()), answer.targets.end());
  if (answer.targets.size() > kTargetsMax) answer.targets.resize(kTargetsMax);  // always the same ones
  answer.ttl_ms = uint64_t{ttl_s} * 1000;
  return answer;
}

// RFC 6761 6.3: such names mean this machine. No server is asked, and they mean it without a line in /etc/hosts too.
bool is_localhost(const std::string& host) {
  std::string name = lower(host.ends_with('.') ? host.substr(0, host.size() - 1) : host);
  return name == "localhost" || name.ends_with(".localhost");
}

std::vector<Address> loopback() { return {*Address::parse("127.0.0.1", 0), *Address::parse("::1", 0)}; }

// What ares_set_servers_ports wants: a list through all of them.
std::vector<ares_addr_port_node> nodes_of(const std::vector<config::Endpoint>& servers) {
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (size_t i = 0; i < servers.size(); ++i) {
    Address address = Address::parse(servers[i].host, 0).value_or(Address());
    ares_addr_port_node& node = nodes[i];
    node.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    node.family = address.get()->sa_family;
    node.udp_port = node.tcp_port = servers[i].port;
    if (node.family == AF_INET) {
      node.addr.addr4 = reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr;
    } else {
      std::memcpy(&node.addr.addr6, &reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr, 16);
    }
  }
  return nodes;
}

}  // namespace

struct Dns::Question : Ticket::Operation {
  Question(Loop& in, bool localhost, std::function<void(Answer)> call)
      : loop(in), local(localhost), then(std::move(call)) {}

  // The last question that lets go of a channel ends it; c-ares then gives back what it holds of all of them.
  void cancel() override {
    then = nullptr;
    channel.reset();
  }
  void answered() {
    channel.reset();
    if (auto call = std::exchange(then, nullptr)) call(std::move(answer));
  }

  Loop& loop;
  bool local;  // it names this machine
  std::function<void(Answer)> then;
  std::shared_ptr<Channel> channel;  // until the answer is there
  Answer answer;
};

class Dns::Channel {
 public:
  // `lookups`: "f" for /etc/hosts, "b" for the servers, in this order, whatever nsswitch.conf says.
  Channel(Loop& loop, const config::Resolver& settings, std::string lookups)
      : loop_(loop), made_ms_(loop.now_ms()), timer_([](void* me) { static_cast<Channel*>(me)->time(); }, this) {
    [[maybe_unused]] static const int library = ares_library_init(ARES_LIB_INIT_ALL);
    ares_options options{};
    options.timeout = static_cast<int>(settings.timeout_ms);
    options.tries = static_cast<int>(settings.tries);
    options.lookups = lookups.data();
    options.sock_state_cb = [](void* me, ares_socket_t fd, int in, int out) {
      static_cast<Channel*>(me)->want(fd, in != 0, out != 0);
    };
    options.sock_state_cb_data = this;
    status_ = ares_init_options(&ares_, &options,
                                ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
    if (status_ != ARES_SUCCESS || settings.servers.empty()) return;
    std::vector<ares_addr_port_node> servers = nodes_of(settings.servers);
    status_ = ares_set_servers_ports(ares_, servers.data());
  }
  ~Channel() {
    if (ares_ != nullptr) ares_destroy(ares_);
  }
  Channel(const Channel&) = delete;

  bool old() const { return status_ != ARES_SUCCESS || loop_.now_ms() - made_ms_ > kChannelMs; }

  void ask(const std::string& host, const std::shared_ptr<Question>& question) {
    auto* held = new std::shared_ptr<Question>(question);  // given back by told()
    if (status_ != ARES_SUCCESS) return told(held, status_, 0, nullptr);
    ares_addrinfo_hints hints{};
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(ares_, host.c_str(), nullptr, &hints, &told, held);
    arm();
  }
  void ask_srv(const std::string& name, const std::shared_ptr<Question>& question) {
    auto* held = new std::shared_ptr<Question>(question);  // given back by told_srv()
    if (status_ != ARES_SUCCESS) return told_srv(held, status_, 0, nullptr, 0);
    ares_query(ares_, name.c_str(), ns_c_in, ns_t_srv, &told_srv, held);
    arm();
  }

 private:
  // One of c-ares's sockets, as long as it wants to hear of it.
  struct Tap final : Watched {
    Tap(Channel& of, int socket) : channel(&of), fd(socket) {}
    void ready(uint32_t events) override {
      if (channel != nullptr) channel->process(fd, events);
    }
    Channel* channel;  // null: closed in this turn
    int fd;
  };

  // c-ares may say this inside ask(), and says it of every question when it is destroyed.
  static void told(void* held, int status, int, ares_addrinfo* list) {
    std::shared_ptr<Question> question = taken(held);
    if (question->then) {
      question->answer = answer_of(status, list);
      if (question->local && question->answer.addresses.empty()) question->answer.addresses = loopback();
      question->loop.defer([question] { question->answered(); });
    }
    ares_freeaddrinfo(list);
  }
  static void told_srv(void* held, int status, int, unsigned char* octets, int size) {
    std::shared_ptr<Question> question = taken(held);
    if (!question->then) return;
    question->answer = targets_of(status, octets, size);
    question->loop.defer([question] { question->answered(); });
  }
  static std::shared_ptr<Question> taken(void* held) {
    std::unique_ptr<std::shared_ptr<Question>> owner(static_cast<std::shared_ptr<Question>*>(held));
    return *owner;
  }

  // Without EPOLLET: c-ares reads and writes as much as it likes.
  void want(int fd, bool in, bool out) {
    auto found = taps_.find(fd);
    uint32_t events = (in ? uint32_t{EPOLLIN} : 0U) | (out ? uint32_t{EPOLLOUT} : 0U);
    if (found != taps_.end() && events != 0) return loop_.watch_again(fd, *found->second, events);
    if (found != taps_.end()) {
      found->second->channel = nullptr;
      loop_.unwatch(fd);
      loop_.bury(std::move(found->second));
      taps_.erase(found);
    } else if (events != 0) {
      auto tap = std::make_unique<Tap>(*this, fd);
      if (loop_.watch(fd, *tap, events) == 0) taps_[fd] = std::move(tap);  // else the question times out
    }
  }

  void process(int fd, uint32_t events) {
    bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    bool in = broken || (events & EPOLLIN) != 0, out = broken || (events & EPOLLOUT) != 0;
    ares_process_fd(ares_, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
    arm();
  }
  void time() {
    ares_process_fd(ares_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm();
  }
  void arm() {
    timeval wait{};
    if (ares_timeout(ares_, nullptr, &wait) == nullptr) return timer_.cancel();
    loop_.timers().arm(timer_, static_cast<uint64_t>(wait.tv_sec) * 1000 + static_cast<uint64_t>(wait.tv_usec) / 1000);
  }

  Loop& loop_;
  uint64_t made_ms_;
  Timer timer_;
  std::unordered_map<int, std::unique_ptr<Tap>> taps_;
  int status_ = ARES_SUCCESS;
  ares_channel ares_ = nullptr;
};

Dns::Dns(Loop& loop, const config::Resolver& settings) : loop_(loop), settings_(settings) {}
Dns::~Dns() = default;

std::shared_ptr<Dns::Channel> Dns::channel() {
  if (channel_ == nullptr || channel_->old()) channel_ = std::make_shared<Channel>(loop_, settings_, "fb");
  return channel_;
}

Ticket Dns::ask(const std::string& host, std::function<void(Answer)> then) {
  bool local = is_localhost(host);
  auto question = std::make_shared<Question>(loop_, local, std::move(then));
  question->channel = local ? std::make_shared<Channel>(loop_, settings_, "f") : channel();
  question->channel->ask(host, question);
  return Ticket(question);
}

Ticket Dns::ask_srv(const std::string& name, std::function<void(Answer)> then) {
  auto question = std::make_shared<Question>(loop_, false, std::move(then));
  question->channel = channel();
  question->channel->ask_srv(name, question);
  return Ticket(question);
}

}  // namespace postigo
