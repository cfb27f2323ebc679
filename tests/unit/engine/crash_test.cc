// The process ends at the worst moments, in a child; the folder is opened again here.
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/unit/engine/engine_fixture.h"

namespace kc::engine {
namespace {

namespace fs = std::filesystem;
constexpr int kCrashed = 42;

class CrashAt : public EngineTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    folder_ = fs::path(testing::TempDir()) / ("engine_crash_" + name());
    clock_ = std::make_shared<ManualClock>(*parse_datetime("2024-01-01"));
  }
  static std::string name() {
    std::string text = GetParam();
    std::replace(text.begin(), text.end(), '.', '_');
    return text;
  }
  // In the child: prepares, then works until the named point ends the process.
  void work() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "files");
    auto with_end = options();
    bool armed = false;
    with_end.at_point = [&armed](std::string_view point) {
      if (armed && point == GetParam()) ::_exit(kCrashed);
    };
    auto engine = Engine::open(with_end);
    engine_ = std::move(*engine);
    (void)engine_->command("", ".create database Db volatile");
    (void)engine_->command("Db", ".create tables S (k:int), D (k:int)");
    (void)engine_->command("Db", ".ingest inline into table S <|\n1\n2");
    armed = true;
    const std::string point = GetParam();
    if (point.starts_with("ingest"))
      run_async(".set-or-append async S <| print k = int(3)");
    else if (point.starts_with("move"))
      run_async(".move async extents all from table S to table D");
    else
      run_async(".export async to csv ('" + (folder_ / "files").string() + "') <| S");
    ::_exit(1);
  }
};

TEST_P(CrashAt, LeavesTheOldOrTheNewStateAndNothingElse) {
  EXPECT_EXIT(work(), testing::ExitedWithCode(kCrashed), "");
  open();
  const std::string point = GetParam();
  const bool applied = point.ends_with(".committed");
  const auto rows =
      nlohmann::json::parse("[" + query("S | count") + "," + query("D | count") + "]");
  const auto s = rows[0][0][0].get<int>(), d = rows[1][0][0].get<int>();
  if (point.starts_with("ingest")) {
    EXPECT_EQ(s, applied ? 3 : 2);
  } else if (point.starts_with("move")) {
    EXPECT_EQ(s, applied ? 0 : 2);
  }
  EXPECT_EQ(s + d, point.starts_with("ingest") && applied ? 3 : 2);
  const auto operations =
      nlohmann::json::parse(command(".show operations | project State, Status"));
  ASSERT_EQ(operations.size(), 1u);
  EXPECT_EQ(operations[0][0], applied ? "Completed" : "Abandoned");
  if (!applied) {
    EXPECT_NE(operations[0][1].get<std::string>().find("engine stopped"), std::string::npos);
  }
  // No file that the catalogue does not name, and nothing unfinished.
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "data" / "extents"))
    files += entry.is_regular_file() ? 1u : 0u;
  EXPECT_EQ(std::to_string(files), [&] {
    auto text = command(".show database Db extents | count");
    return text.substr(2, text.size() - 4);
  }());
  EXPECT_TRUE(fs::is_empty(folder_ / "data" / "scratch"));
}

INSTANTIATE_TEST_SUITE_P(Points, CrashAt,
                         testing::Values("operation.started", "ingest.written", "ingest.published",
                                         "ingest.before_commit", "ingest.committed",
                                         "move.before_commit", "move.committed", "export.written"),
                         [](const auto& param) {
                           std::string text = param.param;
                           std::replace(text.begin(), text.end(), '.', '_');
                           return text;
                         });

}  // namespace
}  // namespace kc::engine
