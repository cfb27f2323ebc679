#include "server/cli/job_options.h"

#include <array>
#include <charconv>

#include "api/codec.h"
#include "core/base/json.h"
#include "core/base/redact.h"

namespace kc::server {
namespace {

using nlohmann::json;

bool is_number(std::string_view name) {
  return name == "block-rows-max" || name == "block-bytes-max" || name == "max-failures";
}
bool is_slots(std::string_view name) { return name.ends_with("-slots"); }

std::optional<std::int64_t> whole(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The seeds write "%10"; 0 stands for all there is.
json slots(std::string text) {
  if (text == "0") return "100%";
  if (!text.empty() && text.front() == '%') text = text.substr(1) + "%";
  if (const auto count = whole(text)) return *count;
  return text;
}

json value_of(const Option& option, const Setting& setting) {
  if (option.kind == OptionKind::list) return setting.values;
  if (option.kind == OptionKind::several && setting.values.size() > 1) return setting.values;
  const std::string text = setting.values.empty() ? "" : setting.values.back();
  if (option.kind == OptionKind::flag) return text == "true";
  if (is_slots(option.name)) return slots(text);
  if (is_number(option.name)) {
    if (const auto number = whole(text)) return *number;
  }
  return text;
}

// "/tablesInclude/2" -> "--tables-include".
std::string option_at(const std::string& pointer) {
  const std::string field = pointer.substr(pointer.find('/') + 1, pointer.find('/', 1) - 1);
  for (const Option& option : options()) {
    if (option.in_job && field_of(option.name) == field) return "--" + std::string(option.name);
  }
  return {};
}

Failure refused(const std::vector<api::FieldError>& errors) {
  std::string message;
  std::string code = errors.front().code;
  for (const auto& error : errors) {
    if (!message.empty()) message += "; ";
    const std::string option = option_at(error.pointer);
    message += error.code == "request.missing_field" ? option + " is required"
               : option.empty()                      ? error.detail
                                                     : option + ": " + error.detail;
  }
  return fail(Error{.kind = ErrorKind::invalid,
                    .code = std::move(code),
                    .message = std::move(message),
                    .fix = "see kusto-copy --help"});
}

}  // namespace

std::string body_of(const Settings& settings) {
  json body = json::object();
  for (const Option& option : options()) {
    const auto at = settings.all().find(option.name);
    if (option.in_job && at != settings.all().end())
      body[field_of(option.name)] = value_of(option, at->second);
  }
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string default_id(const JobSpec& spec) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const std::string& part :
       {redact(spec.source), redact(spec.destination), spec.db, spec.destination_db}) {
    for (const char c : part + '\n')
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return "copy-" + std::string(digits.data());
}

Result<JobSpec> job_of(const Settings& settings) {
  auto spec = api::read_job_spec(body_of(settings));
  if (!spec) return refused(spec.error());
  if (spec->id.empty()) spec->id = default_id(*spec);
  return std::move(*spec);
}

}  // namespace kc::server
