// Keys of Redis from names (A5, A7): a template, a newline, and a name. Oracles: hiredis reads what we send as the same
// two words; another name has another key; and a cluster's slot is what its specification makes of that key.
#include <hiredis/hiredis.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "backends/directory/drivers/redis_cluster.h"
#include "backends/directory/name_template.h"

namespace {

using namespace postigo;

void require(bool holds) {
  if (!holds) abort();
}

void read_back(const std::string& key) {
  const std::array<const char*, 2> words = {"HGETALL", key.data()};
  const std::array<size_t, 2> sizes = {7, key.size()};
  char* command = nullptr;
  const auto size = redisFormatCommandArgv(&command, 2, const_cast<const char**>(words.data()), sizes.data());
  require(size > 0);
  redisReader* reader = redisReaderCreate();
  require(redisReaderFeed(reader, command, static_cast<size_t>(size)) == REDIS_OK);
  void* made = nullptr;
  require(redisReaderGetReply(reader, &made) == REDIS_OK && made != nullptr);
  const redisReply& reply = *static_cast<redisReply*>(made);
  require(reply.type == REDIS_REPLY_ARRAY && reply.elements == 2);
  require(std::string(reply.element[1]->str, reply.element[1]->len) == key);
  freeReplyObject(made);
  require(redisReaderGetReply(reader, &made) == REDIS_OK && made == nullptr);  // nothing behind it
  redisReaderFree(reader);
  redisFreeCommand(command);
}

std::string hashed(const std::string& key) {
  const size_t open = key.find('{');
  if (open == key.npos) return key;
  const size_t close = key.find('}', open + 1);
  return close == key.npos || close == open + 1 ? key : key.substr(open + 1, close - open - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  if (end == text.npos) return 0;
  auto key = NameTemplate::parse(text.substr(0, end));
  if (!key) return 0;
  const std::string name = text.substr(end + 1), other = name + "x";
  const std::string filled = key->fill(name);
  read_back(filled);
  bool whole = false;  // all of the name stands in it, once
  for (const NameTemplate::Part& part : key->parts()) whole = whole || (part.place == 'u' && key->parts().size() <= 2);
  if (whole) require(filled != key->fill(other) && filled.find(name) != filled.npos);
  require(RedisCluster::slot_of(filled) == RedisCluster::slot_of(hashed(filled)) ||
          hashed(filled).find('{') != filled.npos);
  require(RedisCluster::slot_of(filled) < RedisCluster::kSlots);
  return 0;
}
