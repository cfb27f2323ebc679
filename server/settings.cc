#include "server/settings.h"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <list>

#include "core/base/nearest.h"

namespace kc::server {
namespace {

constexpr unsigned kCopy = static_cast<unsigned>(Command::copy);
constexpr unsigned kSides = Command::copy | Command::verify;
constexpr unsigned kEngines = Command::serve | Command::engine | Command::demo;
constexpr unsigned kConnections = static_cast<unsigned>(Command::connections);
constexpr unsigned kPlaces = kSides | kConnections;
constexpr unsigned kAll = kEngines | kPlaces;
using Kind = OptionKind;

// The order is that of --help. The first block is the seeds' own table, as they spell it.
constexpr std::array kOptions = {
    Option{"lake", 'l', Kind::several, "LAKE", "",
           "Lake: a folder, or a container in Azure Blob storage with a SAS or an account key, "
           "'https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH?<SAS>' (required). Given again: "
           "exported data is spread over all of them, the first has the checkpoint",
           kCopy | kConnections, true},
    Option{"source", 's', Kind::text, "CLUSTER", "",
           "Source cluster: a URL or a connection string (required)", kPlaces, true},
    Option{"destination", 'd', Kind::text, "CLUSTER", "",
           "Destination cluster: a URL or a connection string (required)", kPlaces, true},
    Option{"db", 0, Kind::text, "NAME", "", "Database to copy (required)", kPlaces, true},
    Option{"tables-include", 0, Kind::list, "TABLE", "all tables", "Tables to include", kSides,
           true},
    Option{"tables-exclude", 0, Kind::list, "TABLE", "none", "Tables to exclude", kSides, true},
    Option{"query-slots", 0, Kind::text, "N|N%", "10%", "Concurrent queries and commands", kCopy,
           true},
    Option{"export-slots", 0, Kind::text, "N|N%", "100%", "Export slots to use on the source",
           kCopy, true},
    Option{"ingestion-slots", 0, Kind::text, "N|N%", "100%",
           "Concurrent ingestions on the destination", kCopy, true},
    Option{"continuous", 0, Kind::flag, "", "", "Run continuously (not in this version)", kCopy,
           true},
    Option{"rpo", 'r', Kind::text, "DURATION", "5m",
           "Recovery point objective: the time between two iterations", kCopy, true},
    Option{"backfillHorizon", 'b', Kind::text, "DURATION", "everything",
           "How long in the past to start (not in this version)", kCopy, true},
    Option{"verbose", 'v', Kind::flag, "", "", "Verbose messages", kAll, true},

    Option{"id", 0, Kind::text, "ID", "made from source, destination and db",
           "The job's name, and its folder in the lake", kCopy, true},
    Option{"destination-db", 0, Kind::text, "NAME", "as --db", "Database to copy into", kPlaces,
           true},
    Option{"format", 0, Kind::text, "auto|csv|parquet", "auto", "Format of the exported files",
           kCopy, true},
    Option{"ingest", 0, Kind::text, "auto|direct|queued", "auto",
           "How the destination ingests: by command, or queued through its data management; auto: "
           "queued where it is offered and can read the lake",
           kCopy, true},
    Option{"on-error", 0, Kind::text, "continue|stop", "continue",
           "What a failing table does to the others", kCopy, true},
    Option{"block-rows-max", 0, Kind::text, "N", "4000000", "Rows of one block", kCopy, true},
    Option{"block-bytes-max", 0, Kind::text, "N", "2000000000", "Original bytes of one block",
           kCopy, true},
    Option{"max-failures", 0, Kind::text, "N", "10", "Failures of one block before it is given up",
           kCopy, true},
    Option{"export-grant", 0, Kind::text, "DURATION", "4h",
           "Life of the right to write that an export gets on a lake in Blob storage: longer than "
           "an export may run on the source",
           Command::copy | Command::serve},
    Option{"trusted-hosts", 0, Kind::list, "HOST", "none",
           "Further hosts that a token may be sent to: a name, or .suffix of names",
           kPlaces | Command::serve},
    Option{
        "sign-in", 0, Kind::text, "environment|device-code", "environment",
        "Who asks clusters with Fed=True alone: the identity of the environment, or you, by a code "
        "that you enter in a browser",
        kPlaces},
    Option{"output", 0, Kind::text, "auto|plain|jsonl|json", "auto",
           "How progress is told: a live block on a terminal, lines elsewhere; connections: plain "
           "or json",
           kCopy | kConnections},
    Option{"timeout", 0, Kind::text, "DURATION", "30s", "Total time for each cluster and lake",
           kConnections},

    Option{"listen", 0, Kind::text, "HOST:PORT", "127.0.0.1:8080",
           "Where the service listens; port 0 takes any free one", 0 | Command::serve},
    Option{"embedded", 0, Kind::flag, "", "", "Run a Kusto-compatible engine inside, with samples",
           0 | Command::serve},
    Option{"engine-port", 0, Kind::text, "N", "8082",
           "Port of the embedded engine; 0: any free one", 0 | Command::serve},
    Option{"host", 0, Kind::text, "HOST", "127.0.0.1", "Where the engine listens",
           0 | Command::engine},
    Option{"port", 0, Kind::text, "N", "8082", "Port of the engine; 0 takes any free one",
           0 | Command::engine},
    Option{
        "dm-storage", 0, Kind::text, "CONNECTION", "",
        "Storage account of queued ingestion (a connection string; UseDevelopmentStorage=true is "
        "the emulator at its own ports); without it there is none",
        0 | Command::engine},
    Option{"dm-port", 0, Kind::text, "N", "0",
           "Port of data management, with --dm-storage; 0 takes any free one", 0 | Command::engine},
    Option{"data", 0, Kind::text, "FOLDER", "kusto-copy-data",
           "Where databases and the list of jobs are kept", Command::serve | Command::engine},
    Option{
        "secret-key-file", 0, Kind::text, "FILE", "kusto-copy.key in --data",
        "Key that seals the connection strings of jobs in the database; made where there is none",
        0 | Command::serve},
    Option{"secret-references", 0, Kind::list, "PREFIX",
           "env:KUSTO_COPY_SECRET_,file:/run/secrets/",
           "What jobs may name in place of a secret: references that begin with one of these",
           0 | Command::serve},
    Option{"samples", 0, Kind::text, "FACTOR", "1",
           "Size of the sample tables; 1: 100,000 rows; 0: none", kEngines},
    Option{"log-rows", 0, Kind::text, "N", "0", "Rows of the sample table Logs; 0: no such table",
           kEngines},
    Option{"engine-threads", 0, Kind::text, "N", "one per core", "Threads of the engine", kEngines},
    Option{"engine-memory", 0, Kind::text, "BYTES", "1073741824", "Memory of the engine", kEngines},
    Option{"faults", 0, Kind::text, "FILE", "none",
           "JSON file with the faults, delays and merges that the engine plays", kEngines},
    Option{"admin", 0, Kind::flag, "", "",
           "Let clients of the engine set its faults and move its clock under /admin", kEngines},
    Option{"require-token", 0, Kind::flag, "", "",
           "Refuse requests to the engine that carry no bearer token", kEngines},
    Option{"keep", 0, Kind::flag, "", "", "Keep the demo's folder", 0 | Command::demo},

    Option{"log-level", 0, Kind::text, "debug|info|warn|error", "warn",
           "Least level of the log, on standard error", kAll},
    Option{"log-format", 0, Kind::text, "text|json", "text", "Form of a log line", kAll},
    Option{"config", 0, Kind::text, "FILE", "",
           "YAML file with options, by their names in camelCase", kAll},
};

const Option* find_option(std::string_view name) {
  const auto at = std::find_if(kOptions.begin(), kOptions.end(),
                               [&](const Option& option) { return option.name == name; });
  return at == kOptions.end() ? nullptr : &*at;
}

Failure invalid(std::string code, std::string message, std::string fix = {}) {
  return fail(Error{.kind = ErrorKind::invalid,
                    .code = std::move(code),
                    .message = std::move(message),
                    .fix = std::move(fix)});
}

Failure unknown(std::string_view argument) {
  if (!argument.starts_with('-') || argument == "-")
    return invalid("config.unknown_option",
                   "argument '" + std::string(argument) + "' was not expected");
  const auto name = argument.substr(0, argument.find('='));
  std::vector<std::string_view> names;
  names.reserve(std::size(kOptions));
  for (const Option& option : kOptions) names.push_back(option.name);
  const std::string near = nearest(name.substr(name.find_first_not_of('-')), names);
  return invalid("config.unknown_option", "option " + std::string(name) + " is not known here",
                 near.empty() ? "see --help" : "did you mean --" + near + "?");
}

// Commas separate too: no Kusto name holds one.
std::vector<std::string> split(const std::vector<std::string>& given) {
  std::vector<std::string> parts;
  for (const std::string& text : given) {
    std::size_t from = 0;
    while (from <= text.size()) {
      const auto to = std::min(text.find(',', from), text.size());
      if (to > from) parts.push_back(text.substr(from, to - from));
      from = to + 1;
    }
  }
  return parts;
}

using Values = std::map<std::string, Setting, std::less<>>;

void keep(Values& values, const Option& option, std::vector<std::string> given, Origin origin) {
  if (option.kind == Kind::list) given = split(given);
  // What was set by a stronger source stays.
  values.try_emplace(std::string(option.name), Setting{std::move(given), origin});
}

Result<void> read_flags(Values& values, Command command,
                        const std::vector<std::string>& arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  struct Given {
    const Option* option;
    CLI::Option* parsed;
    std::vector<std::string> texts;
  };
  std::list<Given> given;  // CLI11 keeps pointers into it
  for (const Option& option : kOptions) {
    if (!option.belongs_to(command)) continue;
    auto& each = given.emplace_back(Given{&option, nullptr, {}});
    std::string names = "--" + std::string(option.name);
    if (option.letter != 0) names = std::string("-") + option.letter + "," + names;
    if (option.name == "backfillHorizon") names += ",--backfill-horizon";
    if (option.kind == Kind::flag) {
      each.parsed = app.add_flag(names);
    } else {
      each.parsed = app.add_option(names, each.texts);
      each.parsed->expected(1,
                            option.kind == Kind::list ? CLI::detail::expected_max_vector_size : 1);
      if (option.kind == Kind::text)
        each.parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      if (option.kind == Kind::several)
        each.parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return invalid("config.invalid_value", error.what());
  }
  if (const auto extras = app.remaining(); !extras.empty()) return unknown(extras.front());
  for (const Given& each : given) {
    if (each.parsed->count() == 0) continue;
    if (each.option->kind == Kind::flag) {
      const auto results = each.parsed->results();
      const bool off = !results.empty() && results.back() == "false";
      keep(values, *each.option, {off ? "false" : "true"}, Origin::flag);
    } else {
      keep(values, *each.option, each.texts, Origin::flag);
    }
  }
  return {};
}

void read_environment(Values& values, Command command, const Settings::Environment& environment) {
  for (const Option& option : kOptions) {
    if (!option.belongs_to(command)) continue;
    auto text = environment(variable_of(option.name));
    if (!text || text->empty()) continue;
    if (option.kind == Kind::list) std::replace(text->begin(), text->end(), ' ', ',');
    if (option.kind == Kind::flag && *text == "1") *text = "true";
    if (option.kind == Kind::flag && *text == "0") *text = "false";
    keep(values, option, {*text}, Origin::environment);
  }
}

Result<void> read_key(Values& values, Command command, const std::string& file,
                      const std::string& key, const YAML::Node& node) {
  const auto option = std::find_if(kOptions.begin(), kOptions.end(),
                                   [&](const Option& each) { return field_of(each.name) == key; });
  if (option == kOptions.end()) {
    std::vector<std::string> fields;
    fields.reserve(std::size(kOptions));
    for (const Option& each : kOptions) fields.push_back(field_of(each.name));
    const std::vector<std::string_view> known(fields.begin(), fields.end());
    const std::string near = nearest(key, known);
    return invalid("config.unknown_key", file + ": '" + key + "' is not an option",
                   near.empty() ? "see --help" : "did you mean '" + near + "'?");
  }
  // One file may serve several commands.
  if (!option->belongs_to(command)) return {};
  std::vector<std::string> texts;
  if (node.IsScalar()) {
    texts.push_back(node.Scalar());
  } else if (node.IsSequence() && (option->kind == Kind::list || option->kind == Kind::several)) {
    for (const auto& each : node) {
      if (!each.IsScalar())
        return invalid("config.file", file + ": '" + key + "' must be a list of names");
      texts.push_back(each.Scalar());
    }
  } else {
    return invalid("config.file", file + ": '" + key + "' has a value of the wrong kind");
  }
  keep(values, *option, std::move(texts), Origin::file);
  return {};
}

Result<void> read_file(Values& values, Command command, const std::string& file) {
  try {
    const YAML::Node root = YAML::LoadFile(file);
    if (root.IsNull()) return {};
    if (!root.IsMap()) return invalid("config.file", file + ": not a map of options");
    for (const auto& entry : root) {
      if (!entry.first.IsScalar()) return invalid("config.file", file + ": a key is not a word");
      KC_CHECK_OK(read_key(values, command, file, entry.first.Scalar(), entry.second));
    }
    return {};
  } catch (const YAML::BadFile&) {
    return invalid("config.file", file + ": cannot be read");
  } catch (const YAML::Exception& error) {
    return invalid("config.file", file + ": " + error.what());
  }
}

}  // namespace

std::span<const Option> options() { return kOptions; }

std::string field_of(std::string_view name) {
  std::string field;
  bool upper = false;
  for (const char c : name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    field += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return field;
}

std::string variable_of(std::string_view name) {
  std::string variable = "KUSTO_COPY_";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isupper(byte) != 0) variable += '_';
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(byte));
  }
  return variable;
}

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::flag:
      return "flag";
    case Origin::environment:
      return "environment";
    case Origin::file:
      return "file";
    case Origin::fallback:
      break;
  }
  return "default";
}

Result<Settings> Settings::read(Command command, const std::vector<std::string>& arguments,
                                const Environment& environment) {
  Settings settings;
  KC_CHECK_OK(read_flags(settings.values_, command, arguments));
  read_environment(settings.values_, command, environment);
  if (const std::string file = settings.text("config"); !file.empty())
    KC_CHECK_OK(read_file(settings.values_, command, file));
  for (const auto& [name, setting] : settings.values_) {
    const Option* option = find_option(name);
    if (option->kind == Kind::flag && setting.values.front() != "true" &&
        setting.values.front() != "false") {
      return invalid("config.invalid_value", "'" + name + "' must be true or false");
    }
  }
  return settings;
}

bool Settings::given(std::string_view name) const { return values_.contains(name); }

std::string Settings::text(std::string_view name) const {
  const auto at = values_.find(name);
  if (at != values_.end()) return at->second.values.empty() ? "" : at->second.values.back();
  return std::string(find_option(name)->fallback);
}

std::vector<std::string> Settings::list(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::vector<std::string>{} : at->second.values;
}

bool Settings::flag(std::string_view name) const {
  const auto at = values_.find(name);
  return at != values_.end() && at->second.values.front() == "true";
}

Result<std::int64_t> Settings::number(std::string_view name, std::int64_t low,
                                      std::int64_t high) const {
  const std::string given = text(name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error != std::errc{} || end != given.data() + given.size() || value < low || value > high) {
    return invalid("config.invalid_value", "--" + std::string(name) +
                                               " must be a whole number from " +
                                               std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

std::string help_of(Command command) {
  std::string text;
  for (const Option& option : kOptions) {
    if (!option.belongs_to(command)) continue;
    std::string line =
        option.letter != 0 ? std::string("  -") + option.letter + ", --" : "      --";
    line += option.name;
    if (option.kind != Kind::flag) line += " " + std::string(option.value);
    if (option.kind == Kind::list) line += "...";
    constexpr std::size_t kColumn = 38;
    line += line.size() < kColumn ? std::string(kColumn - line.size(), ' ')
                                  : "\n" + std::string(kColumn, ' ');
    text += line + std::string(option.help);
    if (!option.fallback.empty()) text += " (default: " + std::string(option.fallback) + ")";
    text += "\n";
  }
  return text + "\nEach option can also be given in the environment (" +
         variable_of("tables-include") +
         ") or in\nthe file of --config (tablesInclude); a flag counts before the environment, the "
         "environment\nbefore the file.\n";
}

}  // namespace kc::server
