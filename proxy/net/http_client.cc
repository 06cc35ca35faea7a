// libcurl on our loop: its sockets, its time, its answers as ours; names are our resolver's, as libcurl's would need
// threads. Not here: what is asked and what an answer means (session/policy.cc).
#include "proxy/net/http_client.h"

#include <curl/curl.h>
#include <sys/epoll.h>

#include <array>
#include <map>
#include <unordered_map>
#include <utility>

namespace postigo {
namespace {

struct Url {
  std::string host, port;
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

// Of a url that config/check_limits.cc found right.
Url parse_url(const std::string& text) {
  Url found;
  CURLU* url = curl_url();
  curl_url_set(url, CURLUPART_URL, text.c_str(), 0);
  found.host = part_of(url, CURLUPART_HOST);
  found.port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  curl_url_cleanup(url);
  return found;
}

}  // namespace

// What libcurl holds of all questions. Its call-backs come from inside calls into it, so they only take notes.
class HttpClient::Multi : public std::enable_shared_from_this<Multi> {
 public:
  struct Question final : Ticket::Operation {
    ~Question() override {
      curl_slist_free_all(headers);
      curl_slist_free_all(connect_to);
    }
    void cancel() override {
      then = nullptr;
      resolving.cancel();
      if (auto all = multi.lock()) all->forget(*this);
    }
    std::weak_ptr<Multi> multi;
    std::function<void(Answer)> then;
    Ticket resolving;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    curl_slist* connect_to = nullptr;
    std::string url, body;
    // For an address; behind that the time is libcurl's business.
    Timer patience{[](void* self) {
                     auto& question = *static_cast<Question*>(self);
                     if (auto all = question.multi.lock()) all->no_address(question);
                   },
                   this};
    Answer answer;
    bool too_long = false;  // the answer
    std::array<char, CURL_ERROR_SIZE> error{};
  };

  Multi(Loop& loop, Settings settings)
      : loop_(loop),
        settings_(std::move(settings)),
        url_(parse_url(settings_.url)),
        timer_([](void* me) { static_cast<Multi*>(me)->act(CURL_SOCKET_TIMEOUT, 0); }, this) {
    [[maybe_unused]] static const CURLcode library = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::want);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::wait);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(settings_.connections_max));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(settings_.connections_max));
  }
  ~Multi() {
    while (!questions_.empty()) forget(*questions_.begin()->second);
    curl_multi_cleanup(multi_);
    timer_.cancel();
    for (auto& [fd, tap] : taps_) {  // none is left, if libcurl keeps its word
      loop_.unwatch(fd);
      loop_.bury(std::move(tap));
    }
  }

  Ticket post(Resolver& resolver, const std::string& query, std::string body, std::function<void(Answer)> then) {
    auto question = std::make_shared<Question>();
    question->multi = weak_from_this();
    question->then = std::move(then);
    question->url = settings_.url + query;
    question->body = std::move(body);
    if (Address::parse(bare_host(), 0)) {
      start(question);
    } else if (const auto* known = resolver.known(url_.host)) {
      connect_to(*question, known->front());
      start(question);
    } else {
      question->resolving = resolver.resolve(url_.host, [this, held = std::weak_ptr(question)](Resolver::Answer found) {
        auto asked = held.lock();
        if (asked == nullptr) return;
        if (!found) return done(asked, found.error().message);
        connect_to(*asked, found->front());
        start(asked);
      });
      waiting_[question.get()] = question;
      loop_.timers().arm(question->patience, settings_.timeout_ms);
    }
    return Ticket(question);
  }

 private:
  struct Tap final : Watched {
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

  std::string bare_host() const {
    return url_.host.starts_with('[') ? url_.host.substr(1, url_.host.size() - 2) : url_.host;
  }

  void connect_to(Question& question, const Address& address) {
    bool v6 = address.host().find(':') != std::string::npos;
    std::string to = v6 ? '[' + address.host() + ']' : address.host();
    question.connect_to = curl_slist_append(nullptr, ("::" + to + ':' + url_.port).c_str());
  }

  void start(const std::shared_ptr<Question>& question) {
    waiting_.erase(question.get());
    question->patience.cancel();
    CURL* easy = question->easy = curl_easy_init();
    question->headers = curl_slist_append(nullptr, "Content-Type: application/json");
    question->headers = curl_slist_append(question->headers, "Expect:");
    curl_easy_setopt(easy, CURLOPT_URL, question->url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, question->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question->body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(question->body.size()));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, question->connect_to);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout_ms));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.timeout_ms));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, question->error.data());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Multi::take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, question.get());
    curl_easy_setopt(easy, CURLOPT_PRIVATE, question.get());
    if (!settings_.password.empty()) {
      curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      curl_easy_setopt(easy, CURLOPT_USERNAME, settings_.user.c_str());
      curl_easy_setopt(easy, CURLOPT_PASSWORD, settings_.password.c_str());
    }
    questions_[question.get()] = question;
    curl_multi_add_handle(multi_, easy);
  }

  static size_t take(char* data, size_t, size_t size, void* to) {
    auto& question = *static_cast<Question*>(to);
    std::string& body = question.answer.body;
    question.too_long = body.size() + size > kBodyMax;
    if (question.too_long) return 0;
    body.append(data, size);
    return size;
  }

  static int want(CURL*, curl_socket_t fd, int what, void* me, void*) {
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

  static int wait(CURLM*, long after_ms, void* me) {
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

  void act(curl_socket_t fd, int what) {
    auto alive = shared_from_this();
    int running = 0;
    curl_multi_socket_action(multi_, fd, what, &running);
    int left = 0;
    while (CURLMsg* told = curl_multi_info_read(multi_, &left)) {
      if (told->msg != CURLMSG_DONE) continue;
      Question* question = nullptr;
      curl_easy_getinfo(told->easy_handle, CURLINFO_PRIVATE, &question);
      std::shared_ptr<Question> held = questions_.at(question);
      CURLcode code = told->data.result;
      if (code == CURLE_OK) curl_easy_getinfo(told->easy_handle, CURLINFO_RESPONSE_CODE, &held->answer.status);
      std::string why = held->error[0] != 0 ? held->error.data() : curl_easy_strerror(code);
      if (held->too_long) why = "an answer of more than " + std::to_string(kBodyMax) + " octets";
      done(held, code == CURLE_OK ? "" : why);
    }
  }

  // On a turn of its own, as whoever waits may end anything.
  void done(const std::shared_ptr<Question>& question, const std::string& why) {
    question->answer.why = why;
    auto then = std::exchange(question->then, nullptr);
    forget(*question);
    if (then == nullptr) return;
    question->then = std::move(then);
    loop_.defer([question] {
      if (auto call = std::exchange(question->then, nullptr)) call(std::move(question->answer));
    });
  }

  void no_address(Question& question) {
    auto found = waiting_.find(&question);
    if (found == waiting_.end()) return;
    auto held = found->second;
    held->resolving.cancel();
    done(held, "no address in time");
  }

  // It has been answered, or nobody waits for it any more.
  void forget(Question& question) {
    question.patience.cancel();
    auto waiting = waiting_.extract(&question);  // keeps it to the end of this call
    auto held = questions_.extract(&question);
    if (question.easy == nullptr) return;
    curl_multi_remove_handle(multi_, question.easy);
    curl_easy_cleanup(std::exchange(question.easy, nullptr));
  }

  Loop& loop_;
  const Settings settings_;
  const Url url_;
  Timer timer_;
  CURLM* multi_ = nullptr;
  std::unordered_map<int, std::unique_ptr<Tap>> taps_;
  std::map<Question*, std::shared_ptr<Question>> questions_, waiting_;  // at libcurl; for a name
};

HttpClient::HttpClient(Loop& loop, Settings settings) : multi_(std::make_shared<Multi>(loop, std::move(settings))) {}
HttpClient::~HttpClient() = default;

Ticket HttpClient::post(Resolver& resolver, const std::string& query, std::string body,
                        std::function<void(Answer)> then) {
  return multi_->post(resolver, query, std::move(body), std::move(then));
}

}  // namespace postigo
