// The readers of text formats by kind, and what they share. Used by text_reader.cc only. Thread
// promise: see row_source.h.
#pragma once

#include <memory>
#include <string>

#include "core/engine/formats/byte_window.h"
#include "core/engine/formats/text_reader.h"

namespace kc::engine {

// Where a record comes from, for the transformations that tell it.
struct SourcePlace {
  std::string source;
  std::int64_t line = 1;
};

// A constant, or a transformation of the source's text; false: the plain field counts.
bool put_derived(duckdb_vector vector, idx_t row, ScalarType type, const FieldMapping& mapping,
                 std::string_view text, const SourcePlace& place, std::string& scratch);

Result<std::unique_ptr<PartReader>> csv_reader(const TextInput& input, ByteWindow window,
                                               SourcePlace place);
Result<std::unique_ptr<PartReader>> json_reader(const TextInput& input, ByteWindow window,
                                                SourcePlace place);
// `txt` and `raw`.
Result<std::unique_ptr<PartReader>> plain_reader(const TextInput& input, ByteWindow window,
                                                 SourcePlace place);

}  // namespace kc::engine
