#include "core/engine/dm/batching.h"

#include <gtest/gtest.h>

namespace kc::engine {
namespace {

const Ticks kNow = *parse_datetime("2026-01-02");

Delivery delivery(const std::string& id, std::int64_t size = 10) {
  Delivery made;
  made.message.id = id;
  made.message.database = "Db";
  made.message.table = "T";
  made.message.raw_size = size;
  made.message.properties["format"] = "csv";
  return made;
}

BatchLimits limits() { return {Timespan::seconds(30), 3, 1000}; }

TEST(BatchLimits, ReadsAPolicyAndKeepsTheRest) {
  const auto read = BatchLimits::parse(
      R"({"MaximumBatchingTimeSpan":"00:00:15","MaximumNumberOfItems":2000,"MaximumRawDataSizeMB":4096})");
  EXPECT_EQ(read.time, Timespan::seconds(15));
  EXPECT_EQ(read.count, 2000);
  EXPECT_EQ(read.bytes, std::int64_t{4096} << 20);
  EXPECT_EQ(BatchLimits::parse("null").time, Timespan::seconds(300));
  EXPECT_EQ(BatchLimits::parse(R"({"MaximumNumberOfItems":7})").count, 7);
  EXPECT_EQ(BatchLimits::parse("{{").count, 500);
}

TEST(Batching, SealsByTimeFromTheFirstBlob) {
  Batching batching;
  batching.add(delivery("1"), limits(), kNow);
  batching.add(delivery("2"), limits(), kNow + Timespan::seconds(29));
  EXPECT_TRUE(batching.take_sealed(kNow + Timespan::seconds(29)).empty());
  EXPECT_EQ(batching.waiting().size(), 2u);
  const auto sealed = batching.take_sealed(kNow + Timespan::seconds(30));
  ASSERT_EQ(sealed.size(), 1u);
  EXPECT_EQ(sealed[0].deliveries.size(), 2u);
  EXPECT_TRUE(batching.empty());
}

TEST(Batching, SealsByCountAndBySize) {
  Batching batching;
  for (const auto* id : {"1", "2", "3", "4"}) batching.add(delivery(id), limits(), kNow);
  ASSERT_EQ(batching.take_sealed(kNow).size(), 1u);
  EXPECT_EQ(batching.waiting().size(), 1u);
  batching.add(delivery("5", 990), limits(), kNow);
  EXPECT_EQ(batching.take_sealed(kNow).front().bytes, 1000);
}

TEST(Batching, SealsAtOnceWhereAskedTo) {
  Batching batching;
  batching.add(delivery("1"), limits(), kNow);
  auto flushed = delivery("2");
  flushed.message.flush = true;
  batching.add(std::move(flushed), limits(), kNow);
  const auto sealed = batching.take_sealed(kNow);
  ASSERT_EQ(sealed.size(), 1u);
  EXPECT_EQ(sealed[0].deliveries.size(), 2u);
}

TEST(Batching, UnequalPropertiesNeverShareABatch) {
  Batching batching;
  batching.add(delivery("1"), limits(), kNow);
  auto other = delivery("2");
  other.message.properties["tags"] = "[\"a\"]";
  batching.add(std::move(other), limits(), kNow);
  auto elsewhere = delivery("3");
  elsewhere.message.table = "U";
  batching.add(std::move(elsewhere), limits(), kNow);
  EXPECT_EQ(batching.take_sealed(kNow + Timespan::seconds(30)).size(), 3u);
}

TEST(Batching, SomeGoAlone) {
  Batching batching;
  auto once = delivery("1");
  once.message.properties["ingestifnotexists"] = "[\"a\"]";
  auto tagged = delivery("2");
  tagged.message.properties["tags"] = "[\"ingest-by:a\"]";
  auto unknown = delivery("3");
  unknown.message.raw_size.reset();
  for (auto* one : {&once, &tagged, &unknown}) batching.add(std::move(*one), limits(), kNow);
  EXPECT_EQ(batching.take_sealed(kNow).size(), 3u);
}

}  // namespace
}  // namespace kc::engine
