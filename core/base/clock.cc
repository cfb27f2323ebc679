#include "core/base/clock.h"

namespace kc {

Ticks SystemClock::now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {kTicksAtUnixEpoch +
          std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count() / 100};
}

std::chrono::nanoseconds SystemClock::elapsed() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace kc
