// libldap, with a bound on everything: time, octets of an answer, entries. What /etc/ldap/ldap.conf says of ciphers and
// client certificates holds; what it says of trust, referrals and time does not. Not here: what is asked (ldap.cc).
#include "backends/directory/drivers/ldap_connection.h"

#include <ldap.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cassert>
#include <chrono>

#include "parser/base/secret.h"

namespace postigo {
namespace {

constexpr ber_len_t kAnswerMax = 1 << 20;  // octets of one message; asked is for a few short values
constexpr int kMessagesMax = 64;           // of one search: entries and references
constexpr int kKeepaliveIdleS = 60, kKeepaliveProbes = 3, kKeepaliveIntervalS = 10;

// A layer above the others of a connection: what was sent may have been a password, and liblber frees it as it is.
ber_slen_t write_and_wipe(Sockbuf_IO_Desc* layer, void* octets, ber_len_t size) {
  const ber_slen_t sent = LBER_SBIOD_WRITE_NEXT(layer, octets, size);
  if (sent > 0) wipe(octets, static_cast<size_t>(sent));
  return sent;
}

Sockbuf_IO wiping = {
    [](Sockbuf_IO_Desc*, void*) { return 0; },
    [](Sockbuf_IO_Desc*) { return 0; },
    [](Sockbuf_IO_Desc* layer, int option, void* value) { return LBER_SBIOD_CTRL_NEXT(layer, option, value); },
    [](Sockbuf_IO_Desc* layer, void* octets, ber_len_t size) { return LBER_SBIOD_READ_NEXT(layer, octets, size); },
    write_and_wipe,
    [](Sockbuf_IO_Desc*) { return 0; },
};

timeval time_of(uint64_t ms) { return {static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)}; }

void set(LDAP* ldap, int option, int value) { ldap_set_option(ldap, option, &value); }

void set_tls(LDAP* ldap, const LdapOptions& options) {
  set(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, options.verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER);
  set(ldap, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
  ldap_set_option(ldap, LDAP_OPT_X_TLS_CACERTDIR, nullptr);
  ldap_set_option(ldap, LDAP_OPT_X_TLS_CACERTFILE, options.verify ? options.authorities.c_str() : nullptr);
  set(ldap, LDAP_OPT_X_TLS_NEWCTX, 0);  // for a client; all of the above go into it
}

void set_bounds(LDAP* ldap, uint64_t timeout_ms) {
  const timeval timeout = time_of(timeout_ms);
  ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &timeout);
  ldap_set_option(ldap, LDAP_OPT_TIMEOUT, &timeout);
  ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  ldap_set_option(ldap, LDAP_OPT_RESTART, LDAP_OPT_ON);
  set(ldap, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3);
  set(ldap, LDAP_OPT_DEREF, LDAP_DEREF_NEVER);
  set(ldap, LDAP_OPT_X_KEEPALIVE_IDLE, kKeepaliveIdleS);
  set(ldap, LDAP_OPT_X_KEEPALIVE_PROBES, kKeepaliveProbes);
  set(ldap, LDAP_OPT_X_KEEPALIVE_INTERVAL, kKeepaliveIntervalS);
}

class LdapDeadline {
 public:
  explicit LdapDeadline(uint64_t ms) : end_(Clock::now() + std::chrono::milliseconds(ms)) {}
  timeval left() const {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now()).count();
    return time_of(left > 0 ? static_cast<uint64_t>(left) : 0);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_;
};

std::string text_of(char* text) {
  std::string copy = text == nullptr ? "" : text;
  ldap_memfree(text);
  return copy;
}

// Frees `message`.
LdapReply parsed(LDAP* ldap, LDAPMessage* message) {
  LdapReply reply;
  char* text = nullptr;
  int read = ldap_parse_result(ldap, message, &reply.code, nullptr, &text, nullptr, nullptr, 1);
  reply.text = text_of(text);
  if (read != LDAP_SUCCESS) reply.code = read;
  return reply;
}

std::vector<std::string> values_of(LDAP* ldap, LDAPMessage* entry, const char* name) {
  std::vector<std::string> values;
  berval** read = ldap_get_values_len(ldap, entry, name);
  for (berval** value = read; value != nullptr && *value != nullptr; ++value) {
    values.emplace_back((*value)->bv_val, (*value)->bv_len);
  }
  if (read != nullptr) ldap_value_free_len(read);
  return values;
}

LdapEntry entry_of(LDAP* ldap, LDAPMessage* message) {
  LdapEntry entry;
  entry.dn = text_of(ldap_get_dn(ldap, message));
  BerElement* position = nullptr;
  char* name = ldap_first_attribute(ldap, message, &position);
  for (; name != nullptr; name = ldap_next_attribute(ldap, message, position)) {
    entry.attributes.emplace_back(name, values_of(ldap, message, name));
    ldap_memfree(name);
  }
  if (position != nullptr) ber_free(position, 0);
  return entry;
}

}  // namespace

bool LdapReply::timed_out() const { return code == LDAP_TIMEOUT; }

bool LdapReply::away() const {
  return code < 0 || code == LDAP_BUSY || code == LDAP_UNAVAILABLE || code == LDAP_OTHER ||
         code == LDAP_TIMELIMIT_EXCEEDED;
}

std::string LdapReply::meaning() const { return ldap_err2string(code); }

LdapConnection::LdapConnection(const std::string& url, const LdapOptions& options) : options_(options) {
  if (ldap_initialize(&ldap_, url.c_str()) != LDAP_SUCCESS) ldap_ = nullptr;
  if (ldap_ == nullptr) return;
  set_bounds(ldap_, options.timeout_ms);
  if (options.starttls || url.starts_with("ldaps:")) set_tls(ldap_, options);
}

LdapConnection::~LdapConnection() {
  if (ldap_ != nullptr) ldap_unbind_ext(ldap_, nullptr, nullptr);
}

LdapReply LdapConnection::failure() {
  LdapReply reply{LDAP_OTHER, {}};
  ldap_get_option(ldap_, LDAP_OPT_RESULT_CODE, &reply.code);
  if (reply.code == LDAP_SUCCESS) reply.code = LDAP_OTHER;
  return reply;
}

// A part of an answer, or of a TLS record, may be all that ever comes: then reading it ends, too.
void LdapConnection::bound_waits() {
  int socket = -1;
  ldap_get_option(ldap_, LDAP_OPT_DESC, &socket);
  const timeval timeout = time_of(options_.timeout_ms);
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

void LdapConnection::watch_octets() {
  Sockbuf* buffer = nullptr;
  ldap_get_option(ldap_, LDAP_OPT_SOCKBUF, &buffer);
  if (buffer == nullptr) return;
  ber_len_t most = kAnswerMax;
  ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &most);
  ber_sockbuf_add_io(buffer, &wiping, LBER_SBIOD_LEVEL_APPLICATION, nullptr);
}

LdapReply LdapConnection::connect() {
  if (ldap_ == nullptr) return {LDAP_PARAM_ERROR, {}};
  LdapReply reply{ldap_connect(ldap_), {}};
  if (reply.ok()) bound_waits();
  if (reply.ok() && options_.starttls) reply.code = ldap_start_tls_s(ldap_, nullptr, nullptr);
  if (reply.ok()) {
    watch_octets();
    return reply;
  }
  char* text = nullptr;
  ldap_get_option(ldap_, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
  reply.text = text_of(text);
  if (reply.code > 0) reply.code = LDAP_CONNECT_ERROR;  // it refuses TLS
  return reply;
}

LdapReply LdapConnection::result_of(int message_id) {
  timeval left = time_of(options_.timeout_ms);
  LDAPMessage* message = nullptr;
  const int kind = ldap_result(ldap_, message_id, LDAP_MSG_ALL, &left, &message);
  if (kind == 0) return {LDAP_TIMEOUT, {}};
  return kind < 0 ? failure() : parsed(ldap_, message);
}

LdapReply LdapConnection::bind(const std::string& dn, Bytes password) {
  assert(!dn.empty() && !password.empty());
  if (dn.empty() || password.empty()) return {LDAP_INVALID_CREDENTIALS, {}};
  berval secret{password.size(), const_cast<char*>(password.data())};  // libldap reads it only
  int id = 0;
  if (ldap_sasl_bind(ldap_, dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, &id) != LDAP_SUCCESS) {
    return failure();
  }
  return result_of(id);
}

LdapReply LdapConnection::search(const LdapSearch& what, std::vector<LdapEntry>& found) {
  std::vector<char*> attributes;
  for (const std::string& name : what.attributes) attributes.push_back(const_cast<char*>(name.c_str()));
  attributes.push_back(nullptr);
  const LdapDeadline deadline(options_.timeout_ms);
  timeval left = deadline.left();
  int id = 0;
  const int sent = ldap_search_ext(ldap_, what.base.c_str(), what.scope, what.filter.c_str(), attributes.data(), 0,
                                   nullptr, nullptr, &left, what.entries_max, &id);
  if (sent != LDAP_SUCCESS) return {sent, {}};
  for (int messages = 0; messages < kMessagesMax; ++messages) {
    LDAPMessage* message = nullptr;
    left = deadline.left();
    const int kind = ldap_result(ldap_, id, LDAP_MSG_ONE, &left, &message);
    if (kind == 0) return {LDAP_TIMEOUT, {}};
    if (kind < 0) return failure();
    if (kind == LDAP_RES_SEARCH_RESULT) return parsed(ldap_, message);
    if (kind == LDAP_RES_SEARCH_ENTRY) found.push_back(entry_of(ldap_, message));
    ldap_msgfree(message);
    if (found.size() > static_cast<size_t>(what.entries_max)) break;
  }
  ldap_abandon_ext(ldap_, id, nullptr, nullptr);  // what is still to come is dropped by libldap
  return {LDAP_SIZELIMIT_EXCEEDED, {}};
}

}  // namespace postigo
