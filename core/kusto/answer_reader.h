// An answer of a cluster read as it comes: the text of v1 (commands) or v2 (queries) goes in piece
// by piece, the rows of its primary table come out typed, and neither the text nor the rows are
// kept. Every way of saying "partly failed" inside an HTTP 200 is an error. The bytes are
// untrusted. ResultTable is filled by it. Thread promise: one thread at a time.
//
// Errors: a failure that the cluster reports in the body is classified as in classify.h. An answer
// that is not what the protocol says is unavailable, kusto.malformed_answer: the request may have
// been executed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/schema.h"

namespace kc::kusto {

inline constexpr int kAnswerDepthMax = 200;  // nesting of JSON in an answer
inline constexpr std::size_t kTableColumnsMax = 20'000;
// What an answer may hold outside rows that are read as they come.
inline constexpr std::size_t kAnswerFrameBytesMax = std::size_t{4} << 20;

enum class AnswerFormat { v1, v2 };

struct AnswerColumn {
  std::string name;
  std::optional<ScalarType> type;  // nullopt: the answer does not say
};

// One value as the answer writes it; what its column declares is for the reader of the row.
struct AnswerValue {
  enum class Kind : std::uint8_t { null, boolean, integer, large, real, text, nested };
  Kind kind = Kind::null;
  std::int64_t integer = 0;    // of an integer; 0 or 1 of a boolean
  double real = 0;             // of any number; `large` is an integer beyond 63 bits
  std::string_view text = {};  // of a text, or of an object or array as JSON
};

// Takes the primary table. What it was given counts only if the reader finishes without an error.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual Result<void> columns(const std::vector<AnswerColumn>& columns) = 0;  // once, first
  virtual Result<void> row(std::span<const AnswerValue> values) = 0;  // views end with the call
  virtual void clear() = 0;  // a progressive answer takes its rows back
};

class AnswerReader {
 public:
  // `tables` are the names in the request, for classification. `rows` outlives this.
  AnswerReader(AnswerFormat format, std::vector<std::string> tables, RowSink& rows);
  ~AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  // After an error it takes nothing more and says the same again.
  Result<void> feed(std::string_view bytes);
  Result<void> finish();
  // Memory that grows with the text: what stays small however long the answer is.
  std::size_t held_bytes() const;

 private:
  class Structure;
  std::unique_ptr<Structure> structure_;
};

}  // namespace kc::kusto
