// Takes an answer apart, and compares. Not here: what is hashed (cram_md5.cc, apop.cc).
#include "parser/sasl/md5_answer.h"

#include "parser/base/ascii.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/crypto.h"

namespace postigo::sasl {

Status Md5Answer::take(Bytes mechanism, Bytes text, Credentials& credentials) {
  constexpr size_t kDigits = 32;
  const size_t blank = text.rfind(' ');
  if (blank == Bytes::npos || text.size() - blank - 1 != kDigits) return Status::malformed;
  digits_ = lower(text.substr(blank + 1));
  credentials = make_claim(mechanism, {}, text.substr(0, blank), Proof::rejected);
  return credentials.possible ? Status::need_secret : Status::done;
}

Status Md5Answer::judge(const Secret& made, bool known, Credentials& credentials) const {
  const bool right = Secret(hex(made.reveal())).equals(digits_);
  credentials.proof = right && known ? Proof::proven : Proof::rejected;
  return Status::done;
}

}  // namespace postigo::sasl
