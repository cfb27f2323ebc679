#include "tests/contract/contract.h"

#include <algorithm>
#include <regex>

namespace kc::contract {

namespace {

using nlohmann::json;
using Wrong = std::vector<std::string>;

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : path + "/") {
    if (c != '/') {
      part += c;
    } else {
      parts.push_back(std::exchange(part, {}));
    }
  }
  return parts;
}

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return false;
}

const std::set<std::string> kKeywords{
    "$ref",      "type",      "enum",     "properties", "required",    "additionalProperties",
    "items",     "minItems",  "maxItems", "minimum",    "maximum",     "pattern",
    "minLength", "maxLength", "anyOf",    "default",    "description", "example"};

}  // namespace

Contract::Contract(const std::string& file) : root_(YAML::LoadFile(file)) {
  for (const auto& path : root_["paths"]) {
    for (const auto& method : path.second) {
      auto name = method.first.as<std::string>();
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      operations_.push_back({name, path.first.as<std::string>(),
                             method.second["operationId"].as<std::string>(), method.second});
    }
  }
}

const Operation* Contract::find(const std::string& method, const std::string& path) const {
  const auto wanted = split(path);
  for (const auto& each : operations_) {
    const auto parts = split(each.path);
    const bool fits =
        parts.size() == wanted.size() && std::equal(parts.begin(), parts.end(), wanted.begin(),
                                                    [](const auto& part, const auto& given) {
                                                      return part == given || part.front() == '{';
                                                    });
    if (fits && each.method == method) return &each;
  }
  return nullptr;
}

YAML::Node Contract::resolve(YAML::Node node) const {
  if (!node.IsMap() || !node["$ref"]) return node;
  YAML::Node at;
  at.reset(root_);
  const auto parts = split(node["$ref"].as<std::string>());
  for (std::size_t i = 1; i < parts.size(); ++i) at.reset(at[parts[i]]);
  if (!at.IsDefined() || at.IsNull())
    throw std::runtime_error("dangling $ref " + node["$ref"].as<std::string>());
  return resolve(at);
}

void Contract::validate_text(const std::string& text, const YAML::Node& schema,
                             const std::string& at, Wrong& wrong) const {
  if (schema["minLength"] && text.size() < schema["minLength"].as<std::size_t>())
    wrong.push_back(at + " is too short");
  if (schema["maxLength"] && text.size() > schema["maxLength"].as<std::size_t>())
    wrong.push_back(at + " is too long");
  constexpr std::size_t kMatchedMax = 4096;  // std::regex recurses for each character
  if (schema["pattern"] && text.size() > kMatchedMax) wrong.push_back(at + " is absurdly long");
  if (schema["pattern"] && text.size() <= kMatchedMax &&
      !std::regex_search(text, std::regex(schema["pattern"].as<std::string>()))) {
    wrong.push_back(at + " '" + text + "' does not fit " + schema["pattern"].as<std::string>());
  }
  if (!schema["enum"]) return;
  const auto words = schema["enum"].as<std::vector<std::string>>();
  if (std::find(words.begin(), words.end(), text) == words.end())
    wrong.push_back(at + " '" + text + "' is no declared word");
}

void Contract::validate_object(const json& value, const YAML::Node& schema, const std::string& at,
                               Wrong& wrong) const {
  if (!schema["additionalProperties"] || schema["additionalProperties"].as<bool>()) {
    wrong.push_back(at + ": the schema does not forbid other properties");
  }
  for (const auto& name : schema["required"]) {
    if (!value.contains(name.as<std::string>()))
      wrong.push_back(at + " lacks '" + name.as<std::string>() + "'");
  }
  for (const auto& [name, each] : value.items()) {
    if (const auto property = schema["properties"][name]) {
      validate(each, property, at + "/" + name, wrong);
    } else {
      wrong.push_back(at + " has undeclared '" + name + "'");
    }
  }
}

void Contract::validate(const json& value, YAML::Node given, const std::string& at,
                        Wrong& wrong) const {
  const YAML::Node schema = resolve(given);
  for (const auto& keyword : schema) {
    const auto name = keyword.first.as<std::string>();
    if (!kKeywords.contains(name))
      wrong.push_back(at + ": the validator does not know '" + name + "'");
  }
  if (const auto any = schema["anyOf"]) {
    for (const auto& choice : any) {
      Wrong inner;
      validate(value, choice, at, inner);
      if (inner.empty()) return;
    }
    wrong.push_back(at + " fits none of anyOf: " + value.dump());
    return;
  }
  if (!schema["type"]) return wrong.push_back(at + ": the schema has no type");
  std::vector<std::string> types;
  if (schema["type"].IsSequence()) {
    types = schema["type"].as<std::vector<std::string>>();
  } else {
    types.push_back(schema["type"].as<std::string>());
  }
  if (std::none_of(types.begin(), types.end(),
                   [&](const auto& type) { return has_type(value, type); })) {
    return wrong.push_back(at + " is not of its type: " + value.dump());
  }
  if (value.is_string()) validate_text(value.get<std::string>(), schema, at, wrong);
  if (value.is_number()) {
    if (schema["minimum"] && value.get<double>() < schema["minimum"].as<double>())
      wrong.push_back(at + " is too small");
    if (schema["maximum"] && value.get<double>() > schema["maximum"].as<double>())
      wrong.push_back(at + " is too large");
  }
  if (value.is_object()) validate_object(value, schema, at, wrong);
  if (!value.is_array()) return;
  if (schema["minItems"] && value.size() < schema["minItems"].as<std::size_t>())
    wrong.push_back(at + " has too few entries");
  if (schema["maxItems"] && value.size() > schema["maxItems"].as<std::size_t>())
    wrong.push_back(at + " has too many items");
  for (std::size_t i = 0; i < value.size(); ++i)
    validate(value[i], schema["items"], at + "/" + std::to_string(i), wrong);
}

Wrong Contract::check(const Operation& operation, int status, const std::string& content_type,
                      const std::string& body, bool has_body) {
  const auto declared = operation.node["responses"][std::to_string(status)];
  if (!declared)
    return {operation.id + ": status " + std::to_string(status) + " is not declared: " + body};
  seen_.emplace(operation.id, status);
  const auto response = resolve(declared);
  const auto content = response["content"];
  if (!content)
    return body.empty() ? Wrong{} : Wrong{operation.id + ": a body where none is declared"};
  const auto type = content_type.substr(0, content_type.find(';'));
  if (!content[type]) return {operation.id + ": content type '" + type + "' is not declared"};
  if (!has_body || type == "application/yaml" || type == "text/plain") return {};
  const auto value = json::parse(body, nullptr, false);
  if (value.is_discarded()) return {operation.id + ": the body is not JSON: " + body};
  Wrong wrong;
  validate(value, content[type]["schema"], operation.id, wrong);
  return wrong;
}

Wrong Contract::check_schema(const std::string& name, const std::string& body) const {
  const auto value = json::parse(body, nullptr, false);
  if (value.is_discarded()) return {"the body is not JSON: " + body};
  Wrong wrong;
  validate(value, root_["components"]["schemas"][name], name, wrong);
  return wrong;
}

Wrong Contract::unseen() const {
  Wrong out;
  for (const auto& operation : operations_) {
    for (const auto& response : operation.node["responses"]) {
      const auto status = response.first.as<int>();
      if (!seen_.contains({operation.id, status}))
        out.push_back(operation.id + " " + std::to_string(status));
    }
  }
  return out;
}

}  // namespace kc::contract
