// One run of another program, without a shell, bounded in time and output: its output when it has
// ended. Used by azure_cli.cc. Thread promise: safe from any thread; blocks until the end.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/ticks.h"

namespace kc::azure {

struct ProgramRun {
  std::vector<std::string> words;  // the program, looked for in PATH, and its arguments
  Timespan deadline = Timespan::seconds(13);
  std::size_t bytes_max = std::size_t{256} << 10;  // of each output
  std::stop_token cancel = {};
};

struct ProgramEnd {
  int status = 0;  // its exit code; 128 + the signal that ended it
  std::string output, errors;
};

// not_found: no such program (program.absent); unavailable: it did not end in time
// (program.timeout), wrote too much (program.output) or could not be started (program.start);
// cancelled (program.cancelled). In all but the first it has been killed with what it started.
Result<ProgramEnd> run_program(const ProgramRun& run);

}  // namespace kc::azure
