// What the journal and syslog are sent: read back by the rules of their documents, whatever a stranger calls himself.
#include "proxy/base/log_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>

#include "proxy/base/events.h"
#include "proxy/base/log_fields.h"
#include "tests/unit/backends/temporary.h"

namespace postigo::log {
namespace {

using Target = config::Log::Target;
using Format = config::Log::Format;
using testing::HasSubstr;
using testing::StartsWith;
using Values = std::map<std::string, std::string>;

constexpr std::string_view kNow = "2026-11-27T09:00:00.123Z";

// Names that want to look like something else, and what is written of them.
const std::vector<std::pair<std::string, std::string>>& names() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"ann@example.com", "ann@example.com"},
      {"", ""},
      {"caf\u00e9", "caf\u00e9"},
      {"two words", "two words"},
      {"x\nPRIORITY=0\nMESSAGE=forged", "x\\x0aPRIORITY=0\\x0aMESSAGE=forged"},
      {"x\"] [other@1 user=\"root", "x\"] [other@1 user=\"root"},
      {"x\\\"] user=\"root", "x\\x5c\"] user=\"root"},
      {std::string("x\0y", 3), "x\\x00y"},
      {"\xff", "\\xff"},
      {"a=b", "a=b"},
  };
  return all;
}

std::string sent(Target target, Format format, const Event& event, const Fields& fields,
                 const std::string& structured_data = "postigo@32473") {
  config::Log options;
  options.target = target;
  options.format = format;
  options.structured_data = structured_data;
  Form form = form_of(options);
  form.host = "mail";
  form.pid = "7";
  Line line;
  bool cut = false;
  render(line, form, kNow, event, fields, cut);
  return std::string(line.view());
}

// By systemd.io/JOURNAL_NATIVE_PROTOCOL: NAME=value, or NAME, a length of eight octets, and the value.
Values journal_fields(std::string_view text) {
  Values fields;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string name(text.substr(0, end)), value;
    text.remove_prefix(end + 1);
    if (const size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else {
      size_t size = 0;
      for (unsigned i = 0; i < 8; ++i) size |= size_t{static_cast<unsigned char>(text[i])} << (8 * i);
      value = text.substr(8, size);
      EXPECT_EQ(text.at(8 + size), '\n') << name;
      text.remove_prefix(8 + size + 1);
    }
    EXPECT_TRUE(fields.emplace(name, value).second) << name << " twice";
  }
  return fields;
}

// The parameters of one element by RFC 5424 6.3; `text` is what follows it.
Values structured_data(std::string_view& text) {
  Values values;
  text.remove_prefix(text.find_first_of(" ]"));
  while (text.front() == ' ') {
    const size_t equals = text.find("=\"");
    const std::string name(text.substr(1, equals - 1));
    std::string value;
    for (text.remove_prefix(equals + 2); text.front() != '"'; text.remove_prefix(1)) {
      EXPECT_NE(text.front(), ']') << "not escaped";
      if (text.front() == '\\') text.remove_prefix(1);
      value += text.front();
    }
    text.remove_prefix(1);
    EXPECT_TRUE(values.emplace(name, value).second) << name << " twice";
  }
  EXPECT_EQ(text.front(), ']');
  text.remove_prefix(1);
  return values;
}

TEST(LogForm, TheJournalHasFields) {
  const Values fields =
      journal_fields(sent(Target::journal, Format::text, events::login_refused,
                          {{"id", "00c0ffee00c0ffee"}, {"attempt", 2}, {"claimed_user", "two words"}}));
  EXPECT_EQ(fields, (Values{{"MESSAGE", "info login_refused id=00c0ffee00c0ffee attempt=2 claimed_user=\"two words\""},
                            {"PRIORITY", "6"},
                            {"SYSLOG_IDENTIFIER", "postigo"},
                            {"SYSLOG_FACILITY", "2"},
                            {"SYSLOG_PID", "7"},
                            {"POSTIGO_EVENT", "login_refused"},
                            {"POSTIGO_ID", "00c0ffee00c0ffee"},
                            {"POSTIGO_ATTEMPT", "2"},
                            {"POSTIGO_CLAIMED_USER", "two words"}}));
}

TEST(LogForm, T62_NobodyForgesAFieldOfTheJournal) {
  for (const auto& [name, written] : names()) {
    Values fields = journal_fields(sent(Target::journal, Format::text, events::session, {{"claimed_user", name}}));
    EXPECT_EQ(fields.size(), 7u) << written;
    EXPECT_EQ(fields["POSTIGO_CLAIMED_USER"], written);
    EXPECT_EQ(fields["PRIORITY"], "6");
  }
}

TEST(LogForm, SyslogIsOfRfc5424) {
  EXPECT_EQ(sent(Target::syslog, Format::text, events::backend_away, {{"backend", "a"}, {"detail", "x]\"\\y"}}),
            "<20>1 2026-11-27T09:00:00.123Z mail postigo 7 backend_away "
            "[postigo@32473 level=\"warning\" backend=\"a\" detail=\"x\\]\\\"\\\\x5cy\"] "
            "warning backend_away backend=a detail=\"x]\\\"\\x5cy\"");
  EXPECT_EQ(sent(Target::syslog, Format::logfmt, events::stopped, {}, ""),
            "<22>1 2026-11-27T09:00:00.123Z mail postigo 7 stopped - level=info event=stopped");
  EXPECT_EQ(
      sent(Target::syslog, Format::json, events::stop_failed, {}, ""),
      "<19>1 2026-11-27T09:00:00.123Z mail postigo 7 stop_failed - {\"level\":\"error\",\"event\":\"stop_failed\"}");
}

TEST(LogForm, T62_NobodyForgesAnElementOfSyslog) {
  for (const auto& [name, written] : names()) {
    const std::string line =
        sent(Target::syslog, Format::text, events::session, {{"claimed_user", name}, {"attempt", 1}});
    for (char c : line) ASSERT_FALSE(static_cast<unsigned char>(c) < ' ' || c == 0x7f) << line;
    std::string_view rest = std::string_view(line).substr(line.find('['));
    Values values = structured_data(rest);
    EXPECT_EQ(values, (Values{{"level", "info"}, {"claimed_user", written}, {"attempt", "1"}}));
    EXPECT_THAT(std::string(rest), StartsWith(" info session claimed_user="));
  }
}

// RFC 5424 6: MSGID has 32 characters, PARAM-NAME too; names of fields in the journal have 64.
TEST(LogForm, AllNamesAreShortEnough) {
  for (const Event* event : events::kAll) EXPECT_LE(event->name.size(), 32u) << event->name;
  for (const FieldFacts& field : kFieldFacts) EXPECT_LE(field.name.size(), 32u) << field.name;
}

TEST(LogForm, AStreamHasTheTimeInItsLine) {
  EXPECT_EQ(sent(Target::stream, Format::text, events::stopped, {}), "2026-11-27T09:00:00.123Z info stopped\n");
  EXPECT_EQ(sent(Target::stream, Format::logfmt, events::stopped, {}),
            "time=2026-11-27T09:00:00.123Z level=info event=stopped\n");
}

// A reload from one target to the other: no line of one form reaches the other target, and what is lost is counted.
TEST(LogForm, TheTargetChangesWithAnOpen) {
  Temporary folder;
  const std::string path = folder.file("journal");
  config::Log to_journal;
  to_journal.target = Target::journal;
  to_journal.journal_socket = path;
  EXPECT_THAT(log::open(to_journal).error().message, HasSubstr("nobody takes the log at"));
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{AF_UNIX, {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_TRUE(log::open(to_journal).has_value());
  log::tell_losses();
  std::string text(1 << 16, 0);
  while (::recv(fd, text.data(), text.size(), MSG_DONTWAIT) > 0) {
  }
  log::write(events::stopped);
  const ssize_t size = ::recv(fd, text.data(), text.size(), MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_EQ(journal_fields(std::string_view(text).substr(0, static_cast<size_t>(size)))["MESSAGE"], "info stopped");
  ::close(fd);
  const uint64_t before = log::counts().unwritten;
  log::write(events::stopped);
  EXPECT_EQ(log::counts().unwritten, before + 1);
  EXPECT_TRUE(log::open({}).has_value());
  log::tell_losses();  // or the next test's first line is behind it
}

}  // namespace
}  // namespace postigo::log
