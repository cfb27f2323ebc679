// How a simulated process talks to its clusters: by way of the cluster's core, over a wire that
// loses and delays.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/overloaded.h"
#include "tests/sim/world.h"
#include "tests/sim/world_process.h"

namespace kc::sim {

// ---- Calls to clusters, by way of the cluster's core

void World::call(Process& process, CallId id, Call made) {
  made.word = word_of(made.command);
  const SlotKind kind = made.kind;
  const Side side = made.side;
  process.calls.emplace(id, std::move(made));
  cluster_event(process, side, cluster::CallAsked{.job = 1, .call = id, .kind = kind});
}

void World::dispatch(Process& process, CallId id) {
  const auto found = process.calls.find(id);
  KC_ASSERT(found != process.calls.end());
  const Call made = std::move(found->second);
  process.calls.erase(found);
  send(process, id, made);
}

void World::send(Process& process, CallId id, const Call& made) {
  using enum WorldOptions::Delivery;
  auto delivery = fine;
  bool throttled = false, partly = false;
  const Odds& odds = options_.odds;
  if (faults_on()) {
    const double point = rng_.unit();
    if (point < odds.request_lost) {
      delivery = request_lost;
    } else if (point < odds.request_lost + odds.answer_lost) {
      delivery = answer_lost;
    } else if (point < odds.request_lost + odds.answer_lost + odds.applied_late) {
      delivery = made.reading ? answer_lost : applied_late;
    }
    throttled = rng_.chance(odds.throttled);
    partly = delivery == answer_lost && rng_.chance(odds.partly);
  }
  const int nth = ++counted_[made.word];
  if (const auto scripted = options_.deliveries.find({made.word, nth});
      scripted != options_.deliveries.end()) {
    delivery = scripted->second;
    verdict_.scripted += 1;
  }
  if (delivery != fine) verdict_.faults += 1;
  if (!made.folder.empty()) {
    blobs_.open(made.folder);
    // A grant ends by expiring even where nobody can take it back.
    later(made.grant_expiry - now_, [this, folder = made.folder] { blobs_.seal(folder); });
  }
  const auto answer = [this, id, side = made.side](Process& p, Result<kusto::Answer> result) {
    const bool was_throttled = !result && result.error().kind == ErrorKind::throttled;
    cluster_event(p, side, cluster::CallAnswered{.job = 1, .call = id, .throttled = was_throttled});
    handle(p, pipeline::Answered{.call = id, .answer = std::move(result)});
  };
  const auto unknown = [] {
    return fail(ErrorKind::unavailable, "kusto.no_answer", "the simulated cluster gave no answer");
  };
  const auto apply_now = [this, made, partly, nth] {
    if (const auto hook = options_.on_command.find({made.word, nth});
        hook != options_.on_command.end()) {
      verdict_.scripted += 1;
      hook->second(*this);
    }
    return apply(made, partly);
  };
  const auto self = process.shared_from_this();
  if (throttled) {
    return for_process(self, draw_delay(50), [answer](Process& p) {
      answer(p, fail(ErrorKind::throttled, "kusto.throttled", "the simulated cluster throttles"));
    });
  }
  switch (delivery) {
    case fine:
      later(draw_delay(50), [this, self, apply_now, answer] {
        auto result = apply_now();
        for_process(self, draw_delay(50), [answer, result](Process& p) { answer(p, result); });
      });
      return;
    case request_lost:
      break;
    case answer_lost:
      later(draw_delay(50), [apply_now] { (void)apply_now(); });
      break;
    case applied_late: {
      // A synchronous command cannot outlive its deadline on the server; within it, it may land at
      // any time.
      const std::int64_t latest = made.deadline.ticks / 10'000;
      later(Timespan::milliseconds(rng_.between(1, latest)), [apply_now] { (void)apply_now(); });
      break;
    }
  }
  for_process(self, Timespan::milliseconds(rng_.between(10, 3000)),
              [answer, unknown](Process& p) { answer(p, unknown()); });
}

Result<kusto::Answer> World::apply(const Call& made, bool partly) {
  SimCluster& cluster = at(made.side);
  if (options_.mutant == Mutant::forgets_staging && made.word == "drop-table")
    return kusto::Answer{kusto::Done{}};
  if (options_.mutant == Mutant::forgets_tags && made.word == "drop-tags")
    return kusto::Answer{kusto::Done{}};
  const auto pending = cluster.begin(made.command);
  const int steps = SimCluster::steps(made.command);
  auto result = partly && steps > 1
                    ? cluster.apply_partly(
                          pending, static_cast<int>(rng_.below(static_cast<std::uint64_t>(steps))))
                    : cluster.apply(pending);
  if (result) {
    if (const auto* started = std::get_if<kusto::StartedOperation>(&*result))
      operation_started(made, started->id);
  } else if (const auto* write = std::get_if<kusto::Write>(&made.command)) {
    // Some of its messages may be on their way all the same.
    const auto* queued = std::get_if<kusto::StartQueuedIngest>(write);
    if (queued != nullptr && cluster.knows(queued->attempt))
      operation_started(made, queued->attempt);
  }
  if (options_.mutant == Mutant::forgets_exports && result && made.word == "read-exports")
    std::get<kusto::OperationList>(*result).operations.clear();
  if (options_.mutant == Mutant::accepts_any_stage && result && made.word == "read-extents") {
    auto& extents = std::get<kusto::ExtentList>(*result).extents;
    const auto& read = std::get<kusto::ReadExtents>(std::get<kusto::Read>(made.command));
    // Whatever is there is said to be the whole block.
    for (const auto& [id, block] : truth_.blocks) {
      if (read.tag != block.tag || extents.empty()) continue;
      for (auto& extent : extents) extent.rows = 0;
      extents.front().rows = block.rows;
    }
  }
  check_explained();
  return result;
}

void World::operation_started(const Call& made, const Uuid& operation) {
  Ending ending = Ending::completed;
  if (faults_on() && rng_.chance(options_.odds.ending_bad)) {
    static constexpr Ending kBad[] = {
        Ending::failed_without_effect,    Ending::failed_but_applied,
        Ending::failed_partly_applied,    Ending::throttled,
        Ending::abandoned_without_effect, Ending::abandoned_and_applied_later,
        Ending::failed_and_applied_soon,  Ending::delivered_twice,
        Ending::delivered_again_later,    Ending::first_twice_last_later};
    // The last three are of queues only.
    ending = kBad[rng_.below(std::size(kBad) - (made.word == "queue" ? 0 : 3))];
    verdict_.faults += 1;
  }
  const auto scripted = options_.endings.find({made.word, counted_[made.word]});
  if (scripted != options_.endings.end()) {
    ending = scripted->second;
    verdict_.scripted += 1;
  }
  SimCluster& cluster = at(made.side);
  later(Timespan::milliseconds(rng_.between(50, 20'000)),
        [this, &cluster, operation, ending] { end_operation(cluster, operation, ending); });
}

void World::end_operation(SimCluster& cluster, Uuid operation, Ending ending) {
  // A script may have ended it already.
  const auto running = cluster.running();
  const bool known = std::any_of(running.begin(), running.end(),
                                 [&](const OperationRef& one) { return one.id == operation; });
  if (!known) return;
  cluster.finish(operation, ending);
  // A clock that is set forward makes a failure of this moment one of long ago: not played
  // together.
  if (ending == Ending::failed_and_applied_soon && !options_.clock_steps) {
    later(Timespan::milliseconds(rng_.between(100, 50'000)),
          [this, &cluster, operation] { end_operation(cluster, operation, Ending::completed); });
  }
  if (ending == Ending::abandoned_and_applied_later || ending == Ending::delivered_again_later ||
      ending == Ending::first_twice_last_later) {
    later(Timespan::milliseconds(rng_.between(100, 600'000)),
          [this, &cluster, operation] { end_operation(cluster, operation, Ending::completed); });
  }
  if (rng_.chance(options_.odds.merge)) {
    for (const auto& table : cluster.tables(kDb)) cluster.merge_extents(kDb, table);
  }
  check_explained();
  check_rows(false);
}

// ---- The cluster cores

void World::cluster_event(Process& process, Side side, cluster::Event event) {
  auto& core = process.clusters[static_cast<std::size_t>(side)];
  for (auto& effect : core.handle(now_, std::move(event))) {
    if (!process.alive) return;
    std::visit(
        Overloaded{
            [&](cluster::GrantSlot& e) {
              process.slots_granted += 1;
              if (options_.mutant == Mutant::loses_a_grant && process.slots_granted % 3 == 0)
                return;
              for_process(
                  process.shared_from_this(), Timespan{0},
                  [this, slot = e.slot](Process& p) { handle(p, pipeline::SlotGranted{slot}); });
            },
            [&](cluster::Dispatch& e) { dispatch(process, e.call); },
            [&](cluster::Poll& e) {
              poll(process, side,
                   kusto::ReadOperations{.ids = e.operations,
                                         .older_than_window = e.older_than_window},
                   false);
            },
            [&](cluster::PollQueued& e) {
              kusto::ReadQueuedIngestions reading;
              for (const auto& one : e.ingestions)
                reading.ingestions.push_back({.attempt = one.operation, .blobs = one.blobs});
              poll(process, side, reading, true);
            },
            [&](cluster::AskCapacity&) { ask_capacity(process, side); },
            [&](cluster::TellEnded& e) {
              if (options_.mutant == Mutant::accepts_any_stage && side == Side::destination) {
                e.operation.outcome = OperationOutcome::completed;
              }
              for_process(process.shared_from_this(), Timespan{0},
                          [this, side, operation = e.operation](Process& p) {
                            handle(p,
                                   pipeline::OperationEnded{.side = side, .operation = operation});
                          });
            },
            [&](cluster::TellLost& e) {
              for_process(process.shared_from_this(), Timespan{0},
                          [this, side, operation = e.operation](Process& p) {
                            handle(p,
                                   pipeline::OperationLost{.side = side, .operation = operation});
                          });
            },
            [&](cluster::WakeAt& e) {
              const Timespan delay{std::max<std::int64_t>(0, (e.at - now_).ticks)};
              for_process(process.shared_from_this(), delay, [this, side](Process& p) {
                cluster_event(p, side, cluster::TimerDue{});
              });
            },
        },
        effect);
  }
}

void World::poll(Process& process, Side side, const kusto::Read& reading, bool queued) {
  for_process(
      process.shared_from_this(), draw_delay(100), [this, side, reading, queued](Process& p) {
        Result<std::vector<Operation>> operations = std::vector<Operation>{};
        if (faults_on() && rng_.chance(options_.odds.answer_lost)) {
          operations = fail(ErrorKind::unavailable, "kusto.no_answer", "no answer");
        } else {
          auto answer = at(side).run(reading, {});
          KC_ASSERT(answer.has_value());
          operations = std::get<kusto::OperationList>(*answer).operations;
          if (queued && options_.mutant == Mutant::trusts_the_count) {
            for (Operation& one : *operations) one.outcome = OperationOutcome::completed;
          }
        }
        cluster_event(p, side,
                      cluster::Polled{.queued = queued, .operations = std::move(operations)});
      });
}

void World::ask_capacity(Process& process, Side side) {
  for_process(process.shared_from_this(), draw_delay(100), [this, side](Process& p) {
    auto answer = at(side).run(kusto::Read{kusto::ReadCapacity{}}, {});
    KC_ASSERT(answer.has_value());
    cluster_event(p, side,
                  cluster::CapacityAnswered{std::get<kusto::CapacityList>(*answer).resources});
  });
}

}  // namespace kc::sim
