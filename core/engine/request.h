// What a caller may say about one request besides its text: identity, limits, time, cursors, the
// shape of the answer. The client request properties of the protocol, and the `set` statements of a
// query, become this. Used by the engine's face, by queries and by commands. Thread promise:
// values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/engine/results/table.h"

namespace kc::engine {

inline constexpr std::int64_t kTruncationRecords = 500'000;
inline constexpr std::int64_t kTruncationBytes = 64 << 20;
inline constexpr Timespan kQueryTimeout = Timespan::seconds(4 * 60);
inline constexpr Timespan kTimeoutMax = Timespan::seconds(60 * 60);

// How a failure that shows while the rows are on their way is told.
enum class ErrorPlacement { in_data, end_of_table, end_of_dataset };

struct RequestOptions {
  std::string client_request_id;
  std::string application, user;  // for traces only; `user` is what the caller says of itself
  std::string token;              // as sent with `Authorization: Bearer`; empty without one
  Uuid activity;                  // nil: the engine makes one
  bool read_only = false;

  Timespan timeout = kQueryTimeout;
  bool no_timeout = false;  // the longest there is
  bool notruncation = false;
  bool truncation_given = false;  // a limit was: `notruncation` no longer counts
  std::int64_t truncation_records = kTruncationRecords;
  std::int64_t truncation_bytes = kTruncationBytes;
  std::optional<std::int64_t> take_records;  // each result ends there, without an error

  std::optional<std::int64_t> query_now;             // ticks
  std::optional<std::int64_t> query_cursor_current;  // what cursor_current() gives
  // What the two predicates take where they are called without an argument; an empty text stands
  // for the beginning of time.
  std::optional<std::string> cursor_after_default, cursor_before_or_at_default;
  bool cursor_disabled = false;

  bool schema_only = false;  // the columns of each result instead of its rows
  bool external_data_disabled = false;
  bool block_row_level_security = false;  // a table that has it fails the query
  bool force_row_level_security = false;  // applied even where it is disabled
  bool best_effort = false;               // a union passes over tables that are not there

  bool progressive = false;
  bool fragment_primary_tables = false;
  bool newlines_between_frames = false;
  bool defer_partial_failures = false;
  ErrorPlacement error_placement = ErrorPlacement::in_data;

  bool truncates() const { return truncation_given || !notruncation; }

  // For `declare query_parameters`: a string as it is, everything else as its KQL literal's text.
  std::map<std::string, std::string, std::less<>> parameters;
};

// Where an option comes from: some count only beside the text, never in it.
enum class OptionSource { request_properties, set_statement };

// Takes one option over by name. What the engine has no use for is passed over, as the service
// does; one that it knows but cannot honour, or whose value is of the wrong type, is kind invalid,
// service code General_BadRequest, and nothing has changed.
Result<void> set_option(RequestOptions& options, std::string_view name, const Value& value,
                        OptionSource source);

}  // namespace kc::engine
