// The keys of [names]. Not here: the two older ones in [routing] (schema.cc).
#include "config/schema_parts.h"
#include "parser/base/limits.h"

namespace postigo::config {

namespace {

void describe_rewrite(Visitor& v, Rewrite& x) {
  v.text({"match", "RE2 expression for the whole name, as [routing] lowercase leaves it (required)"}, x.match);
  v.text({"replace", "What it becomes; \\1 to \\9 are the groups of match, \\0 is all of it (required)"}, x.replace);
}

}  // namespace

void describe_names(Visitor& v, NameForm& x) {
  v.texts({"domain_aliases", "\"example.net=example.com\": who has the first domain is the user of the second"},
          x.domain_aliases);
  v.choice({"idn", "How international domains are spelled: \"xn--bcher-kva.example\", in Unicode, or as they came"},
           x.idn,
           {{"ascii", static_cast<int>(NameForm::Idn::ascii)},
            {"unicode", static_cast<int>(NameForm::Idn::unicode)},
            {"keep", static_cast<int>(NameForm::Idn::keep)}});
  v.text({"delimiter",
          "Postfix' recipient_delimiter: user+folder@domain is user@domain if one of these is \"+\"; default: none"},
         x.delimiter);
  v.texts({"strip_domains", "Domains that names lose: user@example.com is user; \"*\": any; default: none"},
          x.strip_domains);
  v.text({"allowed",
          "RE2 expression that a whole name must match, or it is refused as a wrong one is; default: anything without "
          "control characters"},
         x.allowed);
  v.count({"length_max", "Octets of a name; a longer one is refused as a wrong one is"}, x.length_max,
          {1, limits::kUserMax});
  v.list(
      {"rewrite", "Rules for names, in order, each on what the one before left; again until nothing changes any more"},
      x.rewrites, describe_rewrite);
}

}  // namespace postigo::config
