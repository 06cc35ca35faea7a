// Transcripts: a login dialogue as a text file that a person can read, run at every split of its input.
//
//   # comment                      (blank lines are ignored)
//   front imap tls=no starttls=yes plaintext=no mechanisms=PLAIN,LOGIN hide=X add=Y compress=no proxy=no
//   unique=.. (in nonces and timestamps) exporter=.. end_point=.. (channel bindings) certificate=.. (its name)
//   hostname=mail.example.org back imap tls=starttls forward=yes user=alice password=secret authzid=bob ip=.. port=..
//   local_ip=.. local_port=..
//        session=.. client_tls=yes client_id=.. hops=.. local_name=.. fields=uid=0,.. proxy_header=no ready=no
//        alerts=never nonce=.. mechanism=PLAIN unique=.. exporter=.. key=password|token|certificate master=no
//        (one line; absent keys: defaults below)
//   C: / S:    one line with CR LF of the client / the server; which of them is input follows from front or back
//   C~ / S~    octets without a line end added
//   = event    what the dialogue raised: start_tls, logged_in CAP..., refused [CODE] text, unavailable, hang_up,
//              authenticate mechanism=.. user=.. authzid=.. password=..     (empty values are left out; "impossible"
//              instead of a password that nobody can have; or token=.., proven, rejected, certificate, anonymous)
//              secret mechanism=.. user=.. authzid=.., abandoned
//   = alert X  behind a back's last event: what its user is to read
//   > action   what the caller did: tls | login (behind ready) | accept CAP... | refuse KIND [code or JSON] |
//              alert TEXT | farewell KIND | supply (nothing) | supply PASSWORD [SALT in base64] [ITERATIONS]
//              (alert comes before the accept or refuse of the same event)
//   = rest X   at the end of the file: input that was not consumed; behind a front's start_tls it is TLS's
// Escapes in all text: \r \n \0 \t \\ \xNN, and \*N{text} for text N times.
//
// The file states the order for a peer that sends line by line; consecutive input lines are one write. The same events
// and octets must come out of every other chunking of the input, and destroying the dialogue anywhere must be clean.
// split=glued: the writes of the file stay writes of their own, and a cut may be anywhere but behind a line inside of
// one. That is for what must not come along with a backend's answer (A18, T78): there the end of a write has a meaning.
// Every transcript of POP3's back is read so.
#pragma once

#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/protocol.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::transcript {

using Trace = std::vector<std::string>;  // "S: line", "= event", as in the file

inline std::string unescape(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    char c = text[++i];
    if (c == 'x' && i + 2 < text.size()) {
      result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else if (c == '*') {
      size_t open = text.find('{', i), close = text.find('}', i);
      std::string times = text.substr(i + 1, open - i - 1);
      std::string piece = unescape(text.substr(open + 1, close - open - 1));
      for (int n = std::stoi(times); n > 0; --n) result += piece;
      i = close;
    } else {
      const std::string from = "rn0t\\", to("\r\n\0\t\\", 5);
      size_t which = from.find(c);
      result += which == std::string::npos ? c : to[which];
    }
  }
  return result;
}

inline std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

inline std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) result.push_back(item);
  return result;
}

struct Block {
  std::string input;
  Trace expected;  // what this input causes when it is fed at once
};

struct Script {
  std::string error;  // not empty: the file is wrong
  bool front = true;
  const Protocol* protocol = nullptr;
  std::map<std::string, std::string> settings;
  std::vector<Block> blocks;
  std::vector<std::string> actions;  // without "> "
  std::vector<size_t> epochs;        // index of the first block after each TLS handshake
  bool glued = false;                // split=glued
  std::string rest;
};

inline Script load(const std::string& path) {
  Script script;
  std::ifstream file(path);
  if (!file) script.error = "cannot read " + path;
  auto block = [&]() -> Block& {
    if (script.blocks.empty()) script.blocks.emplace_back();
    return script.blocks.back();
  };
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (!script.protocol) {
      std::vector<std::string> head = words(line);
      script.front = head[0] == "front";
      script.protocol = head.size() > 1 ? find_protocol(head[1]) : nullptr;
      if (!script.protocol) {
        script.error = "the first line names no protocol: " + line;
        return script;
      }
      for (size_t i = 2; i < head.size(); ++i) {
        size_t equals = head[i].find('=');
        script.settings[head[i].substr(0, equals)] = unescape(head[i].substr(equals + 1));
      }
      // Nothing but its place tells which question an answer of POP3 is to (T78).
      bool back_pop3 = !script.front && script.protocol->name == "pop3";
      script.glued = back_pop3 || script.settings["split"] == "glued";
      continue;
    }
    std::string kind = line.substr(0, 2);
    std::string text = line.size() > 3 ? line.substr(3) : "";
    bool octets = kind == "C:" || kind == "S:" || kind == "C~" || kind == "S~";
    if (octets && (kind[0] == 'C') == script.front) {
      if (script.blocks.empty() || !block().expected.empty()) script.blocks.emplace_back();
      block().input += unescape(text) + (kind[1] == ':' ? "\r\n" : "");
    } else if (octets) {
      block().expected.push_back(kind + " " + unescape(text));
    } else if (kind == "= " && line.substr(2).rfind("rest ", 0) == 0) {
      script.rest = unescape(line.substr(7));
    } else if (kind == "= ") {
      block().expected.push_back("= " + unescape(line.substr(2)));
    } else if (kind == "> ") {
      script.actions.push_back(line.substr(2));
      if (line == "> tls" || line == "> login") {
        script.epochs.push_back(script.blocks.size());
      }
    } else {
      script.error = "not understood: " + line;
    }
  }
  if (!script.protocol && script.error.empty()) script.error = "there is nothing in it";
  return script;
}

// One dialogue of either side, with the trace of what it did.
class Player {
 public:
  explicit Player(const Script& script) : script_(script) {
    auto get = [&](const char* key, const char* otherwise) {
      auto it = script.settings.find(key);
      return it == script.settings.end() ? std::string(otherwise) : it->second;
    };
    auto yes = [&](const char* key, const char* otherwise) { return get(key, otherwise) == "yes"; };
    auto number = [&](const char* key, const char* otherwise) {
      return static_cast<unsigned>(std::stoul(get(key, otherwise)));
    };
    if (script.front) {
      auto capabilities = std::make_shared<CapabilityPolicy>();
      capabilities->hide = list(get("hide", ""));
      capabilities->add = list(get("add", ""));
      capabilities->allow_compress = yes("compress", "no");
      front_policy_.hostname = get("hostname", "mail.example.org");
      front_policy_.starttls_offered = yes("starttls", "yes");
      front_policy_.plaintext_login_allowed = yes("plaintext", "no");
      front_policy_.mechanisms = list(get("mechanisms", "PLAIN,LOGIN"));
      front_policy_.capabilities = capabilities;
      front_policy_.peer_is_proxy = yes("proxy", "no");
      facts_.said = get("unique", facts_.said.c_str());
      facts_.certificate = get("certificate", "");
      facts_.bindings = {{"tls-exporter", get("exporter", "")}, {"tls-server-end-point", get("end_point", "")}};
      front_ = script.protocol->make_front(front_policy_, yes("tls", "yes"), facts_);
      front_->open(out_);
      flush();
    } else {
      std::string tls = get("tls", "off");
      back_policy_.tls = tls == "starttls"   ? BackPolicy::Tls::starttls
                         : tls == "implicit" ? BackPolicy::Tls::implicit
                                             : BackPolicy::Tls::off;
      back_policy_.forward_client = yes("forward", "no");
      back_policy_.proxy_header = yes("proxy_header", "no");
      back_policy_.until_ready = yes("ready", "no");
      std::string alerts = get("alerts", "never");
      back_policy_.alerts = alerts == "always"      ? BackPolicy::Alerts::always
                            : alerts == "under_tls" ? BackPolicy::Alerts::under_tls
                                                    : BackPolicy::Alerts::never;
      mechanism_ = get("mechanism", "PLAIN");
      facts_.said = get("unique", facts_.said.c_str());
      facts_.bindings = {{"tls-exporter", get("exporter", "")}};
      back_policy_.mechanism = mechanism_;
      back_policy_.channel = &facts_;
      BackLogin login;
      login.key = get("key", "password") == "token"         ? DoorKey::token
                  : get("key", "password") == "certificate" ? DoorKey::certificate
                                                            : DoorKey::password;
      login.master = yes("master", "no");
      login.authzid = get("authzid", "");
      login.authcid = get("user", "alice");
      login.password = Secret(get("password", login.key == DoorKey::certificate ? "" : "secret"));
      login.nonce = get("nonce", "");
      login.facts = {get("ip", "192.0.2.7"),
                     static_cast<uint16_t>(number("port", "50123")),
                     get("local_ip", "198.51.100.1"),
                     static_cast<uint16_t>(number("local_port", "993")),
                     get("session", "s1"),
                     yes("client_tls", "yes"),
                     get("client_id", ""),
                     number("hops", "5"),
                     get("local_name", "")};
      for (const std::string& field : list(get("fields", ""))) {
        login.facts.forward.push_back({field.substr(0, field.find('=')), field.substr(field.find('=') + 1)});
      }
      if (back_policy_.until_ready) later_ = std::exchange(login, {});
      back_ = script.protocol->make_back(back_policy_, std::move(login));
    }
  }

  // More input arrives. The dialogue sees exact copies that die at once: it must not keep views.
  void feed(std::string_view input) {
    buffer_ += input;
    while (!over_) {
      auto copy = std::make_unique<char[]>(buffer_.size());
      std::copy(buffer_.begin(), buffer_.end(), copy.get());
      Bytes offered(copy.get(), buffer_.size());
      Step step = front_ ? front_->feed(offered, out_) : back_->feed(offered, out_);
      if (step.consumed > buffer_.size()) {
        trace.push_back("! consumed more than there is");
        over_ = true;
        return;
      }
      buffer_.erase(0, step.consumed);
      flush();
      if (step.event == Event::need_input) return;
      handle(step.event);
    }
  }

  void finish() {
    flush_partial();
    if (!buffer_.empty()) rest = buffer_;
  }

  Trace trace;
  std::string rest;

 private:
  void handle(Event event) {
    flush_partial();
    switch (event) {
      case Event::need_input:
        return;
      case Event::start_tls:
        trace.push_back("= start_tls");
        return act();
      case Event::authenticate:
        trace.push_back("= authenticate" + credentials());
        return act();
      case Event::secret:
        trace.push_back("= secret" + claim());
        return act();
      case Event::abandoned:
        trace.push_back("= abandoned");
        return;
      case Event::logged_in:
        trace.push_back("= logged_in" + capabilities());
        break;
      case Event::refused:
        trace.push_back("= refused" + reply());
        break;
      case Event::ready:
        trace.push_back("= ready");
        if (next_action_ < script_.actions.size()) return act();
        break;
      case Event::unavailable:
        trace.push_back("= unavailable" + reply());
        break;
      case Event::hang_up:
        trace.push_back("= hang_up");
        break;
    }
    if (back_) {
      for (const std::string& text : back_->alerts()) trace.push_back("= alert " + text);
    }
    over_ = true;
  }

  void act() {
    if (next_action_ == script_.actions.size()) {
      over_ = true;
      return;
    }
    std::vector<std::string> action = words(script_.actions[next_action_++]);
    if (action[0] == "alert") {
      front_->alert(script_.actions[next_action_ - 1].substr(6), out_);
      flush();
      return act();
    }
    if (action[0] == "login") {
      Event event = back_->log_in(std::move(later_), out_);
      flush();
      if (event != Event::need_input) handle(event);
    } else if (action[0] == "tls") {
      if (front_) {
        front_->tls_established();
      } else {
        back_->tls_established(out_);
      }
      flush();
    } else if (action[0] == "supply") {
      Event event = front_->supply(secret(action), out_);
      flush();
      if (event != Event::need_input) handle(event);
    } else if (action[0] == "accept") {
      front_->accept({action.begin() + 1, action.end()}, out_);
      flush();
      over_ = true;
    } else if (action[0] == "refuse") {
      Event event = front_->refuse(refusal(action), out_);
      flush();
      if (event == Event::hang_up) handle(event);
    } else if (action[0] == "farewell") {
      front_->farewell(action[1] == "shutting_down"          ? Farewell::shutting_down
                       : action[1] == "too_many_connections" ? Farewell::too_many_connections
                       : action[1] == "internal_error"       ? Farewell::internal_error
                                                             : Farewell::idle_too_long,
                       out_);
      flush();
      over_ = true;
    } else {
      trace.push_back("! unknown action " + action[0]);
      over_ = true;
    }
  }

  Refusal refusal(const std::vector<std::string>& action) {
    using Kind = Refusal::Kind;
    static const std::map<std::string, Kind> kinds = {{"bad_credentials", Kind::bad_credentials},
                                                      {"authorization_failed", Kind::authorization_failed},
                                                      {"unavailable", Kind::unavailable},
                                                      {"server_bug", Kind::server_bug},
                                                      {"too_many", Kind::too_many},
                                                      {"relayed", Kind::relayed}};
    std::string more = action.size() > 2 ? action[2] : "";
    if (action[1] == "relayed") return {Kind::relayed, more};
    return {kinds.at(action.at(1)), {}, more};
  }

  static StoredSecret secret(const std::vector<std::string>& action) {
    if (action.size() == 1) return {};
    if (action.size() == 2) return secret_of_password(action[1]);
    return secret_of_password(action[1], action[2],
                              action.size() > 3 ? static_cast<unsigned>(std::stoul(action[3])) : 4096);
  }

  std::string claim() {
    const Credentials& c = front_->credentials();
    return " mechanism=" + c.mechanism + " user=" + c.user + (c.authzid.empty() ? "" : " authzid=" + c.authzid);
  }

  std::string credentials() {
    const Credentials& c = front_->credentials();
    if (!c.possible) return claim() + " impossible";
    switch (c.proof) {
      case Proof::password:
        return claim() + " password=" + std::string(c.password.reveal());
      case Proof::token:
        return claim() + " token=" + std::string(c.password.reveal());
      case Proof::proven:
        return claim() + " proven";
      case Proof::rejected:
        return claim() + " rejected";
      case Proof::certificate:
        return claim() + " certificate";
      case Proof::anonymous:
        break;
    }
    return claim() + " anonymous";
  }

  std::string capabilities() {
    std::string text;
    for (const std::string& name : back_->capabilities()) text += " " + name;
    return text;
  }

  std::string reply() {
    const BackendReply& r = back_->reply();
    return (r.code.empty() ? "" : " [" + r.code + "]") + (r.text.empty() ? "" : " " + r.text) +
           (r.token_error.empty() ? "" : " token_error=" + r.token_error);
  }

  void flush() {
    if (out_.overflowed()) trace.push_back("! Out overflowed");
    partial_ += out_.view();
    out_.clear();
    for (size_t end; (end = partial_.find("\r\n")) != std::string::npos; partial_.erase(0, end + 2)) {
      trace.push_back((script_.front ? "S: " : "C: ") + partial_.substr(0, end));
    }
  }

  void flush_partial() {
    if (!partial_.empty()) trace.push_back((script_.front ? "S~ " : "C~ ") + partial_);
    partial_.clear();
  }

  const Script& script_;
  FakeFacts facts_;
  FrontPolicy front_policy_;
  std::string mechanism_;  // of the policy
  BackPolicy back_policy_;
  BackLogin later_;  // of one that is made ready first
  std::unique_ptr<FrontDialogue> front_;
  std::unique_ptr<BackDialogue> back_;
  Out out_;
  std::string buffer_;
  std::string partial_;
  size_t next_action_ = 0;
  bool over_ = false;
};

// Line by line as the file has it: the trace of each block, and what was left.
inline std::vector<Trace> run_as_written(const Script& script, std::string& rest) {
  Player run(script);
  std::vector<Trace> traces;
  for (size_t i = 0; i < script.blocks.size(); ++i) {
    if (!script.blocks[i].input.empty()) run.feed(script.blocks[i].input);
    if (i + 1 == script.blocks.size()) run.finish();
    traces.push_back(run.trace);
    run.trace.clear();
  }
  rest = run.rest;
  return traces;
}

// The input of each TLS epoch, or each write if they may not be one; chunks never span two of them.
inline std::vector<std::string> epochs(const Script& script) {
  std::vector<std::string> result(1);
  size_t next = 0;
  for (size_t i = 0; i < script.blocks.size(); ++i) {
    bool handshake = next < script.epochs.size() && script.epochs[next] == i;
    if (handshake) ++next;
    if (handshake || script.glued) result.emplace_back();
    result.back() += script.blocks[i].input;
  }
  return result;
}

// Positions (over all epochs) before which no cut may be.
inline std::set<size_t> uncut(const Script& script) {
  std::set<size_t> result;
  size_t position = 0;
  for (const Block& block : script.blocks) {
    for (size_t i = 1; i < block.input.size(); ++i) {
      if (script.glued && block.input[i - 1] == '\n') result.insert(position + i);
    }
    position += block.input.size();
  }
  return result;
}

// All input, cut before each position for which `cut` holds (positions count over all epochs).
inline Trace run_cut(const Script& script, const std::function<bool(size_t)>& cut, std::string& rest) {
  Player run(script);
  size_t position = 0;
  for (const std::string& input : epochs(script)) {
    std::string chunk;
    for (char c : input) {
      if (!chunk.empty() && cut(position)) {
        run.feed(chunk);
        chunk.clear();
      }
      chunk += c;
      ++position;
    }
    if (!chunk.empty()) run.feed(chunk);
  }
  run.finish();
  rest = run.rest;
  return run.trace;
}

}  // namespace postigo::transcript
