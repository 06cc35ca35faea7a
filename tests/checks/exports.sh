#!/bin/bash
# exports.sh PROGRAM: BoringSSL stays inside. OpenSSL comes into the process with other libraries and has symbols of the
# same names; an exported one would be taken instead of OpenSSL's.
set -euo pipefail
symbols=$(nm -D --defined-only "$1")
if leaked=$(grep -E ' (SSL|EVP|CRYPTO|X509|BIO|RSA|EC|ERR|OPENSSL)_' <<<"$symbols"); then
  echo "exported, and must not be:"
  head -n 20 <<<"$leaked"
  exit 1
fi
echo 'nothing of BoringSSL is exported'
