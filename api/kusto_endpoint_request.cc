#include "api/kusto_endpoint_request.h"

#include <algorithm>

#include "core/base/json.h"

namespace kc::api {
namespace {

using nlohmann::json;

Failure malformed(const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.bad_request", .message = what};
  error.service_code = "General_BadRequest";
  return fail(std::move(error));
}

// Values are copied and walked by recursion, so a body of brackets must not get that far.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (string) {
      if (c == '\\') ++at;
      if (c == '"') string = false;
    } else if (c == '"') {
      string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kRequestNestingMax) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Result<json> parse_object(std::string_view text, const std::string& what) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  if (too_deep(text)) return malformed(what + " is nested too deeply");
  auto value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return malformed(what + " is not JSON");
  if (!value.is_object()) return malformed(what + " is no JSON object");
  return value;
}

engine::Value value_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return {};
    case json::value_t::boolean:
      return value.get<bool>();
    case json::value_t::number_integer:
      return value.get<std::int64_t>();
    case json::value_t::number_unsigned: {
      const auto number = value.get<std::uint64_t>();
      if (number <= INT64_MAX) return static_cast<std::int64_t>(number);
      return static_cast<double>(number);
    }
    case json::value_t::number_float:
      return value.get<double>();
    case json::value_t::string:
      return value.get<std::string>();
    default:
      return value.dump();
  }
}

Result<void> read_options(const json& options, KustoRequest& request) {
  if (options.is_null()) return {};
  if (!options.is_object()) return malformed("'Options' of the properties is no JSON object");
  for (const auto& [name, value] : options.items()) {
    if (value.is_null()) continue;
    KC_CHECK_OK(engine::set_option(request.options, name, value_of(value),
                                   engine::OptionSource::request_properties));
  }
  return {};
}

// Strings and whole numbers as they are, everything else as its literal: always text here.
Result<void> read_parameters(const json& parameters, KustoRequest& request) {
  if (parameters.is_null()) return {};
  if (!parameters.is_object()) return malformed("'Parameters' of the properties is no JSON object");
  for (const auto& [name, value] : parameters.items()) {
    if (value.is_null()) continue;
    request.options.parameters[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return {};
}

const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// An object, or a string with the JSON of one.
Result<void> read_properties(const json& given, KustoRequest& request) {
  json parsed;
  if (given.is_string()) {
    const auto& text = given.get_ref<const std::string&>();
    if (text.empty()) return {};
    KC_TRY(parsed, parse_object(text, "'properties' of the request"));
  }
  const auto& properties = given.is_string() ? parsed : given;
  if (!properties.is_object()) return malformed("'properties' of the request is no JSON object");
  if (const auto* options = member(properties, "Options")) {
    KC_CHECK_OK(read_options(*options, request));
  }
  if (const auto* parameters = member(properties, "Parameters")) {
    KC_CHECK_OK(read_parameters(*parameters, request));
  }
  return {};
}

Result<void> read_query_string(const HttpRequest& http, KustoRequest& request) {
  const auto given = [&](const char* name) {
    const auto found = http.query.find(name);
    return found == http.query.end() ? nullptr : &found->second;
  };
  const auto* csl = given("csl");
  if (csl == nullptr) return malformed("The parameter 'csl' is missing");
  request.text = *csl;
  if (const auto* database = given("db")) request.database = *database;
  // What anybody may put into a link must not change anything.
  request.options.read_only = true;
  if (const auto* properties = given("properties")) {
    return read_properties(json(*properties), request);
  }
  return {};
}

Result<void> read_body(const HttpRequest& http, KustoRequest& request) {
  KC_TRY(const auto body, parse_object(http.body, "The body of the request"));
  const auto* csl = member(body, "csl");
  if (csl == nullptr || !csl->is_string())
    return malformed("The body of the request has no string 'csl'");
  request.text = csl->get<std::string>();
  if (const auto* database = member(body, "db")) {
    if (!database->is_string()) return malformed("'db' of the request is no string");
    request.database = database->get<std::string>();
  }
  if (const auto* properties = member(body, "properties"))
    return read_properties(*properties, request);
  return {};
}

bool printable(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

Result<void> read_kusto_request(const HttpRequest& http, KustoRequest& request) {
  return http.method == "GET" ? read_query_string(http, request) : read_body(http, request);
}

void read_kusto_headers(const HttpRequest& http, const std::string& fallback_id,
                        KustoRequest& request) {
  auto& options = request.options;
  const auto* id = http.header("x-ms-client-request-id");
  options.client_request_id = id != nullptr && printable(*id) ? *id : "unspecified;" + fallback_id;
  if (const auto* name = http.header("x-ms-app")) options.application = *name;
  if (const auto* name = http.header("x-ms-user")) options.user = *name;
  constexpr std::string_view kBearer = "Bearer ";
  if (const auto* token = http.header("authorization"); token && token->starts_with(kBearer))
    options.token = token->substr(kBearer.size());
  if (http.header("x-ms-readonly") != nullptr) options.read_only = true;
}

}  // namespace kc::api
