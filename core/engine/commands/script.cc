// `.execute [database] script`: commands one after the other, each with its own outcome.
#include <sstream>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;
constexpr std::size_t kCommandsMax = 10'000;

bool starts_command(std::string_view line) {
  const auto at = line.find_first_not_of(" \t\r");
  if (at == std::string_view::npos || at + 1 >= line.size() || line[at] != '.') return false;
  const auto next = static_cast<unsigned char>(line[at + 1]);
  return std::isalpha(next) != 0;
}

bool blank_or_comment(std::string_view line) {
  const auto at = line.find_first_not_of(" \t\r");
  return at == std::string_view::npos || line.substr(at).starts_with("//");
}

// A command begins on a line that starts with a dot, unless a literal of backticks is still open.
Result<std::vector<std::string>> split(std::string_view text) {
  std::vector<std::string> commands;
  bool open = false;
  std::size_t at = 0;
  while (at <= text.size()) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (!open && starts_command(line)) {
      commands.emplace_back(line.substr(line.find('.')));
    } else if (!commands.empty()) {
      commands.back() += '\n';
      commands.back() += line;
    } else if (!blank_or_comment(line)) {
      return bad_request("A script's command starts with a dot: '" +
                         std::string(line.substr(0, 40)) + "'.");
    }
    for (auto tick = line.find("```"); tick != std::string_view::npos;
         tick = line.find("```", tick + 3))
      open = !open;
    at = end + 1;
  }
  for (auto& command : commands) {
    while (!command.empty() && (std::isspace(static_cast<unsigned char>(command.back())) != 0))
      command.pop_back();
  }
  if (commands.size() > kCommandsMax) return bad_request("The script has too many commands.");
  return commands;
}

}  // namespace

Answer execute_script(Command& command) {
  command.tokens.accept_word("database");
  KC_CHECK_OK(command.tokens.expect_word("script"));
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(const bool goes_on, bool_property(properties, "continueonerrors", false));
  KC_TRY(const bool throws, bool_property(properties, "throwonerrors", false));
  for (const auto& [name, value] : properties) {
    if (name != "continueonerrors" && name != "throwonerrors")
      return bad_request("The property '" + name + "' is not one of a script's.");
  }
  if (goes_on && throws)
    return bad_request("ContinueOnErrors and ThrowOnErrors cannot both be set.");
  KC_CHECK_OK(command.tokens.expect("<|"));
  KC_TRY(const auto commands, split(command.tokens.rest()));
  command.tokens = TokenStream({});
  RowTable answer{{{"OperationId", ScalarType::guid_},
                   {"CommandType", kString},
                   {"CommandText", kString},
                   {"Result", kString},
                   {"Reason", kString}},
                  {}};
  for (const auto& text : commands) {
    const auto* entry = command_entry(text);
    const std::string_view kind = entry == nullptr ? "Unknown" : entry->kind;
    const auto add = [&](std::string_view result, std::string_view reason) {
      answer.rows.push_back({guid_value(command.host().new_id()), text_value(kind),
                             text_value(text), text_value(result), text_value(reason)});
    };
    if (text.starts_with(".show")) {
      add("Skipped", "A '.show' command is not run by a script.");
      continue;
    }
    auto session = command.session;
    const auto done = run_command(session, text);
    if (done) {
      add("Completed", "");
      continue;
    }
    if (throws) return fail(done.error());
    add("Failed", done.error().message);
    if (!goes_on) break;
  }
  return answer;
}

}  // namespace kc::engine
