// Gives every finding of others its line in the file. Finds nothing itself.
#include "proxy/commands/configuration.h"

#include <charconv>
#include <ostream>
#include <string_view>

#include "backends/router.h"
#include "config/report.h"

namespace postigo::commands {

namespace {

class Teller {
 public:
  Teller(const config::Loaded& loaded, std::ostream& err) : loaded_(loaded), err_(err) {}

  void tell(const config::Problem& problem) {
    ok_ = ok_ && !problem.fatal;
    err_ << to_string(loaded_.placed(problem)) << '\n';
  }
  bool ok() const { return ok_; }

 private:
  const config::Loaded& loaded_;
  std::ostream& err_;
  bool ok_ = true;
};

// Router numbers rules from 1, as people do; places in the file are indexes.
std::string indexed(const std::string& key) {
  constexpr std::string_view kRule = "routing.rule ";
  size_t number = 0;
  if (!key.starts_with(kRule)) return key;
  auto [end, error] = std::from_chars(key.data() + kRule.size(), key.data() + key.size(), number);
  if (error != std::errc() || number == 0) return key;
  return config::at_index("routing.rule", number - 1) + ".regex";
}

}  // namespace

std::optional<config::Loaded> load_configuration(const std::string& file, Streams io) {
  config::Loaded loaded = config::load_file(file);
  for (const config::Problem& problem : loaded.problems) io.err << to_string(problem) << '\n';
  if (!loaded.ok()) return std::nullopt;
  Teller teller(loaded, io.err);
  for (const config::Problem& problem : Router::check(loaded.config.live)) {
    teller.tell(config::error_at(indexed(problem.key), problem.message));
  }
  if (!teller.ok()) return std::nullopt;
  return loaded;
}

std::optional<Prepared> prepare_configuration(const config::Loaded& loaded, Streams io, const Given& given) {
  config::Problems problems;
  Prepared prepared = prepare(loaded.config, problems, given);
  Teller teller(loaded, io.err);
  for (const config::Problem& problem : problems) teller.tell(problem);
  if (!teller.ok()) return std::nullopt;
  return prepared;
}

std::shared_ptr<const DirectoryShared> open_directories(const config::Loaded& loaded, Streams io) {
  config::Problems problems;
  auto directories = postigo::open_directories(loaded.config.live.auth, problems);
  Teller teller(loaded, io.err);
  for (const config::Problem& problem : problems) teller.tell(problem);
  return directories;
}

AsAccount::AsAccount(const config::Loaded& loaded) : impersonation_(find_account(loaded.config.startup, problems_)) {}

}  // namespace postigo::commands
