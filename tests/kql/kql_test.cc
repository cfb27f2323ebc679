// Runs the scripts of this folder against an engine of their own each. A script holds cases: a
// query or a command, a line
// `----`, then the expected rows, one JSON array per line (`"*"` matches any cell), or `error
// <text>`. A line `====` ends a case; `{folder}` is a fresh folder of the script's.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/engine/engine.h"

namespace kc::engine {
namespace {

namespace fs = std::filesystem;

struct Case {
  int line = 0;
  std::string text;
  std::vector<std::string> expected;
};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::vector<Case> read_cases(const fs::path& path) {
  std::ifstream file(path);
  std::vector<Case> cases;
  Case current;
  bool expecting = false;
  int number = 0;
  const auto end = [&] {
    if (!current.text.empty()) cases.push_back(current);
    current = {};
    expecting = false;
  };
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line == "====") {
      end();
    } else if (line == "----") {
      expecting = true;
    } else if (expecting) {
      if (!line.empty()) current.expected.push_back(line);
    } else if (!line.empty() || !current.text.empty()) {
      if (current.text.empty()) current.line = number;
      current.text += (current.text.empty() ? "" : "\n") + line;
    }
  }
  end();
  return cases;
}

bool matches(const nlohmann::json& expected, const nlohmann::json& actual) {
  if (!expected.is_array() || !actual.is_array() || expected.size() != actual.size()) return false;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] != "*" && expected[i] != actual[i]) return false;
  }
  return true;
}

class Scripts : public testing::TestWithParam<std::string> {};

TEST_P(Scripts, AnswerAsExpected) {
  const auto base =
      fs::path(testing::TempDir()) / ("kql_" + GetParam() + "_" + std::to_string(::getpid()));
  fs::remove_all(base);
  fs::create_directories(base / "files");
  EngineOptions options;
  options.data_folder = base / "data";
  auto engine = Engine::open(options);
  ASSERT_TRUE(engine) << engine.error().message;
  ASSERT_TRUE((*engine)->command("", ".create database Db volatile"));
  const auto cases = read_cases(fs::path(KC_KQL_SCRIPTS) / (GetParam() + ".kql"));
  ASSERT_FALSE(cases.empty());
  for (auto one : cases) {
    SCOPED_TRACE(GetParam() + ".kql:" + std::to_string(one.line) + "\n" + one.text);
    replace_all(one.text, "{folder}", (base / "files").string());
    const bool command = one.text.starts_with('.');
    const auto answer =
        command ? (*engine)->command("Db", one.text) : (*engine)->query("Db", one.text);
    if (one.expected.size() == 1 && one.expected[0].starts_with("error ")) {
      ASSERT_FALSE(answer) << "an error was expected, these rows came: " << answer->tables[0].rows;
      EXPECT_NE(answer.error().message.find(one.expected[0].substr(6)), std::string::npos)
          << answer.error().message;
      continue;
    }
    if (!answer) {
      ADD_FAILURE() << answer.error().message;
      continue;
    }
    const auto rows = nlohmann::json::parse("[" + answer->tables[0].rows + "]");
    bool same = rows.size() == one.expected.size();
    for (std::size_t i = 0; same && i < rows.size(); ++i)
      same = matches(nlohmann::json::parse(one.expected[i]), rows[i]);
    EXPECT_TRUE(same) << "answered:\n" << answer->tables[0].rows;
  }
  engine->reset();
  fs::remove_all(base);
}

std::vector<std::string> script_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(KC_KQL_SCRIPTS)) {
    if (entry.path().extension() == ".kql") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Kql, Scripts, testing::ValuesIn(script_names()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace kc::engine
