// The process ends at each of the worst moments, in a child; the folder is opened again here.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/json.h"
#include "core/engine/points.h"
#include "core/engine/storage/merge.h"
#include "tests/unit/engine/engine_fixture.h"

namespace kc::engine {
namespace {

namespace fs = std::filesystem;
constexpr int kCrashed = 42;

class CrashAt : public EngineTest, public testing::WithParamInterface<std::string_view> {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    // One folder for this process and the child that it starts, and for no other run.
    ::setenv("KC_CRASH_TEST_RUN", std::to_string(::getpid()).c_str(), /*overwrite=*/0);
    folder_ = fs::path(testing::TempDir()) /
              ("engine_crash_" + name() + "_" + std::getenv("KC_CRASH_TEST_RUN"));
    clock_ = std::make_shared<ManualClock>(*parse_datetime("2024-01-01"));
  }
  static std::string name() {
    std::string text(GetParam());
    std::replace(text.begin(), text.end(), '.', '_');
    return text;
  }
  static std::string subject() { return std::string(GetParam().substr(0, GetParam().find('.'))); }
  // The effect is there after the crash.
  static bool applied() {
    return GetParam().ends_with(".committed") || GetParam() == "operation.ended";
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
    (void)engine_->command("Db", R"(.ingest inline into table S with (tags='["x"]') <|)"
                                 "\n1");
    (void)engine_->command("Db", ".ingest inline into table S <|\n2");
    armed = true;
    act();
    ::_exit(1);
  }

  void act() {
    if (subject() == "ingest") run_async(".set-or-append async S <| print k = int(3)");
    if (subject() == "move") run_async(".move async extents all from table S to table D");
    if (subject() == "export" || subject() == "operation")
      run_async(".export async to csv ('" + (folder_ / "files").string() + "') <| S");
    if (subject() == "drop") (void)command(".drop extents from S");
    if (subject() == "tags") (void)command(".drop table S extent tags ('x')");
    if (subject() == "merge") merge();
    if (subject() == "retention") {
      (void)command(R"(.alter table S policy retention '{"SoftDeletePeriod":"1.00:00:00"}')");
      engine_->advance_clock(Timespan::seconds(2 * 86'400));
    }
    if (subject() == "cursor") {
      engine_->set_faults(*EngineFaults::parse(R"({"background": {"cursorLag": "1s"}})"));
      (void)command(".ingest inline into table S <|\n3");
      engine_->advance_clock(Timespan::seconds(1));
    }
  }

  void merge() {
    auto& host = engine_->host();
    std::vector<Uuid> ids;
    std::int64_t table = 0;
    (void)host.catalogue->read([&](CatalogueView& view) -> Result<void> {
      KC_TRY(const auto database, view.database("Db"));
      KC_TRY(const auto found, view.table(database, "S"));
      KC_TRY(const auto extents, view.extents(found.id));
      for (const auto& extent : extents) ids.push_back(extent.id);
      table = found.id;
      return {};
    });
    (void)merge_extents(host, table, ids,
                        [](CatalogueView&, const Extent&) { return Result<void>(); });
  }

  std::int64_t number(const std::string& rows) {
    return nlohmann::json::parse(rows).at(0).at(0).get<std::int64_t>();
  }
};

TEST_P(CrashAt, LeavesTheOldOrTheNewStateAndNothingElse) {
  EXPECT_EXIT(work(), testing::ExitedWithCode(kCrashed), "");
  open();
  const auto s = number(query("S | count")), d = number(query("D | count"));
  const bool empties = subject() == "move" || subject() == "drop" || subject() == "retention";
  const bool adds = subject() == "cursor" || (subject() == "ingest" && applied());
  EXPECT_EQ(s, empties && applied() ? 0 : adds ? 3 : 2);
  EXPECT_EQ(d, subject() == "move" && applied() ? 2 : 0);
  if (subject() == "tags") {
    EXPECT_EQ(number(command(".show table S extents where tags has 'x' | count")),
              applied() ? 0 : 1);
  }
  if (subject() == "merge") {
    EXPECT_EQ(number(command(".show table S extents | count")), applied() ? 1 : 2);
  }
  const auto operations =
      nlohmann::json::parse(command(".show operations | project State, Status"));
  const bool asynchronous = subject() == "ingest" || subject() == "move" || subject() == "export" ||
                            subject() == "operation";
  ASSERT_EQ(operations.size(), asynchronous ? 1u : 0u);
  if (asynchronous) {
    EXPECT_EQ(operations[0][0], applied() ? "Completed" : "Abandoned");
  }
  if (asynchronous && !applied()) {
    EXPECT_NE(operations[0][1].get<std::string>().find("engine stopped"), std::string::npos);
  }
  // No file that the catalogue does not name, and nothing unfinished.
  std::int64_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "data" / "extents"))
    files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, number(command(".show database Db extents | count")));
  EXPECT_TRUE(fs::is_empty(folder_ / "data" / "scratch"));
}

INSTANTIATE_TEST_SUITE_P(Points, CrashAt, testing::ValuesIn(kPoints), [](const auto& param) {
  std::string text(param.param);
  std::replace(text.begin(), text.end(), '.', '_');
  return text;
});

}  // namespace
}  // namespace kc::engine
