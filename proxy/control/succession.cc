// The predecessor's side of a succession. Not here: what an estate is (estate.cc), how a process is started (spawn.cc),
// what follows for sessions (control_thread.cc).
#include "proxy/control/succession.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/control/spawn.h"

namespace postigo {
namespace {

pid_t peer_of(int conversation) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  getsockopt(conversation, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return peer.pid;
}

std::string how_the_program_ended(const siginfo_t& end) {
  if (end.si_code == CLD_EXITED) return fmt::format("the new program ended with exit code {}", end.si_status);
  return fmt::format("the new program was ended by signal {} ({})", end.si_status, strsignal(end.si_status));
}

}  // namespace

Succession::Succession(Loop& loop)
    : loop_(loop), timer_([](void* self) { static_cast<Succession*>(self)->time_is_over(); }, this) {}

Succession::~Succession() = default;

void Succession::start(const std::vector<std::string>& command, const Estate& estate, uint64_t timeout_ms, Then then) {
  then_ = std::move(then);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return settle(std::strerror(errno));
  Descriptor ours(ends[0]), theirs(ends[1]);
  auto child = spawn(command, theirs.get());
  if (!child) return settle(child.error().message);
  pid_ = child->pid;
  child_ = std::make_unique<Ear>(loop_, std::move(child->handle), [this] { ended(); });
  expect(std::move(ours), estate, timeout_ms);
}

void Succession::give(Descriptor conversation, const Estate& estate, uint64_t timeout_ms, Then then) {
  then_ = std::move(then);
  pid_ = peer_of(conversation.get());
  expect(std::move(conversation), estate, timeout_ms);
}

void Succession::expect(Descriptor conversation, const Estate& estate, uint64_t timeout_ms) {
  loop_.timers().arm(timer_, timeout_ms);
  conversation_ = std::make_unique<Ear>(loop_, std::move(conversation), [this] { heard(); });
  if (auto sent = send_estate(conversation_->fd(), estate); !sent) fail_with(sent.error().message);
}

void Succession::heard() {
  char word = 0;
  ssize_t got = recv(conversation_->fd(), &word, 1, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got == 1 && word == kServes) return settle("");
  fail_with("the new program gave up before it served");
}

// How it ended says more than that it did; so a child's end is waited for.
void Succession::fail_with(std::string why) {
  if (child_ == nullptr) return settle(why);
  drop(conversation_);
  if (failure_.empty()) failure_ = std::move(why);
  constexpr uint64_t kGraceMs = 1000;
  loop_.timers().arm(timer_, kGraceMs);
}

// Whoever has not said so by now cannot any more; what was on its way counts.
void Succession::time_is_over() {
  if (failure_.empty()) failure_ = "the new program did not serve in time";
  if (child_ == nullptr) {
    shutdown(conversation_->fd(), SHUT_RD);
    char word = 0;
    if (recv(conversation_->fd(), &word, 1, MSG_DONTWAIT) == 1 && word == kServes) return settle("");
    send(conversation_->fd(), &kGaveUp, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    return settle(failure_);
  }
  killed_ = true;
  syscall(SYS_pidfd_send_signal, child_->fd(), SIGKILL, nullptr, 0);
}

void Succession::ended() {
  siginfo_t end{};
  bool ours = waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG) == 0;
  drop(child_);
  if (then_ == nullptr) return;  // it served
  settle(killed_ ? failure_ : ours ? how_the_program_ended(end) : "the new program ended before it served");
}

// By value: it may be failure_.
void Succession::settle(std::string failure) {
  timer_.cancel();
  drop(conversation_);
  failure_.clear();
  killed_ = false;
  std::exchange(then_, nullptr)(failure, pid_);
}

// It may be one of its own calls that we are in.
void Succession::drop(std::unique_ptr<Ear>& ear) {
  if (ear == nullptr) return;
  ear->leave();
  loop_.bury(std::move(ear));
}

void Succession::close() {
  timer_.cancel();
  then_ = nullptr;
  conversation_.reset();
  child_.reset();
}

}  // namespace postigo
