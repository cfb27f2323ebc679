// The definitions of the sample tables: schema, rows, and a SELECT that computes them from a row
// number. Private to the samples. Thread promise: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/engine/samples/samples.h"

namespace kc::engine {

struct SampleTable {
  std::string name;
  std::string columns;  // as `.create table` takes them
  std::int64_t rows = 0;
  // Kusto columns in order, each computed in SQL from `i`, the row's number; physical types as
  // storage keeps them.
  std::vector<std::string> values;
  int ingestions = 3;
};

std::vector<SampleTable> sample_tables(const SampleOptions& options);
// Rows of AllTypes as CSV, for inline ingestion.
std::string all_types_csv();
std::string all_types_columns();

}  // namespace kc::engine
