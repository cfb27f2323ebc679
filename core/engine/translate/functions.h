// Scalar functions that the translated SQL calls and DuckDB lacks: hashes, Kusto's text forms and
// their parsers (plain C++ twins are here, in syntax/literal.h and in base/ticks.h). NULL in gives
// NULL out. Thread promise: pure; safe from DuckDB's workers.
//
//   kc_xxh64(VARCHAR) -> BIGINT            XXH64, seed 0, over the UTF-8 bytes
//   kc_xxh64_ticks(BIGINT) -> BIGINT       the same over the 8 little-endian bytes
//   kc_datetime_text(BIGINT) -> VARCHAR    2024-01-31T23:59:59.1234567Z
//   kc_timespan_text(BIGINT) -> VARCHAR    [-][d.]hh:mm:ss[.fffffff]
//   kc_real_text(DOUBLE) -> VARCHAR        shortest that reads back; NaN, Infinity, -Infinity
//   kc_guid_text(UUID) -> VARCHAR          lower case, hyphenated
//   kc_parse_datetime(VARCHAR) -> BIGINT   NULL where it is none; so are the following
//   kc_parse_timespan(VARCHAR) -> BIGINT
//   kc_parse_decimal(VARCHAR) -> VARCHAR   canonical text
//   kc_parse_long(VARCHAR) -> BIGINT       decimal or 0x…; a fraction is cut off
//   kc_parse_real(VARCHAR) -> DOUBLE
//   kc_parse_bool(VARCHAR) -> BOOLEAN
//   kc_parse_guid(VARCHAR) -> UUID
//   kc_decimal_compare(VARCHAR, VARCHAR) -> INTEGER   -1, 0, 1
//   kc_dynamic_text(VARCHAR) -> VARCHAR    a JSON string becomes its value, other JSON stays as it
//   is kc_json_string(VARCHAR) -> VARCHAR     the value as a JSON string kc_parse_json(VARCHAR) ->
//   VARCHAR      JSON text made compact; other text as a JSON string; NULL for empty and null
//   kc_has(VARCHAR, VARCHAR) -> BOOLEAN    the second is a whole term of the first, by exact case
//   kc_cut (VARCHAR, BIGINT) -> VARCHAR   at most so many bytes of it, whole characters
//   kc_has_prefix, kc_has_suffix (VARCHAR, VARCHAR) -> BOOLEAN   a term of the first begins, ends
//   with the second kc_tags_json(VARCHAR) -> VARCHAR       tags joined by CR LF as a JSON array of
//   strings
//   kc_decimal_key(VARCHAR) -> VARCHAR     a text that sorts as the decimal does
//   kc_decimal_add, _subtract, _multiply, _divide (VARCHAR, VARCHAR) -> VARCHAR   34 digits
//   kc_decimal_sum(VARCHAR) -> VARCHAR     of decimals joined by commas
// functions_text.cc and functions_dynamic.cc name their own at their registration.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"
#include "core/engine/syntax/literal.h"

// DuckDB's C API names it so.
struct _duckdb_connection;  // NOLINT(bugprone-reserved-identifier)

namespace kc::engine {

// Registers them on the connection's database: once for all its connections. Kind unavailable where
// DuckDB refuses. `connection` is a duckdb_connection.
Result<void> register_functions(_duckdb_connection* connection);
Result<void> register_text_functions(_duckdb_connection* connection);
Result<void> register_dynamic_functions(_duckdb_connection* connection);

std::uint64_t xxh64(std::string_view bytes);
bool has_term(std::string_view text, std::string_view term);

}  // namespace kc::engine
