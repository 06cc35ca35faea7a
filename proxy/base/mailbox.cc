// Lock, push, uv_async_send; the reader swaps the vector under the lock and runs it outside. A letter that posts again
// is handled on the next turn, so that mail cannot starve sockets.
#include "proxy/base/mailbox.h"

namespace postigo {

Mailbox::Mailbox(uv_loop_t* loop) {
  uv_async_init(loop, &async_, [](uv_async_t* handle) { static_cast<Mailbox*>(handle->data)->run(); });
  async_.data = this;
}

bool Mailbox::post(Letter letter) {
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  letters_.push_back(std::move(letter));
  uv_async_send(&async_);  // under the lock: close() must not come between
  return true;
}

void Mailbox::run() {
  std::vector<Letter> letters;
  {
    std::lock_guard lock(mutex_);
    letters.swap(letters_);
  }
  for (Letter& letter : letters) letter();
}

void Mailbox::close() {
  std::vector<Letter> dropped;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    dropped.swap(letters_);
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
}

}  // namespace postigo
