// Which of a database's tables a job copies, and in which format. Pure. Thread promise: functions
// of their arguments.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/job.h"
#include "core/model/schema.h"

namespace kc::plan {

// Include entries are exact names or globs (`*`, `?`); none means all; exclude entries apply after
// them. An include entry that matches no table is an error (kind not_found, code
// preflight.table_not_found), naming the nearest table. The result keeps the order of `tables`.
Result<std::vector<std::string>> select_tables(const JobSpec& spec,
                                               const std::vector<std::string>& tables);

// `auto`: Parquet where each column's type is documented to survive it exactly, else CSV. Parquet
// cuts a datetime at the microsecond and has no way back into timespan, guid and decimal (protocol
// reference §0, §2.5, §5.4).
ExportFormat choose_format(FormatChoice choice, const TableSchema& schema);

// The first reason why rows of `source` cannot be moved into a table of `destination`'s columns;
// empty if they can.
std::string column_conflict(const TableSchema& source, const TableSchema& destination);
// True where the destination lacks a column of the source.
bool lacks_columns(const TableSchema& source, const TableSchema& destination);

}  // namespace kc::plan
