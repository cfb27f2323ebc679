// Whole copies between two databases of the lab's engine, with their lake on Azurite, by the runner
// and the clients that ship; each has its own way into faults. Used by copies_test.cc. Thread
// promise: one owner each; several run beside each other.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/pipeline/runner.h"
#include "tests/interop/faults/lab.h"

namespace kc::faults {

inline const std::string kSourceDatabase = "CopySource";
// The tables that are copied, made once.
void make_source(FaultLab& lab);

class Ear final : public pipeline::RunnerListener {
 public:
  void on_opened(const std::string&, const Uuid&) override {}
  void on_progress(const Progress& progress) override;
  void on_committed(const std::string&, std::uint64_t, std::uint64_t,
                    const std::vector<Record>& records) override;
  void on_replayed(const std::string&, std::uint64_t, std::uint64_t,
                   const std::vector<Record>&) override {}
  void on_end(const std::string&, const pipeline::JobResult& result) override;

  // Nothing, false: after five minutes.
  std::optional<pipeline::JobResult> end();
  bool wait_for_record(const std::string& type);
  // The status line where a problem of that code was first among the open ones; empty if it never
  // was.
  std::string status_at(const std::string& code);

 private:
  std::mutex mutex_;  // guards the next four
  std::condition_variable changed_;
  std::optional<pipeline::JobResult> end_;
  std::map<std::string, int> records_;
  std::map<std::string, std::string> problems_;  // code -> the status line then
};

class Copy {
 public:
  // Into the destination of that number, which holds no other at the time.
  Copy(FaultLab& lab, std::string id, int destination, IngestChoice ingest = IngestChoice::direct);
  ~Copy();
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  fakes::FaultyWay& way() { return way_; }
  // A process that takes the copy up; the one before is stopped.
  void start();
  void stop();
  Ear& ear() { return *ear_; }
  // Taken up until it ends.
  std::optional<pipeline::JobResult> run();
  // What is not as it must be after a success; empty where all is.
  std::string wrong();

 private:
  std::string database() const;
  pipeline::Connections connections();

  FaultLab& lab_;
  const std::string id_;
  const int destination_;
  const IngestChoice ingest_;
  fakes::FaultyWay way_;
  fakes::SignInElsewhere elsewhere_;
  std::shared_ptr<kusto::Identities> identities_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Ear> ear_;
  std::unique_ptr<pipeline::Runner> runner_;
};

}  // namespace kc::faults
