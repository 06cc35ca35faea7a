// From somebody else's verdict to ours. Not here: asking (the drivers), time (the chain spends the hash, source.h).
#include "backends/directory/drivers/heard.h"

#include <utility>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kNameMax = 1024;

}  // namespace

void answer_heard(Env& env, Lookup& lookup, Query query, Heard heard, const Checking& how) {
  if (heard.verdict != Verdict::ok) return lookup.finish({heard.verdict, {}, std::move(heard.detail)});
  if (!heard.name.empty()) query.user = std::move(heard.name);
  // His password is right, so what is left to ask is what is asked of whoever was proven elsewhere.
  if (query.want == Want::verdict && how.enabled) query.want = Want::account;
  answer(env, lookup, query, {std::move(heard.entry), std::nullopt}, how);
}

bool may_be_asked(std::string_view user) {
  return !user.empty() && user.size() <= kNameMax && !user.starts_with('@') && !has_ctl(user) && is_utf8(user);
}

}  // namespace postigo
