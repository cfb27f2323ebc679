#include <algorithm>

#include "core/base/text.h"
#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

Result<std::string> property_value(Command& command) {
  auto& tokens = command.tokens;
  const auto& token = tokens.peek();
  switch (token.kind) {
    case TokenKind::string:
    case TokenKind::guid:
    case TokenKind::typed:
    case TokenKind::identifier:
      return tokens.take().text;
    case TokenKind::long_:
    case TokenKind::real:
    case TokenKind::timespan:
      return std::string(tokens.take().raw);
    default:
      return fail(tokens.error("expected a property's value"));
  }
}

// `( item, item )`, with at least one item.
template <class Item>
Result<void> parse_list(Command& command, Item item) {
  KC_CHECK_OK(command.tokens.expect("("));
  do {
    KC_CHECK_OK(item());
  } while (command.tokens.accept(","));
  return command.tokens.expect(")");
}

}  // namespace

Failure bad_request(const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.bad_request", .message = what};
  error.service_code = "General_BadRequest";
  return fail(std::move(error));
}

Failure unsupported(Command& command, std::string_view what) {
  return fail(command.tokens.error(std::string(what) + " is not supported", "SYN0100"));
}

Result<Properties> parse_properties(Command& command) {
  Properties properties;
  auto& tokens = command.tokens;
  while (tokens.is_word("with") && tokens.is("(", 1)) {
    tokens.take();
    tokens.take();
    if (tokens.accept(")")) continue;
    do {
      std::string name;
      if (tokens.peek().kind == TokenKind::string) {
        name = tokens.take().text;
      } else {
        KC_TRY(name, tokens.name());
      }
      KC_CHECK_OK(tokens.expect("="));
      KC_TRY(auto value, property_value(command));
      properties[lower(std::move(name))] = std::move(value);
    } while (tokens.accept(","));
    KC_CHECK_OK(tokens.expect(")"));
  }
  return properties;
}

Result<bool> bool_property(const Properties& properties, const std::string& name, bool standard) {
  const auto found = properties.find(name);
  if (found == properties.end()) return standard;
  const auto value = lower(found->second);
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return bad_request("BadRequest_MalformedIngestionProperty: '" + name +
                     "' is neither true nor false");
}

Result<std::vector<Uuid>> parse_ids(Command& command) {
  std::vector<Uuid> ids;
  const auto one = [&]() -> Result<void> {
    const auto& token = command.tokens.peek();
    const bool named = token.kind == TokenKind::typed && token.type == ScalarType::guid_;
    if (token.kind != TokenKind::guid && token.kind != TokenKind::string && !named) {
      return fail(command.tokens.error("expected an id"));
    }
    KC_TRY(const auto id, Uuid::parse(token.text));
    command.tokens.take();
    ids.push_back(id);
    return {};
  };
  if (!command.tokens.is("("))
    KC_CHECK_OK(one());
  else
    KC_CHECK_OK(parse_list(command, one));
  return ids;
}

Result<std::vector<std::string>> parse_names(Command& command) {
  std::vector<std::string> names;
  const auto checked = parse_list(command, [&]() -> Result<void> {
    KC_TRY(auto name, command.tokens.name());
    names.push_back(std::move(name));
    return {};
  });
  KC_CHECK_OK(checked);
  return names;
}

Result<std::vector<std::string>> parse_strings(Command& command) {
  std::vector<std::string> strings;
  const auto one = [&]() -> Result<void> {
    KC_TRY(auto text, command.tokens.string());
    strings.push_back(std::move(text));
    return {};
  };
  if (!command.tokens.is("("))
    KC_CHECK_OK(one());
  else
    KC_CHECK_OK(parse_list(command, one));
  return strings;
}

Result<std::vector<Column>> parse_columns(Command& command) {
  std::vector<Column> columns;
  auto& tokens = command.tokens;
  const auto checked = parse_list(command, [&]() -> Result<void> {
    KC_TRY(auto name, tokens.name());
    KC_CHECK_OK(tokens.expect(":"));
    const auto type = parse_scalar_type(tokens.peek().raw);
    if (!type) return fail(tokens.error("expected a column type"));
    tokens.take();
    if (std::any_of(columns.begin(), columns.end(),
                    [&](const Column& column) { return column.name == name; })) {
      return bad_request("The column '" + name + "' is given twice.");
    }
    columns.push_back({std::move(name), *type});
    return {};
  });
  KC_CHECK_OK(checked);
  return columns;
}

bool accept_if_exists(Command& command) { return command.tokens.accept_word("ifexists"); }

Result<void> expect_end(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.at_end() || tokens.is("|") || tokens.is(";")) return {};
  return fail(tokens.error("unsupported clause"));
}

Result<DatabaseEntry> database_of(Session& session) {
  return session.host.catalogue->read(
      [&](CatalogueView& view) { return view.database(session.database); });
}

Result<CatalogueTable> table_of(Session& session, std::string_view name) {
  return session.host.catalogue->read([&](CatalogueView& view) -> Result<CatalogueTable> {
    KC_TRY(const auto database, view.database(session.database));
    KC_TRY(auto table, view.table(database, name));
    KC_CHECK_OK(check_table_access(session, view, table));
    return table;
  });
}

Result<void> check_table_access(Session& session, CatalogueView& view,
                                const CatalogueTable& table) {
  if (session.needs == Access::anyone) return {};
  const auto principal = principal_of_token(session.options.token);
  KC_TRY(const bool allowed, may(view, principal, session.needs, table.database, table.id));
  if (allowed) return {};
  return access_denied(principal, "change or read the table '" + table.name + "'");
}

Result<void> own_table(Command& command, CatalogueView& view, const CatalogueTable& table) {
  const auto principal = principal_of_token(command.session.options.token);
  if (principal.empty()) return {};
  KC_TRY(const auto entries, view.principals());
  if (entries.empty()) return {};  // nobody has roles yet: everybody may do anything
  return view.add_principal({Scope::table, table.id, "admins", principal, ""});
}

Result<void> check_entity_name(std::string_view name) {
  constexpr std::size_t kCharactersMax = 1024;
  std::size_t characters = 0;
  bool control = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) ++characters;
    control = control || byte < 0x20;
  }
  if (characters > 0 && characters <= kCharactersMax && !control) return {};
  Error error{.kind = ErrorKind::invalid, .code = "engine.name", .message = {}};
  error.message =
      "BadRequest_EntityNameIsNotValid: a name has 1 to 1024 characters, no control characters "
      "among them.";
  error.service_code = "BadRequest_EntityNameIsNotValid";
  return fail(std::move(error));
}

void apply_table_properties(CatalogueTable& table, const Properties& properties) {
  if (const auto at = properties.find("folder"); at != properties.end())
    table.schema.folder = at->second;
  if (const auto at = properties.find("docstring"); at != properties.end())
    table.schema.docstring = at->second;
}

}  // namespace kc::engine
