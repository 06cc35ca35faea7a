// Reads secrets into memory that is wiped. What is done with them is the caller's business; nothing of their content
// appears in a message.
#include "config/secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "config/suggest.h"
#include "parser/base/ascii.h"
#include "parser/base/limits.h"

namespace postigo::config {

namespace {

// One more than fits, and the newline: enough to see that a file is too long.
constexpr size_t kReadMax = limits::kPasswordMax + 3;

bool mode_has(const std::string& path, mode_t bits) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (info.st_mode & bits) != 0;
}

// Variables that were read and overwritten. Filled before other threads exist.
std::map<std::string, KeptSecret>& forgotten() {
  static std::map<std::string, KeptSecret> values;
  return values;
}

Result<Secret> checked(Bytes text, const std::string& what) {
  std::string fault = secret_fault(text);
  if (!fault.empty()) return fail(what + " " + fault);
  return Secret(text);
}

}  // namespace

std::string secret_fault(Bytes text) {
  if (text.empty()) return "is empty";
  if (text.size() > limits::kPasswordMax) return "is longer than a password may be";
  if (has_ctl(text)) return "holds a control character (is it more than one line?)";
  if (!is_utf8(text)) return "is not UTF-8";
  return {};
}

Result<Secret> read_secret_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("cannot open " + in_quotes(path) + ": " + std::strerror(errno));
  std::array<char, kReadMax> buffer{};
  size_t size = 0;
  ssize_t got = 0;
  while (size < buffer.size() && (got = ::read(fd, buffer.data() + size, buffer.size() - size)) > 0) {
    size += static_cast<size_t>(got);
  }
  int error = errno;
  ::close(fd);
  if (got < 0) {
    wipe(buffer.data(), buffer.size());
    return fail("cannot read " + in_quotes(path) + ": " + std::strerror(error));
  }
  Bytes text(buffer.data(), size);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  auto secret = checked(text, "the content of " + in_quotes(path));
  wipe(buffer.data(), buffer.size());
  return secret;
}

Result<KeptSecret> read_secret_env(const std::string& name) {
  if (auto kept = forgotten().find(name); kept != forgotten().end()) return kept->second;
  const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
  if (value == nullptr) return fail("there is no environment variable " + in_quotes(name));
  auto secret = checked(value, "the environment variable " + in_quotes(name));
  if (!secret) return tl::unexpected(secret.error());
  return KeptSecret(*secret);
}

void forget_in_environment(const KeptSecret& kept) {
  Bytes secret = kept.reveal();
  if (secret.empty()) return;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    char* value = std::strchr(*entry, '=');
    if (value == nullptr || secret != value + 1) continue;
    forgotten()[std::string(*entry, value)] = kept;
    wipe(value + 1, secret.size());
  }
}

void visit_forgotten(const std::function<void(const std::string& name, const KeptSecret& secret)>& visit) {
  for (const auto& [name, secret] : forgotten()) visit(name, secret);
}

bool exposed_to_group(const std::string& path) { return mode_has(path, S_IRGRP | S_IROTH); }
bool exposed_to_all(const std::string& path) { return mode_has(path, S_IROTH); }

}  // namespace postigo::config
