// The runner's side of the clusters: what a ClusterCore wants done, for all jobs of the process.
#include <algorithm>
#include <utility>

#include "core/base/overloaded.h"
#include "core/pipeline/runner_impl.h"

namespace kc::pipeline {

// On each side on which that cluster is the job's.
void Runner::Impl::tell(Cluster& cluster, JobKey key, std::function<Event(Side)> event) {
  loop_.post([this, &cluster, key, event = std::move(event)] {
    for (const Side side : {Side::source, Side::destination}) {
      const JobPtr job = find(key);
      if (job && job->clusters[static_cast<std::size_t>(side)] == &cluster)
        handle(job, event(side));
    }
  });
}

void Runner::Impl::cluster_event(Cluster& cluster, cluster::Event event) {
  for (auto& effect : cluster.core.handle(clock_.now(), std::move(event))) {
    std::visit(
        Overloaded{
            // A core is never entered from inside another's event: what it causes comes after.
            [&](cluster::GrantSlot& e) {
              loop_.post([this, e] {
                if (const JobPtr job = find(e.job)) handle(job, SlotGranted{e.slot});
              });
            },
            [&](cluster::Dispatch& e) { dispatch(e.job, e.call); },
            [&](cluster::Poll& e) {
              poll(cluster,
                   kusto::ReadOperations{.ids = std::move(e.operations),
                                         .older_than_window = e.older_than_window},
                   false);
            },
            [&](cluster::PollQueued& e) {
              kusto::ReadQueuedIngestions reading;
              for (const auto& one : e.ingestions)
                reading.ingestions.push_back({.attempt = one.operation, .blobs = one.blobs});
              poll(cluster, std::move(reading), true);
            },
            [&](cluster::AskCapacity&) { ask_capacity(cluster); },
            [&](cluster::TellEnded& e) {
              tell(cluster, e.job, [e](Side side) {
                return OperationEnded{.side = side, .operation = e.operation};
              });
            },
            [&](cluster::TellLost& e) {
              tell(cluster, e.job, [e](Side side) {
                return OperationLost{.side = side, .operation = e.operation};
              });
            },
            [&](cluster::WakeAt& e) {
              const auto delay = std::chrono::nanoseconds(
                  std::max<std::int64_t>(0, (e.at - clock_.now()).ticks) * 100);
              loop_.post_after(delay, [this, &cluster, wake = ++cluster.wake] {
                if (wake == cluster.wake) cluster_event(cluster, cluster::TimerDue{});
              });
            },
        },
        effect);
  }
}

void Runner::Impl::poll(Cluster& cluster, kusto::Read reading, bool queued) {
  const std::string id = rng_.with([](Rng& rng) { return Uuid::random(rng).text(); });
  workers_.post([this, &cluster, reading = std::move(reading), queued, id] {
    auto answer = cluster.door->run(
        reading, {.request_id = "KustoCopy.operations;" + id, .deadline = Timespan::seconds(60)});
    loop_.post([this, &cluster, queued, answer = std::move(answer)]() mutable {
      Result<std::vector<kusto::Operation>> operations;
      if (cluster.silent || !answer) {
        cluster.silent = !answer;
        const auto error = answer ? std::nullopt : std::optional(answer.error());
        for (const auto& [key, job] : jobs_)
          tell(cluster, key, [error](Side side) { return OperationsRead{side, error}; });
      }
      if (answer) {
        operations = std::move(std::get<kusto::OperationList>(*answer).operations);
      } else {
        operations = fail(std::move(answer).error());
      }
      cluster_event(cluster,
                    cluster::Polled{.queued = queued, .operations = std::move(operations)});
    });
  });
}

void Runner::Impl::ask_capacity(Cluster& cluster) {
  const std::string id = rng_.with([](Rng& rng) { return Uuid::random(rng).text(); });
  workers_.post([this, &cluster, id] {
    auto answer = cluster.door->run(
        kusto::Read{kusto::ReadCapacity{}},
        {.request_id = "KustoCopy.capacity;" + id, .deadline = Timespan::seconds(60)});
    loop_.post([this, &cluster, answer = std::move(answer)]() mutable {
      if (!answer)
        return cluster_event(cluster, cluster::CapacityAnswered{fail(std::move(answer).error())});
      cluster_event(cluster, cluster::CapacityAnswered{
                                 std::move(std::get<kusto::CapacityList>(*answer).resources)});
    });
  });
}

}  // namespace kc::pipeline
