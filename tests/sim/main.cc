// Plays stories of a platform (platform.h), one for each seed, and says what was wrong in which.
//
//   sim [--seeds N] [--from SEED] [--backends N] [--users N] [--logins N] [--minutes N]
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <string>

#include "tests/sim/platform.h"

namespace {

using postigo::sim::Numbers;
using postigo::sim::Platform;
using postigo::sim::Scale;

void add(Numbers& sum, const Numbers& more) {
  sum.logins += more.logins;
  sum.served += more.served;
  sum.refused += more.refused;
  sum.held += more.held;
  sum.full += more.full;
  sum.retries += more.retries;
  sum.trials += more.trials;
  sum.deaths += more.deaths;
  sum.hangs += more.hangs;
  sum.orders += more.orders;
  sum.reloads += more.reloads;
  sum.most_sessions = std::max(sum.most_sessions, more.most_sessions);
  sum.most_bonds = std::max(sum.most_bonds, more.most_bonds);
}

void print(const Numbers& n) {
  std::cout << n.logins << " logins: " << n.served << " served, " << n.retries << " retries, " << n.refused
            << " refused, " << n.held << " of users who had to stay, " << n.full << " over a limit; " << n.deaths
            << " deaths, " << n.hangs << " hangs, " << n.trials << " trials, " << n.orders << " orders, " << n.reloads
            << " reloads; at most " << n.most_sessions << " sessions, " << n.most_bonds << " bonds\n";
}

}  // namespace

int main(int count, char** words) {
  std::map<std::string, uint64_t> given = {{"--seeds", 50}, {"--from", 1}};
  for (int i = 1; i + 1 < count; i += 2) given[words[i]] = std::strtoull(words[i + 1], nullptr, 10);
  Scale scale;
  if (given.contains("--backends")) scale.backends = given["--backends"];
  if (given.contains("--users")) scale.users = given["--users"];
  if (given.contains("--logins")) scale.logins = given["--logins"];
  if (given.contains("--minutes")) scale.minutes = given["--minutes"];
  Numbers sum;
  int bad = 0;
  for (uint64_t seed = given["--from"]; seed < given["--from"] + given["--seeds"]; ++seed) {
    Platform platform(seed, scale);
    const auto& wrong = platform.run();
    add(sum, platform.numbers());
    if (wrong.empty()) continue;
    ++bad;
    std::cout << "seed " << seed << ":\n";
    for (size_t i = 0; i < wrong.size() && i < 10; ++i) std::cout << "  " << wrong[i] << '\n';
  }
  print(sum);
  std::cout << given["--seeds"] << " seeds, " << bad << " wrong\n";
  return bad == 0 && sum.served > 0 && sum.deaths > 0 && sum.trials > 0 ? 0 : 1;
}
