// How many retries one origin may still be sent, so that a dead service is not hammered by
// everybody who repeats: a retry takes one, an answer gives a part back, and so does time. First
// tries are always free. Each Transport has one, which retry.h uses. Thread promise: safe from any
// thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "core/base/guarded.h"

namespace kc::net {

class RetryBudget {
 public:
  static constexpr double kKept = 60;        // at most, and at first
  static constexpr double kPerAnswer = 0.2;  // given back by a try that needs no other
  static constexpr double kPerSecond = 0.2;  // given back by time
  static constexpr std::size_t kOriginsMax = 500;

  // False: none is left.
  bool take(const std::string& origin, std::chrono::nanoseconds now);
  void answered(const std::string& origin);

 private:
  struct Left {
    double retries = kKept;
    std::chrono::nanoseconds at{0};
  };
  Guarded<std::map<std::string, Left>> origins_;
};

}  // namespace kc::net
