#include "core/engine/engine.h"

#include <algorithm>
#include <thread>

#include "core/base/json.h"
#include "core/engine/commands/command.h"
#include "core/engine/commands/fated.h"
#include "core/engine/host.h"
#include "core/engine/query/run.h"
#include "core/engine/translate/functions.h"

namespace kc::engine {
namespace {

constexpr int kQueriesPerCore = 10;
constexpr int kOperationsPerCore = 2;
constexpr int kMerges = 1;
constexpr int kOtherWorkers = 4;  // for operations without a capacity of their own

int positive(int value, int standard) { return value > 0 ? value : standard; }

void set_defaults(EngineOptions& options) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.threads = positive(options.threads, cores);
  options.export_slots = positive(options.export_slots, kOperationsPerCore * cores);
  options.ingestion_slots = positive(options.ingestion_slots, kOperationsPerCore * cores);
  options.query_slots = positive(options.query_slots, kQueriesPerCore * cores);
}

void set_capacity(Host& host, const CapacityRule& rule) {
  host.exports.set_total(rule.exports.value_or(host.options.export_slots));
  host.ingestions.set_total(rule.ingestions.value_or(host.options.ingestion_slots));
  host.queries.set_total(rule.queries.value_or(host.options.query_slots));
  host.merges.set_total(rule.merges.value_or(kMerges));
}

// What a stopped process left: operations that will never end, files that nobody names; and a new
// place in the sequence of ids, so that the same seed does not give the same ids again.
Result<void> recover(Host& host) {
  std::int64_t openings = 0;
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_CHECK_OK(view.abandon_running_operations(
        "The engine stopped while the operation was running.", host.now()));
    KC_TRY(openings, view.counter("openings"));
    KC_CHECK_OK(view.set_counter("openings", ++openings));
    KC_TRY(const auto ingestion, view.counter("ingestion"));
    host.last_ingestion = ingestion;
    return {};
  });
  KC_CHECK_OK(checked);
  KC_TRY(const auto files, host.catalogue->read([](CatalogueView& view) { return view.files(); }));
  KC_TRY(const auto swept, host.files->sweep(files));
  (void)swept;
  const auto seed =
      host.options.seed * 0x9E3779B97F4A7C15ULL + static_cast<std::uint64_t>(openings);
  host.rng.with([&](Rng& rng) { rng = Rng(seed); });
  return {};
}

Result<void> start_execution(Host& host) {
  KC_TRY(host.duck, Duck::open({host.options.threads, host.options.memory_limit_bytes,
                                (host.options.data_folder / "spill").string()}));
  KC_TRY(auto lease, host.duck->connect());
  KC_CHECK_OK(register_functions(lease.get()));
  return host.sources.register_on(lease.get());
}

RequestRecord record_of(Session& session, std::string_view kind, const std::string& text) {
  auto& options = session.options;
  if (options.activity.is_nil()) options.activity = session.host.new_id();
  RequestRecord record;
  record.kind = kind;
  record.text = text;
  record.client_request_id = options.client_request_id;
  record.database = session.database;
  record.application = options.application;
  record.user = options.user;
  record.principal = principal_name(session);
  record.activity = options.activity;
  record.started = session.host.now();
  return record;
}

template <class T>
std::string failure_of(const Result<T>& result) {
  return result ? std::string() : result.error().message;
}

Result<DataSet> answer_query(Session& session, const std::string& text) {
  KC_TRY(const auto entry, database_of(session));
  return run_query(session, text);
}

// What only reads is not worth a line: pollers would push everything else out.
Result<RowTable> run_logged(Session& session, const std::string& text) {
  const auto* entry = command_entry(text);
  if (entry == nullptr || entry->reads) return run_command(session, text);
  auto request = session.host.requests.begin(record_of(session, entry->kind, text));
  auto rows = run_command(session, text);
  request.end(session.host.now(), failure_of(rows));
  return rows;
}

}  // namespace

std::int64_t Host::new_ingestion_time() {
  std::int64_t last = last_ingestion.load();
  for (;;) {
    const auto next = std::max(now(), last + 1);
    if (last_ingestion.compare_exchange_weak(last, next)) return next;
  }
}

void Host::look() {
  housekeeping->look();
  operations->look();
}

Fate Host::fate(std::string_view kind) {
  return faults.with([&](const EngineFaults& current) {
    return current.rules.empty()
               ? Fate{}
               : rng.with([&](Rng& generator) { return draw_fate(current, kind, generator); });
  });
}

Engine::Engine(std::unique_ptr<Host> host) : host_(std::move(host)) {}

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options) {
  set_defaults(options);
  auto host = std::make_unique<Host>();
  host->options = std::move(options);
  host->clock = std::make_shared<EngineClock>(
      host->options.clock ? host->options.clock : std::make_shared<SystemClock>());
  host->faults.with([&](EngineFaults& faults) { faults = host->options.faults; });
  set_capacity(*host, host->options.faults.capacity);
  const auto& folder = host->options.data_folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ErrorKind::unavailable, "engine.open",
                "creating " + folder.string() + ": " + error.message());
  // The catalogue first: its lock keeps another engine's scratch from being emptied here.
  KC_TRY(host->catalogue, Catalogue::open((folder / "catalogue.sqlite").string()));
  KC_CHECK_OK(ExtentFiles::prepare(folder));
  host->files = std::make_unique<ExtentFiles>(folder);
  KC_CHECK_OK(recover(*host));
  KC_CHECK_OK(start_execution(*host));
  const int workers = host->options.export_slots + host->options.ingestion_slots + kOtherWorkers;
  host->housekeeping = std::make_unique<Housekeeping>(*host);
  host->operations = std::make_unique<Operations>(*host, workers);
  auto* operations = host->operations.get();
  for (auto* capacity : {&host->exports, &host->ingestions, &host->merges})
    capacity->set_freed([operations] { operations->look(); });
  host->housekeeping->look();
  return std::unique_ptr<Engine>(new Engine(std::move(host)));
}

Engine::~Engine() { close(); }

void Engine::close() {
  if (host_->closed.exchange(true)) return;
  host_->duck->interrupt();
  host_->operations->stop();
}

Result<DataSet> Engine::query(const std::string& database, const std::string& text,
                              const RequestOptions& options) {
  if (host_->closed) return fail(ErrorKind::cancelled, "engine.closed", "the engine is closed");
  host_->look();
  const auto fate = host_->fate("Query");
  constexpr std::string_view kOrigin = "RequestRateLimitPolicy/WorkloadGroup/default";
  if (fate.throttle) return throttled("Query", host_->queries.total(), kOrigin);
  KC_TRY(const auto slot, host_->queries.take("Query", kOrigin));
  KC_CHECK_OK(suffer_before(*host_, "Query", fate));
  Session session{*host_, database, options};
  auto request = host_->requests.begin(record_of(session, "Query", text));
  session.cancellation = request.cancellation();
  auto answer = answer_query(session, text);
  request.end(host_->now(), failure_of(answer));
  KC_CHECK_OK(answer);
  return spoil_answer(std::move(*answer), "Query", fate);
}

Result<DataSet> Engine::command(const std::string& database, const std::string& text,
                                const RequestOptions& options) {
  if (host_->closed) return fail(ErrorKind::cancelled, "engine.closed", "the engine is closed");
  host_->look();
  Session session{*host_, database, options};
  if (session.options.activity.is_nil()) session.options.activity = host_->new_id();
  KC_TRY(const auto rows, run_logged(session, text));
  DataSet answer;
  answer.tables.push_back(encode(rows));
  return spoil_answer(std::move(answer), "the command", session.fate);
}

void Engine::set_faults(EngineFaults faults) {
  set_capacity(*host_, faults.capacity);
  host_->faults.with([&](EngineFaults& current) { current = std::move(faults); });
  host_->operations->look();
}

Ticks Engine::now() const { return host_->clock->now(); }

void Engine::advance_clock(Timespan by) {
  host_->clock->advance(by);
  host_->look();
  host_->operations->settle();
}

void Engine::step_clock(Timespan by) {
  host_->clock->step(by);
  host_->look();
}

std::string Engine::state() const {
  const auto counts = host_->operations->counts();
  const auto place = [](const Capacity& capacity) {
    return nlohmann::ordered_json{{"total", capacity.total()}, {"used", capacity.used()}};
  };
  return nlohmann::ordered_json{
      {"now", format_datetime(now())},
      {"capacity",
       {{"exports", place(host_->exports)},
        {"ingestions", place(host_->ingestions)},
        {"queries", place(host_->queries)},
        {"merges", place(host_->merges)}}},
      {"operations",
       {{"queued", counts.queued}, {"running", counts.running}, {"late", counts.late}}},
      {"backgroundMerges", host_->housekeeping->merges()}}
      .dump();
}

Uuid Engine::new_id() { return host_->new_id(); }
const EngineOptions& Engine::options() const { return host_->options; }

}  // namespace kc::engine
