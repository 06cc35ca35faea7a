// What commands read and print.
#pragma once

#include <nlohmann/json.hpp>

namespace postigo::commands {

using Json = nlohmann::ordered_json;  // keys stay in their order

}  // namespace postigo::commands
