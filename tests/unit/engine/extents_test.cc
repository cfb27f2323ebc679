
#include "core/base/json.h"
#include "tests/unit/engine/engine_fixture.h"

namespace kc::engine {
namespace {

using nlohmann::json;

TEST_F(EngineTest, CursorWindowsAreHalfOpenAndTile) {
  command(".create table T (k:int)");
  const auto cursor = [&] {
    return json::parse(query("print cursor_current()"))[0][0].get<std::string>();
  };
  const auto zero = cursor();
  command(".ingest inline into table T <|\n1\n2");
  const auto one = cursor();
  command(".ingest inline into table T <|\n3");
  const auto two = cursor();
  EXPECT_LT(std::stoll(zero), std::stoll(one));
  EXPECT_LT(std::stoll(one), std::stoll(two));
  const auto window = [&](const std::string& a, const std::string& b) {
    return query("T | where cursor_after('" + a + "') and cursor_before_or_at('" + b +
                 "') | count");
  };
  EXPECT_EQ(window(zero, one), "[[2]]");
  EXPECT_EQ(window(one, two), "[[1]]");
  EXPECT_EQ(window("", two), "[[3]]");
  EXPECT_EQ(window(two, two), "[[0]]");
  reopen();
  EXPECT_EQ(cursor(), two);
  command(".ingest inline into table T <|\n4");
  EXPECT_GT(std::stoll(cursor()), std::stoll(two)) << "the clock stands still, the cursor must not";
  EXPECT_EQ(query("T | summarize dcount(ingestion_time())"), "[[3]]");
}

TEST_F(EngineTest, MoveIsAllOrNothingAndConsumesIds) {
  command(".create table S (k:int)");
  command(".create table D (k:int, extra:string)");
  command(".ingest inline into table S <|\n1");
  command(".ingest inline into table S <|\n2");
  const auto ids = json::parse(command(".show table S extents | project ExtentId"));
  const auto a = ids[0][0].get<std::string>(), b = ids[1][0].get<std::string>();
  command(".drop extents (" + a + ")");
  EXPECT_NE(refusal(".move extents from table S to table D (" + a + ", " + b + ")"), "");
  EXPECT_EQ(query("S | count"), "[[1]]") << "nothing may have moved";
  EXPECT_EQ(query("D | count"), "[[0]]");
  const auto left = query("S | project k, extra = ''");
  run_async(".move async extents from table S to table D with (setNewIngestionTime=true) (" + b +
            ")");
  EXPECT_EQ(query("D | project k, extra"), left);
  EXPECT_EQ(query("D | count"), "[[1]]");
  run_async(".move async extents from table S to table D (" + b + ")", "Failed");
  EXPECT_EQ(query("D | count"), "[[1]]");
}

TEST_F(EngineTest, MoveKeepsOrRenewsIngestionTime) {
  command(".create tables S (k:int), D (k:int)");
  command(".ingest inline into table S <|\n1");
  const auto before = query("S | project ingestion_time()");
  const auto cursor = json::parse(query("print cursor_current()"))[0][0].get<std::string>();
  command(".move extents all from table S to table D");
  EXPECT_EQ(query("D | project ingestion_time()"), before);
  command(".move extents all from table D to table S with (setNewIngestionTime=true)");
  EXPECT_NE(query("S | project ingestion_time()"), before);
  EXPECT_EQ(query("S | where cursor_after('" + cursor + "') | count"), "[[1]]");
}

TEST_F(EngineTest, OperationIdsAreShownForSixHours) {
  command(".create table T (k:int)");
  const auto id = run_async(".set-or-append async T <| print k = int(1)");
  EXPECT_EQ(command(".show operation " + id + " details | project RowCount"), "[[1]]");
  clock_->advance(Timespan::seconds(6 * 3600 + 1));
  EXPECT_EQ(command(".show operations (" + id + ") | count"), "[[0]]");
  EXPECT_EQ(command(".show operations | where OperationId in (guid(" + id +
                    ")) | summarize arg_max(LastUpdatedOn, State) by OperationId | project State"),
            "[[\"Completed\"]]");
}

TEST_F(EngineTest, ExportBeyondCapacityIsThrottled) {
  auto faults = EngineFaults::parse(R"({"DataExport": {"throttle": 1}})");
  ASSERT_TRUE(faults);
  engine_->set_faults(*faults);
  const auto answer = engine_->command(
      "Db", ".export async to csv ('" + (folder_ / "files").string() + "') <| print 1");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::throttled);
  EXPECT_NE(answer.error().message.find("aborted due to throttling"), std::string::npos);
}

TEST_F(EngineTest, AnOperationCanBeReportedFailedThoughApplied) {
  command(".create table T (k:int)");
  auto faults = EngineFaults::parse(R"({"TableSetOrAppend": {"failAfter": 1}})");
  ASSERT_TRUE(faults);
  engine_->set_faults(*faults);
  run_async(".set-or-append async T <| print k = int(1)", "Failed");
  EXPECT_EQ(query("T | count"), "[[1]]");
}

TEST_F(EngineTest, ASecondEngineIsKeptOutOfTheFolder) {
  const auto second = Engine::open(options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "engine.in_use");
}

}  // namespace
}  // namespace kc::engine
