// What a Runner is made of. Only runner.cc (jobs) and runner_clusters.cc (the clusters that they
// share) include it. Thread promise: each member says which thread owns it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/guarded.h"
#include "core/checkpoint/journal.h"
#include "core/pipeline/executor.h"
#include "core/pipeline/opening.h"
#include "core/pipeline/runner.h"

namespace kc::pipeline {

class Runner::Impl {
 public:
  Impl(const Clock& clock, Connections connections, RunnerOptions options, RunnerListener& listener,
       Log& log, Rng rng)
      : clock_(clock),
        connections_(std::move(connections)),
        options_(std::move(options)),
        listener_(listener),
        log_(log),
        rng_(rng),
        workers_(options_.workers) {}
  ~Impl() { stop(); }

  Result<void> start(JobWish wish);
  Result<void> cancel(const std::string& id);
  void stop();

 private:
  struct Call {
    Side side = Side::source;
    kusto::Command command;
    kusto::CallOptions options;
    Ticks grant_expiry;
  };
  // One cluster that jobs of this process talk to.
  struct Cluster {
    std::string address;
    std::shared_ptr<kusto::Kusto> door;
    cluster::ClusterCore core;
    bool silent = false;     // its newest reading of operations failed
    std::uint64_t wake = 0;  // the newest one asked for; it replaces those before it
    explicit Cluster(cluster::ClusterLimits limits) : core(limits) {}
  };
  // Owned by the core thread, except what its comment says.
  struct Job {
    JobKey key = 0;
    JobSpec spec;                    // as given, with its secrets
    std::unique_ptr<Lake> lake;      // any thread
    std::unique_ptr<Lease> lease;    // on the strand
    std::optional<Journal> journal;  // on the strand
    std::shared_ptr<Strand> strand;
    std::shared_ptr<const std::vector<Record>> committing;  // on the strand
    std::unique_ptr<JobCore> core;
    Cluster* clusters[2] = {nullptr, nullptr};
    std::map<CallId, Call> calls;     // asked for, not dispatched
    std::optional<Timespan> renewal;  // of the lease
    bool over = false;
  };
  using JobPtr = std::shared_ptr<Job>;

  // Opening, on a worker
  void open(const JobWish& wish, JobKey key);
  Result<OpenedJob> prepare(const JobWish& wish);
  void ended(const std::string& id, JobResult result);
  static Problem problem_of(const Error& error) {
    return {
        .code = error.code,
        .detail = error.message,
        .fix = error.fix,
        .retryable = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::throttled};
  }

  // On the core thread
  void adopt(const JobPtr& job, Ledger ledger, std::optional<JobSpec> resume);
  Cluster& cluster_at(const std::string& address, std::shared_ptr<kusto::Kusto> door);
  void handle(const JobPtr& job, Event event);
  void perform(const JobPtr& job, Effect& effect);
  void commit(const JobPtr& job, std::vector<Record> records, bool again);
  void dispatch(JobKey key, CallId call);
  void compact(const JobPtr& job, std::uint64_t seq);
  void sweep(const JobPtr& job);
  void renew_lease_after(const JobPtr& job, Timespan span);
  void close_folder(const JobPtr& job, CallId call, const std::string& folder);
  void cluster_event(Cluster& cluster, cluster::Event event);
  void tell(Cluster& cluster, JobKey key, std::function<Event(Side)> event);
  void poll(Cluster& cluster, kusto::Read reading, bool queued);
  void ask_capacity(Cluster& cluster);
  void finish(const JobPtr& job);
  JobPtr find(JobKey key);
  void add_slots(const Job& job, Progress& progress) const;

  // On a worker
  Result<kusto::Answer> run(Job& job, Call& call);

  const Clock& clock_;
  const Connections connections_;
  const RunnerOptions options_;
  RunnerListener& listener_;
  Log& log_;
  Guarded<Rng> rng_;
  Guarded<std::map<std::string, JobKey>> running_;  // ids that this runner holds
  Guarded<std::map<std::string, std::shared_ptr<kusto::Kusto>>> doors_;
  std::map<JobKey, JobPtr> jobs_;  // core thread
  std::map<std::string, std::unique_ptr<Cluster>>
      clusters_;  // core thread; never removed while running
  std::atomic<bool> stopping_{false};
  std::atomic<JobKey> last_key_{0};
  Loop mirror_;
  Pool workers_;
  Loop loop_;  // last: its thread uses everything above
};

}  // namespace kc::pipeline
