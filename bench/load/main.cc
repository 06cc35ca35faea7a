// bench_load: mail clients, as many and as fast as asked for, and a judge: it checks tags, sizes and every octet, and
// tells the kinds of errors apart. It uses nothing of the proxy's. Not a conformance test: that is tests/e2e.
#include "bench/common/program.h"
#include "bench/load/options.h"
#include "bench/load/run.h"

int main(int argc, char** argv) {
  using namespace postigo::bench;
  CLI::App app("Mail clients for benchmarks", "bench_load");
  Options options;
  add_options(app, options);
  return run_program(app, argc, argv, [&] {
    complete(options);
    return run(options);
  });
}
