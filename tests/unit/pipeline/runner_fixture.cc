#include "tests/unit/pipeline/runner_fixture.h"

#include <algorithm>
#include <atomic>

#include "core/lake/forwarding_lake.h"

namespace kc::pipeline {
namespace {

RunnerOptions quick() {
  RunnerOptions options;
  options.workers = 4;
  options.holder = "test";
  options.job.backoff_first = Timespan::milliseconds(1);
  options.job.backoff_max = Timespan::milliseconds(4);
  options.job.plan_groups_max = 3;
  options.cluster.capacity_retry = Timespan::milliseconds(5);
  options.cluster.poll_first = Timespan::milliseconds(1);
  options.cluster.poll_max = Timespan::milliseconds(5);
  return options;
}

}  // namespace

class OutsideDoor final : public kusto::Kusto {
 public:
  OutsideDoor(Outside& outside, Side side) : outside_(outside), side_(side) {}
  Result<kusto::Answer> run(const kusto::Command& command,
                            const kusto::CallOptions& options) override {
    if (closed_) return fail(ErrorKind::cancelled, "kusto.closed", "the door was closed");
    return outside_.run(side_, command, options);
  }
  void close() override { closed_ = true; }
  std::string describe() const override { return "simulated"; }

 private:
  Outside& outside_;
  const Side side_;
  std::atomic<bool> closed_ = false;
};

Outside::Outside()
    : source_(blobs_, {.id_seed = 1, .name = "source"}),
      destination_(blobs_, {.id_seed = 2, .name = "destination"}) {
  destination_.create_database("db");
  const TableSchema schema{
      .columns = {{"value", ScalarType::long_}}, .folder = {}, .docstring = {}};
  for (const char* table : {"Alpha", "Beta", "Gamma"}) {
    source_.create_table("db", table, schema);
    for (int i = 0; i < 8; ++i) {
      source_.ingest_new_rows("db", table, 5);
      source_.advance(Timespan::seconds(1));
    }
  }
}

Result<kusto::Answer> Outside::run(Side side, const kusto::Command& command,
                                   const kusto::CallOptions& options) {
  const std::lock_guard lock(mutex_);
  calls_ += 1;
  if (unreachable_) return fail(ErrorKind::unavailable, "kusto.no_answer", "nobody answers");
  const auto* read = std::get_if<kusto::Read>(&command);
  if (silent_ && read != nullptr && std::holds_alternative<kusto::ReadOperations>(*read))
    return fail(ErrorKind::unavailable, "kusto.no_answer", "nobody tells");
  if (const auto* write = std::get_if<kusto::Write>(&command)) {
    if (const auto* start = std::get_if<kusto::StartExport>(write)) blobs_.open(start->folder_uri);
  }
  sim::SimCluster& cluster = side == Side::source ? source_ : destination_;
  auto answer = cluster.run(command, options);
  if (answer && std::holds_alternative<kusto::StartedOperation>(*answer)) {
    if (++started_ <= finished_at_once_max_)
      cluster.finish(std::get<kusto::StartedOperation>(*answer).id, sim::Ending::completed);
  }
  return answer;
}

void Outside::hold_after(int operations) {
  const std::lock_guard lock(mutex_);
  finished_at_once_max_ = started_ + operations;
}

void Outside::release() {
  const std::lock_guard lock(mutex_);
  finished_at_once_max_ = 1 << 30;
  source_.finish_all();
  destination_.finish_all();
}

void Outside::silent(bool value) {
  const std::lock_guard lock(mutex_);
  silent_ = value;
}

void Outside::unreachable(bool value) {
  const std::lock_guard lock(mutex_);
  unreachable_ = value;
}

int Outside::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::vector<sim::Row> Outside::source_rows(const std::string& table) const {
  const std::lock_guard lock(mutex_);
  return source_.rows_of("db", table);
}

std::vector<sim::Row> Outside::destination_rows(const std::string& table) const {
  const std::lock_guard lock(mutex_);
  return destination_.rows_of("db", table);
}

std::vector<std::string> Outside::staging_tables() const {
  const std::lock_guard lock(mutex_);
  return destination_.tables("db", "kc-stg-");
}

std::vector<std::string> Outside::tags() const {
  const std::lock_guard lock(mutex_);
  return destination_.tags("db");
}

MemoryLake& Outside::lake(const std::string& job) {
  const std::lock_guard lock(mutex_);
  auto& lake = lakes_[job];
  if (!lake) lake = std::make_unique<MemoryLake>();
  return *lake;
}

Connections Outside::connections() {
  return {.open_lake = [this](const JobSpec& spec) -> Result<std::unique_ptr<Lake>> {
            if (decorate) return decorate(lake(spec.id));
            // The lake itself stays with the test.
            return std::make_unique<ForwardingLake>(lake(spec.id));
          },
          .connect = [this](const std::string& address) -> Result<std::unique_ptr<kusto::Kusto>> {
            return std::make_unique<OutsideDoor>(
                *this, address == "source" ? Side::source : Side::destination);
          },
          .interrupt = interrupt};
}

void Heard::on_opened(const std::string&, const Uuid&) {
  const std::lock_guard lock(mutex_);
  opened_ += 1;
}

void Heard::on_progress(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  progress_ = progress;
  changed_.notify_all();
  if (!progress.percent) return;
  double& highest = percent_[progress.job];
  fell_by_ = std::max(fell_by_, highest - *progress.percent);
  highest = std::max(highest, *progress.percent);
}

void Heard::on_committed(const std::string&, std::uint64_t, std::uint64_t seq,
                         const std::vector<Record>& records) {
  const std::lock_guard lock(mutex_);
  sequence_.push_back(seq);
  for (const Record& record : records) records_[std::string(type_word(record))] += 1;
  changed_.notify_all();
}

void Heard::on_replayed(const std::string&, std::uint64_t, std::uint64_t,
                        const std::vector<Record>&) {}

void Heard::on_end(const std::string& job, const JobResult& result) {
  const std::lock_guard lock(mutex_);
  ends_.insert_or_assign(job, result);
  changed_.notify_all();
}

bool Heard::wait(const std::function<bool()>& there) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::minutes(1), there);
}

std::optional<JobResult> Heard::end_of(const std::string& job) {
  if (!wait([&] { return ends_.contains(job); })) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = ends_.extract(job);
  return found.mapped();
}

bool Heard::has_end_of(const std::string& job) const {
  const std::lock_guard lock(mutex_);
  return ends_.contains(job);
}

bool Heard::wait_for_record(const std::string& type) {
  return wait([&] { return records_.contains(type); });
}

std::optional<Progress> Heard::progress_that(const std::function<bool(const Progress&)>& is_such) {
  std::optional<Progress> such;
  wait([&] {
    if (progress_ && is_such(*progress_)) such = progress_;
    return such.has_value();
  });
  return such;
}

std::vector<std::uint64_t> Heard::sequence() const {
  const std::lock_guard lock(mutex_);
  return sequence_;
}

double Heard::percent_fell_by() const {
  const std::lock_guard lock(mutex_);
  return fell_by_;
}

int Heard::opened() const {
  const std::lock_guard lock(mutex_);
  return opened_;
}

ProcessOfOne::ProcessOfOne(Outside& outside)
    : log(Log::to(clock, {.level = Level::error}, [](std::string_view) {})),
      runner(clock, outside.connections(), quick(), heard, log, Rng(7)) {}

JobWish wish(const std::string& id) {
  JobWish wish;
  wish.spec.id = id;
  wish.spec.lake = "memory";
  wish.spec.source = "source";
  wish.spec.destination = "destination";
  wish.spec.db = "db";
  wish.spec.block_rows_max = 12;
  return wish;
}

}  // namespace kc::pipeline
