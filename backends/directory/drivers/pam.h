// For tests: the driver with service files of their own.
#pragma once

#include <string>

#include "backends/directory/source.h"

namespace postigo {

// `folder`: where service files are looked for; empty: where PAM looks.
Result<SharedSource> load_pam_directory_from(const config::Directory& from, const std::string& folder);

}  // namespace postigo
