// The tables of one request: resolves names for the translator to reads of extent files, leaving
// out the extents that the query's leading filters exclude, and keeps those files until the request
// is over. All tables are seen at one version of the catalogue. Thread promise: belongs to one
// request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/engine/host.h"
#include "core/engine/translate/translate.h"

namespace kc::engine {

class RequestBinder : public Binder {
 public:
  explicit RequestBinder(Session& session)
      : session_(session), now_(session.options.query_now.value_or(session.host.now())) {}

  Result<Relation> table(std::string_view database, std::string_view name,
                         const ScanHints& hints) override;
  Result<std::vector<std::string>> table_names(std::string_view database) override;
  std::int64_t now_ticks() override { return now_; }
  std::int64_t cursor_current() override;
  std::string current_database() override { return session_.database; }
  Result<std::optional<StoredFunction>> function(std::string_view database,
                                                 std::string_view name) override;
  std::string current_principal() override;
  std::optional<std::string> cursor_default(bool after) override {
    const auto& options = session_.options;
    return after ? options.cursor_after_default : options.cursor_before_or_at_default;
  }
  bool cursors_disabled() override { return session_.options.cursor_disabled; }
  std::optional<std::string> query_parameter(std::string_view name) override {
    const auto found = session_.options.parameters.find(name);
    if (found == session_.options.parameters.end()) return std::nullopt;
    return found->second;
  }

  // query/outside.cc
  Result<std::vector<std::optional<std::string>>> texts(const std::string& sql) override;
  Result<Relation> show_command(std::string_view where, const std::string& command) override;
  Result<Relation> external(const ExternalRead& read) override;
  bool is_own_cluster(std::string_view name) override;
  std::string cluster_name() override;

  // False where the catalogue changed between two tables: bind again.
  bool consistent() const { return consistent_; }

 private:
  void seen(std::int64_t version);
  Result<void> guard(CatalogueView& view, const DatabaseEntry& database,
                     const CatalogueTable& table, Relation& relation);

  Session& session_;
  std::int64_t now_;
  std::optional<std::int64_t> version_;
  bool consistent_ = true;
  std::vector<FilePins> pins_;
  std::vector<SourceRegistry::Handle> handles_;
  std::vector<Scratch> scratches_;  // copies of blobs that the query reads
};

// `(SELECT … UNION ALL SELECT …)` over the given extents of a table, with columns c0, c1, … and the
// hidden ones asked for.
std::string extents_sql(const TableSchema& schema, const std::vector<Extent>& extents,
                        const std::vector<std::vector<Column>>& shapes, const ExtentFiles& files,
                        const ScanHints& hints);

}  // namespace kc::engine
