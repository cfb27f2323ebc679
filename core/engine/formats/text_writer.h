// Writes the rows of a running query as CSV or JSON-lines files, formatted and compressed by
// several threads at once: zlib at level 1 is several times faster than DuckDB's own gzip. Files
// appear only in folders that exist, each made durable before it is reported. Used by export.
// Thread promise: one call per result.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/engine/storage/duck.h"
#include "core/model/schema.h"

namespace kc::engine {

struct Artifact {
  std::string path;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

struct TextExport {
  bool json = false;
  char separator = ',';
  bool compressed = false;
  bool headers_in_all = false, headers_in_first = false;  // CSV
  bool mark = false;                                      // a byte order mark
  std::int64_t size_limit = 100 << 20;                    // bytes before compression
  int threads = 1;
  std::vector<Column> columns;
  std::function<std::string(int ordinal)> path_of;  // called from one thread at a time
};

// All files, by ordinal; none where there are no rows. After an error, files may be left behind.
Result<std::vector<Artifact>> write_text(DuckResult& rows, const TextExport& options);

}  // namespace kc::engine
