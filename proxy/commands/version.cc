// `postigo version`: what was built, and with which of the libraries that matter for security.
#include <openssl/crypto.h>
#include <uv.h>

#include <ostream>

#include "proxy/commands/commands.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "Postigo is built with BoringSSL only"
#endif

namespace postigo::commands {

int version(Streams io) {
  io.out << "postigo " << POSTIGO_VERSION << "\n"
         << "BoringSSL " << POSTIGO_BORINGSSL_VERSION << "\n"
         << "libuv " << ::uv_version_string() << "\n";
  return kOk;
}

}  // namespace postigo::commands
