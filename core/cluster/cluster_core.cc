#include "core/cluster/cluster_core.h"

#include <algorithm>
#include <cctype>

#include "core/base/check.h"
#include "core/base/overloaded.h"

namespace kc::cluster {
namespace {

// A reading is due after this part of the time that an operation has run, or, near its usual end,
// of that usual time.
constexpr double kPollElapsedPart = 0.1;
constexpr double kPollUsualPart = 0.03;
constexpr double kUsualBegin = 0.8;
constexpr double kUsualWeight = 0.3;  // of the newest duration

// "data-export", "DataExport" and "data_export" are one resource.
std::string plain(const std::string& resource) {
  std::string out;
  for (const char c : resource) {
    if (c != '-' && c != '_') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

Timespan part(Timespan whole, double share) {
  return {static_cast<std::int64_t>(static_cast<double>(whole.ticks) * share)};
}

}  // namespace

std::vector<Effect> ClusterCore::handle(Ticks now, Event event) {
  now_ = now;
  effects_.clear();
  std::visit(
      Overloaded{
          [&](JobJoined& e) { jobs_[e.job].shares = e.shares; },
          [&](JobLeft& e) {
            jobs_.erase(e.job);
            std::erase_if(watched_, [&](const auto& entry) { return entry.second.job == e.job; });
          },
          [&](SlotAsked& e) {
            Job* job = joined(e.job);
            if (job == nullptr) return;
            if (e.in_use) {
              job->held.emplace(e.slot, e.kind);
              job->used[index(e.kind)] += 1;
            } else {
              job->asks.push_back({.slot = e.slot, .kind = e.kind});
            }
          },
          [&](SlotReturned& e) {
            Job* job = joined(e.job);
            if (job == nullptr) return;
            std::erase_if(job->asks, [&](const Ask& ask) { return ask.slot == e.slot; });
            const auto held = job->held.find(e.slot);
            if (held == job->held.end()) return;
            job->used[index(held->second)] -= 1;
            job->held.erase(held);
          },
          [&](CallAsked& e) {
            Job* job = joined(e.job);
            if (job == nullptr) return;
            if (e.kind == SlotKind::query) return job->calls.push_back(e.call);
            job->calls_running.emplace(e.call, e.kind);
            effects_.push_back(Dispatch{.job = e.job, .call = e.call});
          },
          [&](CallAnswered& e) {
            Job* job = joined(e.job);
            if (job == nullptr) return;
            const auto call = job->calls_running.find(e.call);
            if (call == job->calls_running.end()) return;
            if (call->second == SlotKind::query) job->used[index(SlotKind::query)] -= 1;
            if (e.throttled) throttle(call->second);
            job->calls_running.erase(call);
          },
          [&](WatchAsked& e) {
            if (joined(e.job) == nullptr) return;
            Watched watched{.job = e.job,
                            .kind = e.kind,
                            .since = now_,
                            .next_poll = now_,
                            .absent_since = {},
                            .older = false,
                            .blobs = e.blobs};
            watched.next_poll = next_poll_of(watched);
            watched_.insert_or_assign(e.operation, watched);
          },
          [&](WatchDropped& e) { watched_.erase(e.operation); },
          [&](Polled& e) {
            Lane& lane = lanes_[e.queued ? 1 : 0];
            lane.polling = false;
            if (e.operations) {
              polled(lane, *e.operations);
            } else {
              lane.not_before = now_ + limits_.poll_retry;
              if (e.operations.error().kind == ErrorKind::throttled)
                throttle(e.queued ? SlotKind::queued : SlotKind::query);
            }
          },
          [&](CapacityAnswered& e) {
            asking_capacity_ = false;
            capacity_due_ = now_ + (e.capacity ? limits_.capacity_every : limits_.capacity_retry);
            if (e.capacity) return take_capacity(*e.capacity);
            // Without the right to read the capacity, one of each is what every cluster can bear.
            const ErrorKind kind = e.capacity.error().kind;
            if (kind == ErrorKind::denied || kind == ErrorKind::invalid) {
              for (auto& capacity : capacity_) capacity = capacity.value_or(1);
            }
          },
          [&](TimerDue&) { wake_at_.reset(); },
      },
      event);
  recover();
  ask_capacity_if_due();
  grant();
  dispatch();
  for (const bool queued : {false, true}) poll(queued);
  wake();
  return std::move(effects_);
}

SlotUse ClusterCore::slots(JobKey job, SlotKind kind) const {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return {};
  return {.used = found->second.used[index(kind)], .limit = limit(found->second, kind)};
}

bool ClusterCore::throttled() const {
  return std::any_of(throttle_cap_.begin(), throttle_cap_.end(),
                     [](const auto& cap) { return cap.has_value(); });
}

// ---- Slots and calls: the jobs in turn, one each, while there is room for all of them and for the
// one.

ClusterCore::Job* ClusterCore::joined(JobKey key) {
  const auto found = jobs_.find(key);
  return found == jobs_.end() ? nullptr : &found->second;
}

std::optional<int> ClusterCore::unthrottled(SlotKind kind) const {
  const std::optional<int> all = capacity_[index(kind)];
  if (kind == SlotKind::query) return std::max(all.value_or(0), limits_.query_slots_min);
  if (kind == SlotKind::queued) return limits_.queued_max;
  return all;
}

std::optional<int> ClusterCore::total(SlotKind kind) const {
  const std::optional<int> all = unthrottled(kind);
  const auto& cap = throttle_cap_[index(kind)];
  return all && cap ? std::min(*all, *cap) : all;
}

std::optional<int> ClusterCore::limit(const Job& job, SlotKind kind) const {
  const std::optional<int> all = total(kind);
  if (!all) return std::nullopt;
  const SlotShare& share = kind == SlotKind::query     ? job.shares.query
                           : kind == SlotKind::export_ ? job.shares.export_
                                                       : job.shares.ingestion;
  const int asked = share.percent ? *all * share.amount / 100 : share.amount;
  const int floor =
      kind == SlotKind::query && share.percent ? std::min(limits_.query_slots_min, *all) : 1;
  return std::clamp(asked, floor, std::max(floor, *all));
}

int ClusterCore::used_by_all(SlotKind kind) const {
  int used = 0;
  for (const auto& [key, job] : jobs_) used += job.used[index(kind)];
  return used;
}

bool ClusterCore::room(const Job& job, SlotKind kind) const {
  const auto own = limit(job, kind);
  const auto all = total(kind);
  return own && job.used[index(kind)] < *own && used_by_all(kind) < *all;
}

template <typename Serve>
void ClusterCore::in_turns(JobKey& last, Serve serve) {
  for (std::size_t idle = 0; idle < jobs_.size();) {
    auto at = jobs_.upper_bound(last);
    if (at == jobs_.end()) at = jobs_.begin();
    last = at->first;
    idle = serve(at->first, at->second) ? 0 : idle + 1;
  }
}

void ClusterCore::grant() {
  in_turns(granted_last_, [&](JobKey key, Job& job) {
    const auto ask = std::find_if(job.asks.begin(), job.asks.end(),
                                  [&](const Ask& waiting) { return room(job, waiting.kind); });
    if (ask == job.asks.end()) return false;
    job.used[index(ask->kind)] += 1;
    job.held.emplace(ask->slot, ask->kind);
    effects_.push_back(GrantSlot{.job = key, .slot = ask->slot});
    job.asks.erase(ask);
    return true;
  });
}

void ClusterCore::dispatch() {
  in_turns(dispatched_last_, [&](JobKey key, Job& job) {
    if (job.calls.empty() || !room(job, SlotKind::query)) return false;
    const CallId call = job.calls.front();
    job.calls.pop_front();
    job.used[index(SlotKind::query)] += 1;
    job.calls_running.emplace(call, SlotKind::query);
    effects_.push_back(Dispatch{.job = key, .call = call});
    return true;
  });
}

// ---- Operations: one reading for all that are due, or nearly so.

Ticks ClusterCore::next_poll_of(const Watched& watched) const {
  const Timespan elapsed = now_ - watched.since;
  Timespan pause = part(elapsed, kPollElapsedPart);
  if (const auto& usual = usual_[index(watched.kind)]) {
    const Timespan begin = part(*usual, kUsualBegin);
    if (elapsed < begin) {
      pause = begin - elapsed;
    } else {
      pause = std::max(part(*usual, kPollUsualPart), part(elapsed - begin, kPollElapsedPart));
    }
  }
  return now_ + std::clamp(pause, limits_.poll_first, limits_.poll_max);
}

// Those that wait longest first. What is due soon comes along: a call costs the cluster the same
// for one operation as for many. Of queued ingestions each costs a call, so only those that are due
// are asked about.
void ClusterCore::poll(bool queued) {
  Lane& lane = lanes_[queued ? 1 : 0];
  if (lane.polling || (lane.not_before && now_ < *lane.not_before)) return;
  std::vector<std::pair<Ticks, Uuid>> next;
  for (const auto& [id, watched] : watched_) {
    if (watched.queued() == queued && (!queued || watched.next_poll <= now_))
      next.emplace_back(watched.next_poll, id);
  }
  std::sort(next.begin(), next.end());
  if (next.empty() || next.front().first > now_) return;
  const bool older = watched_.at(next.front().second).older;
  std::erase_if(next, [&](const auto& one) { return watched_.at(one.second).older != older; });
  const auto most =
      static_cast<std::size_t>(queued ? limits_.queued_ids_max : limits_.poll_ids_max);
  next.resize(std::min(next.size(), most));
  lane.polling = true;
  lane.ids.clear();
  PollQueued ingestions;
  for (const auto& [at, id] : next) {
    lane.ids.push_back(id);
    if (queued) ingestions.ingestions.push_back({.operation = id, .blobs = watched_.at(id).blobs});
  }
  if (queued) {
    effects_.push_back(std::move(ingestions));
  } else {
    effects_.push_back(Poll{.operations = lane.ids, .older_than_window = older});
  }
}

void ClusterCore::polled(Lane& lane, const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    const auto found = watched_.find(operation.id);
    if (found == watched_.end()) continue;
    Watched& watched = found->second;
    watched.absent_since.reset();
    if (operation.outcome == OperationOutcome::running && watched.queued() &&
        now_ - watched.since > limits_.queued_life) {
      effects_.push_back(TellLost{.job = watched.job, .operation = operation.id});
      watched_.erase(found);
      continue;
    }
    if (operation.outcome == OperationOutcome::running) {
      watched.next_poll = next_poll_of(watched);
      if (now_ - watched.since > limits_.window) watched.older = true;
      continue;
    }
    if (operation.outcome == OperationOutcome::throttled) throttle(watched.kind);
    auto& usual = usual_[index(watched.kind)];
    const Timespan took = now_ - watched.since;
    usual = usual ? part(*usual, 1 - kUsualWeight) + part(took, kUsualWeight) : took;
    effects_.push_back(TellEnded{.job = watched.job, .operation = operation});
    watched_.erase(found);
  }
  // Asked about and not listed: rows may appear late; later the form without a time window is
  // tried; then it is lost.
  for (const Uuid& id : lane.ids) {
    const auto found = watched_.find(id);
    if (found == watched_.end() || found->second.next_poll > now_) continue;
    Watched& watched = found->second;
    const bool listed = std::any_of(operations.begin(), operations.end(),
                                    [&](const Operation& operation) { return operation.id == id; });
    if (listed) continue;
    if (!watched.absent_since) watched.absent_since = now_;
    watched.next_poll = now_ + limits_.poll_retry;
    if (now_ - *watched.absent_since < limits_.lost_after) continue;
    if (!watched.older) {
      watched.older = true;
      continue;
    }
    effects_.push_back(TellLost{.job = watched.job, .operation = id});
    watched_.erase(found);
  }
  lane.ids.clear();
}

// ---- Capacity and throttling

void ClusterCore::ask_capacity_if_due() {
  if (asking_capacity_ || jobs_.empty() || (capacity_due_ && now_ < *capacity_due_)) return;
  asking_capacity_ = true;
  effects_.push_back(AskCapacity{});
}

void ClusterCore::take_capacity(const std::vector<Capacity>& capacity) {
  for (const Capacity& resource : capacity) {
    const std::string name = plain(resource.resource);
    const std::optional<SlotKind> kind = name == "dataexport"   ? std::optional(SlotKind::export_)
                                         : name == "ingestions" ? std::optional(SlotKind::ingestion)
                                         : name == "queries"    ? std::optional(SlotKind::query)
                                                                : std::nullopt;
    if (!kind) continue;
    // What others consume is theirs; what our own commands consume is ours.
    const std::int64_t others = std::max<std::int64_t>(0, resource.consumed - used_by_all(*kind));
    capacity_[index(*kind)] =
        static_cast<int>(std::clamp<std::int64_t>(resource.total - others, 1, kSlotsMax));
  }
  // A cluster that lists no such resource limits it in no way that we could read: one at a time is
  // always right.
  for (auto& known : capacity_) known = known.value_or(1);
}

void ClusterCore::throttle(SlotKind kind) {
  auto& cap = throttle_cap_[index(kind)];
  const int now = cap.value_or(std::max(used_by_all(kind), total(kind).value_or(1)));
  cap = std::max(1, now / 2);
  throttled_at_[index(kind)] = now_;
}

void ClusterCore::recover() {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    auto& cap = throttle_cap_[kind];
    while (cap && now_ - throttled_at_[kind] >= limits_.throttle_recovery) {
      throttled_at_[kind] = throttled_at_[kind] + limits_.throttle_recovery;
      *cap += 1;
      if (*cap >= unthrottled(static_cast<SlotKind>(kind)).value_or(1)) cap.reset();
    }
  }
}

// The next moment at which something could be due that no event announces.
void ClusterCore::wake() {
  std::optional<Ticks> next;
  const auto consider = [&](Ticks at) { next = next ? std::min(*next, at) : at; };
  if (!jobs_.empty() && !asking_capacity_ && capacity_due_) consider(*capacity_due_);
  for (const auto& [id, watched] : watched_) {
    const Lane& lane = lanes_[watched.queued() ? 1 : 0];
    if (lane.polling) continue;
    consider(lane.not_before ? std::max(watched.next_poll, *lane.not_before) : watched.next_poll);
  }
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (throttle_cap_[kind]) consider(throttled_at_[kind] + limits_.throttle_recovery);
  }
  if (!next || (wake_at_ && *wake_at_ <= *next && *wake_at_ > now_)) return;
  wake_at_ = next;
  effects_.push_back(WakeAt{*next});
}

}  // namespace kc::cluster
