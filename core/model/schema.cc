#include "core/model/schema.h"

#include <array>
#include <utility>

#include "core/base/check.h"

namespace kc {

std::string_view to_string(ScalarType type) {
  switch (type) {
    case ScalarType::bool_:
      return "bool";
    case ScalarType::int_:
      return "int";
    case ScalarType::long_:
      return "long";
    case ScalarType::real_:
      return "real";
    case ScalarType::decimal_:
      return "decimal";
    case ScalarType::datetime_:
      return "datetime";
    case ScalarType::timespan_:
      return "timespan";
    case ScalarType::guid_:
      return "guid";
    case ScalarType::string_:
      return "string";
    case ScalarType::dynamic_:
      return "dynamic";
  }
  KC_UNREACHABLE();
}

std::optional<ScalarType> parse_scalar_type(std::string_view word) {
  // Canonical names, then the aliases that Kusto accepts in a table's definition.
  static constexpr std::array<std::pair<std::string_view, ScalarType>, 31> kWords{{
      {"bool", ScalarType::bool_},         {"boolean", ScalarType::bool_},
      {"int", ScalarType::int_},           {"int32", ScalarType::int_},
      {"uint", ScalarType::int_},          {"uint32", ScalarType::int_},
      {"int8", ScalarType::int_},          {"uint8", ScalarType::int_},
      {"int16", ScalarType::int_},         {"uint16", ScalarType::int_},
      {"long", ScalarType::long_},         {"int64", ScalarType::long_},
      {"ulong", ScalarType::long_},        {"uint64", ScalarType::long_},
      {"real", ScalarType::real_},         {"double", ScalarType::real_},
      {"float", ScalarType::real_},        {"decimal", ScalarType::decimal_},
      {"datetime", ScalarType::datetime_}, {"date", ScalarType::datetime_},
      {"timespan", ScalarType::timespan_}, {"time", ScalarType::timespan_},
      {"guid", ScalarType::guid_},         {"uuid", ScalarType::guid_},
      {"uniqueid", ScalarType::guid_},     {"string", ScalarType::string_},
      {"dynamic", ScalarType::dynamic_},   {"Int32", ScalarType::int_},
      {"Int64", ScalarType::long_},        {"String", ScalarType::string_},
      {"object", ScalarType::dynamic_},
  }};
  for (const auto& [name, type] : kWords) {
    if (name == word) return type;
  }
  return std::nullopt;
}

}  // namespace kc
