// What a cluster does to its clients: it is slow, full, wrong about its own operations, late,
// forgetful; and time is the engine's own.
#include <algorithm>
#include <thread>

#include "core/base/json.h"
#include "tests/unit/engine/engine_fixture.h"

namespace kc::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Behaviour : public EngineTest {
 protected:
  void play(const std::string& faults) {
    auto parsed = EngineFaults::parse(faults);
    ASSERT_TRUE(parsed) << parsed.error().message;
    engine_->set_faults(*parsed);
  }
  std::string start(const std::string& text) {
    return json::parse(command(text))[0][0].get<std::string>();
  }
  std::string state_of(const std::string& id) {
    return json::parse(command(".show operations (" + id + ") | project State"))[0][0];
  }
  // Until the workers have got there: nothing but their own speed is waited for.
  std::string ended(const std::string& id) {
    auto state = state_of(id);
    for (; state == "InProgress" || state == "Scheduled"; state = state_of(id))
      std::this_thread::yield();
    return state;
  }
  std::string export_to_files() {
    return ".export async to csv ('" + (folder_ / "files").string() + "') <| print 1";
  }
  std::size_t blobs() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_ / "files"), fs::directory_iterator()));
  }
};

constexpr std::string_view kEndless = "range x from 1 to 4000000000000 step 1";
constexpr Timespan kMinute = Timespan::seconds(60);
constexpr Timespan kHour = Timespan::seconds(3600);
constexpr Timespan kDay = Timespan::seconds(86'400);

TEST_F(Behaviour, ADelayEndsWhenTheClockGetsThere) {
  play(R"({"DataExport": {"delay": "1h"}})");
  const auto id = start(export_to_files());
  EXPECT_EQ(state_of(id), "InProgress");
  engine_->advance_clock({kHour.ticks - 1});
  EXPECT_EQ(state_of(id), "InProgress");
  engine_->advance_clock({1});
  EXPECT_EQ(state_of(id), "Completed");
}

TEST_F(Behaviour, OperationsWaitForAPlaceWhereTheKindHasAQueue) {
  play(R"({"DataExport": {"delay": "1h", "queue": 1}, "capacity": {"exports": 1}})");
  const auto first = start(export_to_files()), second = start(export_to_files());
  EXPECT_EQ(state_of(first), "InProgress");
  EXPECT_EQ(state_of(second), "Scheduled");
  EXPECT_NE(refusal(export_to_files()).find("throttling"), std::string::npos);
  EXPECT_EQ(command(".show capacity data-export | project Total, Consumed, Remaining"),
            "[[1,1,0]]");
  engine_->advance_clock(kHour);
  EXPECT_EQ(ended(first), "Completed");
  EXPECT_EQ(ended(second), "Completed");
}

TEST_F(Behaviour, AnOperationReportedFailedIsAppliedMinutesLater) {
  command(".create table T (k:int)");
  play(R"({"TableSetOrAppend": {"applyLate": 1, "lateBy": "5m"}})");
  EXPECT_EQ(ended(start(".set-or-append async T <| print k = int(1)")), "Failed");
  EXPECT_NE(refusal(".set-or-append T <| print k = int(2)"), "");
  play("{}");
  EXPECT_EQ(query("T | count"), "[[0]]");
  engine_->advance_clock(Timespan::seconds(299));
  EXPECT_EQ(query("T | count"), "[[0]]");
  engine_->advance_clock(Timespan::seconds(1));
  EXPECT_EQ(query("T | count"), "[[2]]");
}

TEST_F(Behaviour, AFailedExportWritesItsBlobsLate) {
  play(R"({"DataExport": {"applyLate": 1, "lateBy": "5m"}})");
  EXPECT_EQ(ended(start(export_to_files())), "Failed");
  EXPECT_EQ(blobs(), 0u);
  engine_->advance_clock({5 * kMinute.ticks});
  EXPECT_EQ(blobs(), 1u);
}

TEST_F(Behaviour, AFailedExportLeavesItsBlobs) {
  play(R"({"DataExport": {"failAfter": 1}})");
  EXPECT_EQ(ended(start(export_to_files())), "Failed");
  EXPECT_EQ(blobs(), 1u);
}

TEST_F(Behaviour, AFailedExportLeavesSomeOfItsBlobsAndOneCutShort) {
  const auto text =
      ".export async to csv ('" + (folder_ / "files").string() +
      "') with (sizeLimit=1000, distribution='single') <| range i from 1 to 2000 step 1";
  EXPECT_EQ(ended(start(text)), "Completed");
  const auto whole = blobs();
  fs::remove_all(folder_ / "files");
  fs::create_directories(folder_ / "files");
  play(R"({"DataExport": {"leaveBlobs": 1}})");
  EXPECT_EQ(ended(start(text)), "Failed");
  EXPECT_GT(whole, 2u);
  EXPECT_GT(blobs(), 0u);
  EXPECT_LT(blobs(), whole);
}

TEST_F(Behaviour, AnAbandonedOperationHasNoEffect) {
  command(".create table T (k:int)");
  play(R"({"TableSetOrAppend": {"abandon": 1}})");
  EXPECT_EQ(ended(start(".set-or-append async T <| print k = int(1)")), "Abandoned");
  EXPECT_EQ(query("T | count"), "[[0]]");
}

TEST_F(Behaviour, EachKindOfCommandHasItsFate) {
  play(R"({"TableCreate": {"failAfter": 1}})");
  EXPECT_NE(refusal(".create table Made (k:int)"), "");
  EXPECT_EQ(query("Made | count"), "[[0]]");
  play(R"({"TableCreate": {"failBefore": 1}})");
  EXPECT_NE(refusal(".create table NotMade (k:int)"), "");
  EXPECT_FALSE(engine_->query("Db", "NotMade | count"));
  play(R"({"TableCreate": {"applyLate": 1, "lateBy": "1h"}})");
  EXPECT_NE(refusal(".create table Late (k:int)"), "");
  EXPECT_FALSE(engine_->query("Db", "Late | count"));
  engine_->advance_clock(kHour);
  EXPECT_EQ(query("Late | count"), "[[0]]");
}

TEST_F(Behaviour, AnswersCanBeWrongInsideASuccess) {
  const auto ask = [&] { return engine_->query("Db", "range i from 1 to 10 step 1"); };
  play(R"({"Query": {"partialAnswer": 1}})");
  auto answer = ask();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->partial);
  EXPECT_EQ(answer->tables[0].row_count, 5);
  play(R"({"Query": {"errorInAnswer": 1}})");
  answer = ask();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->partial);
  EXPECT_EQ(answer->tables[0].row_count, 0);
  play(R"({"Query": {"loseAnswer": 1}})");
  answer = ask();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->lose_answer);
  play("{}");
  answer = ask();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->partial || answer->lose_answer);
}

TEST_F(Behaviour, RetentionDropsExtentsByTheirCreation) {
  command(".create table T (k:int)");
  command(R"(.alter table T policy retention '{"SoftDeletePeriod":"10.00:00:00"}')");
  command(".set-or-append T with (creationTime='2023-12-25') <| print k = int(1)");
  command(".set-or-append T <| print k = int(2)");
  engine_->advance_clock({3 * kDay.ticks});
  EXPECT_EQ(query("T | count"), "[[2]]");
  engine_->advance_clock(kDay);
  EXPECT_EQ(query("T | project k"), "[[2]]");
  engine_->advance_clock({7 * kDay.ticks});
  EXPECT_EQ(query("T | count"), "[[0]]");
  EXPECT_TRUE(fs::is_empty(folder_ / "data" / "extents"));
}

TEST_F(Behaviour, RetentionIsMadeUpForWhenTheEngineOpens) {
  command(".create table T (k:int)");
  command(R"(.alter table T policy retention '{"SoftDeletePeriod":"10.00:00:00"}')");
  command(".set-or-append T <| print k = int(1)");
  engine_.reset();
  clock_->advance({11 * kDay.ticks});
  open();
  EXPECT_EQ(query("T | count"), "[[0]]");
}

TEST_F(Behaviour, TagsAndTablesGoWhenTheirTimeIsOver) {
  command(".create tables T (k:int), Gone (k:int), Kept (k:int)");
  command(
      R"(.alter table T policy extent_tags_retention '[{"TagPrefix":"drop-by:","RetentionPeriod":"3.00:00:00"}]')");
  command(
      R"(.alter table Gone policy auto_delete '{"ExpiryDate":"2024-01-03","DeleteIfNotEmpty":true}')");
  command(
      R"(.alter table Kept policy auto_delete '{"ExpiryDate":"2024-01-03","DeleteIfNotEmpty":false}')");
  command(R"(.set-or-append T with (tags='["drop-by:a","b"]') <| print k = int(1))");
  command(".set-or-append Gone <| print k = int(1)");
  command(".set-or-append Kept <| print k = int(1)");
  const auto id = command(".show table T extents | project ExtentId");
  engine_->advance_clock({4 * kDay.ticks});
  EXPECT_EQ(command(".show table T extents | project Tags"), "[[\"b\"]]");
  EXPECT_NE(command(".show table T extents | project ExtentId"), id);
  EXPECT_EQ(command(".show tables | project TableName | order by TableName asc"),
            R"([["Kept"],["T"]])");
}

TEST_F(Behaviour, OperationsAreForgottenAfterTwoWeeks) {
  command(".create table T (k:int)");
  const auto id = Uuid::parse(run_async(".set-or-append async T <| print k = int(1)"));
  engine_->advance_clock({15 * kDay.ticks});
  EXPECT_EQ(command(".show operations | count"), "[[0]]");
  const auto details = refusal(".show operation " + id->text() + " details");
  EXPECT_NE(details.find("was not found"), std::string::npos) << details;
}

TEST_F(Behaviour, RowsAreVisibleBeforeTheirCursor) {
  command(".create table T (k:int)");
  const auto cursor = json::parse(query("print cursor_current()"))[0][0].get<std::string>();
  play(R"({"background": {"cursorLag": "10s"}})");
  command(".set-or-append T <| print k = int(1)");
  const auto window = "T | where cursor_after('" + cursor + "') | count";
  EXPECT_EQ(query("T | count"), "[[1]]");
  EXPECT_EQ(query(window), "[[0]]");
  EXPECT_EQ(json::parse(query("print cursor_current()"))[0][0], cursor);
  reopen();
  EXPECT_EQ(query(window), "[[0]]");
  engine_->advance_clock(Timespan::seconds(10));
  EXPECT_EQ(query(window), "[[1]]");
}

TEST_F(Behaviour, MergesChangeIdsAndUniteTagsAndKeepStamps) {
  command(".create table T (k:int)");
  command(R"(.set-or-append T with (tags='["a"]') <| print k = int(1))");
  command(R"(.set-or-append T with (tags='["b"]') <| print k = int(2))");
  const auto rows = query("T | project k, ingestion_time() | order by k asc");
  play(R"({"background": {"mergeEvery": "1m"}})");
  for (int i = 0; i < 20 && command(".show table T extents | count") != "[[1]]"; ++i)
    engine_->advance_clock(kMinute);
  EXPECT_EQ(command(".show table T extents | count"), "[[1]]");
  const auto tags = command(".show table T extents | project Tags");
  EXPECT_NE(tags.find('a'), std::string::npos);
  EXPECT_NE(tags.find('b'), std::string::npos);
  EXPECT_EQ(query("T | project k, ingestion_time() | order by k asc"), rows);
  EXPECT_NE(engine_->state().find("\"backgroundMerges\":1"), std::string::npos);
}

TEST_F(Behaviour, ExtentsAreMergedWhenItIsAskedFor) {
  command(".create table T (k:int)");
  command(R"(.set-or-append T with (tags='["a"]', creationTime='2023-01-01') <| print k = int(1))");
  command(R"(.set-or-append T with (tags='["b"]', creationTime='2023-01-03') <| print k = int(2))");
  const auto rows = query("T | project k, ingestion_time() | order by k asc");
  const auto ids = json::parse(command(".show table T extents | project ExtentId"));
  const auto first = ids[0][0].get<std::string>(), second = ids[1][0].get<std::string>();
  const auto both = "(" + first + ", " + second + ")";
  EXPECT_NE(refusal(".merge T " + both + " with (frobnicate=true)"), "");
  const auto merged = json::parse(command(".merge T " + both +
                                          " with (rebuild=true) | project OriginalExtentId, "
                                          "ResultExtentId | order by OriginalExtentId asc"));
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0][1], merged[1][1]);
  EXPECT_EQ(json::parse(command(".show table T extents | project ExtentId, RowCount, MinCreatedOn, "
                                "MaxCreatedOn, array_length(split(Tags, '\\r\\n'))")),
            json::array({json::array({merged[0][1], 2, "2023-01-01T00:00:00.0000000Z",
                                      "2023-01-03T00:00:00.0000000Z", 2})}));
  EXPECT_EQ(query("T | project k, ingestion_time() | order by k asc"), rows);
  EXPECT_NE(refusal(".merge T " + both), "") << "they are gone";
}

TEST_F(Behaviour, ATableThatForbidsMergesKeepsItsExtents) {
  command(".create table T (k:int)");
  command(R"(.alter table T policy merge '{"AllowMerge":false,"AllowRebuild":false}')");
  command(".set-or-append T <| print k = int(1)");
  command(".set-or-append T <| print k = int(2)");
  const auto ids = command(".show table T extents | project ExtentId");
  play(R"({"background": {"mergeEvery": "1m"}})");
  for (int i = 0; i < 20; ++i) engine_->advance_clock(kMinute);
  EXPECT_EQ(command(".show table T extents | project ExtentId"), ids);
}

TEST_F(Behaviour, ClockStepsMoveUtcAndNothingElse) {
  play(R"({"DataExport": {"delay": "1h"}})");
  const auto id = start(export_to_files());
  engine_->step_clock({5 * kHour.ticks});
  EXPECT_EQ(query("print now()"), R"([["2024-01-01T05:00:00.0000000Z"]])");
  EXPECT_EQ(state_of(id), "InProgress");
  engine_->step_clock({-8 * kHour.ticks});
  EXPECT_EQ(query("print now()"), R"([["2023-12-31T21:00:00.0000000Z"]])");
  engine_->advance_clock(kHour);
  EXPECT_EQ(ended(id), "Completed");
}

TEST_F(Behaviour, ACancelledIngestionHasNoEffect) {
  command(".create table T (k:long)");
  play(R"({"TableSetOrAppend": {"delay": "1h"}})");
  const auto id = start(".set-or-append async T <| print k = 1");
  EXPECT_EQ(command(".cancel operation " + id + " with (reason='enough') | project " +
                    "CancellationState, ReasonPhrase"),
            R"([["Cancelled successfully","enough"]])");
  EXPECT_EQ(ended(id), "Canceled");
  engine_->advance_clock(kHour);
  EXPECT_EQ(query("T | count"), "[[0]]");
  EXPECT_EQ(command(".cancel operation " + id + " | project CancellationState"),
            R"([["Cancel failed"]])");
  EXPECT_EQ(command(".show commands | where State == 'Canceled' | project CommandType, Text"),
            R"([["TableSetOrAppend",".set-or-append async T <| print k = 1"]])");
}

TEST_F(Behaviour, ARunningIngestionIsCancelledAndAnExportIsNot) {
  command(".create table T (k:long)");
  const auto id = start(".set-or-append async T <| " + std::string(kEndless) + " | project k = x");
  EXPECT_EQ(command(".cancel operation " + id + " | project CancellationState"),
            R"([["Cancelled successfully"]])");
  EXPECT_EQ(ended(id), "Canceled");
  EXPECT_EQ(query("T | count"), "[[0]]");
  EXPECT_TRUE(fs::is_empty(folder_ / "data" / "extents"));
  play(R"({"DataExport": {"delay": "1h"}})");
  const auto exporting = start(export_to_files());
  EXPECT_EQ(command(".cancel operation " + exporting + " | project CancellationState"),
            R"([["Cancel failed"]])");
  engine_->advance_clock(kHour);
  EXPECT_EQ(ended(exporting), "Completed");
}

TEST_F(Behaviour, ARunningQueryIsShownAndCancelled) {
  std::string code, message;
  std::thread client([&] {
    RequestOptions options;
    options.client_request_id = "Test.Run;1";
    options.user = "somebody";
    const auto answer = engine_->query(
        "Db", std::string(kEndless) + " | where strcat(x, h'secret') == 'y' | count", options);
    if (answer) return;
    code = answer.error().code;
    message = answer.error().message;
  });
  const std::string running = ".show running queries by user 'somebody' | project Text, State";
  while (command(running) == "[]") std::this_thread::yield();
  const auto shown = json::parse(command(running))[0];
  EXPECT_EQ(shown[1], "InProgress");
  EXPECT_EQ(shown[0].get<std::string>().find("secret"), std::string::npos) << shown;
  EXPECT_EQ(command(".cancel query 'Test.Run;2' | project Found"), "[[false]]");
  EXPECT_EQ(command(".cancel query 'Test.Run;1' | project Found"), "[[true]]");
  client.join();
  EXPECT_EQ(code, "engine.cancelled") << message;
  EXPECT_EQ(command(running), "[]");
  EXPECT_EQ(command(".show queries | project ClientActivityId, State, FailureReason == ''"),
            R"([["Test.Run;1","Failed",false]])");
}

TEST_F(Behaviour, AnAnswerBeyondTheEnginesMemoryEndsInAnError) {
  engine_.reset();
  auto small = options();
  small.memory_limit_bytes = 32 << 20;
  engine_ = std::move(*Engine::open(small));
  const auto answer = engine_->query("Db", "set notruncation; range x from 1 to 2000000 step 1");
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(answer->partial);
  EXPECT_EQ(answer->partial->code, "engine.answer_too_large");
  EXPECT_LE(answer->tables[0].rows.size(), std::size_t{16} << 20);
  EXPECT_GT(answer->tables[0].row_count, 1'000'000);
  EXPECT_EQ(query("range x from 1 to 2000000 step 1 | count"), "[[2000000]]");
}

TEST(EngineFaultsTest, RefusesWhatItDoesNotKnow) {
  for (const auto* text : {"", "[]", R"({"Query": 1})", R"({"Query": {"delay": 5}})",
                           R"({"Query": {"delay": "-5s"}})", R"({"Query": {"throttle": 1.5}})",
                           R"({"Query": {"colour": 1}})", R"({"background": {"mergeEvery": "0s"}})",
                           R"({"capacity": {"exports": -1}})", R"({"Query": {"queue": 1.5}})"}) {
    const auto parsed = EngineFaults::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "faults.invalid") << text;
  }
}

}  // namespace
}  // namespace kc::engine
