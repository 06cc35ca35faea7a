#!/bin/bash
# Builds what the tests need and runs them all through one ctest, whose summary comes last.
#
#   tests/run.sh [ctest options]     e.g. tests/run.sh -R e2e, tests/run.sh -R asan.unit_parser
#
# Three builds under build/: asan (address and undefined behaviour; unit, dialogue, fuzz and the hardest e2e tests), tsan
# (threads), release (e2e with real servers and clients, checks of the source). Every test's name starts with its build.
# asan is compiled by clang, which warns of other things than g++ does, the others by g++; -Werror holds for both.
# JOBS=n sets how many compilers, and tests that compute, run at a time (default: one per core); of tests that wait, twice
# as many.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=${JOBS:-$(nproc)}

# configure NAME [cmake options]
configure() {
  local name=$1
  shift
  echo "== configuring build/$name"
  cmake -S . -B "build/$name" -G Ninja -DPOSTIGO_TESTS=ON "$@" >"build/$name.configure.log" 2>&1 || {
    cat "build/$name.configure.log"
    exit 1
  }
}

# build NAME targets...
build() {
  local name=$1 started=$SECONDS
  shift
  echo "== building build/$name ($*)"
  cmake --build "build/$name" -j "$jobs" --target "$@"
  echo "== build/$name took $((SECONDS - started)) s"
}

main() {
  ./deploy/packages.sh build test
  mkdir -p build
  configure release -DCMAKE_BUILD_TYPE=Release -DPOSTIGO_BENCH=ON
  local boringssl  # as it was built for release: that needs not be done once more
  boringssl=$(sed -n 's/^POSTIGO_BORINGSSL_PREFIX:INTERNAL=//p' build/release/CMakeCache.txt)
  configure asan -DBoringSSL_ROOT="$boringssl" -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug -DPOSTIGO_SANITIZE=address,undefined
  configure tsan -DCMAKE_BUILD_TYPE=Debug -DPOSTIGO_SANITIZE=thread
  build release postigo papers benches
  build asan all
  build tsan postigo unit_proxy unit_backends
  # Each kind by name, so that none drops out unnoticed; asan runs all that it has.
  python3 tests/gather.py build/all release:'^e2e\.' release:'^check\.' release:'^bench\.' \
    release:'^differential\.' release:'^package\.' \
    asan:'^unit_parser\.' asan:'^unit_config\.' asan:'^unit_backends\.' asan:'^unit_proxy\.' asan:'^dialogue\.' \
    asan:'^fuzz_' asan:'^sim\.' asan:'^e2e\.' asan:'.' tsan:'^unit_proxy\.' tsan:'^unit_backends\.' tsan:'^e2e\.'
  echo "== testing; logs in build/all/Testing"
  local result=0 report=$PWD/build/all/results.xml
  # In half cores: gather.py says how many of them a test takes.
  ctest --test-dir build/all -j "$((2 * jobs))" --repeat until-pass:2 --output-on-failure --no-tests=error \
    --output-junit "$report" "$@" || result=$?
  python3 tests/repeated.py build/all/Testing/Temporary/LastTest.log || result=1
  python3 tests/skipped.py "$report"
  return "$result"
}

main "$@"
