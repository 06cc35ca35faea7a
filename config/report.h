// Report: where things stand in the file and what is wrong with them.
//
// Paths are dotted with indexes ("listener[0].tls"); messages show them without the indexes, the line says which one.
// Single thread; lives for one load.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/load.h"

namespace postigo::config {

// Where `path` or the nearest table around it was written; zeros if nothing of it was.
Position find_place(const std::unordered_map<std::string, Position>& places, std::string_view path);

class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  // Remembers where a value was written. has() tells "written" from "left to its default".
  void place(const std::string& path, Position at) { places_[path] = at; }
  void forget(const std::string& path) { places_.erase(path); }
  bool has(const std::string& path) const { return places_.count(path) != 0; }

  // `message` never holds a secret. The position is the path's, or that of the nearest table around it.
  void error(const std::string& path, std::string message) {
    add(find_place(places_, path), path, std::move(message), true);
  }
  void warning(const std::string& path, std::string message) {
    add(find_place(places_, path), path, std::move(message), false);
  }
  void error_at(Position at, const std::string& path, std::string message) { add(at, path, std::move(message), true); }

  size_t size() const { return problems_.size(); }
  // There is an error about what is at `path` or below, indexes aside: what follows from it need not be told.
  bool complains(std::string_view path) const;

  // All problems in file order; at most kProblemsMax, the last one then says how many more there are.
  std::vector<Problem> take();
  std::unordered_map<std::string, Position> take_places() { return std::move(places_); }

  static constexpr size_t kProblemsMax = 200;

 private:
  void add(Position at, const std::string& path, std::string message, bool fatal);

  std::string file_;
  std::unordered_map<std::string, Position> places_;
  std::vector<Problem> problems_;
};

// "listener[0].tls" -> "listener.tls"
std::string without_indexes(std::string_view path);
// "listener", 0 -> "listener[0]"
std::string at_index(std::string_view path, size_t index);
// "tls", "ciphers" -> "tls.ciphers"; an empty parent is the file itself.
std::string below(std::string_view path, std::string_view key);

}  // namespace postigo::config
