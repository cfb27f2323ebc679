#include "core/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "core/base/guarded.h"
#include "core/store/migrate.h"
#include "core/store/mirror.h"
#include "core/store/sealed_spec.h"
#include "core/store/spec_text.h"
#include "core/store/sqlite.h"

namespace kc::store {

namespace {

constexpr std::int64_t kPageBytes = 4096;
constexpr std::int64_t kCheckedPagesMax = 8192;  // a larger file is not read through at start

Failure corrupt(const std::string& what) {
  return fail(ErrorKind::corrupt, "store.corrupt",
              "the database holds " + what + " that cannot be read");
}

// A definition that cannot be opened is shown without what is sealed in it, and says why.
Result<void> read_spec(const std::string& text, const std::string& id, const Sealer& sealer,
                       JobRow& job) {
  auto opened = open_spec(text, id, sealer);
  if (!opened) {
    const Error& error = opened.error();
    if (error.code == "store.corrupt") return fail(error);
    job.locked =
        Problem{.code = error.code,
                .detail = "the connection strings of this job cannot be opened: " + error.message,
                .fix =
                    "start the service with the key file that sealed them (--secret-key-file), or "
                    "submit the job again with its id: it goes on where its lake has it",
                .retryable = false};
    opened = mask_spec(text);
    if (!opened) return fail(std::move(opened).error());
  }
  KC_TRY(job.spec, spec_from_text(*opened));
  return {};
}

Result<JobRow> read_job(const Statement& row, const Sealer& sealer) {
  JobRow job;
  KC_CHECK_OK(read_spec(row.text(2), row.text(0), sealer, job));
  if (!row.is_null(1)) {
    const auto uid = Uuid::parse(row.text(1));
    if (!uid) return corrupt("a job's uid");
    job.uid = *uid;
  }
  const auto state = parse_job_state(row.text(3));
  if (!state) return corrupt("a job's state");
  job.state = *state;
  job.cancel_wished = !row.is_null(4);
  if (!row.is_null(5)) {
    KC_TRY(job.problem, problem_from_text(row.text(5)));
  }
  job.revision = static_cast<std::uint64_t>(row.integer(6));
  job.created_at = {row.integer(7)};
  if (!row.is_null(8)) job.ended_at = Ticks{row.integer(8)};
  return job;
}

Result<std::vector<JobRow>> read_jobs(Statement rows, const Sealer& sealer) {
  std::vector<JobRow> jobs;
  while (true) {
    KC_TRY(const bool more, rows.next());
    if (!more) return jobs;
    KC_TRY(auto job, read_job(rows, sealer));
    jobs.push_back(std::move(job));
  }
}

std::optional<Problem> read_problem(const Statement& row, int code) {
  if (row.is_null(code)) return std::nullopt;
  return Problem{
      .code = row.text(code), .detail = row.text(code + 1), .fix = {}, .retryable = false};
}

std::optional<std::string> text_of(const std::optional<Uuid>& uid) {
  return uid ? std::optional(uid->text()) : std::nullopt;
}

Result<void> add_event(Connection& connection, std::string_view job, Ticks at,
                       std::string_view type, std::string_view detail) {
  return connection.query("insert into event (job, at, type, detail) values (?,?,?,?)")
      .bind(job)
      .bind(at.value)
      .bind(type)
      .bind(detail)
      .done();
}

Failure no_job(std::string_view id) {
  return fail(ErrorKind::not_found, "job.not_found",
              "no job '" + std::string(id) + "' is known here");
}

// No job with this id is there any more, or it is one that can be opened.
Result<void> make_way(Connection& connection, const std::string& id, const Sealer& sealer) {
  std::string spec;
  {
    auto row = std::move(connection.query("select spec from job where id = ?").bind(id));
    KC_TRY(const bool exists, row.next());
    if (!exists) return {};
    spec = row.text(0);
  }
  const auto opened = open_spec(spec, id, sealer);
  if (opened || opened.error().code == "store.corrupt")
    return fail(ErrorKind::conflict, "job.exists", "a job '" + id + "' exists already");
  return connection.query("delete from job where id = ?").bind(id).done();
}

// The database tells who copies what to where: it is its owner's alone. What SQLite makes beside it
// takes the same mode.
Result<void> make_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return fail(ErrorKind::unavailable, "store.unreachable",
                "the database " + path + " cannot be opened or made");
  }
  ::close(file);
  return {};
}

}  // namespace

struct Store::State {
  State(StoreOptions chosen, Sealer key) : options(std::move(chosen)), sealer(std::move(key)) {}

  const StoreOptions options;
  const Sealer sealer;
  mutable std::mutex writing;
  std::unique_ptr<Connection> writer;
  Mirror mirror;
  mutable Guarded<std::vector<std::unique_ptr<Connection>>> idle_readers;

  bool in_memory() const { return options.path == ":memory:"; }

  template <class Work>
  auto write(Work work) {
    std::lock_guard lock(writing);
    return work(*writer);
  }

  // A database in memory has one connection, and readers take their turn with the writers.
  template <class Work>
  auto read(Work work) const -> decltype(work(*writer)) {
    if (in_memory()) {
      std::lock_guard lock(writing);
      return work(*writer);
    }
    auto reader = idle_readers.with([](auto& idle) {
      std::unique_ptr<Connection> taken;
      if (!idle.empty()) {
        taken = std::move(idle.back());
        idle.pop_back();
      }
      return taken;
    });
    if (reader == nullptr) {
      KC_TRY(reader, Connection::open(options.path, Connection::Mode::read));
    }
    auto result = work(*reader);
    idle_readers.with([&](auto& idle) {
      if (idle.size() < static_cast<std::size_t>(options.readers))
        idle.push_back(std::move(reader));
    });
    return result;
  }
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
  const auto path = options.path;
  const auto key = [&]() -> Result<Sealer> {
    if (path == ":memory:") return Sealer::of_process();
    KC_CHECK_OK(make_private(path));
    return Sealer::of_file(options.key_file.empty() ? path + ".key" : options.key_file);
  };
  auto sealer = key();
  if (!sealer) return fail(std::move(sealer).error().in("opening the database " + path));
  auto state = std::make_unique<State>(std::move(options), std::move(*sealer));
  const auto prepare = [&]() -> Result<void> {
    KC_TRY(state->writer, Connection::open(path, Connection::Mode::write));
    auto& writer = *state->writer;
    KC_CHECK_OK(writer.run("pragma foreign_keys = on; pragma synchronous = full"));
    // What was deleted is written over, too.
    KC_CHECK_OK(writer.run("pragma secure_delete = on"));
    KC_CHECK_OK(writer.run("pragma journal_mode = wal"));
    KC_CHECK_OK(writer.run("pragma wal_autocheckpoint = " +
                           std::to_string(state->options.wal_bytes_max / kPageBytes)));
    KC_TRY(const auto pages, writer.number("pragma page_count"));
    if (pages > 0 && pages <= kCheckedPagesMax) {
      auto check = writer.query("pragma quick_check(1)");
      KC_TRY(const bool answered, check.next());
      if (answered && check.text(0) != "ok") return fail(sqlite_error(nullptr, SQLITE_CORRUPT));
    }
    KC_CHECK_OK(migrate(writer, path, migrations()));
    return seal_plain_rows(writer, path, state->sealer);
  };
  if (auto ready = prepare(); !ready)
    return fail(std::move(ready).error().in("opening the database " + path));
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<void> Store::add_job(const JobRow& job, const std::optional<KeyRow>& key) {
  return state_->write([&](Connection& connection) {
    return connection.transaction([&]() -> Result<void> {
      KC_CHECK_OK(make_way(connection, job.spec.id, state_->sealer));
      KC_TRY(const auto sealed, seal_spec(to_text(job.spec), job.spec.id, state_->sealer));
      KC_CHECK_OK(connection
                      .query("insert into job (id, uid, spec, secrets, state, revision, "
                             "created_at) values (?,?,?,'sealed',?,?,?)")
                      .bind(job.spec.id)
                      .bind(text_of(job.uid))
                      .bind(sealed)
                      .bind(to_string(job.state))
                      .bind(job.revision)
                      .bind(job.created_at.value)
                      .done());
      KC_CHECK_OK(
          add_event(connection, job.spec.id, job.created_at, "job.state", to_string(job.state)));
      if (!key) return {};
      auto same_key =
          std::move(connection.query("select 1 from idempotency where key = ?").bind(key->key));
      KC_TRY(const bool used, same_key.next());
      if (used)
        return fail(ErrorKind::conflict, "idempotency.key_reused",
                    "this Idempotency-Key was used before");
      return connection
          .query(
              "insert into idempotency (key, fingerprint, job, answer, created_at) values "
              "(?,?,?,?,?)")
          .bind(key->key)
          .bind(key->fingerprint)
          .bind(job.spec.id)
          .bind(key->answer)
          .bind(job.created_at.value)
          .done();
    });
  });
}

Result<std::optional<JobRow>> Store::job(std::string_view id) const {
  return state_->read([&](Connection& connection) -> Result<std::optional<JobRow>> {
    auto row = std::move(connection
                             .query("select id, uid, spec, state, wish, problem, revision, "
                                    "created_at, ended_at from job where id = ?")
                             .bind(id));
    KC_TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    KC_TRY(auto job, read_job(row, state_->sealer));
    return job;
  });
}

Result<std::vector<JobRow>> Store::jobs(const JobQuery& query) const {
  // The states as one JSON array: the statement stays the same for any number of them.
  std::string states = "[";
  for (const auto state : query.states)
    states += (states.size() > 1 ? ",\"" : "\"") + std::string(to_string(state)) + "\"";
  states += "]";
  const auto after = query.after.value_or(JobQuery::After{kTicksMax, std::string(1, '\x7f')});
  return state_->read([&](Connection& connection) {
    return read_jobs(std::move(connection
                                   .query("select id, uid, spec, state, wish, problem, revision, "
                                          "created_at, ended_at from job"
                                          " where (created_at, id) < (?, ?) and (? = '[]' or state "
                                          "in (select value from json_each(?)))"
                                          " order by created_at desc, id desc limit ?")
                                   .bind(after.created_at.value)
                                   .bind(after.id)
                                   .bind(states)
                                   .bind(states)
                                   .bind(query.limit)),
                     state_->sealer);
  });
}

Result<std::vector<JobRow>> Store::unfinished_jobs() const {
  return state_->read([&](Connection& connection) {
    return read_jobs(
        connection.query(
            "select id, uid, spec, state, wish, problem, revision, created_at, ended_at from job"
            " where ended_at is null order by created_at, id"),
        state_->sealer);
  });
}

Result<void> Store::set_uid(std::string_view id, const Uuid& uid) {
  return state_->write([&](Connection& connection) {
    return connection.query("update job set uid = ? where id = ?").bind(uid.text()).bind(id).done();
  });
}

Result<void> Store::set_state(std::string_view id, JobState state, std::uint64_t revision,
                              Ticks at) {
  return state_->write([&](Connection& connection) {
    return connection.transaction([&]() -> Result<void> {
      KC_CHECK_OK(
          connection
              .query("update job set state = case when wish is null then ? else 'canceling' end,"
                     " revision = ?, ended_at = null, problem = null, progress = null where id = ?")
              .bind(to_string(state))
              .bind(revision)
              .bind(id)
              .done());
      if (connection.rows_changed() == 0) return no_job(id);
      return add_event(connection, id, at, "job.state", to_string(state));
    });
  });
}

Result<void> Store::wish_cancel(std::string_view id, Ticks at) {
  return state_->write([&](Connection& connection) {
    return connection.transaction([&]() -> Result<void> {
      KC_CHECK_OK(connection
                      .query("update job set wish = 'cancel', state = 'canceling' where id = ? and "
                             "ended_at is null")
                      .bind(id)
                      .done());
      if (connection.rows_changed() == 0) return no_job(id);
      return add_event(connection, id, at, "job.wish", "cancel");
    });
  });
}

Result<void> Store::end_job(std::string_view id, const Ending& ending) {
  return state_->write([&](Connection& connection) {
    auto ended = connection.transaction([&]() -> Result<void> {
      KC_CHECK_OK(connection
                      .query("update job set state = ?, problem = ?, ended_at = ?, progress = ?, "
                             "revision = ? where id = ?")
                      .bind(to_string(ending.state))
                      .bind(ending.problem ? std::optional(to_text(*ending.problem)) : std::nullopt)
                      .bind(ending.at.value)
                      .bind(ending.progress)
                      .bind(ending.revision)
                      .bind(id)
                      .done());
      if (connection.rows_changed() == 0) return no_job(id);
      return add_event(connection, id, ending.at, "job.state", to_string(ending.state));
    });
    if (ended) state_->mirror.release(std::string(id));
    return ended;
  });
}

Result<std::optional<std::string>> Store::last_progress(std::string_view id) const {
  return state_->read([&](Connection& connection) -> Result<std::optional<std::string>> {
    auto row =
        std::move(connection.query("select progress from job where id = ? and progress is not null")
                      .bind(id));
    KC_TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    return row.text(0);
  });
}

Result<std::vector<Event>> Store::events(std::string_view id, std::int64_t after,
                                         std::size_t limit) const {
  return state_->read([&](Connection& connection) -> Result<std::vector<Event>> {
    auto rows = std::move(connection
                              .query("select id, at, type, detail from event where job = ? and id "
                                     "> ? order by id limit ?")
                              .bind(id)
                              .bind(after)
                              .bind(limit));
    std::vector<Event> events;
    while (true) {
      KC_TRY(const bool more, rows.next());
      if (!more) return events;
      events.push_back({rows.integer(0), {rows.integer(1)}, rows.text(2), rows.text(3)});
    }
  });
}

Result<std::optional<KeyRow>> Store::key(std::string_view key) const {
  return state_->read([&](Connection& connection) -> Result<std::optional<KeyRow>> {
    auto row =
        std::move(connection.query("select fingerprint, job, answer from idempotency where key = ?")
                      .bind(key));
    KC_TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    KeyRow read{.key = std::string(key),
                .fingerprint = row.text(0),
                .job = row.text(1),
                .answer = std::nullopt};
    if (!row.is_null(2)) read.answer = row.text(2);
    return read;
  });
}

Result<void> Store::set_answer(std::string_view key, std::string_view answer) {
  return state_->write([&](Connection& connection) {
    return connection.query("update idempotency set answer = ? where key = ?")
        .bind(answer)
        .bind(key)
        .done();
  });
}

Result<std::size_t> Store::drop_keys_before(Ticks at) {
  return state_->write([&](Connection& connection) -> Result<std::size_t> {
    KC_CHECK_OK(
        connection.query("delete from idempotency where created_at < ?").bind(at.value).done());
    return static_cast<std::size_t>(connection.rows_changed());
  });
}

Result<void> Store::apply(std::string_view job, std::uint64_t seq,
                          const std::vector<Record>& records) {
  return state_->write([&](Connection& connection) -> Result<void> {
    auto known = std::move(connection.query("select 1 from job where id = ?").bind(job));
    KC_TRY(const bool found, known.next());
    if (!found) return no_job(job);
    return state_->mirror.apply(connection, std::string(job), seq, records);
  });
}

Result<void> Store::forget_progress(std::string_view job) {
  return state_->write(
      [&](Connection& connection) { return state_->mirror.forget(connection, std::string(job)); });
}

Result<std::optional<MirrorPosition>> Store::position(std::string_view job) const {
  return state_->read([&](Connection& connection) -> Result<std::optional<MirrorPosition>> {
    auto row =
        std::move(connection.query("select seq, epoch from mirror_job where job = ?").bind(job));
    KC_TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    return MirrorPosition{static_cast<std::uint64_t>(row.integer(0)),
                          static_cast<std::uint64_t>(row.integer(1))};
  });
}

Result<std::optional<MirrorCounts>> Store::counts(std::string_view job) const {
  return state_->read([&](Connection& connection) -> Result<std::optional<MirrorCounts>> {
    auto row = std::move(connection
                             .query("select tables, tables_done, rows_done, blocks_done, retried, "
                                    "lake_bytes from mirror_job where job = ?")
                             .bind(job));
    KC_TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    return MirrorCounts{row.integer(0), row.integer(1), row.integer(2),
                        row.integer(3), row.integer(4), row.integer(5)};
  });
}

Result<std::vector<MirrorTable>> Store::tables(std::string_view job) const {
  return state_->read([&](Connection& connection) -> Result<std::vector<MirrorTable>> {
    auto rows = std::move(connection
                              .query("select name, state, plan_done, rows_planned, blocks_planned, "
                                     "rows_finished, blocks_finished,"
                                     " blocks_live, blocks_failed, problem_code, problem_detail "
                                     "from mirror_table where job = ? order by name")
                              .bind(job));
    std::vector<MirrorTable> tables;
    while (true) {
      KC_TRY(const bool more, rows.next());
      if (!more) return tables;
      MirrorTable table{.name = {rows.text(0)},
                        .plan_done = rows.integer(2) != 0,
                        .rows_planned = rows.integer(3),
                        .blocks_planned = rows.integer(4),
                        .rows_finished = rows.integer(5),
                        .blocks_finished = rows.integer(6),
                        .blocks_live = rows.integer(7),
                        .blocks_failed = rows.integer(8),
                        .problem = read_problem(rows, 9)};
      constexpr std::array kStates{TableState::waiting, TableState::running, TableState::done,
                                   TableState::failed};
      const auto state = std::find_if(kStates.begin(), kStates.end(),
                                      [&](auto s) { return to_string(s) == rows.text(1); });
      if (state == kStates.end()) return corrupt("a table's state");
      table.state = *state;
      tables.push_back(std::move(table));
    }
  });
}

Result<std::vector<MirrorBlock>> Store::blocks(std::string_view job,
                                               std::optional<BlockState> state,
                                               std::size_t limit) const {
  return state_->read([&](Connection& connection) -> Result<std::vector<MirrorBlock>> {
    const auto word = state ? std::optional(to_string(*state)) : std::nullopt;
    auto rows = std::move(connection
                              .query("select id, table_name, iteration, state, rows, "
                                     "export_attempt, ingest_attempt, failures, problem_code,"
                                     " problem_detail from mirror_block where job = ? and (? is "
                                     "null or state = ?) order by id limit ?")
                              .bind(job)
                              .bind(word)
                              .bind(word)
                              .bind(limit));
    std::vector<MirrorBlock> blocks;
    while (true) {
      KC_TRY(const bool more, rows.next());
      if (!more) return blocks;
      const auto read = parse_block_state(rows.text(3));
      if (!read) return corrupt("a block's state");
      blocks.push_back({.id = rows.integer(0),
                        .table = {rows.text(1)},
                        .iteration = rows.integer(2),
                        .state = *read,
                        .rows = rows.integer(4),
                        .export_attempt = static_cast<int>(rows.integer(5)),
                        .ingest_attempt = static_cast<int>(rows.integer(6)),
                        .failures = static_cast<int>(rows.integer(7)),
                        .problem = read_problem(rows, 8)});
    }
  });
}

Result<void> Store::check() const {
  return state_->write([](Connection& connection) -> Result<void> {
    // Taking the write lock and giving it back: fails on a read-only or vanished file.
    KC_CHECK_OK(connection.run("begin immediate"));
    return connection.run("rollback");
  });
}

}  // namespace kc::store
