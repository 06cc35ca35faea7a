// Records: "2026-11-27T15:30:00.123Z ID WHO text", octets escaped so that a line of the file is a line. Not here: when
// a session is traced (session.cc, login.cc), who may ask for it (control/verbs_trace.cc).
#include "proxy/session/trace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace postigo {
namespace {

constexpr std::string_view kWays[] = {"client>", ">backend", "backend>", ">client"};

std::string stamp(const char* form) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[32];
  size_t size = strftime(text, sizeof(text), form, &parts);
  return fmt::format("{}.{:03}Z", std::string_view(text, size), now.tv_nsec / 1'000'000);
}

std::string escaped(Bytes octets) {
  std::string text;
  for (char c : octets) {
    auto octet = static_cast<unsigned char>(c);
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\\') {
      text += "\\\\";
    } else if (octet < 0x20 || octet >= 0x7f) {
      text += fmt::format("\\x{:02x}", octet);
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

Result<std::shared_ptr<TraceFile>> TraceFile::open(const std::string& folder, Clock::time_point until) {
  std::string path = fmt::format("{}/trace-{}.log", folder, stamp("%Y%m%dT%H%M%S"));
  Descriptor fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600));
  if (fd.get() < 0) return fail(fmt::format("cannot make {}: {}", path, std::strerror(errno)));
  return std::make_shared<TraceFile>(std::move(fd), path, until);
}

void TraceFile::write(std::string records) {
  if (over()) return;
  bool last = written_.fetch_add(records.size()) + records.size() >= kOctetsMax;
  if (last) records += "the file is full: nothing follows\n";
  (void)!::write(fd_.get(), records.data(), records.size());  // a full disk stops no session
}

std::string Trace::record(std::string_view who, std::string_view text) const {
  return fmt::format("{} {} {} {}\n", stamp("%Y-%m-%dT%H:%M:%S"), id_, who, escaped(text));
}

void Trace::note(std::string_view what) { file_->write(record("--", what)); }

// A record for each line, and one write for all of them.
void Trace::octets(Way way, Bytes data, bool opaque) {
  if (file_->over()) return;
  std::string_view who = kWays[static_cast<size_t>(way)];
  if (opaque) return file_->write(record(who, fmt::format("{} octets, compressed", data.size())));
  if (way == Way::from_backend) {
    from_client_.server_said(data);
    to_backend_.server_said(data);
  }
  std::string text = way == Way::from_client  ? from_client_.show(data)
                     : way == Way::to_backend ? to_backend_.show(data)
                                              : std::string(data);
  std::string records;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    size_t size = end == std::string::npos ? text.size() - begin : end + 1 - begin;
    records += record(who, std::string_view(text).substr(begin, size));
    begin += size;
  }
  if (!records.empty()) file_->write(std::move(records));
}

bool Traces::full() {
  std::lock_guard lock(mutex_);
  forget_old();
  return orders_.size() >= kOrdersMax;
}

void Traces::add(Order order) {
  std::lock_guard lock(mutex_);
  orders_.push_back(std::move(order));
  count_ = orders_.size();
}

void Traces::forget_old() {
  std::erase_if(orders_, [](const Order& order) { return order.file->over(); });
  count_ = orders_.size();
}

template <typename Fits>
std::unique_ptr<Trace> Traces::find(std::string_view id, Fits fits) {
  if (count_.load(std::memory_order_relaxed) == 0) return nullptr;
  std::lock_guard lock(mutex_);
  forget_old();
  auto found = std::find_if(orders_.begin(), orders_.end(), fits);
  return found == orders_.end() ? nullptr : std::make_unique<Trace>(found->file, id);
}

std::unique_ptr<Trace> Traces::of_address(const config::AnyAddress& address, std::string_view id) {
  return find(id, [&](const Order& order) { return order.network && order.network->contains(address); });
}

std::unique_ptr<Trace> Traces::of_user(std::string_view user, std::string_view id) {
  return find(id, [&](const Order& order) { return !order.network && order.user == user; });
}

}  // namespace postigo
