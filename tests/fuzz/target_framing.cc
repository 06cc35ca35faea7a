// LineReader and LiteralReader: no crash, and the same messages at every chunking. The first octet is the limit and
// what becomes of synchronising literals.
#include <string>
#include <vector>

#include "parser/framing/line_reader.h"
#include "parser/framing/literal_reader.h"
#include "tests/fuzz/chunks.h"

namespace {

using namespace postigo;

std::vector<std::string> lines(Bytes input, size_t limit, size_t style) {
  std::vector<std::string> result;
  fuzz::Decisions decisions(style);
  LineReader reader(limit);
  size_t begin = 0;
  for (size_t end = 0; end < input.size();) {
    end += std::min(decisions.chunk(style), input.size() - end);
    for (;;) {
      LineReader::Line line = reader.next(input.substr(begin, end - begin));
      if (line.status == LineReader::Status::incomplete) break;
      if (line.status == LineReader::Status::too_long) return result;
      fuzz::check(line.consumed <= limit && line.text.size() < line.consumed, "a line is bounded");
      result.emplace_back(line.text);
      begin += line.consumed;
    }
  }
  return result;
}

std::vector<std::string> messages(Bytes input, size_t limit, size_t style, bool grant) {
  std::vector<std::string> result;
  fuzz::Decisions decisions(style);
  LiteralReader reader(limit);
  size_t begin = 0;
  for (size_t end = 0; end < input.size();) {
    end += std::min(decisions.chunk(style), input.size() - end);
    for (;;) {
      Bytes rest = input.substr(begin, end - begin);
      LiteralReader::Framed framed = reader.next(rest);
      if (framed.status == LiteralReader::Status::incomplete) break;
      if (framed.status == LiteralReader::Status::too_big) {
        result.push_back("too big");
        return result;
      }
      fuzz::check(framed.size <= rest.size(), "no more than there is");
      std::string what = framed.status == LiteralReader::Status::literal ? "literal " : "message ";
      what += framed.poisoned ? "poisoned " : "";
      bool nul = rest.substr(0, framed.size).find('\0') != Bytes::npos;
      fuzz::check(framed.poisoned == nul, "poisoned by NUL and by nothing else");
      result.push_back(what + std::string(rest.substr(0, framed.size)));
      if (framed.status == LiteralReader::Status::literal && grant && framed.literal_size <= limit / 2) {
        reader.grant();
        continue;
      }
      reader.reset();
      begin += framed.size;
    }
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes input(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t limit = 16U + (data[0] & 0x7fU) * 8U;
  bool grant = (data[0] & 0x80) == 0;
  auto whole_lines = lines(input, limit, 0);
  auto whole_messages = messages(input, limit, 0, grant);
  for (size_t style : {1U, 3U, 17U}) {
    fuzz::check(lines(input, limit, style) == whole_lines, "lines do not depend on chunks");
    fuzz::check(messages(input, limit, style, grant) == whole_messages, "messages do not depend on chunks");
  }
  return 0;
}
