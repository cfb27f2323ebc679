// Runs the scripts of this folder (README.md has their format), each case a test of its own, named
// by its script and line. A script's cases share an engine and run in order; one asked for alone
// is preceded by the ones before it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <memory>
#include <sstream>

#include "core/base/json.h"
#include "core/engine/engine.h"
#include "tests/kql/script.h"

namespace kc::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Only ever raised: cases are added, not lost.
constexpr std::size_t kCasesMin = 1150;

const std::vector<Script>& scripts() {
  static const std::vector<Script> kAll = [] {
    std::vector<Script> read;
    for (const auto& entry : fs::directory_iterator(KC_KQL_SCRIPTS)) {
      if (entry.path().extension() == ".kql")
        read.push_back(read_script(entry.path(), entry.path().stem().string()));
    }
    std::sort(read.begin(), read.end(),
              [](const Script& a, const Script& b) { return a.name < b.name; });
    return read;
  }();
  return kAll;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool same_cell(const json& expected, const json& actual) {
  if (expected == "*") return true;
  if (expected.is_string() && expected.get<std::string>().starts_with('~') && actual.is_number()) {
    const double wanted = std::stod(expected.get<std::string>().substr(1));
    return std::abs(actual.get<double>() - wanted) <= 1e-9 * std::max(1.0, std::abs(wanted));
  }
  return expected == actual;
}

bool same_row(const json& expected, const json& actual) {
  if (!expected.is_array() || !actual.is_array() || expected.size() != actual.size()) return false;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!same_cell(expected[i], actual[i])) return false;
  }
  return true;
}

bool same_rows(const ExpectedTable& expected, const json& actual) {
  if (actual.size() != expected.rows.size()) return false;
  std::vector<json> left(actual.begin(), actual.end());
  for (const std::string& line : expected.rows) {
    const json row = json::parse(line);
    const auto found = expected.unordered
                           ? std::find_if(left.begin(), left.end(),
                                          [&](const json& one) { return same_row(row, one); })
                           : left.begin();
    if (found == left.end() || !same_row(row, *found)) return false;
    left.erase(found);
  }
  return true;
}

std::string columns_text(const ResultTable& table) {
  std::string text;
  for (const Column& column : table.columns)
    text += (text.empty() ? "" : ", ") + column.name + ":" + std::string(to_string(column.type));
  return text;
}

// A script's engine, from its first case to its last.
class Running {
 public:
  explicit Running(const Script& script)
      : script_(script),
        base_(fs::path(testing::TempDir()) /
              ("kql_" + script.name + "_" + std::to_string(::getpid()))) {
    fs::remove_all(base_);
    fs::create_directories(base_);
    fs::copy(fs::path(KC_KQL_SCRIPTS) / "files", base_ / "files");
    EngineOptions options;
    options.data_folder = base_ / "data";
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message;
    if (!engine) return;
    engine_ = std::move(*engine);
    EXPECT_TRUE(engine_->command("", ".create database Db volatile"));
  }
  ~Running() {
    engine_.reset();
    fs::remove_all(base_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  const Script& script() const { return script_; }

  void run(std::size_t index) {
    ASSERT_TRUE(engine_);
    while (next_ < index) send(script_.cases[next_++]);
    next_ = index + 1;
    check(script_.cases[index]);
  }

 private:
  Result<DataSet> send(const ScriptCase& one) {
    std::string text = one.text;
    replace_all(text, "{folder}", (base_ / "files").string());
    return text.starts_with('.') ? engine_->command("Db", text) : engine_->query("Db", text);
  }

  void check(const ScriptCase& one) {
    SCOPED_TRACE(script_.name + ".kql:" + std::to_string(one.line) + " (" + one.page + ")\n" +
                 one.text);
    const auto answer = send(one);
    if (!one.error.empty()) {
      ASSERT_FALSE(answer) << "an error was expected, these rows came: " << answer->tables[0].rows;
      check_error(one.error, answer.error());
      return;
    }
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->tables.size(), one.tables.size());
    for (std::size_t i = 0; i < one.tables.size(); ++i) {
      const ResultTable& table = answer->tables[i];
      if (!one.tables[i].columns.empty()) {
        EXPECT_EQ(columns_text(table), one.tables[i].columns);
      }
      EXPECT_TRUE(same_rows(one.tables[i], json::parse("[" + table.rows + "]"))) << "answered:\n"
                                                                                 << table.rows;
    }
  }

  // `SEM0100 1:14 words`: code and place are optional.
  static void check_error(std::string wanted, const Error& error) {
    std::istringstream words(wanted);
    std::string code, place;
    words >> code;
    if (code.size() == 7 && (code.starts_with("SEM") || code.starts_with("SYN"))) {
      EXPECT_EQ(error.service_code, code) << error.message;
      std::getline(words >> std::ws, wanted);
      std::istringstream rest(wanted);
      rest >> place;
      if (!place.empty() && place.find_first_not_of("0123456789:") == std::string::npos) {
        EXPECT_NE(error.message.find("[line:position=" + place + "]"), std::string::npos)
            << error.message;
        wanted.clear();
        std::getline(rest >> std::ws, wanted);
      } else if (!words && place.empty()) {
        wanted.clear();
      }
    }
    EXPECT_NE(error.message.find(wanted), std::string::npos) << error.message;
  }

  const Script& script_;
  fs::path base_;
  std::unique_ptr<Engine> engine_;
  std::size_t next_ = 0;
};

std::unique_ptr<Running> running;

class CaseTest : public testing::Test {
 public:
  CaseTest(const Script& script, std::size_t index) : script_(script), index_(index) {}
  static void TearDownTestSuite() { running.reset(); }

  void TestBody() override {
    if (!running || &running->script() != &script_) running = std::make_unique<Running>(script_);
    running->run(index_);
  }

 private:
  const Script& script_;
  std::size_t index_;
};

// Before main, so that GoogleTest's own main runs them.
const bool kRegistered = [] {
  for (const Script& script : scripts()) {
    for (std::size_t i = 0; i < script.cases.size(); ++i) {
      testing::RegisterTest(script.name.c_str(),
                            ("line_" + std::to_string(script.cases[i].line)).c_str(), nullptr,
                            nullptr, __FILE__, __LINE__,
                            [&script, i]() -> testing::Test* { return new CaseTest(script, i); });
    }
  }
  return true;
}();

TEST(Scripts, AreWellFormedAndNameTheirPages) {
  EXPECT_TRUE(kRegistered);
  for (const Script& script : scripts()) {
    EXPECT_FALSE(script.cases.empty()) << script.name;
    for (const std::string& fault : script.faults) ADD_FAILURE() << fault;
  }
}

TEST(Scripts, HoldTheirNumberOfCases) {
  std::size_t cases = 0;
  for (const Script& script : scripts()) cases += script.cases.size();
  RecordProperty("cases", static_cast<int>(cases));
  EXPECT_GE(cases, kCasesMin);
}

}  // namespace
}  // namespace kc::engine
