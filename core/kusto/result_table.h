// The answers of a cluster as typed columns: v1 (commands) and v2 (queries) read into one primary
// table, with every way of saying "partly failed" inside an HTTP 200 turned into an error. The
// bytes are untrusted. Used by rest_kusto. Thread promise: values.
//
// Errors: a failure that the cluster reports in the body is classified as in classify.h. An answer
// that is not what the protocol says is unavailable, kusto.malformed_answer: the request may have
// been executed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"

namespace kc::kusto {

inline constexpr int kAnswerDepthMax = 200;  // nesting of JSON in an answer
inline constexpr std::size_t kTableColumnsMax = 20'000;

class ResultTable {
 public:
  // `tables` are the names in the request, for classification.
  static Result<ResultTable> from_v1(std::string_view body,
                                     const std::vector<std::string>& tables = {});
  static Result<ResultTable> from_v2(std::string_view body,
                                     const std::vector<std::string>& tables = {});

  std::size_t row_count() const;
  bool has_column(std::string_view name) const;

  // One whole column. An absent column, another declared type or a value that does not fit is an
  // error; null is an error too, except in `strings`, where it reads as empty.
  Result<std::vector<std::string>> strings(std::string_view name) const;
  Result<std::vector<std::int64_t>> longs(std::string_view name) const;  // of int and long
  Result<std::vector<double>> reals(std::string_view name) const;        // of any number
  Result<std::vector<bool>> bools(std::string_view name) const;
  Result<std::vector<Ticks>> datetimes(std::string_view name) const;
  Result<std::vector<Uuid>> guids(
      std::string_view name) const;  // of guid, or of string as some commands say

 private:
  struct Data;
  explicit ResultTable(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

}  // namespace kc::kusto
