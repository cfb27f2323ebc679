// ClusterCore: decides when work runs on one cluster, for all jobs of this process: slots and their
// fair shares, the order of calls, capacity, throttling, and when the outstanding operations are
// asked about, all in one call. Pure, like JobCore: events in, effects out. Thread promise: one
// owner at a time.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/cluster/slots.h"
#include "core/model/job.h"
#include "core/model/operation.h"

namespace kc::cluster {

struct Shares {
  SlotShare query{.percent = true, .amount = 10};
  SlotShare export_{};
  SlotShare ingestion{};
};

struct ClusterLimits {
  Timespan poll_first =
      Timespan::milliseconds(20);  // the shortest pause between two readings of operations
  Timespan poll_max = Timespan::seconds(2);
  Timespan poll_retry = Timespan::seconds(1);  // after a reading that failed
  Timespan capacity_every = Timespan::seconds(60);
  Timespan capacity_retry = Timespan::seconds(2);
  Timespan lost_after = Timespan::seconds(60);  // an operation that the cluster does not list
  Timespan window =
      Timespan::seconds(5 * 3600);  // `.show operations (ids)` looks back six hours only
  Timespan throttle_recovery =
      Timespan::seconds(30);  // one slot comes back after each such while without a throttle
  int poll_ids_max = 200;
  int queued_max = 200;  // ingestions of blocks that wait in queues at once
  Timespan queued_life = Timespan::seconds(6 * 3600);  // without an outcome it counts as lost
  int queued_ids_max = 20;  // of them asked about in one reading: each is a call of its own
  int query_slots_min = 4;  // calls at once before, or whatever, the capacity says
};

// ---- Events; each comes with `now`. Of a job that has not joined, or has left, they change
// nothing.
struct JobJoined {
  JobKey job = 0;
  Shares shares;
};
struct JobLeft {
  JobKey job = 0;
};
struct SlotAsked {
  JobKey job = 0;
  SlotId slot = 0;
  SlotKind kind = SlotKind::export_;
  bool in_use = false;
};
struct SlotReturned {
  JobKey job = 0;
  SlotId slot = 0;
};
struct CallAsked {
  JobKey job = 0;
  CallId call = 0;
  SlotKind kind = SlotKind::query;
};  // not query: holds its slot
struct CallAnswered {
  JobKey job = 0;
  CallId call = 0;
  bool throttled = false;
};
struct WatchAsked {
  JobKey job = 0;
  Uuid operation;
  SlotKind kind = SlotKind::query;
  std::int64_t blobs = 0;  // of a queued ingestion
};
struct WatchDropped {
  JobKey job = 0;
  Uuid operation;
};
struct Polled {
  bool queued = false;  // as the Poll that it answers
  Result<std::vector<Operation>> operations;
};
struct CapacityAnswered {
  Result<std::vector<Capacity>> capacity;
};
struct TimerDue {};
using Event = std::variant<JobJoined, JobLeft, SlotAsked, SlotReturned, CallAsked, CallAnswered,
                           WatchAsked, WatchDropped, Polled, CapacityAnswered, TimerDue>;

// ---- Effects
struct GrantSlot {
  JobKey job = 0;
  SlotId slot = 0;
};
struct Dispatch {
  JobKey job = 0;
  CallId call = 0;
};
// At most one of either sort under way.
struct Poll {
  std::vector<Uuid> operations;
  bool older_than_window = false;
};
struct PollQueued {
  struct One {
    Uuid operation;
    std::int64_t blobs = 0;
  };
  std::vector<One> ingestions;
};
struct AskCapacity {};  // at most one under way
struct TellEnded {
  JobKey job = 0;
  Operation operation;
};
struct TellLost {
  JobKey job = 0;
  Uuid operation;
};
struct WakeAt {
  Ticks at;
};  // replaces an earlier one
using Effect =
    std::variant<GrantSlot, Dispatch, Poll, PollQueued, AskCapacity, TellEnded, TellLost, WakeAt>;

// How many slots are in use, and how many may be; nullopt while the capacity is not known.
struct SlotUse {
  int used = 0;
  std::optional<int> limit;
};

class ClusterCore {
 public:
  explicit ClusterCore(ClusterLimits limits) : limits_(limits) {}

  std::vector<Effect> handle(Ticks now, Event event);

  SlotUse slots(JobKey job, SlotKind kind) const;
  bool throttled() const;

 private:
  static constexpr std::size_t kKinds = 4;
  struct Ask {
    SlotId slot = 0;
    SlotKind kind = SlotKind::export_;
  };
  struct Job {
    Shares shares;
    std::deque<Ask> asks;
    std::deque<CallId> calls;
    std::map<SlotId, SlotKind> held;
    std::map<CallId, SlotKind> calls_running;
    std::array<int, kKinds> used{};
  };
  struct Watched {
    JobKey job = 0;
    SlotKind kind = SlotKind::query;
    Ticks since, next_poll;
    std::optional<Ticks> absent_since;
    bool older = false;
    std::int64_t blobs = 0;  // of a queued ingestion; 0: an operation of the cluster
    bool queued() const { return kind == SlotKind::queued; }
  };
  // Readings of one sort: operations, or queued ingestions. A slow one does not hold up the other.
  struct Lane {
    bool polling = false;
    std::vector<Uuid> ids;
    std::optional<Ticks> not_before;
  };

  // Null for a job that has not joined or has left: what still comes for it changes nothing.
  Job* joined(JobKey key);
  // Serves the jobs one after another, beginning after `last`, until none has anything to be
  // served.
  template <typename Serve>
  void in_turns(JobKey& last, Serve serve);
  bool room(const Job& job, SlotKind kind) const;
  void grant();
  void dispatch();
  void poll(bool queued);
  void polled(Lane& lane, const std::vector<Operation>& operations);
  void take_capacity(const std::vector<Capacity>& capacity);
  void ask_capacity_if_due();
  void throttle(SlotKind kind);
  void recover();
  void wake();
  Ticks next_poll_of(const Watched& watched) const;
  std::optional<int> unthrottled(SlotKind kind) const;
  std::optional<int> total(SlotKind kind) const;
  std::optional<int> limit(const Job& job, SlotKind kind) const;
  int used_by_all(SlotKind kind) const;
  static std::size_t index(SlotKind kind) { return static_cast<std::size_t>(kind); }

  ClusterLimits limits_;
  Ticks now_;
  std::vector<Effect> effects_;
  std::map<JobKey, Job> jobs_;
  JobKey granted_last_ = 0, dispatched_last_ = 0;  // whose turn it was
  std::map<Uuid, Watched> watched_;
  std::array<Lane, 2> lanes_;  // [queued]
  bool asking_capacity_ = false;
  std::optional<Ticks> capacity_due_;
  std::array<std::optional<int>, kKinds> capacity_{};
  std::array<std::optional<int>, kKinds> throttle_cap_{};
  std::array<Ticks, kKinds> throttled_at_{};
  std::array<std::optional<Timespan>, kKinds>
      usual_{};  // how long an operation of this kind takes, smoothed
  std::optional<Ticks> wake_at_;
};

}  // namespace kc::cluster
