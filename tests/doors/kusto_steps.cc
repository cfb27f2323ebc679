// The steps that the tests of the Kusto door are made of.
#include <chrono>
#include <thread>

#include "tests/doors/kusto_suite.h"

namespace kc::doors {

using namespace kusto;

namespace {

const DatabaseName kDb{kSuiteDatabase};
constexpr auto kPatience = std::chrono::seconds(60);

Uuid some_id() { return *Uuid::parse("01234567-89ab-4def-8123-456789abcdef"); }

}  // namespace

std::vector<Uuid> ids_of(const std::vector<Extent>& all) {
  std::vector<Uuid> ids;
  for (const Extent& one : all) ids.push_back(one.id);
  return ids;
}

std::vector<Column> suite_columns() {
  return {{"Value", ScalarType::long_}, {"It's a \"Text\"", ScalarType::string_}};
}

std::string suite_text(std::int64_t value) {
  return "row " + std::to_string(value) + ", its \"text\"";
}

// ---- Steps

Result<Answer> KustoSuite::run(Command command) {
  return subject_->kusto().run(command, {.request_id = "KustoCopy.suite;" + some_id().text()});
}

ErrorKind KustoSuite::error_kind(Command command) {
  const auto answer = run(std::move(command));
  if (!answer) return answer.error().kind;
  ADD_FAILURE() << "a command succeeded that must not";
  return ErrorKind::corrupt;
}

void KustoSuite::create(const std::string& table) {
  must<Done>(Write{CreateTable{kDb, {table}, {suite_columns(), "", ""}}});
}

void KustoSuite::create_staging(const std::string& table, bool queued) {
  must<Done>(Write{CreateStaging{kDb, {table}, suite_columns()}});
  must<Done>(Write{SetStagingPolicies{kDb, {table}, *parse_datetime("2090-01-01"), queued}});
}

Cursor KustoSuite::cursor() { return must<Cursor>(Read{ReadCursor{kDb}}); }

RowSet KustoSuite::rows(const std::string& table, const Cursor& after) {
  return {
      .table = {table}, .after = after, .before_or_at = cursor(), .hash_columns = suite_columns()};
}

std::int64_t KustoSuite::count(const RowSet& rows) {
  return must<RowCount>(Read{ReadCount{kDb, rows}}).rows;
}

std::int64_t KustoSuite::table_count(const std::string& table) {
  return must<RowCount>(Read{ReadTableCount{kDb, {table}}}).rows;
}

Digest KustoSuite::digest(const std::string& table) {
  return must<Digest>(Read{ReadDigest{kDb, {table}, suite_columns()}});
}

std::vector<Extent> KustoSuite::extents(const std::vector<std::string>& tables,
                                        std::optional<std::string> tag) {
  ReadExtents what{kDb, {}, std::move(tag)};
  for (const std::string& one : tables) what.tables.push_back({one});
  return must<ExtentList>(Read{what}).extents;
}

// Operations end on the cluster's own workers: there is no signal to wait for, only the question to
// ask again.
Operation KustoSuite::wait_for(const Uuid& operation, const Read& reading) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    subject_->settle();
    const auto list = must<OperationList>(reading);
    if (list.operations.size() != 1) break;
    if (list.operations[0].outcome != OperationOutcome::running) return list.operations[0];
    std::this_thread::yield();
  }
  ADD_FAILURE() << "operation " << operation.text() << " is unknown, or has no end";
  return {};
}

Operation KustoSuite::wait(const Uuid& operation) {
  return wait_for(operation, ReadOperations{{operation}});
}

Operation KustoSuite::wait_queued(const Uuid& attempt, std::int64_t blobs) {
  return wait_for(attempt, ReadQueuedIngestions{{{.attempt = attempt, .blobs = blobs}}});
}

std::vector<ExportedBlob> KustoSuite::export_rows(const RowSet& rows, ExportFormat format,
                                                  const std::string& folder) {
  const auto started = must<StartedOperation>(
      Write{StartExport{kDb, rows, suite_columns(), format, subject_->open_folder(folder)}});
  const Operation ended = wait(started.id);
  EXPECT_EQ(ended.outcome, OperationOutcome::completed) << ended.state << ": " << ended.status;
  return must<ExportDetails>(Read{ReadExportDetails{started.id}}).blobs;
}

void KustoSuite::stage(const std::vector<ExportedBlob>& blobs, ExportFormat format,
                       const std::string& table, const std::string& tag) {
  StartIngest what{kDb, {table}, {}, format, suite_columns(), tag};
  for (const ExportedBlob& blob : blobs) what.blob_uris.push_back(subject_->read_uri(blob.path));
  const Operation ended = wait(must<StartedOperation>(Write{what}).id);
  EXPECT_EQ(ended.outcome, OperationOutcome::completed) << ended.state << ": " << ended.status;
}

std::vector<Uuid> KustoSuite::staged(const std::string& from, const std::string& staging,
                                     const std::string& tag) {
  const auto blobs = export_rows(rows(from), ExportFormat::csv, "e1");
  stage(blobs, ExportFormat::csv, staging, tag);
  return ids_of(extents({staging}, tag));
}

OperationOutcome KustoSuite::move(const std::vector<Uuid>& ids, const std::string& from,
                                  const std::string& to, bool new_time) {
  const auto started = ask<StartedOperation>(Write{StartMove{kDb, {from}, {to}, ids, new_time}});
  if (!started) return OperationOutcome::failed;
  return wait(started->id).outcome;
}

}  // namespace kc::doors
