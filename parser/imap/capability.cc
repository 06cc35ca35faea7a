// The tables of names and the rewriting of lists. Where lists stand in the stream is known to filter.cc and front.cc;
// what we offer before login is front.cc's own.
#include "parser/imap/capability.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/base/name_index.h"

namespace postigo::imap {
namespace {

// More atoms than that are no capability list.
constexpr size_t kAtomsMax = 256;
// Of a list that each thread keeps for the next login: three times what the longest real one needs.
constexpr size_t kRememberedMax = 4096;

// Names that may pass because nothing in them depends on who the server is or how the connection began. Sorted.
//
// CATENATE and URL-PARTIAL are here although they take URLs (T43): RFC 4469 4 makes servers support relative URLs,
// which is what clients use to assemble a message from their own mailbox; an absolute one names our host, and a backend
// refuses it with BADURL as it would refuse any foreign host. URLAUTH is not: its URLs are absolute by definition.
// LITERAL+ and LITERAL- need no care: the relay filter turns non-synchronising literals into synchronising ones.
constexpr std::array<std::string_view, 82> kKnown = {
    "ACL",
    "ANNOTATE-EXPERIMENT-1",
    "ANNOTATEMORE",
    "APPENDLIMIT",
    "BINARY",
    "CATENATE",
    "CHILDREN",
    "COMPARATOR",
    "CONDSTORE",
    "CONVERT",
    "CREATE-SPECIAL-USE",
    "ENABLE",
    "ESEARCH",
    "ESORT",
    "FILTERS",
    "FUZZY",
    "I18NLEVEL=1",
    "I18NLEVEL=2",
    "ID",
    "IDLE",
    "IMAP4",
    "IMAP4REV1",
    "INPROGRESS",
    "LANGUAGE",
    "LIST-EXTENDED",
    "LIST-METADATA",
    "LIST-MYRIGHTS",
    "LIST-STATUS",
    "LITERAL+",
    "LITERAL-",
    "METADATA",
    "METADATA-SERVER",
    "MOVE",
    "MULTIAPPEND",
    "MULTISEARCH",
    "NAMESPACE",
    "NOTIFY",
    "OBJECTID",
    "PARTIAL",
    "PREVIEW",
    "PREVIEW=FUZZY",
    "QRESYNC",
    "QUOTA",
    "QUOTASET",
    "REPLACE",
    "SAVEDATE",
    "SEARCH=FUZZY",
    "SEARCH=X-MIMEPART",
    "SEARCHRES",
    "SNIPPET=FUZZY",
    "SORT",
    "SORT=DISPLAY",
    "SPECIAL-USE",
    "STATUS-COUNTERS",
    "STATUS=SIZE",
    "THREAD",
    "UIDBATCHES",
    "UIDONLY",
    "UIDPLUS",
    "UNSELECT",
    "URL-PARTIAL",
    "UTF8=ACCEPT",
    "UTF8=ALL",
    "UTF8=APPEND",
    "UTF8=ONLY",
    "UTF8=USER",
    "WITHIN",
    "X-CREATEDMODSEQ",
    "X-FTS-COMPACT",
    "X-GM-EXT-1",
    "X-GUID",
    "X-MODSEQ",
    "X-SIEVE-MAILBOX",
    "XAPPLEPUSHSERVICE",
    "XCONVERSATIONS",
    "XFILTER",
    "XLIST",
    "XLIST-EXTENDED",
    "XMOVE",
    "XQUOTA",
    "XSAVEDATE",
    "XSNIPPET=FUZZY",
};
static_assert(std::is_sorted(kKnown.begin(), kKnown.end()));

// Families whose parameter is free and harmless.
constexpr std::array<std::string_view, 10> kKnownFamilies = {
    "APPENDLIMIT=", "CONTEXT=", "MESSAGELIMIT=", "QUOTA=",  "RIGHTS=",
    "SAVELIMIT=",   "X-QUOTA=", "SORT=",         "THREAD=", "UIDBATCHES=",
};

// Never shown after login. Offers of the unauthenticated state (T39), ways around the proxy (T41: UNAUTHENTICATE would
// free the backend from our user; T42: referrals name internal hosts), and URLs with a host in them (T43).
constexpr std::array<std::string_view, 6> kNeverOffered = {
    "LOGINDISABLED", "STARTTLS", "SASL-IR", "UNAUTHENTICATE", "LOGIN-REFERRALS", "MAILBOX-REFERRALS",
};
constexpr std::array<std::string_view, 5> kForbiddenPrefixes = {"AUTH=", "COMPRESS", "URLAUTH",
                                                                "IMAPSIEVE=", "JMAPACCESS"};

// The one member of a forbidden family that an operator may let pass (T40): RFC 4978.
constexpr std::string_view kCompressDeflate = "COMPRESS=DEFLATE";

template <typename Names>
constexpr bool any_prefix(const Names& prefixes, Bytes name) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](Bytes prefix) { return name.starts_with(prefix); });
}

bool forbidden(Bytes upper_name, const CapabilityPolicy& policy) {
  if (upper_name == kCompressDeflate) return !policy.allow_compress;
  return std::find(kNeverOffered.begin(), kNeverOffered.end(), upper_name) != kNeverOffered.end() ||
         any_prefix(kForbiddenPrefixes, upper_name);
}

static_assert(std::none_of(kKnown.begin(), kKnown.end(), [](Bytes name) {
  return any_prefix(kForbiddenPrefixes, name) ||
         std::find(kNeverOffered.begin(), kNeverOffered.end(), name) != kNeverOffered.end();
}));

// Every login looks up two dozen of them.
constexpr NameIndex kKnownIndex(kKnown);
constexpr size_t kNowhere = kKnownIndex.kNowhere;

bool known_otherwise(Bytes upper_name) {
  return any_prefix(kKnownFamilies, upper_name) || upper_name == kCompressDeflate;
}

// A name in upper case without a trip to the heap.
class Upper {
 public:
  explicit Upper(Bytes name) : size_(name.size() <= buffer_.size() ? name.size() : 0) {
    std::transform(name.begin(), name.begin() + static_cast<ptrdiff_t>(size_), buffer_.begin(), to_upper);
  }
  Bytes view() const { return {buffer_.data(), size_}; }  // empty if the name was too long to be one

 private:
  std::array<char, limits::kCapabilityAtomMax> buffer_;
  size_t size_;
};

bool contains(const std::vector<std::string>& names, Bytes name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& n) { return equal_ignoring_case(n, name); });
}

size_t octets(const std::vector<std::string>& names) {
  size_t sum = 0;
  for (const std::string& name : names) sum += name.size() + 1;
  return sum;
}

}  // namespace

bool is_hidden(const CapabilityPolicy& policy, Bytes name) { return contains(policy.hide, name); }

bool CapabilityRewriter::keep(Bytes name) {
  Upper buffer(name);
  Bytes upper_name = buffer.view();
  size_t index = kKnownIndex.find(upper_name);
  if (index == kNowhere && (upper_name.empty() || forbidden(upper_name, policy_))) return false;
  if (is_hidden(policy_, upper_name)) return false;
  // Exactly one IMAP4revN, the one of our greeting (T39). A backend that speaks both loses the name of the second,
  // whose features are listed by their own names too; a backend that speaks only IMAP4rev2 gets it said at the end.
  if (upper_name == "IMAP4REV2" && !contains(policy_.add, upper_name)) {
    rev2_held_ = true;
    return false;
  }
  if (index == kNowhere && !known_otherwise(upper_name) && !contains(policy_.add, upper_name)) return false;
  rev1_ |= upper_name == "IMAP4REV1";
  return first_time(upper_name, index);
}

bool CapabilityRewriter::first_time(Bytes upper_name, size_t known_index) {
  static_assert(kKnown.size() <= std::bitset<128>().size());
  if (known_index != kNowhere) {
    bool first = !said_known_[known_index];
    said_known_.set(known_index);
    return first;
  }
  uint64_t value = hash_ignoring_case(upper_name);
  bool said = std::find(said_other_.begin(), said_other_.end(), value) != said_other_.end();
  if (said || said_other_.size() == kAtomsMax) return false;
  said_other_.push_back(value);
  return true;
}

Bytes CapabilityRewriter::next_addition() {
  while (next_ < policy_.add.size()) {
    const std::string& name = policy_.add[next_++];
    Upper upper_name(name);
    Bytes view = upper_name.view();
    if (view.empty() || forbidden(view, policy_) || is_hidden(policy_, view)) continue;
    rev1_ |= view == "IMAP4REV1";
    if (first_time(view, kKnownIndex.find(view))) return name;
  }
  bool say_rev2 = rev2_held_ && !rev1_;
  rev2_held_ = false;
  return say_rev2 ? Bytes("IMAP4rev2") : Bytes();
}

std::string rewrite_capabilities(const std::vector<std::string>& backend, const CapabilityPolicy& policy) {
  CapabilityRewriter rewriter(policy);
  std::string list;
  auto append = [&](Bytes name) {
    if (!list.empty()) list += ' ';
    // The dialogue hands names over in upper case; this one everybody writes in the RFC's spelling.
    list += name == "IMAP4REV1" ? Bytes("IMAP4rev1") : name;
  };
  for (const std::string& name : backend) {
    if (rewriter.keep(name)) append(name);
  }
  for (Bytes name; !(name = rewriter.next_addition()).empty();) append(name);
  return list;
}

const std::string& rewrite_capabilities(const std::vector<std::string>& backend,
                                        const std::shared_ptr<const CapabilityPolicy>& policy) {
  // The policy itself is not held: it goes when its listener goes. Its control block is, so that another policy at the
  // same address is not taken for it.
  struct Memory {
    std::weak_ptr<const CapabilityPolicy> owner;
    const CapabilityPolicy* policy = nullptr;
    std::vector<std::string> backend;
    std::string list;
  };
  thread_local Memory last;
  bool same_policy =
      last.policy == policy.get() && !last.owner.owner_before(policy) && !policy.owner_before(last.owner);
  if (same_policy && last.backend == backend) return last.list;
  last = {};
  last.list = rewrite_capabilities(backend, *policy);
  if (octets(backend) > kRememberedMax) return last.list;
  last.owner = policy;
  last.policy = policy.get();
  last.backend = backend;
  return last.list;
}

}  // namespace postigo::imap
