// rewrite_capabilities: whatever a backend lists and an operator adds, nothing forbidden or hidden is shown, nothing is
// shown twice, the order is kept, and rewriting again changes nothing. Input: hide, add, list, one line each.
#include <algorithm>
#include <set>
#include <sstream>

#include "parser/base/ascii.h"
#include "parser/imap/capability.h"
#include "tests/fuzz/chunks.h"

namespace {

using namespace postigo;

std::vector<std::string> names(std::istream& in) {
  std::string line;
  std::getline(in, line);
  std::vector<std::string> result;
  std::istringstream words(line);
  for (std::string word; words >> word && result.size() < 100;) result.push_back(upper(word));
  return result;
}

bool must_not_show(const std::string& name, const CapabilityPolicy& policy) {
  static const std::set<std::string> never = {"STARTTLS",       "LOGINDISABLED",   "SASL-IR",
                                              "UNAUTHENTICATE", "LOGIN-REFERRALS", "MAILBOX-REFERRALS"};
  bool compress = name.starts_with("COMPRESS") && !(policy.allow_compress && name == "COMPRESS=DEFLATE");
  return never.count(name) != 0 || name.starts_with("AUTH=") || name.starts_with("URLAUTH") || compress;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  CapabilityPolicy policy;
  policy.hide = names(in);
  policy.add = names(in);
  policy.allow_compress = size % 2 == 1;
  std::vector<std::string> backend = names(in);

  std::string text = imap::rewrite_capabilities(backend, policy);
  std::istringstream words(text);
  std::vector<std::string> shown = names(words);
  std::set<std::string> seen;
  size_t last = 0;
  for (const std::string& name : shown) {
    fuzz::check(!must_not_show(name, policy), "nothing forbidden");
    fuzz::check(std::find(policy.hide.begin(), policy.hide.end(), name) == policy.hide.end(), "nothing hidden");
    fuzz::check(seen.insert(name).second, "nothing twice");
    auto at = std::find(backend.begin(), backend.end(), name);
    bool added = std::find(policy.add.begin(), policy.add.end(), name) != policy.add.end();
    fuzz::check(at != backend.end() || added, "nothing invented");
    if (at != backend.end() && name != "IMAP4REV2") {
      fuzz::check(static_cast<size_t>(at - backend.begin()) >= last, "order kept");
      last = static_cast<size_t>(at - backend.begin());
    }
  }
  fuzz::check(imap::rewrite_capabilities(shown, policy) == text, "twice is as good as once");
  return 0;
}
