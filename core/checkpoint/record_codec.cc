#include "core/checkpoint/record_codec.h"

#include <array>
#include <type_traits>
#include <utility>

#include "core/base/json.h"
#include "core/base/utf8.h"
#include "core/checkpoint/record_fields.h"

namespace kc {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kShownMax = 120;  // of a line, in a message

// Every value of an enum whose own header has no parser for it.
constexpr std::array kTableStates{TableState::waiting, TableState::running, TableState::done,
                                  TableState::failed};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Reads members out of an object and remembers the first thing that was wrong.
class Reader {
 public:
  template <class T>
  using Of = T&;

  explicit Reader(const Json& object, std::size_t already = 0)
      : object_(&object), taken_(already) {}

  template <class T>
  void operator()(const char* name, T& value) {
    if (!error_.empty()) return;
    const auto member = object_->find(name);
    if (member == object_->end()) {
      error_ = "member '" + std::string(name) + "' is missing";
      return;
    }
    ++taken_;
    if (!take(*member, value) && error_.empty())
      error_ = "member '" + std::string(name) + "' has a wrong value";
  }

  // Empty where every member was there, right, and no other was.
  std::string verdict() const {
    if (error_.empty() && taken_ != object_->size())
      return "there is a member that does not belong";
    return error_;
  }

 private:
  static bool take(const Json& json, bool& value) {
    if (!json.is_boolean()) return false;
    value = json.get<bool>();
    return true;
  }
  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) static bool take(const Json& json,
                                                                               T& value) {
    if (json.is_number_unsigned()) {
      const auto number = json.get<std::uint64_t>();
      if (!std::in_range<T>(number)) return false;
      value = static_cast<T>(number);
      return true;
    }
    if (!json.is_number_integer() || !std::in_range<T>(json.get<std::int64_t>())) return false;
    value = static_cast<T>(json.get<std::int64_t>());
    return true;
  }
  static bool take(const Json& json, double& value) {
    if (!json.is_number()) return false;
    value = json.get<double>();
    return true;
  }
  static bool take(const Json& json, std::string& value) {
    if (json.is_string()) {
      value = json.get_ref<const std::string&>();
      return true;
    }
    return take_bytes(json, value);
  }
  static bool take_bytes(const Json& json, std::string& value) {
    if (!json.is_object() || json.size() != 1 || !json.contains("bytes") ||
        !json["bytes"].is_string())
      return false;
    const auto& digits = json["bytes"].get_ref<const std::string&>();
    if (digits.size() % 2 != 0) return false;
    value.clear();
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      const int high = hex_digit(digits[i]);
      const int low = hex_digit(digits[i + 1]);
      if (high < 0 || low < 0) return false;
      value += static_cast<char>(high * 16 + low);
    }
    return !is_utf8(value);
  }
  static bool take(const Json& json, TableName& name) { return take(json, name.value); }
  static bool take(const Json& json, Cursor& cursor) { return take(json, cursor.value); }

  // What a text parses to, if it is a text.
  template <class T, class Parse>
  static bool parsed(const Json& json, T& value, Parse&& parse) {
    if (!json.is_string()) return false;
    auto read = parse(json.get_ref<const std::string&>());
    if (!read) return false;
    value = *read;
    return true;
  }
  static bool take(const Json& json, Uuid& id) { return parsed(json, id, Uuid::parse); }
  static bool take(const Json& json, Ticks& at) { return parsed(json, at, parse_datetime); }
  static bool take(const Json& json, Timespan& span) { return parsed(json, span, parse_duration); }
  static bool take(const Json& json, BlockState& state) {
    return parsed(json, state, parse_block_state);
  }
  static bool take(const Json& json, JobState& state) {
    return parsed(json, state, parse_job_state);
  }
  static bool take(const Json& json, ExportFormat& format) {
    return parsed(json, format, parse_export_format);
  }
  static bool take(const Json& json, FormatChoice& choice) {
    return parsed(json, choice, parse_format_choice);
  }
  static bool take(const Json& json, IngestChoice& choice) {
    return parsed(json, choice, parse_ingest_choice);
  }
  static bool take(const Json& json, OnError& choice) {
    return parsed(json, choice, parse_on_error);
  }
  static bool take(const Json& json, ScalarType& type) {
    return parsed(json, type, parse_scalar_type);
  }
  static bool take(const Json& json, TableState& state) {
    return parsed(json, state, [](std::string_view word) -> std::optional<TableState> {
      for (const TableState one : kTableStates) {
        if (to_string(one) == word) return one;
      }
      return std::nullopt;
    });
  }

  template <class T>
  bool take(const Json& json, std::optional<T>& value) {
    if (json.is_null()) {
      value.reset();
      return true;
    }
    return take(json, value.emplace());
  }
  template <class T>
  bool take(const Json& json, std::vector<T>& values) {
    if (!json.is_array()) return false;
    values.clear();
    for (const Json& one : json) {
      if (!take(one, values.emplace_back())) return false;
    }
    return true;
  }
  template <class T>
  requires requires(Reader& v, T& value) { fields(v, value); }
  bool take(const Json& json, T& value) {
    if (!json.is_object()) return false;
    Reader inner(json);
    fields(inner, value);
    error_ = inner.verdict();
    return error_.empty();
  }

  const Json* object_;
  std::size_t taken_;
  std::string error_;
};

Failure corrupt(std::string_view line, const std::string& why) {
  std::string shown(line.substr(0, kShownMax));
  if (shown.size() < line.size()) shown += "...";
  return fail(ErrorKind::corrupt, "checkpoint.corrupt", why + ": " + shown);
}

template <std::size_t... I>
std::vector<Record> one_of_each(std::index_sequence<I...>) {
  return {Record{std::in_place_index<I>}...};
}

// A default-made record of the type with this word.
std::optional<Record> made_by_word(std::string_view word) {
  static const std::vector<Record> kEmpty =
      one_of_each(std::make_index_sequence<std::variant_size_v<Record>>());
  for (const Record& record : kEmpty) {
    if (type_word(record) == word) return record;
  }
  return std::nullopt;
}

}  // namespace

Result<Record> decode_record(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return corrupt(line, "not a JSON object");
  const auto type = json.find("type");
  if (type == json.end() || !type->is_string()) return corrupt(line, "no type");
  auto known = made_by_word(type->get_ref<const std::string&>());
  if (!known) return corrupt(line, "a type that is not known");
  Record record = std::move(*known);
  Reader reader(json, 1);
  std::visit([&](auto& one) { fields(reader, one); }, record);
  if (const std::string wrong = reader.verdict(); !wrong.empty()) return corrupt(line, wrong);
  // What is left: members twice or out of order, other spellings of the same value.
  if (encode_record(record) != line) return corrupt(line, "not as this program writes it");
  return record;
}

}  // namespace kc
