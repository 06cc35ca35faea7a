#!/bin/bash
# format.sh SOURCE_DIR: all C++ is as clang-format 14 writes it. Other versions differ in details: skipped, and it says so.
set -euo pipefail
cd "$1"
clang_format=$(command -v clang-format-14 || command -v clang-format) || { echo 'skipped: no clang-format'; exit 77; }
version=$("$clang_format" --version)
[[ $version == *'version 14.'* ]] || { echo "skipped: this is $version, not 14"; exit 77; }
find parser config backends proxy tests bench -name '*.h' -o -name '*.cc' | sort |
  xargs "$clang_format" --dry-run --Werror
