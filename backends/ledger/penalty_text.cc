// Penalties as octets: three netstrings for each that is remembered: what it is, its key, and numbers with a blank
// behind each. Not here: how they get to the other process (proxy/control/estate).
#include <charconv>
#include <optional>

#include "backends/ledger/penalty.h"
#include "backends/ledger/prefix.h"
#include "parser/socketmap/netstring.h"

namespace postigo {
namespace {

constexpr size_t kFieldMax = 4096;
constexpr Bytes kAddressRecord = "address", kWideRecord = "wide", kUserRecord = "user", kKnownRecord = "known";

void put(std::string& numbers, uint64_t number) {
  numbers += std::to_string(number);
  numbers += ' ';
}

std::optional<uint64_t> take_number(Bytes& numbers) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(numbers.data(), numbers.data() + numbers.size(), number);
  const auto size = static_cast<size_t>(end - numbers.data());
  if (error != std::errc() || size == numbers.size() || *end != ' ') return std::nullopt;
  numbers.remove_prefix(size + 1);
  return number;
}

std::optional<Bytes> take_field(Bytes& text) {
  netstring::Parsed parsed = netstring::parse(text.substr(0, kFieldMax + 20), kFieldMax);
  if (parsed.state != netstring::Parsed::State::done) return std::nullopt;
  text.remove_prefix(parsed.consumed);
  return parsed.text;
}

std::string numbers_of(const PenaltyRecord::Image& image) {
  std::string numbers;
  put(numbers, image.milli_failures);
  put(numbers, image.wait_ms);
  for (GuessTag tag : image.tags) put(numbers, static_cast<uint64_t>(tag.user) << 16 | tag.guess);
  return numbers;
}

std::optional<PenaltyRecord::Image> image_of(Bytes numbers) {
  PenaltyRecord::Image image;
  auto failures = take_number(numbers), wait_ms = take_number(numbers);
  if (!failures || !wait_ms) return std::nullopt;
  image.milli_failures = *failures;
  image.wait_ms = *wait_ms;
  for (GuessTag& tag : image.tags) {
    auto both = take_number(numbers);
    if (!both) return std::nullopt;
    tag = {static_cast<uint16_t>(*both >> 16), static_cast<uint16_t>(*both & 0xffff)};
  }
  return image;
}

}  // namespace

struct Penalties::Writer {
  std::string text;
  size_t octets_max;
  void write(Bytes kind, Bytes key, Bytes numbers) {
    constexpr size_t kAround = 32;  // lengths and commas
    if (text.size() + kind.size() + key.size() + numbers.size() + kAround > octets_max) return;
    for (Bytes field : {kind, key, numbers}) netstring::append(text, field);
  }
};

void Penalties::write_records(Writer& writer, const PenaltyRules& rules, bool light, uint64_t now_ms) {
  auto write = [&](Table& table, const PenaltyScale& scale, Bytes kind) {
    for (size_t stripe = 0; stripe < table.stripes(); ++stripe) {
      table.visit(stripe, [&](Bytes key, const PenaltyRecord& record) {
        bool wanted = record.failures(scale, now_ms) > 0 && record.light(scale, now_ms) == light;
        if (wanted) writer.write(kind, key, numbers_of(record.image(scale, now_ms)));
        return keep_of(record, scale, now_ms);
      });
    }
  };
  write(addresses_, rules.address, kAddressRecord);
  write(wides_, rules.wide, kWideRecord);
  write(users_, rules.user, kUserRecord);
}

void Penalties::write_places(Writer& writer, uint64_t now_ms) {
  for (size_t stripe = 0; stripe < known_.stripes(); ++stripe) {
    known_.visit(stripe, [&](Bytes user, const Places& all) {
      std::string numbers;
      for (const Place& place : all.places) {
        if (place.until_ms <= now_ms) continue;
        put(numbers, place.address);
        put(numbers, place.until_ms - now_ms);
      }
      if (!numbers.empty()) writer.write(kKnownRecord, user, numbers);
      return Keep::spare;
    });
  }
}

std::string Penalties::text(const PenaltyRules& rules, size_t octets_max, uint64_t now_ms) {
  Writer writer{{}, octets_max};
  write_records(writer, rules, false, now_ms);
  write_places(writer, now_ms);
  write_records(writer, rules, true, now_ms);
  return std::move(writer.text);
}

void Penalties::adopt_record(Table& table, const PenaltyScale& scale, Bytes key, Bytes numbers, uint64_t now_ms) {
  auto image = image_of(numbers);
  if (!image) return;
  table.change(key, [&](PenaltyRecord& record) {
    record.adopt(*image, scale, now_ms);
    return keep_of(record, scale, now_ms);
  });
}

// How often he failed there is forgotten: he has a few free ones again.
void Penalties::adopt_places(const PenaltyRules& rules, Bytes user, Bytes numbers, uint64_t now_ms) {
  known_.change(user, [&](Places& all) {
    for (Place& place : all.places) {
      auto address = take_number(numbers), for_ms = take_number(numbers);
      if (!address || !for_ms) break;
      if (place.until_ms == 0) place = {*address, now_ms + std::min(*for_ms, rules.known_ms), now_ms};
    }
    return Keep::spare;
  });
}

void Penalties::adopt(const PenaltyRules& rules, std::string_view text, uint64_t now_ms) {
  while (!text.empty()) {
    auto kind = take_field(text), key = take_field(text), numbers = take_field(text);
    if (!kind || !key || !numbers) return;
    const bool prefix = key->size() == Prefix::kSize && static_cast<uint8_t>(key->back()) <= 128;
    if (*kind == kAddressRecord && prefix) adopt_record(addresses_, rules.address, *key, *numbers, now_ms);
    if (*kind == kWideRecord && prefix) adopt_record(wides_, rules.wide, *key, *numbers, now_ms);
    if (*kind == kUserRecord) adopt_record(users_, rules.user, *key, *numbers, now_ms);
    if (*kind == kKnownRecord && rules.known_ms != 0) adopt_places(rules, *key, *numbers, now_ms);
  }
}

}  // namespace postigo
