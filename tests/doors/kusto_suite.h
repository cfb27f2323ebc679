// The contract of the Kusto door as tests, for every implementation of it: a test program lists
// kusto_suite.cc among its sources and instantiates KustoSuite with a maker of its KustoSubject.
// Thread promise: one thread.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/kusto/kusto.h"

namespace kc::doors {

// The columns of every table of the suite; a row is its value and a text made of it.
std::vector<Column> suite_columns();
std::string suite_text(std::int64_t value);
std::vector<Uuid> ids_of(const std::vector<kusto::Extent>& extents);
inline constexpr const char* kSuiteDatabase = "Samples";

// One fresh, empty cluster with an empty database kSuiteDatabase, and storage that it can reach.
class KustoSubject {
 public:
  virtual ~KustoSubject() = default;
  virtual kusto::Kusto& kusto() = 0;
  // One ingestion, of rows of these values, into a table that exists; it has an ingestion time of
  // its own.
  virtual void ingest(const std::string& table, const std::vector<std::int64_t>& values) = 0;
  // A folder that the cluster may write into, by the address that goes into an export; closing
  // removes its content and makes later writes fail.
  virtual std::string open_folder(const std::string& name) = 0;
  virtual void close_folder(const std::string& name) = 0;
  // The address under which the cluster can read what an export wrote to `path`.
  virtual std::string read_uri(const std::string& path) = 0;
  // Brings operations to their end where somebody has to; a cluster with its own workers does
  // nothing.
  virtual void settle() = 0;
  // While held, exports start and do not end. Asked by KustoSuite alone.
  virtual void hold_exports(bool) { KC_UNREACHABLE(); }
};

using MakeSubject = std::function<std::unique_ptr<KustoSubject>()>;

class KustoSuite : public testing::TestWithParam<MakeSubject> {
 protected:
  KustoSuite() : subject_(GetParam()()) {}

  Result<kusto::Answer> run(kusto::Command command);
  template <class T>
  Result<T> ask(kusto::Command command) {
    auto answer = run(std::move(command));
    if (!answer) return fail(answer.error());
    if (!std::holds_alternative<T>(*answer))
      return fail(ErrorKind::corrupt, "suite.answer", "an answer of another type");
    return std::get<T>(*answer);
  }
  // The answer; the test fails where there is none.
  template <class T>
  T must(kusto::Command command) {
    auto answer = ask<T>(std::move(command));
    if (answer) return *answer;
    ADD_FAILURE() << answer.error().code << ": " << answer.error().message;
    return T{};
  }
  ErrorKind error_kind(kusto::Command command);  // the test fails where there is no error

  void create(const std::string& table);
  void create_staging(const std::string& table, bool queued = false);
  Cursor cursor();
  kusto::RowSet rows(const std::string& table, const Cursor& after = {});  // up to now
  std::int64_t count(const kusto::RowSet& rows);
  std::int64_t table_count(const std::string& table);
  kusto::Digest digest(const std::string& table);
  std::vector<kusto::Extent> extents(const std::vector<std::string>& tables,
                                     std::optional<std::string> tag = {});
  kusto::Operation wait(const Uuid& operation);
  kusto::Operation wait_queued(const Uuid& attempt, std::int64_t blobs);
  // Export, ingest: the steps of a copy, each checked.
  std::vector<kusto::ExportedBlob> export_rows(const kusto::RowSet& rows, ExportFormat format,
                                               const std::string& folder);
  void stage(const std::vector<kusto::ExportedBlob>& blobs, ExportFormat format,
             const std::string& table, const std::string& tag);
  std::vector<Uuid> staged(const std::string& from, const std::string& staging,
                           const std::string& tag);
  kusto::OperationOutcome move(const std::vector<Uuid>& ids, const std::string& from,
                               const std::string& to, bool new_time = true);

  std::unique_ptr<KustoSubject> subject_;

 private:
  kusto::Operation wait_for(const Uuid& operation, const kusto::Read& reading);
};

// What a cluster with data management does beside: kusto_queued_suite.cc.
class KustoQueuedSuite : public KustoSuite {};

}  // namespace kc::doors
