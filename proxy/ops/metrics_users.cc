// Where users are: affinity, operators' orders, who else asks. What the ledger of the process knows.
#include <algorithm>

#include "proxy/ops/socketmap.h"
#include "proxy/ops/tables.h"
#include "proxy/ops/tallies.h"

namespace postigo {
namespace {

using enum Kind;
using Source = const MetricsSource&;

const Affinity& affinity(Source source) { return source.shared->ledger.affinity; }

constexpr auto kUsersFamilies = std::to_array<Family>({
    {"postigo_users_pinned",
     gauge,
     {},
     "Users whose backend is remembered, in pools with affinity.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(affinity(source).users())); }},
    {"postigo_users_pinned_limit",
     gauge,
     {},
     "Users that may be; beyond, those without a session are forgotten.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(affinity(source).users_max())); }},
    {"postigo_users_placed",
     gauge,
     {"place"},
     "Users with sessions, in pools with affinity: at home, where their mail is, or away from it.",
     [](Families& out, Source source) {
       const uint64_t present = affinity(source).present();
       const uint64_t away = std::min(affinity(source).away(), present);  // the two are not read at one moment
       out.add({"home"}, present - away);
       out.add({"away"}, away);
     }},
    {"postigo_affinity_redirects_total",
     counter,
     {},
     "Logins that went where the user had been, not to their first choice.",
     [](Families& out, Source source) { out.add({}, affinity(source).redirected()); }},
    {"postigo_affinity_moves_total",
     counter,
     {},
     "Users who went to another backend because theirs could not be reached.",
     [](Families& out, Source source) { out.add({}, affinity(source).moved()); }},
    {"postigo_affinity_unbound_total",
     counter,
     {},
     "Logins without affinity, because all that may be remembered have sessions.",
     [](Families& out, Source source) { out.add({}, affinity(source).unbound()); }},
    {"postigo_users_ordered",
     gauge,
     {},
     "Users whom operators have sent to a place of their own.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->ledger.moves.size())); }},
    {"postigo_users_ordered_limit",
     gauge,
     {},
     "Users that may be.",
     [](Families& out, Source) { out.add({}, static_cast<double>(Moves::kUsersMax)); }},
    {"postigo_logins_held",
     gauge,
     {},
     "Logins that wait while their user is moved.",
     [](Families& out, Source source) { out.add({}, static_cast<double>(source.shared->ledger.holds.waiting())); }},
    {"postigo_logins_held_limit",
     gauge,
     {},
     "Logins that may wait; beyond, they are told to try later.",
     [](Families& out, Source) { out.add({}, static_cast<double>(Holds::kWaitingMax)); }},
    {"postigo_socketmap_replies_total",
     counter,
     {"reply"},
     "Answers to other programs that asked where a user's mail belongs.",
     [](Families& out, Source) {
       for (size_t i = 0; i < kSocketmapWords.size(); ++i) out.add({kSocketmapWords[i]}, socketmap_replies(i));
     }},
    {"postigo_user_moves_total",
     counter,
     {"result"},
     "Users whose sessions were ended to move them, by what became of it.",
     [](Families& out, Source source) {
       out.add({"moved"}, source.shared->ledger.users_moved.load());
       out.add({"failed"}, source.shared->ledger.moves_failed.load());
     }},
});

}  // namespace

std::span<const Family> user_families() { return kUsersFamilies; }

}  // namespace postigo
