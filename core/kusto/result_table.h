// The primary table of an answer as typed columns, filled as the answer comes (answer_reader.h,
// whose errors are the errors here). Used by rest_kusto. Thread promise: values; a Reader belongs
// to one thread at a time.
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
#include "core/kusto/answer_reader.h"

namespace kc::kusto {

class ResultTable {
 public:
  class Reader;

  // Of a whole answer. `tables` are the names in the request, for classification.
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

class ResultTable::Reader {
 public:
  Reader(AnswerFormat format, std::vector<std::string> tables);
  Result<void> feed(std::string_view bytes) { return reader_->feed(bytes); }
  Result<ResultTable> finish();

 private:
  std::shared_ptr<Data> data_;
  std::unique_ptr<AnswerReader> reader_;
};

}  // namespace kc::kusto
