// World: a whole copy in one thread: two simulated clusters, a simulated lake, and processes that
// run the same two cores as the product, with results in an order drawn from a seed, faults before
// and after every effect, and crashes. It checks the promises of the copy protocol (§8) as it goes
// and says the first one that broke. Thread promise: one thread; nothing is shared between worlds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/checkpoint/journal.h"
#include "core/cluster/cluster_core.h"
#include "core/model/ledger.h"
#include "core/pipeline/job_core.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_lake.h"

namespace kc::sim {

// One per promise of the copy protocol §8.
enum class Check { rows_exact, rows_explained, fenced, edges, nothing_left, ends };
constexpr int kChecks = 6;
std::string_view to_string(Check check);

// A core that is broken on purpose: what it does or believes is changed on its way out or in.
enum class Mutant {
  none,
  accepts_any_stage,      // takes a partial ingestion for the whole
  forgets_move_in_doubt,  // ingests again after a restart without asking where the first move left
                          // the rows
  moves_before_commit,    // sends the move together with its intent instead of after it
  ignores_fencing,        // goes on after another writer took the job
  skips_an_edge,          // leaves a state out of the journal
  percent_falls,          // publishes less than before
  forgets_folders,        // says that a folder is closed without closing it
  forgets_staging,        // says that a staging table is dropped without dropping it
  forgets_tags,           // says that tags are dropped without dropping them
  loses_a_grant,          // never hears of some slots
  forgets_exports,        // takes an export in doubt for one that has ended
  trusts_the_count,       // takes a queued ingestion for done before every blob is told to be
};

struct Odds {  // of one call or operation, while faults are on
  double request_lost = 0, answer_lost = 0, applied_late = 0, throttled = 0, partly = 0;
  double ending_bad = 0;  // an operation that does not simply complete
  double crash = 0;       // per event handled
  LakeFaults lake;
  double merge = 0;  // per operation that ends
};

// A fault at one named place instead of by chance: the scripted schedules.
struct Place {
  std::string
      what;  // a command's word ("move", "export", "ingest", "create-staging", …) or a record's
  int nth = 1;
};

struct WorldOptions {
  std::uint64_t seed = 1;
  Odds odds;
  int tables = 2;
  int rows_min = 0;   // per extent
  int rows_max = 40;  // per table
  int extents_max = 6;
  bool repeated_rows = false;
  std::int64_t block_rows_max = 8;
  std::int64_t plan_groups_max = 3;
  int slots = 3;
  int max_failures = 10;
  int resumes = 0;        // of a job that failed, before its failure is taken for its end
  int compact_every = 0;  // commits; 0: never
  bool closes_folders = true;
  Timespan grant_life = Timespan::seconds(3600);
  std::optional<Timespan> ends_within;  // from the first event to the last record
  bool second_writer = false;           // a takeover while the first writer lives
  bool cancel = false;
  bool retention = false;  // the source loses old rows while the job runs
  bool new_rows = true;    // the source gains rows while the job runs
  bool clock_steps = false;
  OnError on_error = OnError::continue_;
  IngestChoice ingest = IngestChoice::direct;
  bool queues = false;  // the destination has data management
  Mutant mutant = Mutant::none;
  bool trace = false;  // every effect to the standard error stream
  std::set<Check> checks = {Check::rows_exact, Check::rows_explained, Check::fenced,
                            Check::edges,      Check::nothing_left,   Check::ends};
  // Scripted faults. The delivery of the nth command of a kind, the ending of its operation, a
  // crash at the nth commit that holds a record.
  enum class Delivery { fine, request_lost, answer_lost, applied_late };
  std::map<std::pair<std::string, int>, Delivery> deliveries;
  std::map<std::pair<std::string, int>, Ending> endings;
  std::set<std::pair<std::string, int>> crash_before_commit, crash_after_commit;
  std::map<std::pair<std::string, int>, std::function<void(class World&)>>
      on_command;  // just before it is applied
};

// Draws the options of a random schedule: whole classes of faults on or off, sizes, slots.
WorldOptions draw_options(std::uint64_t seed);

struct Verdict {
  bool held = true;
  Check broken = Check::ends;
  std::string detail;
  JobState end = JobState::running;
  std::int64_t events = 0;
  int crashes = 0, takeovers = 0, faults = 0, resumes = 0;
  int scripted = 0;  // places of the script that were reached
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();
  Verdict run();

  // For scripted schedules and their tests.
  SimCluster& source() { return source_; }
  SimCluster& destination() { return destination_; }
  MemoryLake& lake() { return lake_; }
  const Ledger& truth() const { return truth_; }
  const std::vector<Row>& expected(const std::string& table);
  void start_second_writer();
  void drop_oldest(const std::string& table);  // the source's retention takes an extent
  void crash_now();  // the process that owns the job; another starts later
  void cancel_now();
  void at_later(Timespan delay, std::function<void()> work) { later(delay, std::move(work)); }
  Ticks now() const { return now_; }

 private:
  struct Process;
  struct Call {
    Side side = Side::source;
    kusto::Command command;
    bool reading = false;
    std::string word;
    Timespan deadline;
    std::string folder;  // given to an export
    Ticks grant_expiry;
    SlotKind kind = SlotKind::query;
  };

  void fill_source();
  void source_lives_on();
  void start_process();
  void open_process(std::shared_ptr<Process> process);
  void crash(Process& process, bool restart = true);
  void later(Timespan delay, std::function<void()> work);
  void for_process(const std::shared_ptr<Process>& process, Timespan delay,
                   std::function<void(Process&)> work);
  void handle(Process& process, pipeline::Event event);
  void trace_effect(int number, const pipeline::Effect& effect) const;
  void perform(Process& process, pipeline::Effect& effect);
  void commit(Process& process, std::vector<Record> records, bool again);
  void call(Process& process, CallId id, Call call);
  void dispatch(Process& process, CallId id);
  void send(Process& process, CallId id, const Call& call);
  Result<kusto::Answer> apply(const Call& call, bool partly);
  void operation_started(const Call& call, const Uuid& operation);
  void end_operation(SimCluster& cluster, Uuid operation, Ending ending);
  void compact(Process& process, std::uint64_t seq);
  void close_folder(Process& process, CallId id, const std::string& folder);
  void cluster_event(Process& process, Side side, cluster::Event event);
  void poll(Process& process, Side side, const kusto::Read& reading, bool queued);
  void ask_capacity(Process& process, Side side);
  SimCluster& at(Side side) { return side == Side::source ? source_ : destination_; }
  Timespan draw_delay(std::int64_t milliseconds_max);
  bool faults_on() const;
  void job_over(Process& process);

  // Checks
  void witness(const std::string& name, const std::string& bytes);
  std::string snapshot_covering(std::uint64_t seq);
  void check_effect(const Process& process, const kusto::Write& write);
  void check_rows(bool at_end);
  void check_explained();
  void check_end();
  static const Ledger& ledger_of(const Process& process);
  void broken(Check check, std::string detail);
  bool wants(Check check) const { return options_.checks.contains(check); }

  WorldOptions options_;
  Rng rng_;
  Ticks now_;
  Ticks faults_until_;
  SimBlobs blobs_;
  SimCluster source_, destination_;
  MemoryLake lake_;
  JobSpec spec_;
  Uuid uid_;
  std::multimap<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> queue_;
  std::shared_ptr<Process> process_;              // the one that should own the job
  std::vector<std::shared_ptr<Process>> others_;  // earlier ones that may still live
  int processes_ = 0;
  std::map<std::string, int> counted_;  // commands and records seen, for scripts
  Verdict verdict_;
  Ledger truth_;  // what the journal's files in the lake really say
  std::uint64_t truth_seq_ = 0;
  std::set<BlockId> moves_intended_;
  double percent_seen_ = 0;
  bool ended_ = false;
  struct Batch {
    std::int64_t cursor;
    std::vector<Row> rows;
  };
  std::map<std::string, std::vector<Batch>> batches_;  // what the source was given, by table
  std::map<std::string, std::vector<Row>> retired_;    // what its retention took
  std::map<std::string, std::vector<Row>> expected_;
  std::int64_t next_value_ = 1;
};

}  // namespace kc::sim
