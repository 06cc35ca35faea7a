// Parts of the description that stand in files of their own (schema.cc puts them together).
#pragma once

#include <vector>

#include "config/schema.h"

namespace postigo::config {

const std::vector<Choice>& tls_modes();
const std::vector<Choice>& tls_versions();

void describe_health(Visitor& v, Health& x);
void describe_ready(Visitor& v, Ready& x);
void describe_backend(Visitor& v, Backend& x);
void describe_pool(Visitor& v, Pool& x);
void describe_names(Visitor& v, NameForm& x);
void describe_directory(Visitor& v, Directory& x);

}  // namespace postigo::config
