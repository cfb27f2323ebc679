// Every option of the program in one table, and the values that a run has for them: flag, then
// environment, then file, then default. The table makes --help too. Used by config and by the
// commands. Thread promise: values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kc::server {

enum class Command : unsigned {
  copy = 1,
  serve = 2,
  engine = 4,
  demo = 8,
  verify = 16,
  connections = 32,
};
constexpr unsigned operator|(Command a, Command b) {
  return static_cast<unsigned>(a) | static_cast<unsigned>(b);
}
constexpr unsigned operator|(unsigned a, Command b) { return a | static_cast<unsigned>(b); }

// `list`: names with blanks or commas between; `several`: given once for each, as it is written.
enum class OptionKind { flag, text, list, several };

struct Option {
  std::string_view name;  // without dashes
  char letter = 0;        // of the short form; 0: none
  OptionKind kind = OptionKind::text;
  std::string_view value;     // what --help calls it
  std::string_view fallback;  // shown by --help; empty: none
  std::string_view help;
  unsigned commands = 0;  // Command bits
  bool in_job = false;    // a field of the job body, under `field_of`

  bool belongs_to(Command command) const {
    return (commands & static_cast<unsigned>(command)) != 0;
  }
};
std::span<const Option> options();

// tables-include -> tablesInclude: the name in a configuration file and in the job body.
std::string field_of(std::string_view name);
// tables-include -> KUSTO_COPY_TABLES_INCLUDE.
std::string variable_of(std::string_view name);

enum class Origin { flag, environment, file, fallback };
std::string_view to_string(Origin origin);

struct Setting {
  std::vector<std::string> values;
  Origin origin = Origin::fallback;
};

class Settings {
 public:
  using Environment = std::function<std::optional<std::string>(const std::string&)>;

  // `arguments` without the program and the command. Kind invalid: config.unknown_option (with the
  // nearest known one), config.invalid_value, config.file, config.unknown_key.
  static Result<Settings> read(Command command, const std::vector<std::string>& arguments,
                               const Environment& environment);

  bool given(std::string_view name) const;  // by flag, environment or file
  // The default where it was not given; empty where there is none.
  std::string text(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  bool flag(std::string_view name) const;
  // Kind invalid, code config.invalid_value.
  Result<std::int64_t> number(std::string_view name, std::int64_t low, std::int64_t high) const;

  const std::map<std::string, Setting, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, Setting, std::less<>> values_;
};

// The options of one command as --help shows them.
std::string help_of(Command command);

}  // namespace kc::server
