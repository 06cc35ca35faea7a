// A directory in Redis or Valkey: a hash for each user, whose fields are ours. Questions block, on threads that this
// directory has for itself. Not here: sockets (redis_connection.cc), where a cluster has a key (redis_cluster.cc).
#include <openssl/x509.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "backends/addresses.h"
#include "backends/client_network.h"
#include "backends/directory/drivers/deadline.h"
#include "backends/directory/drivers/redis_cluster.h"
#include "backends/directory/drivers/redis_connection.h"
#include "backends/directory/drivers/server_order.h"
#include "backends/directory/entry.h"
#include "backends/directory/fields.h"
#include "backends/directory/name_template.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/directory/source.h"
#include "backends/work/offload.h"
#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kQueueMax = 1024;
constexpr uint16_t kPort = 6379;
constexpr int kRedirectionsMax = 5;
constexpr size_t kSparesMax = 256;
constexpr size_t kRestingMax = 1'000;  // as many servers as a cluster may have

std::string text_of(const config::Endpoint& server) { return address_text(server.host, std::to_string(server.port)); }

using RedisHandle = std::unique_ptr<RedisConnection>;

// Connections that nobody uses now, by server, and which servers are away. Any thread.
class RedisServers {
 public:
  explicit RedisServers(std::vector<config::Endpoint> seeds) : seeds_(std::move(seeds)), order_(seeds_.size()) {}

  const std::vector<config::Endpoint>& seeds() const { return seeds_; }
  ServerOrder& order() { return order_; }

  RedisHandle take(const config::Endpoint& server) {
    std::lock_guard lock(mutex_);
    auto found = spares_.extract(text_of(server));
    return found.empty() ? nullptr : std::move(found.mapped());
  }
  void give(const config::Endpoint& server, RedisHandle connection) {
    std::lock_guard lock(mutex_);
    if (spares_.size() < kSparesMax) spares_.emplace(text_of(server), std::move(connection));
  }
  // One of its connections was dead: the others are likely to be.
  void drop(const config::Endpoint& server) {
    std::vector<RedisHandle> gone;  // closed outside of the lock
    std::lock_guard lock(mutex_);
    while (auto spare = spares_.extract(text_of(server))) gone.push_back(std::move(spare.mapped()));
  }
  void served(const config::Endpoint& server) {
    if (auto seed = seed_of(server)) order_.served(*seed);
    std::lock_guard lock(mutex_);
    if (!resting_.empty()) resting_.erase(text_of(server));
  }
  void failed(const config::Endpoint& server) {
    drop(server);
    if (auto seed = seed_of(server)) order_.failed(*seed, steady_ms());
    std::lock_guard lock(mutex_);
    if (resting_.size() == kRestingMax) resting_.clear();
    resting_[text_of(server)] = steady_ms() + ServerOrder::kRest_ms;
  }
  // Whom a cluster leads to may be no seed: it rests as long as one, and nobody waits for it meanwhile.
  bool rests(const config::Endpoint& server) const {
    std::lock_guard lock(mutex_);
    auto found = resting_.find(text_of(server));
    return found != resting_.end() && found->second > steady_ms();
  }

 private:
  std::optional<size_t> seed_of(const config::Endpoint& server) const {
    auto found = std::find(seeds_.begin(), seeds_.end(), server);
    return found == seeds_.end() ? std::nullopt : std::optional(static_cast<size_t>(found - seeds_.begin()));
  }

  const std::vector<config::Endpoint> seeds_;
  ServerOrder order_;
  mutable std::mutex mutex_;
  std::map<std::string, uint64_t> resting_;
  std::multimap<std::string, RedisHandle> spares_;
};

class RedisSource final : public DirectorySource {
 public:
  RedisSource(const config::Directory& from, NameTemplate key, FieldNames fields, std::vector<config::Endpoint> servers)
      : name_(from.name),
        key_(std::move(key)),
        fields_(std::move(fields)),
        cluster_(from.redis.cluster ? std::make_unique<RedisCluster>() : nullptr),
        servers_(std::move(servers)),
        threads_(std::make_shared<Offload>(from.threads, kQueueMax, 2 * from.timeout_ms, Offload::Running::left)),
        checking_{from.check_password, default_decoy()} {
    terms_ = {from.login, Secret(from.password.reveal()), from.redis.database, from.timeout_ms, from.tls_verify};
  }
  Result<void> prepare_tls(const std::string& authorities);
  void try_servers();  // blocks; whatever is wrong may mend itself

  std::unique_ptr<Directory> make(Env& env) const override;
  void start(Env& env, Lookup& lookup, const Query& query) const;
  std::string decoy() const override { return checking_.decoy; }
  std::string warning() const override { return warning_; }

  const std::string& name() const { return name_; }
  const Checking& checking() const { return checking_; }
  const std::shared_ptr<Offload>& threads() const { return threads_; }

  // On any thread; blocks.
  Result<Found> find(const std::string& user) const;

 private:
  Result<RedisReply> ask(const std::string& key) const;
  Result<RedisReply> follow(const std::string& key, config::Endpoint server) const;
  Result<RedisReply> ask_at(const config::Endpoint& server, const std::vector<std::string_view>& words,
                            bool asking = false) const;
  Result<RedisReply> ask_on(RedisHandle connection, const config::Endpoint& server,
                            const std::vector<std::string_view>& words, bool asking) const;
  Result<Found> entry_of(const RedisReply& reply) const;

  std::string name_;
  RedisTerms terms_;
  NameTemplate key_;
  FieldNames fields_;
  std::unique_ptr<RedisCluster> cluster_;
  mutable RedisServers servers_;
  std::shared_ptr<Offload> threads_;
  Checking checking_;
  std::string warning_;
};

void RedisSource::try_servers() {
  for (const config::Endpoint& server : servers_.seeds()) {
    auto made = RedisConnection::open(terms_, server);
    if (!made) servers_.failed(server);
    warning_ = made ? std::string() : "directory " + name_ + ": " + text_of(server) + ": " + made.error().message;
    if (made) return servers_.give(server, std::move(*made));
  }
}

Result<void> RedisSource::prepare_tls(const std::string& authorities) {
  terms_.tls.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = terms_.tls.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, terms_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!terms_.verify) return {};
  const std::string file = authorities.empty() ? "/etc/ssl/certs/ca-certificates.crt" : authorities;
  if (SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) == 1) return {};
  return fail("tls_ca: cannot read " + file);
}

Result<RedisReply> RedisSource::ask_on(RedisHandle connection, const config::Endpoint& server,
                                       const std::vector<std::string_view>& words, bool asking) const {
  if (asking) {
    if (auto reply = connection->ask({"ASKING"}); !reply) return reply;
  }
  auto reply = connection->ask(words);
  if (reply) servers_.give(server, std::move(connection));
  return reply;
}

// A connection that was kept may have ended meanwhile: that is no failure of the server.
Result<RedisReply> RedisSource::ask_at(const config::Endpoint& server, const std::vector<std::string_view>& words,
                                       bool asking) const {
  if (RedisHandle kept = servers_.take(server)) {
    const uint64_t began_ms = steady_ms();
    auto reply = ask_on(std::move(kept), server, words, asking);
    if (reply) return reply;
    servers_.drop(server);
    if (steady_ms() - began_ms >= terms_.timeout_ms) return fail(text_of(server) + ": " + reply.error().message);
  }
  auto fresh = RedisConnection::open(terms_, server);
  if (!fresh) return fail(text_of(server) + ": " + fresh.error().message);
  auto reply = ask_on(std::move(*fresh), server, words, asking);
  if (!reply) return fail(text_of(server) + ": " + reply.error().message);
  return reply;
}

// Where a cluster leads to.
Result<RedisReply> RedisSource::follow(const std::string& key, config::Endpoint server) const {
  bool once = false;
  for (int i = 0; i <= kRedirectionsMax; ++i) {
    if (i > 0 && servers_.rests(server)) return fail(text_of(server) + ": it did not answer a moment ago");
    auto reply = ask_at(server, {"HGETALL", key}, once);
    if (!reply) {
      servers_.failed(server);
      if (cluster_ != nullptr) cluster_->forget(server);
      return reply;
    }
    servers_.served(server);
    auto to = cluster_ != nullptr && reply->kind == RedisReply::Kind::error
                  ? RedisCluster::redirection(reply->text, server)
                  : std::nullopt;
    if (!to) return reply;
    if (!to->once) {
      cluster_->learn(to->slot, to->server);
      if (auto all = ask_at(server, {"CLUSTER", "SLOTS"}); all) cluster_->learn(*all, server);
    }
    once = to->once;
    server = to->server;
  }
  return fail("the cluster leads in circles");
}

Result<RedisReply> RedisSource::ask(const std::string& key) const {
  if (cluster_ != nullptr) {
    auto known = cluster_->server_of(RedisCluster::slot_of(key));
    if (known && !servers_.rests(*known)) {
      if (auto reply = follow(key, *known)) return reply;
    }
  }
  const ServerOrder::Turn turn = servers_.order().begin(steady_ms());
  Result<RedisReply> reply = fail("no server answers, and somebody is trying them");
  for (size_t i : turn.order) {
    reply = follow(key, servers_.seeds()[i]);
    if (reply) break;
  }
  servers_.order().end(turn);
  return reply;
}

Result<Found> RedisSource::entry_of(const RedisReply& reply) const {
  if (reply.kind == RedisReply::Kind::error) return fail("the server says " + printable(reply.text));
  if (reply.kind != RedisReply::Kind::array || reply.elements.size() % 2 != 0) return fail("an answer that is no hash");
  Found found;
  if (reply.elements.empty()) return found;
  const bool texts = std::all_of(reply.elements.begin(), reply.elements.end(),
                                 [](const RedisReply& each) { return each.kind == RedisReply::Kind::text; });
  if (!texts) return fail("an answer that is no hash");
  Entry& entry = found.user.emplace();
  for (size_t i = 0; i < reply.elements.size(); i += 2) {
    const std::string& field = reply.elements[i].text;
    auto set = set_field(entry, fields_.ours(field), reply.elements[i + 1].text);
    if (!set) return fail("field " + printable(field) + ": " + set.error().message);
  }
  return found;
}

Result<Found> RedisSource::find(const std::string& user) const {
  auto reply = ask(key_.fill(user));
  if (!reply) return fail("directory " + name_ + ": " + reply.error().message);
  auto found = entry_of(*reply);
  if (!found) return fail("directory " + name_ + ": " + found.error().message);
  if (found->user) found->user->name = user;
  return found;
}

std::unique_ptr<Directory> RedisSource::make(Env& env) const { return make_shared_directory(env, *this); }

void RedisSource::start(Env& env, Lookup& lookup, const Query& query) const {
  if (query.user.empty() || !is_utf8(query.user)) return answer(env, lookup, query, {}, checking_);
  answer_on(env, threads_, lookup, query, *this);
}

Result<SharedSource> load(const config::Directory& from) {
  auto key = NameTemplate::parse(from.redis.key);
  if (!key) return fail("redis.key: " + key.error().message);
  auto fields = FieldNames::parse(from.fields);
  if (!fields) return fail("fields: " + fields.error().message);
  std::vector<config::Endpoint> servers;
  for (const std::string& server : from.servers) {
    auto endpoint = config::parse_endpoint(server, kPort);
    if (!endpoint) return fail("servers: " + server + ": " + endpoint.error().message);
    servers.push_back(*endpoint);
  }
  auto source = std::make_shared<RedisSource>(from, std::move(*key), std::move(*fields), std::move(servers));
  if (from.tls != config::Directory::Tls::off) {
    if (auto ready = source->prepare_tls(from.tls_ca); !ready) return tl::unexpected(ready.error());
  }
  source->try_servers();
  return SharedSource(std::move(source));
}

}  // namespace

Result<SharedSource> load_redis_directory(const config::Directory& from) {
  auto source = load(from);
  if (!source) return fail("directory " + from.name + ": " + source.error().message);
  return source;
}

}  // namespace postigo
