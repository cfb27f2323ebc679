#include "core/net/handover.h"

#include <utility>

namespace kc::net {

// Notified under the lock, here and in `end`: the waiting thread owns this object and may destroy
// it as soon as it sees the end.
bool Handover::offer(std::string_view bytes) {
  std::lock_guard lock(mutex_);
  if (held_.size() + bytes.size() > kSinkBytesHeldMax && !held_.empty()) {
    full_ = true;
    return false;
  }
  held_.append(bytes);
  changed_.notify_one();
  return true;
}

void Handover::end(Result<HttpAnswer> result) {
  std::lock_guard lock(mutex_);
  result_ = std::move(result);
  changed_.notify_one();
}

bool Handover::next(std::string& piece, bool& there_is_room_again) {
  piece.clear();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return result_.has_value() || !held_.empty(); });
  if (held_.empty() || (result_ && !*result_)) return false;
  held_.swap(piece);
  there_is_room_again = std::exchange(full_, false);
  return true;
}

Result<HttpAnswer> Handover::result() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return result_.has_value(); });
  return std::move(*result_);
}

}  // namespace kc::net
