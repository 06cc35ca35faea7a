// The mechanisms that end at us: one row each, and what each of them needs.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/sasl/server.h"

namespace postigo::sasl {

// What a directory is asked for (backends/directory.h, Want).
enum class Asks { verdict, secret, token, account };

struct Mechanism {
  std::string_view name;
  Asks asks = Asks::verdict;
  bool shows_secret = false;  // whoever reads along may log in with what he has read
  bool binds = false;         // to the TLS connection that it runs in
  bool certificate = false;   // of the client, by TLS
  std::unique_ptr<Server> (*make)(const Setting& setting) = nullptr;
};

std::span<const Mechanism> mechanisms();  // strongest first; "APOP" is among them, which is a command of POP3
const Mechanism* find_mechanism(std::string_view name);  // in any case; null: there is none

std::vector<std::string> strongest_first(std::vector<std::string> names);  // what is unknown goes last

// --- one function per mechanism, each in its file ---
std::unique_ptr<Server> make_external(const Setting& setting);
std::unique_ptr<Server> make_scram_sha_256_plus(const Setting& setting);
std::unique_ptr<Server> make_scram_sha_1_plus(const Setting& setting);
std::unique_ptr<Server> make_scram_sha_256(const Setting& setting);
std::unique_ptr<Server> make_scram_sha_1(const Setting& setting);
std::unique_ptr<Server> make_oauthbearer(const Setting& setting);
std::unique_ptr<Server> make_xoauth2(const Setting& setting);
std::unique_ptr<Server> make_cram_md5(const Setting& setting);
std::unique_ptr<Server> make_apop(const Setting& setting);
std::unique_ptr<Server> make_plain(const Setting& setting);
std::unique_ptr<Server> make_login(const Setting& setting);
std::unique_ptr<Server> make_anonymous(const Setting& setting);

}  // namespace postigo::sasl
