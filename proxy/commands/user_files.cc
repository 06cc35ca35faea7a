// `postigo user import` and `export`: many users at once, from and to files of one form.
#include <algorithm>
#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "backends/directory/fields.h"
#include "backends/directory/user_file.h"
#include "config/suggest.h"
#include "proxy/commands/user_store.h"

namespace postigo::commands {

namespace {

constexpr size_t kProblemsTold = 20;

Result<std::string> read_text(const std::string& file, std::istream& in) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return fail("cannot open " + config::in_quotes(file));
  }
  std::istream& from = file == "-" ? in : opened;
  std::string text{std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
  if (from.bad()) return fail("cannot read " + config::in_quotes(file));
  return text;
}

// The first of them, by line: the rest is often the same mistake.
int tell_problems(const std::string& file, std::vector<LineProblem> problems, Streams io) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const LineProblem& a, const LineProblem& b) { return a.line < b.line; });
  for (const LineProblem& problem : std::span(problems).first(std::min(problems.size(), kProblemsTold))) {
    io.err << fmt::format("{}:{}: {}\n", file == "-" ? "standard input" : file, problem.line, problem.message);
  }
  if (problems.size() > kProblemsTold) io.err << fmt::format("and {} more\n", problems.size() - kProblemsTold);
  return failed(io,
                fmt::format("nothing was imported: {} problem{}", problems.size(), problems.size() == 1 ? "" : "s"));
}

// RFC 4180: what holds a comma, a quote or an end of line is quoted.
std::string in_csv(const std::string& text) {
  if (text.find_first_of(",\"\r\n ") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::vector<std::string_view> columns(const UserOptions& options) {
  std::vector<std::string_view> names = {"user"};
  for (std::string_view name : field_names()) {
    if (name != "password" || options.hashes) names.push_back(name);
  }
  return names;
}

// The header as import reads it.
std::string header(const std::vector<std::string_view>& names) {
  std::string line = "name";
  for (std::string_view name : std::span(names).subspan(1)) line += ',' + std::string(name);
  return line + '\n';
}

std::string csv_row(const Entry& entry, const std::vector<std::string_view>& names) {
  std::string line;
  for (std::string_view name : names) line += (line.empty() ? "" : ",") + in_csv(field_text(entry, name));
  return line + '\n';
}

// Only what says something.
std::string json_row(const Entry& entry, const std::vector<std::string_view>& names) {
  const Entry usual;
  nlohmann::ordered_json row;
  for (std::string_view name : names) {
    const std::string text = field_text(entry, name);
    if (text != field_text(usual, name)) row[name == "user" ? "name" : std::string(name)] = text;
  }
  return row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace

// Nothing is opened or made before the file has been read and understood.
int user_import(const UserOptions& options, Streams io) {
  Opened opened = find_store(options, io);
  if (opened.exit != kOk) return opened.exit;
  auto text = read_text(options.import_file, io.in);
  if (!text) return failed(io, text.error().message);
  UserFile file = read_users(*text, [&](std::string_view name) { return opened.router->names().entry(name); });
  wipe(text->data(), text->size());
  for (const UserLine& user : file.users) {
    std::string fault = placement_fault(opened, user.entry.pool, user.entry.shard);
    if (!fault.empty()) file.problems.push_back({user.line, fault});
  }
  if (!file.problems.empty()) return tell_problems(options.import_file, std::move(file.problems), io);
  open_store(opened, SqliteStore::Missing::create, io);
  if (opened.exit != kOk) return opened.exit;
  auto report = opened.store->import(file, options.replace);
  if (!report) return failed(io, report.error().message);
  if (!report->problems.empty()) return tell_problems(options.import_file, std::move(report->problems), io);
  io.out << fmt::format("{} added, {} replaced\n", report->added, report->replaced);
  return kOk;
}

int user_export(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  const std::vector<std::string_view> names = columns(options);
  if (!options.jsonl) io.out << header(names);
  auto done = opened.store->list(
      [&](const Entry& entry) { io.out << (options.jsonl ? json_row(entry, names) : csv_row(entry, names)); });
  return done ? static_cast<int>(kOk) : failed(io, done.error().message);
}

}  // namespace postigo::commands
