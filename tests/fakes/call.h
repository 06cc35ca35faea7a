// What a fake world has promised to call, unless the Ticket is let go of before.
#pragma once

#include <functional>
#include <utility>

#include "backends/env.h"

namespace postigo::fakes {

// Touched on the thread of the loop only.
struct Call final : Ticket::Operation {
  explicit Call(std::function<void()> what) : then(std::move(what)) {}
  void cancel() override { then = nullptr; }
  void run() {
    if (auto what = std::exchange(then, nullptr)) what();
  }
  std::function<void()> then;
};

}  // namespace postigo::fakes
