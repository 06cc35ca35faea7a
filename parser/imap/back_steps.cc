// What we say to a backend, one question after the other: STARTTLS, CAPABILITY, ID, the login in one way and, if the
// backend does not understand it, in another. What its answers mean stands in back.cc.
#include "parser/imap/back_dialogue.h"
#include "parser/imap/client_id.h"
#include "parser/login/echo.h"
#include "parser/login/facts.h"
#include "parser/sasl/choose.h"

namespace postigo::imap {
namespace {

constexpr Bytes kNil = "NIL";
constexpr Bytes kWayTags = "467";  // one per way; 5 asks for the list after login

}  // namespace

// The greeting or an answer to CAPABILITY is there.
Event Back::go_on(Out& out) {
  if (capabilities_.empty()) {
    if (state_ == State::asking) return unavailable("the backend lists no capabilities");
    ask('1', State::asking, out);
    return Event::need_input;
  }
  if (policy_.tls != BackPolicy::Tls::starttls || secured_) return identify(out);
  // Never go on in clear: a stripped STARTTLS looks the same as a missing one (A19).
  if (!lists("STARTTLS")) return unavailable("the backend does not offer STARTTLS");
  tag_ = tag('2');
  out.put({tag_, " STARTTLS\r\n"});
  state_ = State::starting_tls;
  return Event::need_input;
}

void Back::ask(char question, State state, Out& out) {
  capabilities_.clear();
  tag_ = tag(question);
  out.put({tag_, " CAPABILITY\r\n"});
  state_ = state;
}

void Back::tls_established(Out& out) {
  secured_ = true;
  lines_.reset();
  ask('1', State::asking, out);
}

// A backend that trusts us takes the first ID only, and takes it before the login (T64): both in one write. To any
// other one the client says what it would say there itself, and is answered before it goes on: not every server can do
// two things at a time, and some do not let a client read mail who has not said who he is.
Event Back::identify(Out& out) {
  if (policy_.until_ready) {
    state_ = State::ready;
    return Event::ready;
  }
  bool something_to_say = policy_.forward_client || !login_.facts.client_id.empty();
  if (!something_to_say || !lists("ID")) return begin_login(out);
  tag_ = tag('3');
  out.put({tag_, " ID ", id_command(), "\r\n"});
  if (policy_.forward_client) return begin_login(out);
  state_ = State::identifying;
  return Event::need_input;
}

// An alert of the greeting is for whoever comes, unless it happens to have his password in it.
Event Back::log_in(BackLogin login, Out& out) {
  policy_.until_ready = false;
  login_ = std::move(login);
  std::erase_if(alerts_, [this](const std::string& text) { return repeats_credentials(text, login_); });
  Event event = identify(out);
  answered_ = event != Event::need_input;  // that it cannot be said is about the login
  return event;
}

std::string Back::id_command() {
  const std::string& client_id = login_.facts.client_id;
  if (!policy_.forward_client) return client_id == kNil ? client_id : "(" + client_id + ")";
  std::string list;
  for (const Fact& fact : facts_to_tell(login_.facts)) {
    list += (list.empty() ? "(" : " ") + id_pair(fact.id_key, fact.value);
  }
  for (const ForwardField& field : login_.facts.forward) {
    if (fits_in_quotes(field.value)) list += " " + id_pair(std::string(kForward) + field.name, field.value);
  }
  if (!client_id.empty() && client_id != kNil) list += " " + client_id;
  return list + ")";
}

Event Back::begin_login(Out& out) {
  abilities_ = login_abilities(capabilities_);
  auto offers = [this](std::string_view mechanism) { return lists("AUTH=" + std::string(mechanism)); };
  Result<const sasl::ClientMechanism*> chosen = sasl::choose(policy_, login_, offers);
  if (!chosen) return unavailable(chosen.error().message);
  binding_listed_ = *chosen != nullptr && sasl::lists_binding(offers);
  mechanism_ = *chosen != nullptr ? *chosen : sasl::find_client_mechanism("LOGIN");
  Result<LoginWays> ways = *chosen != nullptr ? LoginWays{{LoginWay::sasl}, 1} : login_ways(login_, abilities_);
  if (!ways) return unavailable(ways.error().message);
  ways_ = *ways;
  say_login(out);
  return Event::need_input;
}

// Every way has a tag of its own: a late answer to the one before is no answer to this one.
void Back::say_login(Out& out) {
  tag_ = tag(kWayTags[way_]);
  capabilities_.clear();  // from here on a list describes the time after login
  state_ = State::login;
  const LoginWay way = ways_.all[way_];
  if (way == LoginWay::sasl) return authenticate(*mechanism_, out);
  if (way == LoginWay::plain) return authenticate(*sasl::find_client_mechanism("PLAIN"), out);
  talk_.end();
  pieces_ = login_command(tag_, way, login_, abilities_);
  out.put(pieces_[0].reveal());
  pieces_[0].clear();
  next_piece_ = 1;
}

void Back::authenticate(const sasl::ClientMechanism& mechanism, Out& out) {
  talk_.begin(mechanism, policy_, login_, binding_listed_);
  const bool at_once = goes_with_the_command(talk_.initial_size(), abilities_);
  const Secret initial = at_once ? talk_.take_initial() : Secret();
  out.put({tag_, " AUTHENTICATE ", mechanism.name, at_once ? " " : "", initial.reveal(), "\r\n"});
}

// The dialogue cannot go on. If the backend has said no to the user before, that was its answer.
Event Back::give_up(Bytes why, Bytes backend_text) { return refusal_ ? lost() : unavailable(why, backend_text); }

Event Back::unavailable(Bytes why, Bytes backend_text) {
  reply_ = {"", std::string(why)};
  if (!backend_text.empty()) reply_.text += ": " + readable(backend_text, login_, 512);
  return finish(Event::unavailable);
}

Event Back::finish(Event event) {
  state_ = State::over;
  pieces_.clear();
  talk_.end();
  login_.password.clear();
  login_.said.clear();
  return event;
}

}  // namespace postigo::imap
