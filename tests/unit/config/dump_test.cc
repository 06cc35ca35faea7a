// dump() then load gives the same Config again (secrets apart): for a full file and for seeded random configurations.
#include "config/dump.h"

#include <filesystem>
#include <random>

#include "config/docs.h"
#include "config/schema.h"
#include "parser/base/ascii.h"
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::Not;

class DumpTest : public ConfigTest {};

TEST_F(DumpTest, SmallFile) {
  std::string text = dump(small_and("[server]\nhostname = \"h\"\n").config);
  EXPECT_THAT(text, HasSubstr("[server]\nhostname = \"h\"\nworkers = \"auto\"\n"));
  EXPECT_THAT(text, HasSubstr("imap_idle_timeout = \"35m\""));
  EXPECT_THAT(text, HasSubstr("[[listener]]\nname = \"imaps\"\nprotocol = \"imap\"\naddress = [\"0.0.0.0:993\"]\n"));
  EXPECT_THAT(text, HasSubstr("[[pool]]\nname = \"default\"\nstorage = \"private\"\npolicy = "
                              "\"rendezvous\"\nzone_spill = 70\nsessions_max = 0\naffinity = false\n"));
  EXPECT_THAT(text, HasSubstr("[[pool.shard]]\nname = \"10.0.0.1\"\nweight = 1.0\n"));
  EXPECT_THAT(text, Not(HasSubstr("pop3_port")));
  EXPECT_THAT(text, Not(HasSubstr("[admin]")));
}

// Gives every key of the schema a random value that is right on its own and, as far as check() cares, together.
class Inventor final : public Visitor {
 public:
  Inventor(unsigned seed, std::string file) : random_(seed), file_(std::move(file)) {}

  void text(Key key, std::string& value) override {
    std::string_view name = key.name;
    if (name == "pool" || name == "shard" || name == "default_pool" || name == "domain" || name == "regex") return;
    value = (name == "user" ? "user" : "n") + std::to_string(++serial_);
    if (name == "socketmap") value = "/run/" + value;
    if (name == "delimiter") value = "+";
    if (name == "ciphers" || name == "separator") value += " \"\\ \xc3\xa9 #";
  }
  void path(Key, std::string& value) override { value = file_; }
  void hash(Key, std::string& value) override { value = "{PLAIN}canary"; }
  void secret(Key, KeptSecret& value) override { value = KeptSecret(Secret("canary")); }
  void flag(Key, bool& value) override { value = draw(2) == 0; }
  void weight(Key, double& value, bool) override { value = (1 + static_cast<double>(draw(1000000))) / 1000; }
  void time(Key key, int64_t& unix_s) override {
    unix_s =
        static_cast<int64_t>(1'000'000'000 + (std::string_view(key.name) == "until" ? 1'000'000'000 : draw(1'000'000)));
  }
  void duration(Key, uint64_t& ms, bool) override { ms = 3600'000 + draw(1000000); }
  void size(Key, uint64_t& octets, bool) override { octets = 16384 + draw(1000000); }
  void texts(Key key, std::vector<std::string>& values) override {
    std::string_view name = key.name;
    if (name == "proxy_trusted" || name == "forward_trusted") values = {"10.0.0.0/8", "2001:db8::1"};
    if (name == "domains") values = {"example.com"};
    if (name == "source") values = {"10.0.0.5", "2001:db8::5"};
    if (name == "domain_aliases") values = {"a.example=b.example"};
    if (name == "strip_domains") values = {"s.example"};
    if (name == "names") values = {"*.a.example", "b" + std::to_string(++serial_)};
  }
  void words(Key, std::vector<std::string>& values, std::vector<std::string> known) override {
    values = known.empty() ? std::vector<std::string>{"X" + std::to_string(++serial_)} : std::move(known);
  }
  void endpoint(Key, Endpoint& value) override { value = {"127.0.0.1", next_port()}; }
  void endpoints(Key, std::vector<Endpoint>& values, uint16_t) override {
    values = {{"::1", next_port()}, {"10.1.2.3", next_port()}};
  }
  void word(Key, std::string& value, std::vector<std::string> known) override { value = known[draw(known.size())]; }

 protected:
  void count_wide(Key, uint64_t& value, Range range) override {
    value = range.auto_zero && draw(2) == 0 ? 0 : range.min + draw(std::min<uint64_t>(range.max, 60000));
    value = std::min(value, range.max);
  }
  void choice_number(Key key, int& value, const std::vector<Choice>& choices) override {
    std::string_view name = key.name;
    bool last = name == "mode" || name == "type";  // those that let all other keys count
    value = choices[last ? choices.size() - 1 : draw(choices.size())].value;
  }
  bool begin_table(Key, const char*) override { return true; }
  bool begin_optional(Key, bool) override { return draw(2) == 0; }
  void end_table() override {}
  size_t begin_list(Key key, size_t) override {
    std::string_view name = key.name;
    return name == "pool" || name == "user" || name == "rule" ? 0 : 1 + draw(3);
  }
  bool begin_item(size_t) override { return true; }
  void end_list() override {}

 private:
  uint64_t draw(uint64_t below) { return random_() % below; }
  uint16_t next_port() { return static_cast<uint16_t>(2000 + ++serial_); }

  std::mt19937_64 random_;
  std::string file_;
  unsigned serial_ = 0;
};

// Of what was invented, what this kind looks at.
Directory only_its_own(const Directory& all, Directory::Type type) {
  using Type = Directory::Type;
  Directory x;
  x.type = type;
  x.name = all.name + std::string(word_of(type));
  const bool is_sql = type == Type::postgresql || type == Type::mysql;
  const bool has_servers = is_sql || type == Type::ldap || type == Type::redis;
  if (type == Type::sqlite || type == Type::passwd_file) x.path = all.path;
  if (has_servers) {
    x.servers = {"a.example"};
    x.tls = type == Type::ldap ? all.tls : Directory::Tls::on;
    x.threads = all.threads;
  }
  if (has_servers || type == Type::http || type == Type::oauth) {
    x.login = all.login;
    x.tls_ca = all.tls_ca;
    x.tls_verify = all.tls_verify;
    x.timeout_ms = all.timeout_ms;
    x.cache = all.cache;
    x.cache.negative_ttl_ms = x.cache.enabled ? x.cache.ttl_ms / 2 : x.cache.negative_ttl_ms;
  }
  if (type == Type::passwd_file || has_servers) x.fields = {"theirs=pool"};
  if (is_sql) x.sql = all.sql;
  x.check_password = is_sql;  // passwords for programs need it
  if (type == Type::ldap) {
    x.servers = {x.tls == Directory::Tls::on ? "ldaps://a.example" : "ldap://a.example"};
    x.login.clear();  // needs a password
    x.ldap = all.ldap;
    (x.tls_verify ? x.ldap.bind_dn : x.ldap.password).clear();  // one way to check a password
  }
  if (type == Type::http) {
    x.http = all.http;
    x.http.url = "https://a.example/auth";
    x.http.headers = {"X-Key: value"};
    x.check_password = x.http.dialect == HttpDirectory::Dialect::nginx;
  }
  if (type == Type::redis) x.redis = all.redis;
  if (type == Type::pam) x.pam_service = all.pam_service;
  if (type == Type::oauth) {
    x.oauth = all.oauth;
    x.oauth.audiences = {"mail"};
    x.oauth.scopes = {"imap"};
  }
  return x;
}

Config invent(unsigned seed, const std::string& file) {
  Config config;
  Inventor inventor(seed, file);
  describe(inventor, config);
  Live& live = config.live;
  if (live.log.target != Log::Target::stream) live.log.file.clear();
  live.log.syslog_server = "udp:192.0.2.1:514";
  live.log.structured_data = "door@32473";
  for (LogSample& each : live.log.samples) each = {live.listeners[0].name, "*@a.example", {"10.0.0.0/8"}, 0.25};
  live.limits.auth_failure_delay_ms = 1000;
  live.limits.login_memory |= 1 << 20;
  for (Listener& listener : config.live.listeners) {
    listener.plaintext_login |= listener.tls == Tls::off;
    if (listener.tls == Tls::off) listener.client_certificate = ClientCertificate::off;
  }
  live.listeners[0].tls = Tls::implicit;
  live.listeners[0].client_certificate = ClientCertificate::ask;
  live.penalty.delay_ms %= live.penalty.delay_max_ms + 1;
  live.penalty.ipv4_wide %= live.penalty.ipv4;
  live.penalty.ipv6_wide %= live.penalty.ipv6;
  Limits& limits = live.limits;
  limits.memory |= 1 << 22;
  limits.sessions_max = 1'000'000;
  limits.sessions_per_user_address %= limits.sessions_per_user + 1;
  limits.sessions_per_address %= limits.sessions_per_network + 1;
  limits.address_connections_per_s %= limits.connections_per_s + 1;
  limits.address_logins_per_s %= limits.logins_per_s + 1;
  limits.ipv6_network %= limits.ipv6_address;
  limits.ipv6_network = std::max(limits.ipv6_network, 8U);
  for (LimitClass& each : limits.classes) {
    each.user = "u@a.example";
    each.sessions_per_user_address %= each.sessions_per_user + 1;
  }
  live.policy.url = "http://127.0.0.1:8084/";
  live.policy.timeout_ms = 1234;
  live.resolver.servers = {{"192.0.2.53", 53}, {"::1", 5353}};
  live.resolver.timeout_ms %= 60'000;
  live.resolver.ttl_min_ms %= 60'000;
  live.health.retry_min_ms %= 60'000;
  Backend& by_records = live.backends.emplace_back(live.backends[0]);
  by_records.host = "";
  by_records.ports["imap"] = by_records.ports["pop3"] = 0;
  by_records.srv = {"_imaps._tcp.example.com", "_pop3s._tcp.example.com"};
  by_records.name = "records";
  live.ready.min %= live.ready.max + 1;
  for (Backend& backend : live.backends) {
    backend.health.retry_min_ms %= 60'000;
    backend.ready.min %= backend.ready.max + 1;
    backend.queue_timeout_ms = 1'234;
    backend.mechanism = upper(backend.mechanism);  // as it is kept
  }
  for (int p = 0; p < 2; ++p) {
    Pool& pool = live.pools.emplace_back();
    pool.name = "pool" + std::to_string(p);
    for (const Backend& b : live.backends) pool.shards.push_back({"s" + b.name, 0.1 + p, {b.name}});
    if (p == 1) pool.shards.back().transition = {2.5, 1'000'000'000, 2'000'000'000};
  }
  live.routing.default_pool = "pool1";
  live.routing.rules.push_back({"", "", ".*\\d\"@x", "pool0", "s" + live.backends[0].name});
  live.routing.rules.push_back({"", "a.example", "", "pool0", ""});
  // Names that a default domain makes no longer.
  live.auth.anonymous_user = "nobody@a.example";
  for (Impersonation& rule : live.auth.impersonation) rule = {"a@a.example", "*@b.example"};
  std::vector<Directory> kinds;
  for (const Directory& all : live.auth.directories) {
    for (int type = 0; type <= static_cast<int>(Directory::Type::oauth); ++type) {
      kinds.push_back(only_its_own(all, static_cast<Directory::Type>(type)));
    }
  }
  live.auth.directories = std::move(kinds);
  Directory& fixed = live.auth.directories.emplace_back();
  fixed.name = "fixed";
  fixed.check_password = true;
  StaticUser& user = fixed.users.emplace_back(StaticUser{"u@a.example", "{PLAIN}canary", "pool1", "", "other", true});
  user.may = {{"10.0.0.0/8", "192.0.2.1"}, {"imap"}, {live.listeners[0].name}, 1'000'000'000, 2'000'000'000};
  user.disabled_until_s = user.moving_until_s = 1'500'000'000;
  user.limit_class = live.limits.classes[0].name;
  user.sessions_max = 17;
  user.main_password = false;
  return config;
}

TEST_F(DumpTest, RoundTrip) {
  std::string file = directory_.write("file", "x");
  for (unsigned seed = 0; seed < 200; ++seed) {
    Config invented = invent(seed, file);
    invented.live.tokens.clear();  // "***" is no token: everybody would know it
    invented.startup.admin.api_address = {};
    std::string first = dump(invented);
    Loaded loaded = load(first);
    ASSERT_TRUE(loaded.ok()) << seed << '\n' << joined(loaded) << first;
    ASSERT_EQ(dump(loaded.config), first) << seed;
    ASSERT_THAT(first, Not(HasSubstr("canary")));
  }
}

TEST_F(DumpTest, ShowsEveryKeyOfTheSchema) {
  std::string text = dump(invent(1, "/file"));
  std::string all;
  for (unsigned seed = 0; seed < 20; ++seed) all += dump(invent(seed, "/file"));
  for (const KeyDoc& key : keys()) {
    std::string name = key.path.substr(key.path.rfind('.') + 1);
    bool input_only = key.path == "pool.backends" || name.ends_with("_file") || name.ends_with("_env");
    bool table = key.type == "table" || key.type == "array of tables";
    if (key.path == "backend.tls.ca_file") input_only = false;
    if (input_only || table || key.path == "routing.rule.user") continue;
    EXPECT_THAT(all, HasSubstr('\n' + name + " = ")) << key.path;
  }
}

}  // namespace
}  // namespace postigo::config
