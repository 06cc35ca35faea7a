// SASL, client side (RFC 4422): one object per attempt to log a user in at a backend.
//
// Transport independent: base64, "+" and initial responses belong to login/sasl_talk. One mechanism is one file and one
// row. Nothing here knows whose user it is, nor which backend: what opens the door stands in BackLogin.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "parser/back.h"
#include "parser/base/bytes.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"
#include "parser/sasl/facts.h"

namespace postigo::sasl {

class KeptKeys;

// Where an attempt takes place. All of it outlives the attempt.
struct ClientSetting {
  const BackLogin& login;
  const Channel* channel = nullptr;  // null: nothing is drawn by lot, and nothing can be bound to
  KeptKeys* kept = nullptr;          // of a secret of ours; null: none are kept
  bool binding_listed = false;       // the backend has a mechanism with channel binding
  // Of SCRAM, that are done. Fewer make a password easy to guess for whoever reads along (RFC 7677 4); more would keep
  // a worker busy for too long.
  unsigned iterations_min = 4096, iterations_max = 20'000;
};

class Client {
 public:
  virtual ~Client() = default;
  // The initial response. Nothing: the server speaks first.
  virtual std::optional<Secret> initial() = 0;
  // The answer to a challenge, both without base64. An error says why this server is not to be talked with any more.
  virtual Result<Secret> respond(Bytes challenge) = 0;
  // There is nothing more to say: a challenge would be one too many.
  virtual bool complete() const = 0;
  // The server says yes. An error: it has not proven that it knows the secret, so its yes is nobody's.
  virtual Result<bool> accepted() const { return true; }
  // What it said in a challenge of why it will say no (RFC 7628 3.2.2); empty: nothing.
  virtual Bytes told() const { return {}; }
};

struct ClientMechanism {
  std::string_view name;
  DoorKey key = DoorKey::password;
  bool binds = false;   // to the TLS connection that it runs in
  bool proves = false;  // the secret is not said, and the server has to know it, too
  bool authzid = true;  // it can carry one
  std::unique_ptr<Client> (*make)(const ClientSetting& setting) = nullptr;
};

std::span<const ClientMechanism> client_mechanisms();                 // strongest first
const ClientMechanism* find_client_mechanism(std::string_view name);  // upper case; null: there is none

// --- one function per mechanism ---
std::unique_ptr<Client> make_scram_sha_256_plus_client(const ClientSetting& setting);
std::unique_ptr<Client> make_scram_sha_1_plus_client(const ClientSetting& setting);
std::unique_ptr<Client> make_scram_sha_256_client(const ClientSetting& setting);
std::unique_ptr<Client> make_scram_sha_1_client(const ClientSetting& setting);
std::unique_ptr<Client> make_external_client(const ClientSetting& setting);
std::unique_ptr<Client> make_oauthbearer_client(const ClientSetting& setting);
std::unique_ptr<Client> make_xoauth2_client(const ClientSetting& setting);
std::unique_ptr<Client> make_cram_md5_client(const ClientSetting& setting);
std::unique_ptr<Client> make_plain_client(const ClientSetting& setting);
std::unique_ptr<Client> make_login_client(const ClientSetting& setting);

// What PLAIN says (RFC 4616).
Secret plain_message(Bytes authzid, Bytes authcid, Bytes password);

}  // namespace postigo::sasl
