// Stored functions: made, changed, shown and dropped. What they mean is the translator's.
#include <algorithm>
#include <cctype>

#include "core/engine/commands/command.h"
#include "core/engine/query/run.h"
#include "core/engine/syntax/parser.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

RowTable functions_table() {
  return {{{"Name", kString},
           {"Parameters", kString},
           {"Body", kString},
           {"Folder", kString},
           {"DocString", kString}},
          {}};
}

void add_row(RowTable& table, const FunctionEntry& entry) {
  table.rows.push_back({text_value(entry.name), text_value(entry.parameters),
                        text_value(entry.body), text_value(entry.folder),
                        text_value(entry.docstring)});
}

RowTable one_row(const FunctionEntry& entry) {
  auto table = functions_table();
  add_row(table, entry);
  return table;
}

Failure no_function(std::string_view name) {
  Error error{.kind = ErrorKind::not_found, .code = "engine.function", .message = {}};
  error.message = "Entity ID '" + std::string(name) + "' of kind 'Function' was not found.";
  error.service_code = "BadRequest_EntityNotFound";
  return fail(std::move(error));
}

// The text of a parenthesised or braced piece, as it was written.
Result<std::string> balanced(Command& command, std::string_view open, std::string_view close) {
  auto& tokens = command.tokens;
  const auto start = tokens.offset();
  KC_CHECK_OK(tokens.expect(open));
  for (int depth = 1; depth > 0;) {
    if (tokens.peek().kind == TokenKind::end)
      return fail(tokens.error("expected '" + std::string(close) + "'"));
    if (tokens.is(open)) ++depth;
    if (tokens.is(close)) --depth;
    tokens.take();
  }
  return std::string(tokens.text().substr(start, tokens.last_end() - start));
}

// `( x : long , T : ( a : string ) )` as the service shows it: `(x:long, T:(a:string))`.
std::string tidy_parameters(const std::string& text) {
  std::string out;
  char quote = '\0';
  for (const char c : text) {
    if (quote != '\0') {
      out += c;
      if (c == quote) quote = '\0';
      continue;
    }
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    if (c == '\'' || c == '"') quote = c;
    out += c;
    if (c == ',') out += ' ';
  }
  return out;
}

std::string argument_for(const Parameter& parameter) {
  const auto type = std::string(to_string(parameter.type));
  if (parameter.type == ScalarType::string_) return "''";
  return parameter.type == ScalarType::dynamic_ ? "dynamic(null)" : type + "(null)";
}

// Calls the function with nothing in its arguments, as a table and then as a value: the names in it
// must resolve. One that takes tables is only parsed, since their columns are the caller's.
Result<void> validate(Command& command, const FunctionEntry& entry) {
  const auto definition = "let ['" + entry.name +
                          "'] = " + (entry.view ? std::string("view ") : std::string()) +
                          entry.parameters + " " + entry.body + ";\n";
  KC_TRY(const auto parsed, parse_query(definition + "print 1"));
  const auto* let = std::get_if<LetStatement>(&parsed.statements.front());
  if (let == nullptr || !let->function) return bad_request("The function has no body.");
  std::string arguments;
  for (const auto& parameter : let->parameters) {
    if (parameter.tabular) return {};
    arguments += (arguments.empty() ? "" : ", ") + argument_for(parameter);
  }
  const auto call = "['" + entry.name + "'](" + arguments + ")";
  auto rows = bind_query(command.session, definition + call);
  if (rows) return {};
  if (bind_query(command.session, definition + "print " + call)) return {};
  return fail(std::move(rows).error());
}

enum class IfExists { fails, keeps, replaces };

Result<FunctionEntry> parse_function(Command& command, bool& validates, bool& given_properties) {
  FunctionEntry entry;
  KC_TRY(const auto properties, parse_properties(command));
  given_properties = !properties.empty();
  for (const auto& [name, value] : properties) {
    if (name == "folder")
      entry.folder = value;
    else if (name == "docstring")
      entry.docstring = value;
    else if (name != "view" && name != "skipvalidation" && name != "hidden")
      return bad_request("The property '" + name + "' is not one of a function's.");
  }
  KC_TRY(entry.view, bool_property(properties, "view", false));
  KC_TRY(const bool skip, bool_property(properties, "skipvalidation", false));
  validates = !skip;
  KC_TRY(entry.name, command.tokens.name());
  KC_CHECK_OK(check_entity_name(entry.name));
  KC_TRY(const auto parameters, balanced(command, "(", ")"));
  entry.parameters = tidy_parameters(parameters);
  KC_TRY(entry.body, balanced(command, "{", "}"));
  KC_CHECK_OK(expect_end(command));
  return entry;
}

Answer put_function(Command& command, IfExists if_exists, bool must_exist) {
  bool validates = true, given = false;
  KC_TRY(auto entry, parse_function(command, validates, given));
  if (validates) KC_CHECK_OK(validate(command, entry));
  std::optional<FunctionEntry> kept;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    entry.database = database.id;
    KC_TRY(const auto found, view.function(database.id, entry.name));
    if (!found && must_exist) return no_function(entry.name);
    if (found && if_exists == IfExists::fails)
      return bad_request("Function '" + entry.name + "' already exists.");
    if (found && if_exists == IfExists::keeps) {
      kept = found;
      return {};
    }
    // Altered without properties, a function keeps its folder and docstring.
    if (found && !given) {
      entry.folder = found->folder;
      entry.docstring = found->docstring;
    }
    KC_CHECK_OK(view.set_function(entry));
    return note(command, view,
                {.event = found ? "ALTER-FUNCTION" : "CREATE-FUNCTION",
                 .entity = entry.name,
                 .container = database.name});
  });
  KC_CHECK_OK(checked);
  return one_row(kept ? *kept : entry);
}

Answer list_functions(Command& command, bool names_only) {
  KC_TRY(const auto found, command.host().catalogue->read(
                               [&](CatalogueView& view) -> Result<std::vector<FunctionEntry>> {
                                 KC_TRY(const auto database,
                                        view.database(command.session.database));
                                 return view.functions(database.id);
                               }));
  if (!names_only) {
    auto table = functions_table();
    for (const auto& entry : found) add_row(table, entry);
    return table;
  }
  RowTable table{{{"Name", kString}}, {}};
  for (const auto& entry : found) table.rows.push_back({text_value(entry.name)});
  return table;
}

Result<void> drop(Command& command, const std::vector<std::string>& names, bool if_exists) {
  return command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    for (const auto& name : names) {
      KC_TRY(const auto found, view.function(database.id, name));
      if (!found && if_exists) continue;
      if (!found) return no_function(name);
      KC_CHECK_OK(view.drop_function(database.id, name));
      KC_CHECK_OK(note(command, view,
                       {.event = "DROP-FUNCTION", .entity = name, .container = database.name}));
    }
    return {};
  });
}

}  // namespace

Answer create_function(Command& command) {
  const bool keeps = command.tokens.accept_word("ifnotexists");
  return put_function(command, keeps ? IfExists::keeps : IfExists::fails, false);
}

Answer create_or_alter_function(Command& command) {
  return put_function(command, IfExists::replaces, false);
}

// `.alter function F folder '…'` and `docstring '…'`, or the whole function again.
Answer alter_function(Command& command) {
  auto& tokens = command.tokens;
  const auto mark = tokens.mark();
  if (tokens.is_name() && tokens.name() &&
      (tokens.is_word("folder") || tokens.is_word("docstring"))) {
    tokens.reset(mark);
    KC_TRY(const auto name, tokens.name());
    const bool folder = tokens.take().text == "folder";
    KC_TRY(const auto text, tokens.string());
    KC_CHECK_OK(expect_end(command));
    FunctionEntry entry;
    const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
      KC_TRY(const auto database, view.database(command.session.database));
      KC_TRY(const auto found, view.function(database.id, name));
      if (!found) return no_function(name);
      entry = *found;
      (folder ? entry.folder : entry.docstring) = text;
      return view.set_function(entry);
    });
    KC_CHECK_OK(checked);
    return one_row(entry);
  }
  tokens.reset(mark);
  return put_function(command, IfExists::replaces, true);
}

Answer drop_function(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  const bool if_exists = accept_if_exists(command);
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(drop(command, {name}, if_exists));
  return RowTable{{{"Name", kString}}, {{text_value(name)}}};
}

Answer drop_functions(Command& command) {
  KC_TRY(const auto names, parse_names(command));
  const bool if_exists = accept_if_exists(command);
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(drop(command, names, if_exists));
  return list_functions(command, false);
}

Answer show_functions(Command& command) {
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  return list_functions(command, false);
}

Answer show_function(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  if (command.tokens.accept_word("principals"))
    return unsupported(command, "showing a function's principals");
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto found, command.host().catalogue->read(
                               [&](CatalogueView& view) -> Result<std::optional<FunctionEntry>> {
                                 KC_TRY(const auto database,
                                        view.database(command.session.database));
                                 return view.function(database.id, name);
                               }));
  if (!found) return no_function(name);
  return one_row(*found);
}

}  // namespace kc::engine
