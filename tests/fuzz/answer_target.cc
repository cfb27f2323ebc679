// The reader of a cluster's answers: however the text is cut, it says the same; and what it takes
// is JSON to somebody else too.
#include "tests/fuzz/answer_target.h"

#include <algorithm>
#include <string>

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/kusto/answer_reader.h"
#include "core/kusto/result_table.h"

namespace kc::fuzz {
namespace {

using kusto::AnswerFormat;
using kusto::AnswerValue;

// Everything that it was given, as one text.
struct Seen final : kusto::RowSink {
  std::string text;

  Result<void> columns(const std::vector<kusto::AnswerColumn>& columns) override {
    for (const auto& one : columns)
      text += one.name + (one.type ? std::string(to_string(*one.type)) : "?") + ";";
    return {};
  }
  Result<void> row(std::span<const AnswerValue> values) override {
    for (const AnswerValue& one : values) {
      text += static_cast<char>('a' + static_cast<int>(one.kind));
      text += std::to_string(one.integer) + "," + std::to_string(one.real) + ",";
      text += one.text;
      text += ";";
    }
    return {};
  }
  void clear() override { text += "cleared;"; }
};

struct Read {
  std::string seen;
  std::string error;  // empty: none
};

Read read(AnswerFormat format, std::string_view bytes, std::size_t piece) {
  Seen seen;
  kusto::AnswerReader reader(format, {"T"}, seen);
  Result<void> fed;
  for (std::size_t at = 0; at < bytes.size() && fed; at += piece)
    fed = reader.feed(bytes.substr(at, piece));
  if (fed) fed = reader.finish();
  return {std::move(seen.text), fed ? std::string() : fed.error().code + fed.error().message};
}

}  // namespace

void run_answer(std::string_view bytes) {
  for (const AnswerFormat format : {AnswerFormat::v1, AnswerFormat::v2}) {
    const Read whole = read(format, bytes, std::max<std::size_t>(bytes.size(), 1));
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{61}}) {
      const Read cut = read(format, bytes, piece);
      KC_ASSERT(cut.error.empty() == whole.error.empty());
      if (whole.error.empty()) KC_ASSERT(cut.seen == whole.seen);
    }
    if (whole.error.empty()) KC_ASSERT(nlohmann::json::accept(bytes));
    const auto table = format == AnswerFormat::v1 ? kusto::ResultTable::from_v1(bytes)
                                                  : kusto::ResultTable::from_v2(bytes);
    KC_ASSERT(table.has_value() == whole.error.empty());
    if (!table) continue;
    // Whether their values fit or not.
    const bool fits = table->longs("n") || table->strings("s") || table->reals("r") ||
                      table->bools("b") || table->datetimes("t") || table->guids("g");
    KC_ASSERT(!fits || whole.error.empty());
  }
}

}  // namespace kc::fuzz
