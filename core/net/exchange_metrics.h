// Counts of what was exchanged, by origin and outcome, as Prometheus reads them. An outcome is the
// status of the answer or, where there was none, the error's code. Made by server/, which shows it
// at /metrics. Thread promise: safe from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "core/base/guarded.h"
#include "core/net/watch.h"

namespace kc::net {

class ExchangeMetrics final : public ExchangeWatcher {
 public:
  static constexpr std::size_t kOriginsMax = 200;  // further ones are counted as `other`
  static constexpr std::size_t kOutcomesMax = 40;  // of one origin; likewise

  void saw(const ExchangeSeen& exchange) override;
  // In the text format 0.0.4, in a stable order.
  std::string text() const;

 private:
  struct Outcome {
    std::uint64_t exchanges = 0;
    double seconds = 0;
  };
  struct Origin {
    std::map<std::string, Outcome> outcomes;
    std::uint64_t retries = 0, bytes_out = 0, bytes_in = 0, connected = 0, reused = 0;
  };
  Guarded<std::map<std::string, Origin>> origins_;
};

}  // namespace kc::net
