// The table of orders. Not here: what an order does to a route (router, session/binding), how a user is moved without
// harm (control/mover).
#include "backends/ledger/moves.h"

#include <utility>

namespace postigo {
namespace {

bool is_over(const Moves::Order& order, uint64_t now_s) { return order.until_s != 0 && order.until_s <= now_s; }

}  // namespace

bool Moves::set(Bytes user, Order order) {
  return table_.change(user, [&](Order& known) {
    known = std::move(order);
    return Keep::busy;
  });
}

bool Moves::forget(Bytes user) {
  return table_.touch(user, [](Order&) { return Keep::gone; });
}

std::optional<Moves::Order> Moves::find(Bytes user, uint64_t now_s) const {
  if (size() == 0) return std::nullopt;
  std::optional<Order> found;
  table_.look(user, [&](const Order& order) {
    if (!is_over(order, now_s)) found = order;
  });
  return found;
}

void Moves::visit(uint64_t now_s, const std::function<void(Bytes user, const Order&)>& what) {
  for (size_t stripe = 0; stripe < table_.stripes() && size() > 0; ++stripe) {
    table_.visit(stripe, [&](Bytes user, Order& order) {
      if (is_over(order, now_s)) return Keep::gone;
      what(user, order);
      return Keep::busy;
    });
  }
}

}  // namespace postigo
