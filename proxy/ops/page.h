// Page: what a browser needs to look at us, from inside the program. No data is in it, so it needs no token; what it
// shows it asks the API for, with the token that the operator gives it.
//
// Any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "proxy/ops/http.h"

namespace postigo {

// A file of ops/page/, put into the program by CMake (deploy/cmake/embed.cmake).
struct PageFile {
  std::string_view name, type, body;
};
std::span<const PageFile> page_files();

constexpr std::string_view kPageRoot = "/ui/";  // "/" is the page itself

// Nothing: it is for the API. Else the file, or why there is none. `path` decides; HEAD has the head alone (http.cc).
std::optional<Http::Page> page_answer(const Http::Request& request);

// What is for the API goes to `gate` and `api`; the page is for everybody, and nothing of a body is waited for.
Http::Gate page_gate(Http::Gate gate);

}  // namespace postigo
