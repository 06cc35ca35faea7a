// Who may act as whom.
#include "backends/impersonation.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

TEST(Impersonation, T24_OnlyByARule) {
  const config::Impersonation rules[] = {{"webmail", "*"}, {"*@help.org", "*@users.org"}, {"ann", "bob"}};
  struct Row {
    const char *who, *whom;
    bool may;
  };
  for (const Row& row :
       {Row{"webmail", "bob", true}, Row{"webmail", "x@y", true}, Row{"webmail@x", "bob", false},
        Row{"a@help.org", "b@users.org", true}, Row{"a@help.org", "b@users.org.evil", false},
        Row{"a@help.org", "b@sub.users.org", false}, Row{"a@help.org", "b", false},
        Row{"a@x@help.org", "b@users.org", true}, Row{"help.org", "b@users.org", false}, Row{"ann", "bob", true},
        Row{"bob", "ann", false}, Row{"ann", "carol", false}, Row{"", "bob", false}}) {
    EXPECT_EQ(may_act_as(rules, row.who, row.whom), row.may) << row.who << " as " << row.whom;
  }
  EXPECT_FALSE(may_act_as({}, "webmail", "bob"));
}

}  // namespace
}  // namespace postigo
