#include "core/kusto/result_table.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

#include "core/kusto/classify.h"

namespace kc::kusto {
namespace {

using Kind = AnswerValue::Kind;

// One column: nine bytes a value, and its texts behind each other.
class ColumnOfValues {
 public:
  explicit ColumnOfValues(AnswerColumn what) : what_(std::move(what)) {}

  const AnswerColumn& what() const { return what_; }
  std::size_t size() const { return kinds_.size(); }
  void clear() {
    kinds_.clear();
    bits_.clear();
    texts_.clear();
  }

  void add(const AnswerValue& value) {
    kinds_.push_back(value.kind);
    if (value.kind == Kind::text) {
      texts_.append(value.text);
      bits_.push_back(static_cast<std::int64_t>(texts_.size()));
    } else if (value.kind == Kind::real) {
      bits_.push_back(std::bit_cast<std::int64_t>(value.real));
    } else {
      bits_.push_back(value.integer);
    }
  }

  // Gives each value to `use`, which says whether to go on; false where it did not.
  template <class Use>
  bool each(Use&& use) const {
    std::size_t text_begin = 0;
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      AnswerValue value{.kind = kinds_[i]};
      if (value.kind == Kind::text) {
        const auto end = static_cast<std::size_t>(bits_[i]);
        value.text = std::string_view(texts_).substr(text_begin, end - text_begin);
        text_begin = end;
      } else if (value.kind == Kind::real) {
        value.real = std::bit_cast<double>(bits_[i]);
      } else {
        value.integer = bits_[i];
      }
      if (!use(value)) return false;
    }
    return true;
  }

 private:
  AnswerColumn what_;
  std::vector<Kind> kinds_;
  std::vector<std::int64_t> bits_;  // an integer, a double's bits, or where a text ends
  std::string texts_;
};

std::optional<std::int64_t> read_long(const AnswerValue& value) {
  if (value.kind != Kind::integer) return std::nullopt;
  return value.integer;
}

std::optional<double> read_real(const AnswerValue& value) {
  if (value.kind == Kind::real) return value.real;
  if (value.kind == Kind::integer) return static_cast<double>(value.integer);
  if (value.kind == Kind::large)
    return static_cast<double>(static_cast<std::uint64_t>(value.integer));
  if (value.kind != Kind::text) return std::nullopt;
  if (value.text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value.text == "Infinity") return std::numeric_limits<double>::infinity();
  if (value.text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

std::optional<bool> read_bool(const AnswerValue& value) {
  if (value.kind == Kind::boolean) return value.integer != 0;
  const auto number = value.kind == Kind::real ? value.real : static_cast<double>(value.integer);
  if (value.kind != Kind::integer && value.kind != Kind::real) return std::nullopt;
  if (number == 0) return false;
  if (number == 1) return true;
  return std::nullopt;
}

template <class T, class Parse>
std::optional<T> read_text(const AnswerValue& value, Parse&& parse) {
  if (value.kind != Kind::text) return std::nullopt;
  auto parsed = parse(value.text);
  if (!parsed) return std::nullopt;
  return *parsed;
}

std::optional<std::string> read_string(const AnswerValue& value) {
  if (value.kind == Kind::null) return std::string{};
  if (value.kind != Kind::text) return std::nullopt;
  return std::string(value.text);
}

}  // namespace

struct ResultTable::Data final : RowSink {
  std::vector<ColumnOfValues> all;
  std::size_t rows = 0;

  Result<void> columns(const std::vector<AnswerColumn>& columns) override {
    for (const AnswerColumn& one : columns) all.emplace_back(one);
    return {};
  }
  Result<void> row(std::span<const AnswerValue> values) override {
    for (std::size_t i = 0; i < values.size(); ++i) all[i].add(values[i]);
    ++rows;
    return {};
  }
  void clear() override {
    for (ColumnOfValues& one : all) one.clear();
    rows = 0;
  }

  // The values of one column through `read`, which gives nullopt where a value does not fit.
  // `types` are the declared types that may be read so; an answer that does not declare one is
  // judged by its values alone.
  template <class T, class ReadValue>
  Result<std::vector<T>> column(std::string_view name, std::initializer_list<ScalarType> types,
                                ReadValue&& read) const {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& one) { return one.what().name == name; });
    if (found == all.end())
      return fail(malformed_answer("column " + clean_message(name) + " is missing"));
    const auto declared = found->what().type;
    if (declared && std::find(types.begin(), types.end(), *declared) == types.end()) {
      return fail(
          malformed_answer("column " + clean_message(name) + " has another type than expected"));
    }
    std::vector<T> values;
    values.reserve(found->size());
    const bool fit = found->each([&](const AnswerValue& value) {
      std::optional<T> one = read(value);
      if (one) values.push_back(std::move(*one));
      return one.has_value();
    });
    if (!fit)
      return fail(
          malformed_answer("a value of column " + clean_message(name) + " does not fit its type"));
    return values;
  }
};

ResultTable::Reader::Reader(AnswerFormat format, std::vector<std::string> tables)
    : data_(std::make_shared<Data>()),
      reader_(std::make_unique<AnswerReader>(format, std::move(tables), *data_)) {}

Result<ResultTable> ResultTable::Reader::finish() {
  KC_CHECK_OK(reader_->finish());
  return ResultTable(data_);
}

namespace {

Result<ResultTable> read_whole(AnswerFormat format, std::string_view body,
                               const std::vector<std::string>& tables) {
  ResultTable::Reader reader(format, tables);
  KC_CHECK_OK(reader.feed(body));
  return reader.finish();
}

}  // namespace

Result<ResultTable> ResultTable::from_v1(std::string_view body,
                                         const std::vector<std::string>& tables) {
  return read_whole(AnswerFormat::v1, body, tables);
}

Result<ResultTable> ResultTable::from_v2(std::string_view body,
                                         const std::vector<std::string>& tables) {
  return read_whole(AnswerFormat::v2, body, tables);
}

std::size_t ResultTable::row_count() const { return data_->rows; }

bool ResultTable::has_column(std::string_view name) const {
  return std::any_of(data_->all.begin(), data_->all.end(),
                     [&](const auto& one) { return one.what().name == name; });
}

Result<std::vector<std::string>> ResultTable::strings(std::string_view name) const {
  return data_->column<std::string>(name, {ScalarType::string_}, read_string);
}

Result<std::vector<std::int64_t>> ResultTable::longs(std::string_view name) const {
  return data_->column<std::int64_t>(name, {ScalarType::long_, ScalarType::int_}, read_long);
}

Result<std::vector<double>> ResultTable::reals(std::string_view name) const {
  return data_->column<double>(name, {ScalarType::real_, ScalarType::long_, ScalarType::int_},
                               read_real);
}

Result<std::vector<bool>> ResultTable::bools(std::string_view name) const {
  return data_->column<bool>(name, {ScalarType::bool_}, read_bool);
}

Result<std::vector<Ticks>> ResultTable::datetimes(std::string_view name) const {
  return data_->column<Ticks>(name, {ScalarType::datetime_}, [](const AnswerValue& value) {
    return read_text<Ticks>(value, parse_datetime);
  });
}

Result<std::vector<Uuid>> ResultTable::guids(std::string_view name) const {
  return data_->column<Uuid>(
      name, {ScalarType::guid_, ScalarType::string_},
      [](const AnswerValue& value) { return read_text<Uuid>(value, Uuid::parse); });
}

}  // namespace kc::kusto
