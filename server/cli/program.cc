#include "server/cli/program.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "core/base/nearest.h"
#include "core/base/redact.h"
#include "server/cli/exit_code.h"

namespace kc::server {
namespace {

struct Verb {
  std::string_view name;
  Command command;
  int (*run)(const Settings&, Signals&);
  std::string_view usage;
  std::string_view about;
};

constexpr std::array kVerbs = {
    Verb{"copy", Command::copy, run_copy,
         "kusto-copy -l <lake> -s <source> -d <destination> --db <database> [options]",
         "Copies a database once, in this process. Run again, the same command resumes; once "
         "complete, it says so."},
    Verb{"serve", Command::serve, run_serve, "kusto-copy serve [options]",
         "Runs the service: jobs over HTTP, described by openapi.yaml at /openapi.yaml."},
    Verb{"engine", Command::engine, run_engine, "kusto-copy engine [options]",
         "Runs the embedded Kusto-compatible engine alone, with sample tables."},
    Verb{"demo", Command::demo, run_demo, "kusto-copy demo [options]",
         "Starts two engines and the service on free ports, copies the sample tables by HTTP, and "
         "compares both sides."},
    Verb{"verify", Command::verify, run_verify,
         "kusto-copy verify -s <source> -d <destination> --db <database> [options]",
         "Compares tables of two databases by row count and content digest. Exit code 4: they "
         "differ."},
    Verb{"connections test", Command::connections, run_connections_test,
         "kusto-copy connections test [-s <source>] [-d <destination>] [-l <lake>] [--db "
         "<database>]",
         "Says what was understood of each connection string, and step by step whether it works."},
    Verb{"connections show", Command::connections, run_connections_show,
         "kusto-copy connections show [-s <source>] [-d <destination>] [-l <lake>]",
         "Says what was understood, and asks nobody."},
};

auto find_verb(std::string_view name) {
  return std::find_if(kVerbs.begin(), kVerbs.end(),
                      [&](const Verb& each) { return each.name == name; });
}

std::optional<std::string> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

void print_help(const Verb& verb) {
  std::printf("usage: %s\n\n%s\n\n", verb.usage.data(), verb.about.data());
  if (verb.command == Command::copy) {
    std::printf("Commands (kusto-copy <command> --help):\n");
    for (const Verb& each : kVerbs)
      std::printf("  %-17s %s\n", each.name.data(), each.about.data());
    std::printf("  %-17s %s\n\nOptions of copy, which is meant where no command is given:\n",
                "version", "Prints the version.");
  }
  std::fputs(help_of(verb.command).c_str(), stdout);
  if (verb.command == Command::copy) std::fputs(exit_code_help().c_str(), stdout);
}

int unknown_command(const std::string& word) {
  std::vector<std::string_view> names{"version", "help"};
  for (const Verb& verb : kVerbs) names.push_back(verb.name);
  const std::string near = nearest(word, names);
  return report(Error{
      .kind = ErrorKind::invalid,
      .code = "config.unknown_command",
      .message = "'" + word + "' is not a command",
      .fix = near.empty() ? "see kusto-copy --help" : "did you mean kusto-copy " + near + "?"});
}

bool has(const std::vector<std::string>& arguments, std::string_view one, std::string_view other) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end,
                     [&](const std::string& each) { return each == one || each == other; });
}

}  // namespace

int report(const Error& error) {
  std::fprintf(stderr, "error: %s: %s\n", error.code.c_str(), redact(error.message).c_str());
  if (!error.fix.empty()) std::fprintf(stderr, "  fix: %s\n", redact(error.fix).c_str());
  return exit_code_of(error);
}

int run_program(const std::vector<std::string>& arguments, Signals& signals) {
  const Verb* verb = kVerbs.data();
  std::vector<std::string> rest = arguments;
  if (rest.empty()) {
    print_help(*verb);
    return kExitUsage;
  }
  if (const std::string word = rest.front(); word.empty() || word.front() != '-') {
    rest.erase(rest.begin());
    if (word == "version") {
      std::printf("kusto-copy %s\n", KC_VERSION);
      return kExitDone;
    }
    if (word == "help") {
      print_help(*verb);
      return kExitDone;
    }
    verb = find_verb(word);
    if (verb == kVerbs.end() && !rest.empty()) {
      verb = find_verb(word + " " + rest.front());
      if (verb != kVerbs.end()) rest.erase(rest.begin());
    }
    if (verb == kVerbs.end()) return unknown_command(word);
  } else if (has(rest, "--version", "--version")) {
    std::printf("kusto-copy %s\n", KC_VERSION);
    return kExitDone;
  }
  if (has(rest, "--help", "-h")) {
    print_help(*verb);
    return kExitDone;
  }
  const auto settings = Settings::read(verb->command, rest, from_environment);
  if (!settings) return report(settings.error());
  return verb->run(*settings, signals);
}

}  // namespace kc::server
