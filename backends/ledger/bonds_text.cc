// Fields as netstrings: for each backend its name, an empty one, then for each user his name, the number of his backend
// in that list and the milliseconds that are left. Not here: how they get to the other process (proxy/control/estate).
#include "backends/ledger/bonds_text.h"

#include <charconv>

namespace postigo {
namespace {

void write(std::string& text, Bytes field) {
  text += std::to_string(field.size());
  text += ':';
  text += field;
}

bool is_number(std::string_view field, uint64_t& value) {
  auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size();
}

// Takes one field off the front; false if there is none that is whole.
bool read(std::string_view& text, std::string_view& field) {
  size_t colon = text.substr(0, 20).find(':');
  uint64_t size = 0;
  if (colon == std::string_view::npos || !is_number(text.substr(0, colon), size)) return false;
  if (size > text.size() - colon - 1) return false;
  field = text.substr(colon + 1, size);
  text.remove_prefix(colon + 1 + size);
  return true;
}

bool read(std::string_view& text, uint64_t& number) {
  std::string_view field;
  return read(text, field) && is_number(field, number);
}

}  // namespace

std::string bonds_text(Affinity& affinity, const std::vector<std::string>& backends, uint64_t sessions_ms,
                       uint64_t lapse_ms) {
  std::string text;
  for (const std::string& name : backends) write(text, name);
  write(text, "");
  for (size_t stripe = 0; stripe < affinity.stripes(); ++stripe) {
    affinity.visit(stripe, [&](Bytes user, const Affinity::Known& known) {
      if (known.backend >= backends.size() || (!known.held && known.lapses_in_ms == 0)) return;
      write(text, user);
      write(text, std::to_string(known.backend));
      write(text, std::to_string(known.held ? sessions_ms + lapse_ms : known.lapses_in_ms));
    });
  }
  return text;
}

void adopt_bonds(Affinity& affinity, std::string_view text,
                 const std::function<std::optional<Affinity::Slot>(std::string_view name)>& slot_of) {
  std::vector<std::optional<Affinity::Slot>> slots;
  std::string_view field;
  while (read(text, field) && !field.empty()) slots.push_back(slot_of(field));
  uint64_t backend = 0, left_ms = 0;
  while (read(text, field) && read(text, backend) && read(text, left_ms) && backend < slots.size()) {
    if (slots[backend]) affinity.adopt(field, *slots[backend], left_ms);
  }
}

}  // namespace postigo
