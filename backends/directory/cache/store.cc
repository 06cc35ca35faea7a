// The rules of what is kept. Not here: what a context is (key.cc), who asks and waits (cached.cc).
#include "backends/directory/cache/store.h"

#include <algorithm>
#include <utility>

#include "backends/directory/cache/key.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

using Next = CacheStore::Step::Next;

constexpr size_t kStripes = 64;

void count(std::atomic<uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

CacheStore::CacheStore(const config::Cache& terms, bool keeps_refusals)
    : terms_(terms),
      keeps_refusals_(keeps_refusals),
      table_(static_cast<size_t>(terms.entries), random_sip_key(), kStripes) {}

bool CacheStore::is_good(const Kept& kept, const Digest& secret, Now now) {
  if (kept.answer == nullptr || kept.secret != secret || now.ms >= kept.until_ms) return false;
  return kept.answer->good_until_s == 0 || now.unix_s < kept.answer->good_until_s;
}

Keep CacheStore::keep_of(const Value& value) {
  if (value.flying || value.waiting > 0) return Keep::busy;
  return value.yes.answer != nullptr || value.no.answer != nullptr ? Keep::spare : Keep::gone;
}

CacheStore::Step CacheStore::begin(const Question& question, Now now) {
  Step step;
  step.epoch = epoch_.load(std::memory_order_relaxed);
  table_.change(question.context, [&](Value& value) {
    for (const Kept* kept : {&value.yes, &value.no}) {
      if (!is_good(*kept, question.secret, now)) continue;
      step.next = Next::answered;
      step.answer = *kept->answer;
      return keep_of(value);
    }
    if (value.flying && value.asked == question.secret && value.epoch == step.epoch) {
      step.next = Next::wait;
      step.flight = value.flight;
      ++value.waiting;
    } else if (!value.flying && value.waiting == 0) {
      step.flight = value.flight = 1 + flights_.fetch_add(1, std::memory_order_relaxed);
      value.epoch = step.epoch;
      value.asked = question.secret;
      value.flying = true;
    }
    return keep_of(value);
  });
  count(step.next == Next::answered ? counters_.hits : step.next == Next::ask ? counters_.misses : counters_.shared);
  return step;
}

CacheStore::Step CacheStore::again(const Question& question, const Step& waiting) {
  Step step = waiting;
  step.next = Next::ask;
  table_.touch(question.context, [&](Value& value) {
    if (value.flying) {
      step.next = Next::wait;
      return Keep::busy;
    }
    --value.waiting;
    if (value.last != nullptr) {
      step.next = Next::answered;
      step.answer = *value.last;
      if (value.waiting == 0) value.last.reset();
    } else {
      value.flying = true;  // whoever asked has gone
    }
    return keep_of(value);
  });
  return step;
}

void CacheStore::keep(Value& value, const Digest& secret, const LookupResult& answer, Now now) const {
  auto kept = [&](uint64_t for_ms) {
    auto copy = std::make_shared<LookupResult>(answer);
    copy->detail.clear();
    return Kept{std::move(copy), secret, now.ms + for_ms};
  };
  switch (answer.verdict) {
    case Verdict::ok:
      value.yes = kept(terms_.ttl_ms);
      value.no = {};
      return;
    case Verdict::bad_credentials:
      if (value.yes.secret == secret) value.yes = {};
      if (keeps_refusals_ && terms_.negative_ttl_ms > 0) value.no = kept(terms_.negative_ttl_ms);
      return;
    case Verdict::no_such_user:
      value.yes = {};
      if (terms_.negative_ttl_ms > 0) value.no = kept(terms_.negative_ttl_ms);
      return;
    case Verdict::disabled:
      value.yes = {};
      return;
    case Verdict::unusable:
    case Verdict::try_later:
      return;
  }
}

const LookupResult* CacheStore::stale(const Value& value, const Digest& secret, Now now) const {
  Kept kept = value.yes;
  kept.until_ms += terms_.stale_ms;
  return is_good(kept, secret, now) ? value.yes.answer.get() : nullptr;
}

LookupResult CacheStore::settle(Value& value, const Question& question, const Step& asking, LookupResult answer,
                                Now now) {
  if (asking.epoch == epoch_.load(std::memory_order_relaxed)) keep(value, question.secret, answer, now);
  if (answer.verdict == Verdict::try_later) {
    if (const LookupResult* old = stale(value, question.secret, now)) {
      const std::string why = std::move(answer.detail);
      answer = *old;
      answer.detail = "an answer of before serves: " + why;
      count(counters_.stale);
    }
  }
  if (asking.flight != 0) {
    value.flying = false;
    if (value.waiting > 0) value.last = std::make_shared<LookupResult>(answer);
  }
  return answer;
}

LookupResult CacheStore::end(const Question& question, const Step& asking, LookupResult answer, Now now) {
  LookupResult told;
  bool settled = false;
  auto what = [&](Value& value) {
    told = settle(value, question, asking, std::move(answer), now);
    settled = true;
    return keep_of(value);
  };
  table_.change(question.context, what);
  return settled ? told : answer;
}

void CacheStore::leave(const Question& question, const Step& step) {
  if (step.flight == 0) return;
  table_.touch(question.context, [&](Value& value) {
    if (step.next == Next::ask) value.flying = false;
    if (step.next == Next::wait && --value.waiting == 0) value.last.reset();
    return keep_of(value);
  });
}

// Whom a directory calls so, too: a token and another spelling are asked for under another name.
bool CacheStore::is_about(Bytes context, const Value& value, std::string_view user) {
  if (is_of_user(context, user)) return true;
  const LookupResult* answer = value.yes.answer.get();
  return answer != nullptr && equal_ignoring_case(answer->identity.user, user);
}

size_t CacheStore::flush(std::string_view user) {
  epoch_.fetch_add(1, std::memory_order_relaxed);
  size_t flushed = 0;
  for (size_t stripe = 0; stripe < table_.stripes(); ++stripe) {
    table_.visit(stripe, [&](Bytes context, Value& value) {
      const bool meant = user.empty() || is_about(context, value, user);
      if (meant && (value.yes.answer != nullptr || value.no.answer != nullptr)) {
        value.yes = value.no = {};
        ++flushed;
      }
      return keep_of(value);
    });
  }
  return flushed;
}

}  // namespace postigo
