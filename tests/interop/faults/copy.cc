#include "tests/interop/faults/copy.h"

#include <array>
#include <chrono>

#include "core/base/check.h"
#include "core/model/records.h"

namespace kc::faults {
namespace {

constexpr std::array kTables = {"Alpha", "Beta"};
constexpr auto kPatience = std::chrono::minutes(5);

std::vector<Column> columns() { return {{"Id", ScalarType::long_}, {"Text", ScalarType::string_}}; }

template <class T>
T need(Result<T> result) {
  KC_ASSERT(result.has_value(), result ? "" : result.error().message);
  return std::move(*result);
}

// Waits that are a second in the product are a millisecond here.
pipeline::RunnerOptions quick() {
  pipeline::RunnerOptions options;
  options.workers = 6;
  options.holder = "copies under faults";
  options.job.backoff_first = Timespan::milliseconds(2);
  options.job.backoff_max = Timespan::milliseconds(20);
  // What an export in doubt may write into is swept when its grant has ended.
  options.job.grant_life = Timespan::seconds(3);
  // A staging table whose creation is in doubt is dropped when its request has ended.
  options.job.create_deadline = Timespan::seconds(5);
  options.cluster.capacity_retry = Timespan::milliseconds(5);
  options.cluster.poll_first = Timespan::milliseconds(2);
  options.cluster.poll_max = Timespan::milliseconds(20);
  options.cluster.poll_retry = Timespan::milliseconds(5);
  options.cluster.throttle_recovery = Timespan::milliseconds(20);
  return options;
}

}  // namespace

void make_source(FaultLab& lab) {
  lab.must("NetDefaultDB", ".create database " + kSourceDatabase);
  for (const auto* table : kTables) {
    lab.must(kSourceDatabase, std::string(".create table ") + table + " (Id: long, Text: string)");
    for (int part = 0; part < 2; ++part) {
      std::string rows;
      for (int i = 0; i < 20; ++i)
        rows += std::to_string(part * 20 + i) + ",\"text " + std::to_string(i) + "\"\n";
      lab.must(kSourceDatabase, std::string(".ingest inline into table ") + table + " <|\n" + rows);
    }
  }
}

void Ear::on_progress(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  for (const auto& one : progress.problems) problems_.emplace(one.code, progress.status_reason);
  changed_.notify_all();
}

void Ear::on_committed(const std::string&, std::uint64_t, std::uint64_t,
                       const std::vector<Record>& records) {
  const std::lock_guard lock(mutex_);
  for (const Record& record : records) records_[std::string(type_word(record))] += 1;
  changed_.notify_all();
}

void Ear::on_end(const std::string&, const pipeline::JobResult& result) {
  const std::lock_guard lock(mutex_);
  end_ = result;
  changed_.notify_all();
}

std::optional<pipeline::JobResult> Ear::end() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return end_.has_value(); });
  return end_;
}

bool Ear::wait_for_record(const std::string& type) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return records_.contains(type); });
}

std::string Ear::status_at(const std::string& code) {
  const std::lock_guard lock(mutex_);
  const auto found = problems_.find(code);
  return found == problems_.end() ? std::string() : found->second;
}

Copy::Copy(FaultLab& lab, std::string id, int destination, IngestChoice ingest)
    : lab_(lab),
      id_(std::move(id)),
      destination_(destination),
      ingest_(ingest),
      way_(lab.curl()),
      elsewhere_(way_, lab.issuer().url()),
      log_(std::make_unique<Log>(
          Log::to(lab.clock(), {.level = Level::error}, [](std::string_view) {}))) {}

// What it has made goes with it: the next one has the destination for itself.
Copy::~Copy() {
  stop();
  for (const auto* table : kTables)
    lab_.must(database(), std::string(".drop table ") + table + " ifexists");
}

std::string Copy::database() const { return "Copied" + std::to_string(destination_); }

pipeline::Connections Copy::connections() {
  return {.open_lake = [this](const JobSpec& spec) -> Result<std::unique_ptr<Lake>> {
            return lab_.lake("copies/" + spec.id, elsewhere_);
          },
          .connect = [this](const std::string& text) -> Result<std::unique_ptr<kusto::Kusto>> {
            KC_TRY(const auto where, kusto::ConnectionString::parse(text));
            kusto::RestKustoOptions options;
            options.identities = identities_;
            return kusto::connect(where, elsewhere_, lab_.clock(), std::move(options));
          }};
}

void Copy::stop() {
  if (runner_) runner_->stop();
  runner_.reset();
}

void Copy::start() {
  stop();
  identities_ = lab_.new_identities(elsewhere_);
  ear_ = std::make_unique<Ear>();
  runner_ = std::make_unique<pipeline::Runner>(lab_.clock(), connections(), quick(), *ear_, *log_,
                                               Rng::from_entropy());
  pipeline::JobWish wish;
  wish.spec.id = id_;
  wish.spec.lake = "faults";
  wish.spec.source = lab_.connection(kSourceDatabase);
  wish.spec.destination = lab_.connection(database());
  wish.spec.db = kSourceDatabase;
  wish.spec.destination_db = database();
  wish.spec.block_rows_max = 20;
  wish.spec.ingest = ingest_;
  wish.resume_failed = true;
  KC_ASSERT(runner_->start(wish).has_value());
}

std::optional<pipeline::JobResult> Copy::run() {
  start();
  return ear_->end();
}

std::string Copy::wrong() {
  way_.disarm();
  std::string found;
  const auto source = need(connections().connect(lab_.connection(kSourceDatabase)));
  const auto digest = [&](const std::string& db, const std::string& table) {
    const auto answer = source->run(kusto::Read{kusto::ReadDigest{{db}, {table}, columns()}},
                                    {.request_id = "digest"});
    if (!answer) found += answer.error().message + "; ";
    return answer ? std::get<kusto::Digest>(*answer) : kusto::Digest{};
  };
  for (const auto* table : kTables) {
    const auto from = digest(kSourceDatabase, table), to = digest(database(), table);
    if (from.rows != 40) found += "the source has changed; ";
    if (from != to)
      found += std::string(table) + " differs: " + std::to_string(to.rows) + " rows; ";
    const auto extents = source->run(kusto::Read{kusto::ReadExtents{{database()}, {{table}}, {}}},
                                     {.request_id = "extents"});
    if (!extents) continue;
    for (const auto& extent : std::get<kusto::ExtentList>(*extents).extents) {
      if (!extent.tags.empty()) found += "a tag is left: " + extent.tags.front() + "; ";
    }
  }
  const auto tables = lab_.count(database(), ".show tables | count");
  if (tables != static_cast<std::int64_t>(kTables.size()))
    found += std::to_string(tables) + " tables at the destination; ";
  for (const auto& file : need(lab_.lake("copies/" + id_, elsewhere_)->list(""))) {
    if (!file.name.starts_with("checkpoint/")) found += "left in the lake: " + file.name + "; ";
  }
  return found;
}

}  // namespace kc::faults
