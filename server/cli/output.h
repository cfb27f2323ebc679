// What a copy tells while it runs and at its end: a live block on a terminal, plain lines or JSON
// elsewhere. Used by copy and demo. Thread promise: one owner at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/base/ids.h"
#include "core/model/progress.h"

namespace kc::server {

struct Ending {
  const JobSpec* spec = nullptr;
  JobState state = JobState::succeeded;
  std::optional<Problem> problem = {};
  std::optional<Progress> last = {};
  Ticks at;
  bool found_ended = false;  // nothing was done here: the lake said so
  bool interrupted = false;  // let go by a signal; `state` does not count
};

class Output {
 public:
  virtual ~Output() = default;
  virtual void opened(const JobSpec& spec, const Uuid& uid) = 0;
  virtual void progress(const Progress& progress) = 0;
  virtual void end(const Ending& ending) = 0;
  // Between two calls of `progress`; the newest is what counts.
  virtual std::chrono::milliseconds interval() const = 0;
};

// `mode`: auto, plain, jsonl or json. Kind invalid, code config.invalid_value, for another.
Result<std::unique_ptr<Output>> make_output(const std::string& mode, const JobSpec& spec);

std::string with_separators(std::int64_t number);  // 1,234,567
std::string short_count(double number);            // 25.8M
std::string short_duration(double seconds);        // 8m26s
// "4 tables, 100,000 rows in 1.3 s (76,923 rows/s)", as far as it is known.
std::string summary_of(const Progress& progress);

}  // namespace kc::server
