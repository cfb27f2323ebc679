// A SELECT that reads Parquet files as a table's columns, by the documented conversions: what the
// matrix does not allow (text to guid, integers to timespan) becomes null, as it would at a
// cluster. Used by ingestion. Thread promise: safe from any thread.
#pragma once

#include <string>
#include <vector>

#include "core/engine/formats/text_reader.h"
#include "core/engine/storage/duck.h"

namespace kc::engine {

// What to read; the addresses are what the command called them, for those who ask for them.
struct ParquetFiles {
  ParquetFiles(std::vector<std::string> files, std::vector<std::string> names = {})
      : paths(std::move(files)), addresses(std::move(names)) {}
  std::vector<std::string> paths;
  std::vector<std::string> addresses;
};

// Columns c0, c1, … in the order of `columns`; mappings address a field, or a member inside one, by
// `path`. `limits`: see TextInput.
Result<std::string> parquet_select(Duck& duck, const ParquetFiles& files,
                                   const std::vector<Column>& columns,
                                   const std::vector<FieldMapping>& mappings,
                                   const std::vector<std::size_t>& limits = {});

}  // namespace kc::engine
