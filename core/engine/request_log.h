// The requests of one engine, under way and lately ended: what `.show queries`, `.show running
// queries`, `.show commands` and `.cancel query` work on. In memory: an engine that opens again
// starts with an empty one. Commands that only read are not kept. Thread promise: safe from any
// thread; a Request has one owner.
#pragma once

#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/engine/deadlines.h"

namespace kc::engine {

struct RequestRecord {
  std::string kind;  // of the command; "Query"
  std::string text;  // without its secrets, cut as the service cuts it
  std::string client_request_id, database, application, user, principal;
  Uuid activity;
  std::int64_t started = 0, updated = 0;  // ticks
  std::string state = "InProgress";
  std::string failure;
};

class RequestLog {
 public:
  static constexpr std::size_t kTextMax = 64 << 10;     // bytes of one text, as documented
  static constexpr std::size_t kKept = 1000;            // ended requests
  static constexpr std::size_t kKeptTextMax = 8 << 20;  // bytes of all their texts

 private:
  struct Running {
    RequestRecord record;
    Cancellation cancellation;
  };
  using Place = std::list<Running>::iterator;

 public:
  class Request {
   public:
    Request(RequestLog* log, Place place) : log_(log), place_(place) {}
    Request(Request&& other) noexcept
        : log_(std::exchange(other.log_, nullptr)), place_(other.place_) {}
    Request& operator=(Request&&) = delete;
    ~Request() {
      if (log_ != nullptr) log_->end(place_, 0, "the request ended without a result");
    }
    Cancellation cancellation() const { return place_->cancellation; }
    // An empty failure: it succeeded.
    void end(std::int64_t now, std::string failure) {
      std::exchange(log_, nullptr)->end(place_, now, std::move(failure));
    }

   private:
    RequestLog* log_;
    Place place_;
  };

  Request begin(RequestRecord record);
  // Asks every running query of that client request id to end, of one principal or of all; false:
  // there is none.
  bool cancel(std::string_view client_request_id, const std::optional<std::string>& principal);
  std::vector<RequestRecord> running() const;  // oldest first
  std::vector<RequestRecord> ended() const;    // in the order of their end

 private:
  void end(Place place, std::int64_t now, std::string failure);

  struct State {
    std::list<Running> running;
    std::deque<RequestRecord> ended;
    std::size_t texts = 0;  // bytes of the texts in `ended`
  };
  Guarded<State> state_;
};

}  // namespace kc::engine
