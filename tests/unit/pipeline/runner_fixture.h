// A world for the real Runner: two simulated clusters behind one lock, a memory lake per job that
// outlives the runner, and a listener that can be waited for. Used by runner_test. Thread promise:
// safe from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/lake/memory_lake.h"
#include "core/pipeline/runner.h"
#include "tests/sim/sim_cluster.h"

namespace kc::pipeline {

// What several runners, one after the other, meet outside of their process.
class Outside {
 public:
  Outside();

  // Operations end at once, as completed, as long as fewer than this have been started; the others
  // run until `release`.
  void hold_after(int operations);
  void release();
  void unreachable(bool value);
  void silent(bool value);  // no word about operations
  int calls() const;

  std::vector<sim::Row> source_rows(const std::string& table) const;
  std::vector<sim::Row> destination_rows(const std::string& table) const;
  std::vector<std::string> staging_tables() const;
  std::vector<std::string> tags() const;
  MemoryLake& lake(const std::string& job);
  // What the runner is given in place of the lake: a decorator of it.
  std::function<std::unique_ptr<Lake>(Lake&)> decorate = {};
  std::function<void()> interrupt = {};
  Connections connections();

 private:
  friend class OutsideDoor;
  Result<kusto::Answer> run(Side side, const kusto::Command& command,
                            const kusto::CallOptions& options);

  mutable std::mutex mutex_;
  sim::SimBlobs blobs_;
  sim::SimCluster source_, destination_;
  std::map<std::string, std::unique_ptr<MemoryLake>> lakes_;
  int started_ = 0, finished_at_once_max_ = 1 << 30, calls_ = 0;
  bool unreachable_ = false;
  bool silent_ = false;
};

class Heard final : public RunnerListener {
 public:
  void on_opened(const std::string& job, const Uuid& uid) override;
  void on_progress(const Progress& progress) override;
  void on_committed(const std::string& job, std::uint64_t epoch, std::uint64_t seq,
                    const std::vector<Record>& records) override;
  void on_replayed(const std::string& job, std::uint64_t epoch, std::uint64_t seq,
                   const std::vector<Record>& snapshot) override;
  void on_end(const std::string& job, const JobResult& result) override;

  // Nothing, after a minute: the test has failed then.
  std::optional<JobResult> end_of(const std::string& job);
  bool has_end_of(const std::string& job) const;
  bool wait_for_record(const std::string& type);
  // The newest progress once it is such a one; nothing after a minute.
  std::optional<Progress> progress_that(const std::function<bool(const Progress&)>& is_such);
  std::vector<std::uint64_t> sequence() const;  // of the committed files, as they were told
  double percent_fell_by() const;
  int opened() const;

 private:
  bool wait(const std::function<bool()>& there);
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, JobResult> ends_;
  std::map<std::string, int> records_;
  std::map<std::string, double> percent_;
  std::optional<Progress> progress_;
  std::vector<std::uint64_t> sequence_;
  double fell_by_ = 0;
  int opened_ = 0;
};

// One process: a runner and who listens to it.
struct ProcessOfOne {
  explicit ProcessOfOne(Outside& outside);
  SystemClock clock;
  Heard heard;
  Log log;
  Runner runner;
};

JobWish wish(const std::string& id);

}  // namespace kc::pipeline
