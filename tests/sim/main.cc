// Plays stories of a platform (platform.h), one for each seed, and says what was wrong in which.
//
//   sim [--seeds N] [--from SEED] [--backends N] [--users N] [--logins N] [--minutes N]
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "tests/sim/platform.h"

namespace postigo::sim {

void Numbers::add(const Numbers& more) {
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += more.counts[i];
  most_sessions = std::max(most_sessions, more.most_sessions);
  most_bonds = std::max(most_bonds, more.most_bonds);
  most_waiting = std::max(most_waiting, more.most_waiting);
  most_guessers = std::max(most_guessers, more.most_guessers);
  moved += more.moved;
  moved_ideal += more.moved_ideal;
}

namespace {

void print(const Numbers& n) {
  for (size_t i = 0; i < n.counts.size(); ++i) std::cout << n.counts[i] << ' ' << kCountNames[i] << ", ";
  std::cout << "at most " << n.most_sessions << " sessions, " << n.most_bonds << " bonds, " << n.most_waiting
            << " logins on hold, " << n.most_guessers << " guessers known; " << n.moved
            << " users moved by reloads, of " << n.moved_ideal << " who had to\n";
}

// Over many stories the noise is gone. And nothing of what is to be shown may be missing.
bool holds_for_all(const Numbers& n, bool many) {
  bool right = true;
  if (many && std::abs(n.moved - n.moved_ideal) > 0.1 * n.moved_ideal) {
    std::cout << "of all stories: more or fewer users moved than have to\n";
    right = false;
  }
  for (size_t i = 0; many && i < n.counts.size(); ++i) {
    if (n.counts[i] != 0) continue;
    std::cout << "of all stories: " << kCountNames[i] << " never happened\n";
    right = false;
  }
  return right;
}

int play(std::map<std::string, uint64_t> given) {
  Scale scale;
  if (given.contains("--backends")) scale.backends = given["--backends"];
  if (given.contains("--users")) scale.users = given["--users"];
  if (given.contains("--logins")) scale.logins = given["--logins"];
  if (given.contains("--minutes")) scale.minutes = given["--minutes"];
  Numbers sum;
  uint64_t bad = 0;
  for (uint64_t seed = given["--from"]; seed < given["--from"] + given["--seeds"]; ++seed) {
    Platform platform(seed, scale);
    const auto& wrong = platform.run();
    sum.add(platform.numbers());
    if (wrong.empty()) continue;
    ++bad;
    std::cout << "seed " << seed << ":\n";
    for (size_t i = 0; i < wrong.size() && i < 10; ++i) std::cout << "  " << wrong[i] << '\n';
  }
  bool right = holds_for_all(sum, given["--seeds"] >= 20) && sum[Count::served] > 0;
  print(sum);
  std::cout << given["--seeds"] << " seeds, " << bad << " wrong\n";
  return bad == 0 && right ? 0 : 1;
}

}  // namespace
}  // namespace postigo::sim

int main(int count, char** words) {
  std::map<std::string, uint64_t> given = {{"--seeds", 50}, {"--from", 1}};
  for (int i = 1; i + 1 < count; i += 2) given[words[i]] = std::strtoull(words[i + 1], nullptr, 10);
  return postigo::sim::play(std::move(given));
}
