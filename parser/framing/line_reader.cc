// Lines in a buffer of the caller. Nothing here knows what a line means.
#include "parser/framing/line_reader.h"

#include <algorithm>

namespace postigo {

LineReader::Line LineReader::next(Bytes in) {
  size_t end = in.find('\n', std::min(size_t{scanned_}, in.size()));
  if (end == Bytes::npos ? in.size() >= max_bytes_ : end >= max_bytes_) {
    reset();
    return {Status::too_long, {}, 0};
  }
  if (end == Bytes::npos) {
    scanned_ = static_cast<uint32_t>(in.size());  // below max_bytes_
    return {};
  }
  reset();
  return {Status::line, without_line_end(in.substr(0, end + 1)), end + 1};
}

Bytes without_line_end(Bytes line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace postigo
