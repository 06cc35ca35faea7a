#!/bin/bash
# Measures Postigo beside the proxies that people run today, and prints the table. README.md says what the figures mean.
#
#   bench/run.sh [--quick | --full] [--rounds N] [--only PEER,...] [--rows ROW,...] [--results DIR]
#   bench/run.sh --render FILE.json     table and charts of an earlier run, nothing is measured
#
# Installs what is missing and builds Release first. POSTIGO_BUILD_DIR names another build folder; POSTIGO_BENCH_KEEP=1
# keeps the temporary folder with everybody's configuration and logs. Only loopback is used.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export POSTIGO_BUILD_DIR=${POSTIGO_BUILD_DIR:-$source_dir/build/release}

build() {
  "$source_dir/deploy/packages.sh" build bench
  mkdir -p "$POSTIGO_BUILD_DIR"
  cmake -S "$source_dir" -B "$POSTIGO_BUILD_DIR" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPOSTIGO_BENCH=ON \
    >"$POSTIGO_BUILD_DIR.configure.log" 2>&1 || { cat "$POSTIGO_BUILD_DIR.configure.log"; exit 1; }
  cmake --build "$POSTIGO_BUILD_DIR" -j "${JOBS:-$(nproc)}" --target postigo bench_load bench_sink bench_bare
}

main() {
  case " $* " in *' --render '* | *' --help '* | *' -h '*) ;; *) build ;; esac
  # Debian's Python has Debian's matplotlib; paths in the arguments stay relative to where the caller is
  PYTHONPATH=$source_dir exec /usr/bin/python3 -BP -m bench.harness "$@"
}

main "$@"
