#include "core/azure/wait.h"

#include <condition_variable>
#include <mutex>

namespace kc::azure {

bool wait_or_stop(Timespan span, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, span.to_milliseconds(), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace kc::azure
