#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "api/codec.h"
#include "api/http_head.h"
#include "core/base/json.h"
#include "core/base/nearest.h"

namespace kc::api {

namespace {

using nlohmann::json;

// A name longer than any of ours is pointed at as a part of the body that holds it, not repeated to
// its sender.
std::string escape_pointer(std::string_view name) {
  constexpr std::size_t kShownMax = 256;
  if (name.size() > kShownMax) return {};
  std::string out = "/";
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

// For messages: names out of a stranger's body, cut to a length that fits a sentence.
std::string shown(std::string_view name) {
  return "'" + std::string(name.substr(0, 64)) + (name.size() > 64 ? "…'" : "'");
}

std::string where(std::string_view body, std::size_t byte) {
  const auto before = body.substr(0, std::min(byte == 0 ? 0 : byte - 1, body.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto last = before.rfind('\n');
  const auto column = before.size() - (last == std::string_view::npos ? 0 : last + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// Parses, and notices what nlohmann lets pass: a name twice in one object, and depth without end.
tl::expected<json, std::vector<FieldError>> parse(std::string_view body) {
  std::vector<FieldError> errors;
  std::vector<std::set<std::string>> names;
  bool deep = false;
  const auto notice = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kJsonDepthMax) deep = true;
    if (deep) return false;
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end && !names.empty()) names.pop_back();
    if (event == json::parse_event_t::key && !names.empty()) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!names.back().insert(name).second && names.size() == 1) {
        errors.push_back({"request.duplicate_field", escape_pointer(name), "",
                          "field " + shown(name) + " is given twice"});
      }
    }
    return true;
  };
  try {
    auto value = json::parse(body, notice);
    if (deep) errors.push_back({"request.malformed_json", "", "", "the body is nested too deeply"});
    if (!errors.empty()) return tl::unexpected(std::move(errors));
    return value;
  } catch (const json::parse_error& error) {
    return tl::unexpected(std::vector<FieldError>{
        {"request.malformed_json", "", "",
         "the body is not JSON: it cannot be read at " + where(body, error.byte)}});
  } catch (const json::exception&) {
    return tl::unexpected(
        std::vector<FieldError>{{"request.malformed_json", "", "",
                                 "the body is not JSON: a number is out of every range"}});
  }
}

// One object's fields, each read by name; what is left over at the end is unknown.
class Fields {
 public:
  Fields(const json& object, std::vector<FieldError>& errors) : object_(object), errors_(errors) {}

  void refuse(std::string code, std::string_view name, std::string detail) {
    errors_.push_back({std::move(code), escape_pointer(name), "", std::move(detail)});
  }
  // The field's value, or nullptr where it is absent.
  const json* take(std::string_view name, bool required = false) {
    names_.push_back(name);
    const auto at = object_.find(name);
    if (at != object_.end()) return &*at;
    if (required)
      refuse("request.missing_field", name, "field '" + std::string(name) + "' is required");
    return nullptr;
  }
  bool check_text(const json& value, std::string_view name, const std::string& pointer_tail,
                  std::size_t bytes_max) {
    const auto bad = [&](const std::string& why) {
      errors_.push_back({"request.invalid_field", escape_pointer(name) + pointer_tail, "",
                         "'" + std::string(name) + "' " + why});
      return false;
    };
    if (!value.is_string()) return bad("must be a string");
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty()) return bad("must not be empty");
    if (text.size() > bytes_max)
      return bad("is longer than " + std::to_string(bytes_max) + " bytes");
    const bool control = std::any_of(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
    });
    return control ? bad("holds a control character") : true;
  }
  void text(std::string_view name, std::string& into, std::size_t bytes_max, bool required) {
    const auto* value = take(name, required);
    if (value != nullptr && check_text(*value, name, "", bytes_max))
      into = value->get<std::string>();
  }
  // A text, or a list of them, which become the lines of one.
  void lines(std::string_view name, std::string& into, std::size_t bytes_max,
             std::size_t lines_max) {
    const auto* value = take(name, true);
    if (value == nullptr) return;
    if (!value->is_array()) {
      if (check_text(*value, name, "", bytes_max)) into = value->get<std::string>();
      return;
    }
    if (value->empty() || value->size() > lines_max)
      return refuse(
          "request.invalid_field", name,
          "'" + std::string(name) + "' must have 1 to " + std::to_string(lines_max) + " entries");
    for (std::size_t i = 0; i < value->size(); ++i) {
      if (check_text((*value)[i], name, "/" + std::to_string(i), bytes_max))
        into += (into.empty() ? "" : "\n") + (*value)[i].get<std::string>();
    }
  }
  void texts(std::string_view name, std::vector<std::string>& into) {
    const auto* value = take(name);
    if (value == nullptr) return;
    if (!value->is_array())
      return refuse("request.invalid_field", name,
                    "'" + std::string(name) + "' must be a list of strings");
    if (value->size() > kTablesMax) {
      return refuse(
          "request.invalid_field", name,
          "'" + std::string(name) + "' has more than " + std::to_string(kTablesMax) + " entries");
    }
    for (std::size_t i = 0; i < value->size(); ++i) {
      if (check_text((*value)[i], name, "/" + std::to_string(i), kNameBytesMax))
        into.push_back((*value)[i].get<std::string>());
    }
  }
  void flag(std::string_view name, bool& into) {
    const auto* value = take(name);
    if (value == nullptr) return;
    if (!value->is_boolean())
      return refuse("request.invalid_field", name,
                    "'" + std::string(name) + "' must be true or false");
    into = value->get<bool>();
  }
  template <class Number>
  void number(std::string_view name, Number& into, std::int64_t low, std::int64_t high) {
    const auto* value = take(name);
    if (value == nullptr) return;
    const auto read = whole(*value);
    if (!read || *read < low || *read > high) {
      return refuse("request.invalid_field", name,
                    "'" + std::string(name) + "' must be a whole number from " +
                        std::to_string(low) + " to " + std::to_string(high));
    }
    into = static_cast<Number>(*read);
  }
  template <class Enum, class Parse>
  void word(std::string_view name, Enum& into, Parse parse, std::string_view choices) {
    const auto* value = take(name);
    if (value == nullptr) return;
    const auto read =
        value->is_string() ? parse(value->get_ref<const std::string&>()) : std::optional<Enum>();
    if (!read) {
      return refuse("request.invalid_field", name,
                    "'" + std::string(name) + "' must be one of " + std::string(choices));
    }
    into = *read;
  }
  void duration(std::string_view name, Timespan& into) {
    const auto* value = take(name);
    if (value == nullptr) return;
    if (!value->is_string()) {
      return refuse(
          value->is_number() ? "duration.invalid" : "request.invalid_field", name,
          "'" + std::string(name) +
              "' must be a duration in quotes with a unit, e.g. \"5m\", \"00:05:00\" or \"PT5M\"");
    }
    const auto read = parse_duration(value->get_ref<const std::string&>());
    if (!read)
      return refuse(read.error().code, name,
                    "'" + std::string(name) + "': " + read.error().message);
    if (read->ticks <= 0)
      return refuse("duration.invalid", name,
                    "'" + std::string(name) + "' must be longer than zero");
    into = *read;
  }
  void slots(std::string_view name, SlotShare& into) {
    const auto* value = take(name);
    if (value == nullptr) return;
    std::optional<SlotShare> read;
    if (value->is_string()) {
      read = share(value->get_ref<const std::string&>());
    } else if (const auto count = whole(*value); count && *count >= 1 && *count <= kSlotsMax) {
      read = SlotShare{.percent = false, .amount = static_cast<int>(*count)};
    }
    if (!read) {
      return refuse("slots.invalid", name,
                    "'" + std::string(name) + "' must be a number of slots from 1 to " +
                        std::to_string(kSlotsMax) + ", or a percentage such as \"10%\"");
    }
    into = *read;
  }
  void refuse_unknown() {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(names_.begin(), names_.end(), name) != names_.end()) continue;
      const std::string meant = nearest(name, names_);
      refuse("request.unknown_field", name,
             "field " + shown(name) + " is not known" +
                 (meant.empty() ? "" : "; did you mean '" + meant + "'?"));
    }
  }

 private:
  static std::optional<std::int64_t> whole(const json& value) {
    constexpr double kExact = 9007199254740992.0;  // 2^53
    if (value.is_number_unsigned()) {
      const auto number = value.get<std::uint64_t>();
      return number <= INT64_MAX ? std::optional(static_cast<std::int64_t>(number)) : std::nullopt;
    }
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (!value.is_number_float()) return std::nullopt;
    const auto number = value.get<double>();
    if (std::floor(number) != number || std::abs(number) > kExact) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  static std::optional<SlotShare> share(std::string_view text) {
    const bool percent = !text.empty() && text.back() == '%';
    if (percent) text.remove_suffix(1);
    if (text.empty() || text.size() > 5) return std::nullopt;
    int amount = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      amount = amount * 10 + (c - '0');
    }
    if (amount < 1 || amount > (percent ? 100 : kSlotsMax)) return std::nullopt;
    return SlotShare{.percent = percent, .amount = amount};
  }

  const json& object_;
  std::vector<FieldError>& errors_;
  std::vector<std::string_view> names_;
};

void read_what(Fields& fields, JobSpec& spec) {
  if (const auto* id = fields.take("id"); id != nullptr) {
    if (id->is_string() && is_valid_job_id(id->get_ref<const std::string&>())) {
      spec.id = id->get<std::string>();
    } else {
      fields.refuse("request.invalid_field", "id",
                    "'id' must be 1 to 63 lower-case letters, digits and hyphens, and begin with a "
                    "letter or digit");
    }
  }
  fields.lines("lake", spec.lake, kConnectionBytesMax, kLakesMax);
  fields.text("source", spec.source, kConnectionBytesMax, true);
  fields.text("destination", spec.destination, kConnectionBytesMax, true);
  fields.text("db", spec.db, kNameBytesMax, true);
  fields.text("destinationDb", spec.destination_db, kNameBytesMax, false);
  fields.texts("tablesInclude", spec.tables_include);
  fields.texts("tablesExclude", spec.tables_exclude);
  if (spec.destination_db.empty()) spec.destination_db = spec.db;
}

void read_how(Fields& fields, JobSpec& spec) {
  fields.slots("querySlots", spec.query_slots);
  fields.slots("exportSlots", spec.export_slots);
  fields.slots("ingestionSlots", spec.ingestion_slots);
  fields.flag("continuous", spec.continuous);
  if (spec.continuous)
    fields.refuse("job.unsupported", "continuous",
                  "continuous jobs are not supported by this version");
  fields.duration("rpo", spec.rpo);
  if (const auto* horizon = fields.take("backfillHorizon");
      horizon != nullptr && !horizon->is_null()) {
    fields.refuse("job.unsupported", "backfillHorizon",
                  "a backfill horizon is not supported by this version: leave it out");
  }
  fields.flag("verbose", spec.verbose);
  fields.word("format", spec.format, parse_format_choice, "auto, csv, parquet");
  fields.word("ingest", spec.ingest, parse_ingest_choice, "auto, direct, queued");
  fields.word("onError", spec.on_error, parse_on_error, "continue, stop");
  fields.number("blockRowsMax", spec.block_rows_max, 1, kBlockRowsMaxMax);
  fields.number("blockBytesMax", spec.block_bytes_max, 1, kBlockBytesMaxMax);
  fields.number("maxFailures", spec.max_failures, 1, kMaxFailuresMax);
  fields.flag("setNewIngestionTime", spec.new_ingestion_time);
}

}  // namespace

tl::expected<JobSpec, std::vector<FieldError>> read_job_spec(std::string_view body) {
  auto parsed = parse(body);
  if (!parsed) return tl::unexpected(std::move(parsed).error());
  std::vector<FieldError> errors;
  if (!parsed->is_object()) {
    errors.push_back({"request.invalid_field", "", "", "the body must be an object"});
    return tl::unexpected(std::move(errors));
  }
  JobSpec spec;
  Fields fields(*parsed, errors);
  read_what(fields, spec);
  read_how(fields, spec);
  fields.refuse_unknown();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return spec;
}

tl::expected<void, std::vector<FieldError>> read_empty(std::string_view body) {
  if (body.empty()) return {};
  auto parsed = parse(body);
  if (!parsed) return tl::unexpected(std::move(parsed).error());
  std::vector<FieldError> errors;
  if (!parsed->is_object()) {
    errors.push_back({"request.invalid_field", "", "", "the body must be an object, or absent"});
  } else {
    Fields(*parsed, errors).refuse_unknown();
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return {};
}

}  // namespace kc::api
