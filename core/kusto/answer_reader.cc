#include "core/kusto/answer_reader.h"

#include <utility>

#include "core/kusto/answer_meaning.h"
#include "core/kusto/classify.h"
#include "core/kusto/json_collect.h"
#include "core/kusto/json_stream.h"

namespace kc::kusto {

using nlohmann::json;
using Kind = JsonEvent::Kind;
using Rows = AnswerMeaning::Rows;

namespace {

// One row while its values come: their texts lie behind each other in one buffer.
class RowInHand {
 public:
  void begin() {
    values_.clear();
    text_.clear();
  }
  void add(const JsonEvent& event) {
    AnswerValue value{.kind = kind_of(event.kind), .integer = event.integer, .real = event.real};
    if (event.kind == Kind::text) {
      value.integer = static_cast<std::int64_t>(text_.size());  // until it is given out
      text_.append(event.text);
    }
    values_.push_back(value);
  }
  std::size_t size() const { return values_.size(); }

  // An object or an array in a value, written again as text.
  void begin_nested(const JsonEvent& event) {
    values_.push_back(
        {.kind = AnswerValue::Kind::nested, .integer = static_cast<std::int64_t>(text_.size())});
    comma_ = false;
    nested(event);
  }
  void nested(const JsonEvent& event);

  std::span<const AnswerValue> give() {
    std::size_t end = text_.size();
    for (auto value = values_.rbegin(); value != values_.rend(); ++value) {
      if (value->kind != AnswerValue::Kind::text && value->kind != AnswerValue::Kind::nested)
        continue;
      const auto begin = static_cast<std::size_t>(std::exchange(value->integer, 0));
      value->text = std::string_view(text_).substr(begin, end - begin);
      end = begin;
    }
    return values_;
  }
  std::size_t held_bytes() const {
    return text_.capacity() + values_.capacity() * sizeof(AnswerValue);
  }

 private:
  static AnswerValue::Kind kind_of(Kind kind) {
    switch (kind) {
      case Kind::text:
        return AnswerValue::Kind::text;
      case Kind::integer:
        return AnswerValue::Kind::integer;
      case Kind::large:
        return AnswerValue::Kind::large;
      case Kind::real:
        return AnswerValue::Kind::real;
      case Kind::boolean:
        return AnswerValue::Kind::boolean;
      default:
        return AnswerValue::Kind::null;
    }
  }
  void quote(std::string_view text);

  std::vector<AnswerValue> values_;
  std::string text_;
  bool comma_ = false;  // inside a nested value: before the next member or element
};

void RowInHand::quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  text_ += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (byte < 0x20) {
      text_ += "\\u00";
      text_ += kHex[byte >> 4U];
      text_ += kHex[byte & 15U];
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

void RowInHand::nested(const JsonEvent& event) {
  const bool ends = event.kind == Kind::end_object || event.kind == Kind::end_array;
  if (comma_ && !ends) text_ += ',';
  comma_ = true;
  switch (event.kind) {
    case Kind::begin_object:
    case Kind::begin_array:
      text_ += event.kind == Kind::begin_object ? '{' : '[';
      comma_ = false;
      break;
    case Kind::end_object:
      text_ += '}';
      break;
    case Kind::end_array:
      text_ += ']';
      break;
    case Kind::key:
      quote(event.text);
      text_ += ':';
      comma_ = false;
      break;
    case Kind::text:
      quote(event.text);
      break;
    case Kind::boolean:
      text_ += event.integer != 0 ? "true" : "false";
      break;
    case Kind::null:
      text_ += "null";
      break;
    default:
      text_ += event.text;
  }
}

bool begins(const JsonEvent& event) {
  return event.kind == Kind::begin_object || event.kind == Kind::begin_array;
}
bool ends(const JsonEvent& event) {
  return event.kind == Kind::end_object || event.kind == Kind::end_array;
}

}  // namespace

// Where in the answer the next event stands. A table is a member of v1's `Tables`, or a frame of
// v2.
class AnswerReader::Structure final : private JsonEvents {
 public:
  Structure(AnswerFormat format, std::vector<std::string> tables, RowSink& rows)
      : v1_(format == AnswerFormat::v1),
        meaning_(meaning_of(format, std::move(tables), rows)),
        stream_(*this, kAnswerDepthMax) {}

  Result<void> feed(std::string_view bytes) {
    if (!error_ && !stream_.feed(bytes) && !error_)
      error_ = malformed_answer("no JSON, or nested too deeply");
    return so_far();
  }
  Result<void> finish() {
    if (!error_ && !stream_.finish() && !error_) error_ = malformed_answer("it ends in the middle");
    if (!error_) check(meaning_->end(around_));
    return so_far();
  }
  std::size_t held_bytes() const { return stream_.held_bytes() + row_.held_bytes(); }

 private:
  enum class At { start, around, tables, table, collecting, rows, row, nested, unread_rows, end };

  bool take(const JsonEvent& event) override;
  bool start(const JsonEvent& event);
  bool member_of(const JsonEvent& event, json& holder, At here);
  bool begin_table(const JsonEvent& event);
  bool begin_rows(const JsonEvent& event);
  bool between_rows(const JsonEvent& event);
  bool in_row(const JsonEvent& event);
  bool in_nested(const JsonEvent& event);
  bool skip(const JsonEvent& event);
  bool end_table();
  bool give_kept_rows(const json& rows);
  bool give_kept_row(const json& row);
  bool give_row();
  bool collect(json& into, const JsonEvent& event, At then);
  bool collected(const JsonEvent& event);

  bool refuse(const std::string& what) {
    error_ = malformed_answer(what);
    return false;
  }
  bool check(Result<void> done) {
    if (!done) error_ = std::move(done).error();
    return !error_;
  }
  Result<void> so_far() const {
    if (error_) return fail(Error(*error_));
    return {};
  }

  const bool v1_;
  std::unique_ptr<AnswerMeaning> meaning_;
  JsonStream stream_;
  std::optional<Error> error_;

  At at_ = At::start;
  At then_ = At::start;  // after collecting
  JsonCollect collect_;
  std::size_t collect_left_ = kAnswerFrameBytesMax;
  std::string key_;
  json around_;               // what stands beside the tables
  json table_;                // the open table, without rows that are read as they come
  json object_row_;           // an object where a row is due
  bool tables_seen_ = false;  // v1
  bool rows_begun_ = false;   // of the open table
  std::size_t depth_ = 0;     // inside a nested value or unread rows
  RowInHand row_;
};

bool AnswerReader::Structure::take(const JsonEvent& event) {
  switch (at_) {
    case At::row:
      return in_row(event);
    case At::rows:
      return between_rows(event);
    case At::nested:
      return in_nested(event);
    case At::unread_rows:
      return skip(event);
    case At::collecting:
      return collected(event);
    case At::table:
      return member_of(event, table_, At::table);
    case At::tables:
      return begin_table(event);
    case At::around:
      return member_of(event, around_, At::around);
    case At::start:
      return start(event);
    case At::end:
      break;
  }
  return refuse("more than one answer");
}

bool AnswerReader::Structure::start(const JsonEvent& event) {
  if (v1_ && event.kind == Kind::begin_object) {
    around_ = json::object();
    at_ = At::around;
    return true;
  }
  if (v1_) return refuse("no tables");
  if (event.kind == Kind::begin_array) {
    at_ = At::tables;
    return true;
  }
  // An object in place of the frames may say why.
  if (event.kind != Kind::begin_object) return refuse("not a list of frames");
  return collect(around_, event, At::end);
}

// A member of a table, or of what is around v1's tables. One that comes twice would have to win
// over what was already read with the first.
bool AnswerReader::Structure::member_of(const JsonEvent& event, json& holder, At here) {
  if (event.kind == Kind::key) {
    key_ = event.text;
    const bool twice =
        holder.contains(key_) ||
        (here == At::table ? rows_begun_ && key_ == "Rows" : tables_seen_ && key_ == "Tables");
    return twice ? refuse("a member that comes twice") : true;
  }
  if (event.kind == Kind::end_object) {
    if (here == At::table) return end_table();
    at_ = At::end;
    return true;
  }
  if (here == At::around && key_ == "Tables" && event.kind == Kind::begin_array) {
    tables_seen_ = true;
    at_ = At::tables;
    return true;
  }
  if (here == At::table && key_ == "Rows" && event.kind == Kind::begin_array)
    return begin_rows(event);
  return collect(holder[key_], event, here);
}

bool AnswerReader::Structure::begin_table(const JsonEvent& event) {
  if (event.kind == Kind::end_array) {
    at_ = v1_ ? At::around : At::end;
    return true;
  }
  if (event.kind != Kind::begin_object) return refuse("a table or frame that is no object");
  table_ = json::object();
  rows_begun_ = false;
  collect_left_ = kAnswerFrameBytesMax;
  at_ = At::table;
  return true;
}

// Servers write what a table is before its rows, but nothing says that they must: rows that come
// first are kept, up to a limit, until the rest is known.
bool AnswerReader::Structure::begin_rows(const JsonEvent& event) {
  auto rows = meaning_->begin_rows(table_, false);
  if (!rows) return check(fail(std::move(rows).error()));
  if (*rows == Rows::not_known_yet) return collect(table_[key_], event, At::table);
  rows_begun_ = true;
  depth_ = 1;
  at_ = *rows == Rows::wanted ? At::rows : At::unread_rows;
  return true;
}

bool AnswerReader::Structure::between_rows(const JsonEvent& event) {
  if (event.kind == Kind::begin_array) {
    row_.begin();
    at_ = At::row;
    return true;
  }
  if (event.kind == Kind::end_array) {
    at_ = At::table;
    return true;
  }
  if (event.kind == Kind::begin_object) return collect(object_row_, event, At::rows);
  return refuse("a row of another width than its table");
}

bool AnswerReader::Structure::in_row(const JsonEvent& event) {
  if (event.kind == Kind::end_array) {
    at_ = At::rows;
    return give_row();
  }
  if (row_.size() >= meaning_->width()) return refuse("a row of another width than its table");
  if (!begins(event)) {
    row_.add(event);
    return true;
  }
  row_.begin_nested(event);
  depth_ = 1;
  at_ = At::nested;
  return true;
}

bool AnswerReader::Structure::in_nested(const JsonEvent& event) {
  row_.nested(event);
  if (begins(event)) ++depth_;
  if (ends(event) && --depth_ == 0) at_ = At::row;
  return true;
}

bool AnswerReader::Structure::skip(const JsonEvent& event) {
  if (begins(event)) ++depth_;
  if (ends(event) && --depth_ == 0) at_ = At::table;
  return true;
}

bool AnswerReader::Structure::give_row() {
  if (row_.size() != meaning_->width()) return refuse("a row of another width than its table");
  return check(meaning_->row(row_.give()));
}

bool AnswerReader::Structure::end_table() {
  bool had_rows = rows_begun_;
  if (!had_rows && table_.contains("Rows") && table_["Rows"].is_array()) {
    auto rows = meaning_->begin_rows(table_, true);
    if (!rows) return check(fail(std::move(rows).error()));
    had_rows = true;
    if (*rows == Rows::wanted && !give_kept_rows(table_["Rows"])) return false;
  }
  at_ = At::tables;
  return check(meaning_->end_table(table_, had_rows));
}

bool AnswerReader::Structure::give_kept_rows(const json& rows) {
  for (const json& row : rows) {
    if (row.is_object()) return check(meaning_->row_that_is_an_object(row));
    if (!row.is_array() || row.size() != meaning_->width())
      return refuse("a row of another width than its table");
    if (!give_kept_row(row)) return false;
  }
  return true;
}

bool AnswerReader::Structure::give_kept_row(const json& row) {
  std::vector<std::string> nested(row.size());  // the values' views end with the call
  std::vector<AnswerValue> values(row.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    const json& from = row[i];
    AnswerValue& into = values[i];
    if (from.is_string()) {
      into = {.kind = AnswerValue::Kind::text, .text = from.get_ref<const std::string&>()};
    } else if (from.is_structured()) {
      nested[i] = from.dump();
      into = {.kind = AnswerValue::Kind::nested, .text = nested[i]};
    } else if (from.is_boolean()) {
      into = {.kind = AnswerValue::Kind::boolean, .integer = from.get<bool>() ? 1 : 0};
    } else if (from.is_number()) {
      into.kind = from.is_number_float()      ? AnswerValue::Kind::real
                  : from.is_number_unsigned() ? AnswerValue::Kind::large
                                              : AnswerValue::Kind::integer;
      into.real = from.get<double>();
      if (from.is_number_integer()) into.integer = from.get<std::int64_t>();
    }
  }
  return check(meaning_->row(values));
}

bool AnswerReader::Structure::collect(json& into, const JsonEvent& event, At then) {
  then_ = then;
  at_ = At::collecting;
  collect_.begin(into, collect_left_);
  return collected(event);
}

bool AnswerReader::Structure::collected(const JsonEvent& event) {
  const auto told = collect_.take(event);
  if (told == JsonCollect::Told::too_large)
    return refuse("more than " + std::to_string(kAnswerFrameBytesMax) + " bytes beside its rows");
  if (told == JsonCollect::Told::complete) at_ = then_;
  // An object where a row is due ends the answer; nothing that follows could mend it.
  if (at_ == At::rows) return check(meaning_->row_that_is_an_object(object_row_));
  return true;
}

AnswerReader::AnswerReader(AnswerFormat format, std::vector<std::string> tables, RowSink& rows)
    : structure_(std::make_unique<Structure>(format, std::move(tables), rows)) {}

AnswerReader::~AnswerReader() = default;

Result<void> AnswerReader::feed(std::string_view bytes) { return structure_->feed(bytes); }

Result<void> AnswerReader::finish() { return structure_->finish(); }

std::size_t AnswerReader::held_bytes() const { return structure_->held_bytes(); }

}  // namespace kc::kusto
