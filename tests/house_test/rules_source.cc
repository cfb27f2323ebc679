#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>
#include <string>

#include "tests/house_test/rooms.h"
#include "tests/house_test/rules.h"

namespace house_test {
namespace {

// Patterns that this file looks for are written in two halves, so that it does not find itself.
template <std::size_t N>
std::optional<std::string> first_of(std::string_view text,
                                    const std::array<std::string, N>& patterns) {
  for (const std::string& pattern : patterns) {
    if (text.find(pattern) != std::string_view::npos) return pattern;
  }
  return std::nullopt;
}

struct Include {
  std::string_view name;
  bool quoted;
};

std::optional<Include> include_of(std::string_view line) {
  constexpr std::string_view kStart = "#include ";
  if (!line.starts_with(kStart) || line.size() < kStart.size() + 2) return std::nullopt;
  line.remove_prefix(kStart.size());
  const bool quoted = line.front() == '"';
  const std::size_t end = line.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{line.substr(1, end - 1), quoted};
}

const Room* room_named(std::string_view folder) {
  for (const Room& room : rooms()) {
    if (room.folder == folder) return &room;
  }
  return nullptr;
}

bool may_include(const File& file, const Room& from, std::string_view header) {
  const std::string_view to = room_of(header);
  if (to == from.folder || to == "core/base") return true;
  if (std::find(from.may_include.begin(), from.may_include.end(), to) != from.may_include.end())
    return true;
  return std::any_of(exceptions().begin(), exceptions().end(), [&](const Exception& exception) {
    return file.path.starts_with(exception.file) && header.starts_with(exception.may_include);
  });
}

bool lies_in(std::string_view path, const std::vector<std::string_view>& places) {
  return std::any_of(places.begin(), places.end(), [&](std::string_view place) {
    return path == place || (path.starts_with(place) && path.substr(place.size()).starts_with('/'));
  });
}

// Applies `check(file, line) -> message or nothing` to each line of the files that `wanted` takes.
template <typename Wanted, typename Check>
Findings each_line(const Tree& tree, std::string_view rule, Wanted wanted, Check check) {
  Findings out;
  for (const File& file : tree.files()) {
    if (!wanted(file)) continue;
    for (const Line& line : file.lines()) {
      if (std::optional<std::string> message = check(file, line.text)) {
        out.push_back({std::string(rule), file.path, line.number, *message});
      }
    }
  }
  return out;
}

using Includers =
    std::multimap<std::string, std::string, std::less<>>;  // header -> who includes it

Includers includers_of(const Tree& tree) {
  Includers out;
  for (const File& file : tree.files()) {
    if (!file.is_source()) continue;
    for (const Line& line : file.lines()) {
      const std::optional<Include> include = include_of(line.text);
      if (include && include->quoted) out.emplace(include->name, file.path);
    }
  }
  return out;
}

// A file of another room (tests aside) that a header reaches, directly or through others; empty if
// there is none.
std::string includer_in_another_room(const Includers& includers, const std::string& header) {
  std::vector<std::string> reached = {header};
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const auto [begin, end] = includers.equal_range(std::string(reached[i]));
    for (auto it = begin; it != end; ++it) {
      const std::string_view room = room_of(it->second);
      if (room != room_of(header) && room != "tests") return it->second;
      if (std::find(reached.begin(), reached.end(), it->second) == reached.end())
        reached.push_back(it->second);
    }
  }
  return {};
}

bool is_source(const File& file) { return file.is_source(); }

}  // namespace

Findings check_includes(const Tree& tree) {
  return each_line(tree, "includes", is_source,
                   [](const File& file, std::string_view line) -> std::optional<std::string> {
                     const std::optional<Include> include = include_of(line);
                     if (!include || !include->quoted) return std::nullopt;
                     const Room* from = room_named(room_of(file.path));
                     if (from == nullptr)
                       return "this file lies in no room of the table in tests/house_test/rooms.cc";
                     if (include->name.ends_with("_embedded.h")) return std::nullopt;
                     const std::string_view to = room_of(include->name);
                     if (to.empty())
                       return "\"" + std::string(include->name) + "\" is not written from the root";
                     if (may_include(file, *from, include->name)) return std::nullopt;
                     return std::string(from->folder) + " may not include " + std::string(to);
                   });
}

Findings check_heavy_headers(const Tree& tree) {
  const Includers includers = includers_of(tree);
  return each_line(
      tree, "heavy_headers", is_source,
      [&](const File& file, std::string_view line) -> std::optional<std::string> {
        const std::optional<Include> include = include_of(line);
        if (!include) return std::nullopt;
        for (const HeavyHeader& heavy : heavy_headers()) {
          if (!include->name.starts_with(heavy.header)) continue;
          const std::string name(include->name);
          if (!lies_in(file.path, heavy.places)) {
            return name + " may not be included here (heavy_headers in tests/house_test/rooms.cc)";
          }
          if (heavy.handed_on) return std::nullopt;
          const std::string stranger = includer_in_another_room(includers, file.path);
          if (!stranger.empty()) return name + " reaches " + stranger + " of another room";
        }
        return std::nullopt;
      });
}

Findings check_sleeps(const Tree& tree) {
  static const std::array<std::string, 4> kSleeps = {
      "sleep"
      "_for",
      "sleep"
      "_until",
      "usl"
      "eep(",
      "nanosl"
      "eep("};
  static const std::regex kShellSleep("(^|[;&|(]|\\bdo\\b|\\bthen\\b)\\s*sleep\\s+[0-9.$]");
  const auto wanted = [](const File& file) {
    return (file.path.starts_with("tests/") || file.path.starts_with("bench/")) &&
           (file.is_source() || file.ends_with(".sh"));
  };
  return each_line(
      tree, "sleeps", wanted,
      [](const File& file, std::string_view line) -> std::optional<std::string> {
        if (file.is_source() && first_of(line, kSleeps))
          return "a test waits for a signal or moves the clock; it does not sleep";
        if (file.ends_with(".sh") && std::regex_search(std::string(line), kShellSleep)) {
          return "a test script waits for a signal (a line, a file, a port with a deadline); it "
                 "does not sleep";
        }
        return std::nullopt;
      });
}

Findings check_header_openings(const Tree& tree) {
  Findings out;
  for (const File& file : tree.files()) {
    if (!file.ends_with(".h")) continue;
    const auto finds = [&](std::string message) {
      out.push_back({"header_openings", file.path, 1, std::move(message)});
    };
    if (file.text.find("#pragma once") == std::string::npos) finds("no #pragma once");
    std::string opening = file.opening_comment();
    std::transform(opening.begin(), opening.end(), opening.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (opening.empty()) {
      finds("no opening comment: what it is, who uses it, thread promise");
    } else if (opening.find("thread promise") == std::string::npos) {
      finds("the opening comment does not say its thread promise");
    }
  }
  return out;
}

Findings check_names(const Tree& tree) {
  static const std::regex kBanned("(^|[/_.-])(common|utils?|helpers?|managers?|misc)([/_.-]|$)",
                                  std::regex::icase);
  Findings out;
  for (const File& file : tree.files()) {
    if (std::regex_search(file.path, kBanned))
      out.push_back({"names", file.path, 0, "a name that says nothing about what is inside"});
  }
  return out;
}

Findings check_unfinished(const Tree& tree) {
  static const std::regex kMarks(
      "\\b(TO"
      "DO|FIX"
      "ME|X"
      "XX|HA"
      "CK)\\b");
  const auto anything = [](const File&) { return true; };
  return each_line(tree, "unfinished", anything,
                   [](const File&, std::string_view line) -> std::optional<std::string> {
                     if (!std::regex_search(line.begin(), line.end(), kMarks)) return std::nullopt;
                     return "a mark of unfinished work";
                   });
}

Findings check_machine_paths(const Tree& tree) {
  static const std::array<std::string, 9> kPaths = {
      "/wo"
      "rk/",
      "/fa"
      "rm/",
      "/ho"
      "me/",
      "/ro"
      "ot/",
      "/Us"
      "ers/",
      "registry.np"
      "mjs",
      "pypi"
      ".org",
      "deb.deb"
      "ian.org",
      "proxy.gol"
      "ang"};
  const auto anything = [](const File&) { return true; };
  return each_line(
      tree, "machine_paths", anything,
      [](const File&, std::string_view line) -> std::optional<std::string> {
        const std::optional<std::string> found = first_of(line, kPaths);
        // A path inside a longer one (/api/ro…t/) is somebody's own name, not a place on a machine.
        if (!found) return std::nullopt;
        const std::size_t at = line.find(*found);
        if (found->front() == '/' && at > 0 &&
            (std::isalnum(static_cast<unsigned char>(line[at - 1])) != 0 || line[at - 1] == '}')) {
          return std::nullopt;
        }
        return "a place on one machine, or a registry's host";
      });
}

Findings check_length(const Tree& tree) {
  constexpr std::size_t kLimit = 600;
  Findings out;
  for (const File& file : tree.files()) {
    if (!file.is_source() && !file.ends_with(".js") && !file.ends_with(".sh")) continue;
    const std::size_t lines = file.lines().size();
    if (lines <= kLimit || file.opening_comment().find("One file because") != std::string::npos)
      continue;
    out.push_back({"length", file.path, 0,
                   std::to_string(lines) +
                       " lines: split it, or say in the opening comment \"One file because ...\""});
  }
  return out;
}

}  // namespace house_test
