// libcurl on our loop: its sockets, its time, and who may ask now; names are our resolver's, as libcurl's would need
// threads. Not here: what is asked and answered, in libcurl's terms (http_exchange.cc) and in anybody else's.
#include "proxy/net/http_client.h"

#include <sys/epoll.h>

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "proxy/net/http_exchange.h"

namespace postigo {
namespace {

constexpr long kSpareMin = 64;               // connections that are kept for later
constexpr long kAuthoritiesKeptS = 10 * 60;  // before tls_ca is read again

}  // namespace

// What libcurl holds of all questions. Its call-backs come from inside calls into it, so they only take notes.
class HttpClient::Multi : public std::enable_shared_from_this<Multi> {
 public:
  explicit Multi(Loop& loop)
      : loop_(loop), timer_([](void* me) { static_cast<Multi*>(me)->act(CURL_SOCKET_TIMEOUT, 0); }, this) {}
  ~Multi();
  Ticket fetch(Resolver& resolver, HttpRequest request, std::function<void(HttpAnswer)> then);

 private:
  struct Question;
  using QuestionPtr = std::shared_ptr<Question>;
  // Questions to one server: some are under way, the others wait for their turn.
  struct Server {
    unsigned busy = 0;
    std::deque<std::weak_ptr<Question>> waiting;
  };
  struct Tap;

  void open();
  void find_address(Resolver& resolver, const QuestionPtr& question);
  void enter(const QuestionPtr& question);
  void start(Server& server, const QuestionPtr& question);
  void leave(Question& question);
  void late(Question& question);
  void act(curl_socket_t fd, int what);
  void done(const QuestionPtr& question, HttpAnswer answer);
  void forget(Question& question);
  static int want(CURL*, curl_socket_t fd, int what, void* me, void*);
  static int wait(CURLM*, long after_ms, void* me);

  Loop& loop_;
  Timer timer_;
  CURLM* multi_ = nullptr;
  long spare_ = 0;
  std::unordered_map<int, std::unique_ptr<Tap>> taps_;
  std::map<Question*, QuestionPtr> questions_;
  std::map<std::string, Server> servers_;
};

struct HttpClient::Multi::Question final : Ticket::Operation {
  explicit Question(std::weak_ptr<Multi> all) : multi(std::move(all)) {}
  void cancel() override {
    then = nullptr;
    if (auto all = multi.lock()) all->forget(*this);
  }
  std::weak_ptr<Multi> multi;
  std::function<void(HttpAnswer)> then;
  std::unique_ptr<HttpExchange> exchange;
  std::vector<Address> addresses;
  Ticket resolving;
  const char* lacks = "no address in time";
  uint64_t until_ms = 0;
  bool started = false;
  // Until it is libcurl's business.
  Timer patience{[](void* self) {
                   auto& question = *static_cast<Question*>(self);
                   if (auto all = question.multi.lock()) all->late(question);
                 },
                 this};
};

struct HttpClient::Multi::Tap final : Watched {
  Tap(Multi& of, int socket) : multi(&of), fd(socket) {}
  void ready(uint32_t events) override {
    if (multi == nullptr) return;
    bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    int what =
        ((events & EPOLLIN) != 0 || broken ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
    multi->act(fd, what);
  }
  Multi* multi;  // null: closed in this turn
  int fd;
};

HttpClient::Multi::~Multi() {
  while (!questions_.empty()) forget(*questions_.begin()->second);
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
  timer_.cancel();
  for (auto& [fd, tap] : taps_) {  // none is left, if libcurl keeps its word
    loop_.unwatch(fd);
    loop_.bury(std::move(tap));
  }
}

// REQUIRES: an exchange was made, which begins the library.
void HttpClient::Multi::open() {
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::want);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::wait);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

Ticket HttpClient::Multi::fetch(Resolver& resolver, HttpRequest request, std::function<void(HttpAnswer)> then) {
  auto question = std::make_shared<Question>(weak_from_this());
  question->then = std::move(then);
  const uint64_t timeout_ms = request.timeout_ms;
  auto exchange = questions_.size() < kQuestionsMax ? HttpExchange::make(std::move(request))
                                                    : fail("too many questions wait for servers");
  if (!exchange) {
    done(question, {.why = exchange.error().message});
    return Ticket(question);
  }
  question->exchange = std::move(*exchange);
  question->until_ms = loop_.now_ms() + timeout_ms;
  loop_.timers().arm(question->patience, timeout_ms);
  questions_[question.get()] = question;
  find_address(resolver, question);
  return Ticket(question);
}

void HttpClient::Multi::find_address(Resolver& resolver, const QuestionPtr& question) {
  const std::string& host = question->exchange->host();
  if (Address::parse(host, 0)) return enter(question);
  if (const auto* known = resolver.known(host)) {
    question->addresses = *known;
    return enter(question);
  }
  question->resolving = resolver.resolve(host, [this, held = std::weak_ptr(question)](Resolver::Answer found) {
    auto asked = held.lock();
    if (asked == nullptr) return;
    if (!found) return done(asked, {.why = found.error().message});
    asked->addresses = std::move(*found);
    enter(asked);
  });
}

// Its turn is now, or when another one has been answered.
void HttpClient::Multi::enter(const QuestionPtr& question) {
  question->lacks = "no connection was free in time";
  Server& server = servers_[question->exchange->server()];
  if (server.busy < question->exchange->request().connections_max) return start(server, question);
  server.waiting.push_back(question);
}

void HttpClient::Multi::start(Server& server, const QuestionPtr& question) {
  if (multi_ == nullptr) open();
  ++server.busy;
  question->started = true;
  question->patience.cancel();
  const auto most = static_cast<long>(question->exchange->request().connections_max);
  if (std::max(most, kSpareMin) > spare_)
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, spare_ = std::max(most, kSpareMin));
  const uint64_t now_ms = loop_.now_ms();
  const uint64_t left_ms = question->until_ms > now_ms ? question->until_ms - now_ms : 1;
  CURL* easy = question->exchange->begin(question->addresses, left_ms);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, question.get());
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, kAuthoritiesKeptS);
  curl_multi_add_handle(multi_, easy);
}

// Whoever waits for its place comes in.
void HttpClient::Multi::leave(Question& question) {
  auto found = servers_.find(question.exchange->server());
  if (found == servers_.end()) return;
  Server& server = found->second;
  server.busy -= question.started ? 1 : 0;
  while (!server.waiting.empty()) {
    auto next = server.waiting.front().lock();
    const bool waits = next != nullptr && next->then != nullptr && !next->started;
    if (waits && server.busy >= next->exchange->request().connections_max) return;
    server.waiting.pop_front();
    if (waits) start(server, next);
  }
  if (server.busy == 0) servers_.erase(found);
}

int HttpClient::Multi::want(CURL*, curl_socket_t fd, int what, void* me, void*) {
  Multi& self = *static_cast<Multi*>(me);
  auto found = self.taps_.find(fd);
  uint32_t events =
      ((what & CURL_POLL_IN) != 0 ? uint32_t{EPOLLIN} : 0U) | ((what & CURL_POLL_OUT) != 0 ? uint32_t{EPOLLOUT} : 0U);
  if (what == CURL_POLL_REMOVE) events = 0;
  if (found != self.taps_.end() && events != 0) {
    self.loop_.watch_again(fd, *found->second, events);
  } else if (found != self.taps_.end()) {
    found->second->multi = nullptr;
    self.loop_.unwatch(fd);
    self.loop_.bury(std::move(found->second));
    self.taps_.erase(found);
  } else if (events != 0) {
    auto tap = std::make_unique<Tap>(self, fd);
    if (self.loop_.watch(fd, *tap, events) == 0) self.taps_[fd] = std::move(tap);  // else it times out
  }
  return 0;
}

int HttpClient::Multi::wait(CURLM*, long after_ms, void* me) {
  Multi& self = *static_cast<Multi*>(me);
  self.timer_.cancel();
  if (after_ms > 0) self.loop_.timers().arm(self.timer_, static_cast<uint64_t>(after_ms));
  if (after_ms == 0) {
    self.loop_.defer([held = self.weak_from_this()] {
      if (auto multi = held.lock()) multi->act(CURL_SOCKET_TIMEOUT, 0);
    });
  }
  return 0;
}

void HttpClient::Multi::act(curl_socket_t fd, int what) {
  auto alive = shared_from_this();
  int running = 0;
  curl_multi_socket_action(multi_, fd, what, &running);
  int left = 0;
  while (CURLMsg* told = curl_multi_info_read(multi_, &left)) {
    if (told->msg != CURLMSG_DONE) continue;
    Question* question = nullptr;
    curl_easy_getinfo(told->easy_handle, CURLINFO_PRIVATE, &question);
    QuestionPtr held = questions_.at(question);
    done(held, held->exchange->end(told->data.result));
  }
}

// On a turn of its own, as whoever waits may end anything.
void HttpClient::Multi::done(const QuestionPtr& question, HttpAnswer answer) {
  auto then = std::exchange(question->then, nullptr);
  forget(*question);
  if (then == nullptr) return;
  question->then = std::move(then);
  loop_.defer([question, told = std::make_shared<HttpAnswer>(std::move(answer))] {
    if (auto call = std::exchange(question->then, nullptr)) call(std::move(*told));
  });
}

void HttpClient::Multi::late(Question& question) {
  auto found = questions_.find(&question);
  if (found == questions_.end()) return;
  QuestionPtr held = found->second;
  done(held, {.why = held->lacks});
}

// It has been answered, or nobody waits for it any more.
void HttpClient::Multi::forget(Question& question) {
  question.patience.cancel();
  question.resolving.cancel();
  auto held = questions_.extract(&question);  // keeps it to the end of this call
  if (held.empty()) return;
  if (question.exchange->handle() != nullptr) curl_multi_remove_handle(multi_, question.exchange->handle());
  leave(question);
  question.exchange.reset();
}

HttpClient::HttpClient(Loop& loop) : loop_(loop) {}
HttpClient::~HttpClient() = default;

void HttpClient::use(Resolver& resolver) { resolver_ = &resolver; }

void HttpClient::close() {
  closed_ = true;
  multi_.reset();
}

Ticket HttpClient::fetch(HttpRequest request, std::function<void(HttpAnswer)> then) {
  if (closed_) return {};
  if (multi_ == nullptr) multi_ = std::make_shared<Multi>(loop_);
  return multi_->fetch(*resolver_, std::move(request), std::move(then));
}

}  // namespace postigo
