// Reads and finds lines: a hash table of places, and nothing copied. Not here: what a line says (passwd_line.cc), when
// a file is read again (drivers/passwd_file.cc).
#include "backends/directory/passwd_table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "backends/work/descriptor.h"
#include "parser/base/ascii.h"
#include "parser/base/limits.h"

namespace postigo {
namespace {

constexpr int64_t kFileMax = int64_t{4} << 30;
constexpr size_t kSlotsMin = 16;
constexpr unsigned kOffsetBits = 40;
constexpr uint64_t kOffsetMask = (uint64_t{1} << kOffsetBits) - 1;

PasswdTable::State state_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

std::string permissions_oddity(const struct stat& status) {
  if ((status.st_mode & S_IROTH) == 0) return {};
  return fmt::format("everybody on this machine may read it (mode {:04o}): chmod o= is better",
                     static_cast<unsigned>(status.st_mode & 07777));
}

Result<std::string> read_all(int file, size_t size) {
  std::string text(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file, text.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(std::strerror(errno));
    if (got == 0) return fail("it became shorter while it was read");
    done += static_cast<size_t>(got);
  }
  return text;
}

bool is_comment(std::string_view line) { return line.empty() || line.front() == '#' || line == "\r"; }

Result<void> check_line(std::string_view line, std::string_view name) {
  if (line.find(':') == std::string_view::npos) return fail("there is no \":\" in it");
  if (name.empty()) return fail("the name is empty");
  if (name.size() > limits::kUserMax) return fail(fmt::format("the name is over {} octets", limits::kUserMax));
  if (line.find('\0') != std::string_view::npos) return fail("there is a NUL in it");
  return {};
}

}  // namespace

Result<PasswdTable::State> PasswdTable::look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail(std::strerror(errno));
  return state_of(status);
}

Result<std::shared_ptr<const PasswdTable>> PasswdTable::read(const std::string& path, const config::NameForm& names) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat before {
  }, after{};
  if (file.get() < 0 || ::fstat(file.get(), &before) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(before.st_mode)) return fail("it is not a file");
  if (before.st_size > kFileMax) return fail("it is over 4 GB");
  auto text = read_all(file.get(), static_cast<size_t>(before.st_size));
  if (!text) return tl::unexpected(text.error());
  if (::fstat(file.get(), &after) != 0 || state_of(before) != state_of(after)) {
    return fail("it was changed while it was read");
  }
  std::shared_ptr<PasswdTable> table(new PasswdTable);
  table->text_ = std::move(*text);
  table->state_ = state_of(before);
  if (auto indexed = table->index(names); !indexed) return tl::unexpected(indexed.error());
  if (auto oddity = permissions_oddity(before); !oddity.empty()) table->oddity_ = std::move(oddity);
  return table;
}

Result<std::shared_ptr<const PasswdTable>> PasswdTable::parse(std::string text, const config::NameForm& names) {
  std::shared_ptr<PasswdTable> table(new PasswdTable);
  table->text_ = std::move(text);
  if (auto indexed = table->index(names); !indexed) return tl::unexpected(indexed.error());
  return table;
}

Result<void> PasswdTable::index(const config::NameForm& names) {
  names_ = Names(names);
  key_ = random_sip_key();
  slots_.assign(kSlotsMin, 0);
  size_t number = 0;
  for (size_t offset = 0; offset < text_.size();) {
    ++number;
    const std::string_view line = line_at(offset);
    if (!is_comment(line)) {
      if (auto added = add(line, number); !added)
        return fail(fmt::format("line {}: {}", number, added.error().message));
    }
    offset += line.size() + 1;
  }
  return {};
}

// Of two lines for one user the first counts, as with Dovecot.
Result<void> PasswdTable::add(std::string_view line, size_t number) {
  const size_t offset = static_cast<size_t>(line.data() - text_.data());
  if (auto good = check_line(line, line.substr(0, line.find(':'))); !good) return good;
  const auto known = name_at(offset);
  if (!known) {
    if (oddity_.empty()) oddity_ = fmt::format("line {}: no login has this name: {}", number, known.error().message);
    return {};
  }
  const std::string& name = *known;
  const uint64_t hash = siphash(key_, name);
  if (find(name, hash)) {
    if (oddity_.empty())
      oddity_ = fmt::format("line {}: {} stands there twice; the first one counts", number, printable(name));
    return {};
  }
  if (++users_ * 4 > slots_.size() * 3) grow();
  place(hash, offset);
  return {};
}

void PasswdTable::grow() {
  const std::vector<uint64_t> before = std::exchange(slots_, std::vector<uint64_t>(slots_.size() * 2));
  for (uint64_t slot : before) {
    if (slot == 0) continue;
    const size_t offset = (slot & kOffsetMask) - 1;
    place(siphash(key_, *name_at(offset)), offset);
  }
}

void PasswdTable::place(uint64_t hash, size_t offset) {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = (hash & ~kOffsetMask) | (offset + 1);
}

std::optional<size_t> PasswdTable::find(std::string_view name, uint64_t hash) const {
  for (size_t at = hash & (slots_.size() - 1); slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    if ((slots_[at] & ~kOffsetMask) != (hash & ~kOffsetMask)) continue;
    const size_t offset = (slots_[at] & kOffsetMask) - 1;
    if (name_at(offset) == name) return offset;
  }
  return std::nullopt;
}

std::string_view PasswdTable::line_at(size_t offset) const {
  return std::string_view(text_).substr(offset, text_.find('\n', offset) - offset);
}

// As a login has it that is written so.
Result<std::string> PasswdTable::name_at(size_t offset) const {
  const std::string_view line = line_at(offset);
  return names_.entry(line.substr(0, line.find(':')));
}

std::optional<std::string_view> PasswdTable::line(std::string_view name) const {
  auto offset = find(name, siphash(key_, name));
  if (!offset) return std::nullopt;
  std::string_view line = line_at(*offset);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::vector<std::string_view> PasswdTable::first_lines(size_t at_most) const {
  std::vector<std::string_view> lines;
  for (size_t offset = 0; offset < text_.size() && lines.size() < at_most;) {
    const std::string_view line = line_at(offset);
    if (!is_comment(line)) lines.push_back(line);
    offset += line.size() + 1;
  }
  return lines;
}

}  // namespace postigo
