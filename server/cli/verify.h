// Tables of two databases compared by row count and content digest, each computed by its own
// cluster. Used by verify and demo. Thread promise: pure functions over doors that are safe from
// any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/kusto/kusto.h"

namespace kc::server {

struct Comparison {
  std::string table;
  kusto::Digest source;
  std::optional<kusto::Digest> destination;  // absent: no such table
  bool equal() const { return destination && source == *destination; }
};

struct ComparisonWish {
  std::string source_db, destination_db;
  std::vector<std::string> include;  // empty: all tables of the source
  std::vector<std::string> exclude;
};

// Sorted by table. Kind not_found, code preflight.table_not_found, for an included table that the
// source does not have.
Result<std::vector<Comparison>> compare(kusto::Kusto& source, kusto::Kusto& destination,
                                        const ComparisonWish& wish);
bool all_equal(const std::vector<Comparison>& comparisons);
// A table for people, on standard output.
void print(const std::vector<Comparison>& comparisons);

}  // namespace kc::server
