// Update policies: what rows that come into a table make in other tables. The derived rows are
// written before the transaction that shows the source's rows and become visible in it. Used by
// ingestion and by moves of extents. Thread promise: one owner.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/engine/storage/extent_writer.h"

namespace kc::engine {

class DerivedRows {
 public:
  explicit DerivedRows(Host& host) : host_(host) {}

  // Whether a policy has the table as its source.
  Result<bool> any_for(const CatalogueTable& table);
  // Rows that are on their way into `table`, as extents whose files are in place, with the shape of
  // each. Runs the policies that have it as their source, and those that follow from them. A
  // transactional policy that fails is this call's error, service code UpdatePolicy_…; any other
  // leaves a failure of ingestion behind and no rows.
  Result<void> derive(const CatalogueTable& table, const std::vector<Extent>& extents,
                      const std::vector<std::vector<Column>>& shapes);
  // In the transaction: names the derived rows.
  Result<void> add(CatalogueView& view);
  void keep();  // after it

 private:
  struct Made {
    CatalogueTable table;
    std::vector<Extent> extents;
    std::unique_ptr<ExtentWriter> writer;
  };
  struct Rule;
  Result<std::vector<Rule>> rules_of(const CatalogueTable& source);
  Result<Made> run(const Rule& rule, const CatalogueTable& source,
                   const std::vector<Extent>& extents,
                   const std::vector<std::vector<Column>>& shapes);
  Result<void> follow(const Rule& rule, const CatalogueTable& source,
                      const std::vector<Extent>& extents,
                      const std::vector<std::vector<Column>>& shapes);
  void record(const Rule& rule, const Error& error);

  Host& host_;
  std::vector<Made> made_;
  int depth_ = 0;
};

}  // namespace kc::engine
