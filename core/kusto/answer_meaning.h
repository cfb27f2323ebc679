// What the parts of an answer mean: its tables, frames and reported failures, for v1 and for v2. It
// is given each table without its rows, and each row of it. Only answer_reader.cc uses it. Thread
// promise: one thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/kusto/answer_reader.h"

namespace kc::kusto {

class AnswerMeaning {
 public:
  enum class Rows { wanted, not_wanted, not_known_yet };

  virtual ~AnswerMeaning() = default;
  // The rows of `table` begin, which has the members that came so far; `complete` says that no
  // more will come, and then the answer is one of the first two.
  virtual Result<Rows> begin_rows(const nlohmann::json& table, bool complete) = 0;
  virtual std::size_t width() const = 0;  // of the table whose rows began
  virtual Result<void> row(std::span<const AnswerValue> values) = 0;
  virtual Result<void> row_that_is_an_object(const nlohmann::json& row) = 0;  // always an error
  virtual Result<void> end_table(const nlohmann::json& table, bool had_rows) = 0;
  // `around` has what stands beside the tables, or the whole answer where it is of another shape.
  virtual Result<void> end(const nlohmann::json& around) = 0;
};

std::unique_ptr<AnswerMeaning> meaning_of(AnswerFormat format, std::vector<std::string> tables,
                                          RowSink& rows);

}  // namespace kc::kusto
