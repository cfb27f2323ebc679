// How a C++ function becomes a scalar function of DuckDB: cells are read by their physical type, a
// chunk at a time, NULL in gives NULL out. Used by functions*.cc only. Thread promise: what is
// registered must be pure, since DuckDB's workers call it at once.
#pragma once

#include <duckdb.h>

#include <array>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/base/result.h"

namespace kc::engine::vectorised {

struct Guid {
  std::uint64_t low = 0;
  std::int64_t high = 0;  // DuckDB flips the top bit, so that signed order is the order of the text
};

// How each physical type is read from and written to a vector.
template <class T>
struct Cell {
  static constexpr duckdb_type kType = std::is_same_v<T, bool>           ? DUCKDB_TYPE_BOOLEAN
                                       : std::is_same_v<T, std::int32_t> ? DUCKDB_TYPE_INTEGER
                                       : std::is_same_v<T, std::int64_t> ? DUCKDB_TYPE_BIGINT
                                       : std::is_same_v<T, double>       ? DUCKDB_TYPE_DOUBLE
                                                                         : DUCKDB_TYPE_UUID;
  static T read(void* cells, idx_t row) { return static_cast<T*>(cells)[row]; }
  static void write(duckdb_vector, void* cells, idx_t row, T value) {
    static_cast<T*>(cells)[row] = value;
  }
};
template <>
struct Cell<std::string_view> {
  static constexpr duckdb_type kType = DUCKDB_TYPE_VARCHAR;
  static std::string_view read(void* cells, idx_t row) {
    duckdb_string_t& text = static_cast<duckdb_string_t*>(cells)[row];
    return {duckdb_string_t_data(&text), duckdb_string_t_length(text)};
  }
};
template <>
struct Cell<std::string> {
  static constexpr duckdb_type kType = DUCKDB_TYPE_VARCHAR;
  static void write(duckdb_vector vector, void*, idx_t row, const std::string& value) {
    duckdb_vector_assign_string_element_len(vector, row, value.data(), value.size());
  }
};

// Runs a C++ function over a chunk: NULL where any argument is NULL or the function has no answer.
template <auto Function, class Out, class... In>
struct Vectorised {
  template <std::size_t... I>
  static void rows(duckdb_data_chunk input, duckdb_vector output, std::index_sequence<I...>) {
    const idx_t count = duckdb_data_chunk_get_size(input);
    const std::array<duckdb_vector, sizeof...(In)> vectors{
        duckdb_data_chunk_get_vector(input, I)...};
    const std::array<void*, sizeof...(In)> cells{duckdb_vector_get_data(vectors[I])...};
    const std::array<std::uint64_t*, sizeof...(In)> valid{
        duckdb_vector_get_validity(vectors[I])...};
    void* const out = duckdb_vector_get_data(output);
    std::uint64_t* out_valid = nullptr;
    for (idx_t row = 0; row < count; ++row) {
      std::optional<Out> answer;
      if (((valid[I] == nullptr || duckdb_validity_row_is_valid(valid[I], row)) && ...)) {
        answer = Function(Cell<In>::read(cells[I], row)...);
      }
      if (answer) {
        Cell<Out>::write(output, out, row, *answer);
        continue;
      }
      if (out_valid == nullptr) {
        duckdb_vector_ensure_validity_writable(output);
        out_valid = duckdb_vector_get_validity(output);
      }
      duckdb_validity_set_row_invalid(out_valid, row);
    }
  }
  // Nothing may be thrown through the C API: what can be thrown here is a failed allocation.
  static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    try {
      rows(input, output, std::index_sequence_for<In...>());
    } catch (const std::exception& thrown) {
      duckdb_scalar_function_set_error(info, thrown.what());
    }
  }
};

struct LogicalType {
  explicit LogicalType(duckdb_type id) : type(duckdb_create_logical_type(id)) {}
  ~LogicalType() { duckdb_destroy_logical_type(&type); }
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  duckdb_logical_type type;
};

template <auto Function, class Out, class... In>
Result<void> add(duckdb_connection connection, const char* name) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name);
  const auto parameter = [&](duckdb_type type) {
    const LogicalType logical(type);
    duckdb_scalar_function_add_parameter(function, logical.type);
  };
  (parameter(Cell<In>::kType), ...);
  const LogicalType out(Cell<Out>::kType);
  duckdb_scalar_function_set_return_type(function, out.type);
  duckdb_scalar_function_set_function(function, &Vectorised<Function, Out, In...>::run);
  const duckdb_state state = duckdb_register_scalar_function(connection, function);
  duckdb_destroy_scalar_function(&function);
  if (state == DuckDBError) {
    return fail(ErrorKind::unavailable, "engine.duckdb",
                "DuckDB refused the function " + std::string(name));
  }
  return {};
}

}  // namespace kc::engine::vectorised
