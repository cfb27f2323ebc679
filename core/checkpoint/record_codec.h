// One journal record as one line of JSON, and back. Used by journal_file.cc, and by whoever shows
// records to people. Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/model/records.h"

namespace kc {

// Without a newline. Members are in the order of the struct's, `type` first; the same record gives
// the same bytes.
std::string encode_record(const Record& record);

// Strict: kind corrupt, code checkpoint.corrupt, for anything that encode_record would not have
// written, byte for byte: an unknown type, a missing or further member, a wrong type, a number out
// of range.
Result<Record> decode_record(std::string_view line);

}  // namespace kc
