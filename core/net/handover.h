// What one exchange hands from the I/O thread to the thread that waits for it: the pieces of a body
// that goes to a sink, and at last the result. It holds a bounded number of bytes, so that a slow
// reader stops the connection and not the I/O thread. Only curl_transport.cc and curl_exchange.cc
// use it. Thread promise: `offer` and `end` belong to the I/O thread, `next` and `result` to the
// waiting one.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/net/transport.h"

namespace kc::net {

class Handover {
 public:
  // False: the reader is behind; nothing was taken, and `next` will say that there is room.
  bool offer(std::string_view bytes);
  void end(Result<HttpAnswer> result);

  // What came since the last call, into `piece`, whose memory is used again. False: the exchange
  // has ended and everything was handed over, or it failed.
  bool next(std::string& piece, bool& there_is_room_again);
  // Waits for the end.
  Result<HttpAnswer> result();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string held_;
  bool full_ = false;
  std::optional<Result<HttpAnswer>> result_;
};

}  // namespace kc::net
