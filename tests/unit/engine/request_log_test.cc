#include "core/engine/request_log.h"

#include <gtest/gtest.h>

namespace kc::engine {
namespace {

RequestRecord query(const std::string& id, const std::string& principal = "aaduser=a;t") {
  RequestRecord record;
  record.kind = "Query";
  record.text = "T | where k == '" + id + "'";
  record.client_request_id = id;
  record.principal = principal;
  record.started = 10;
  return record;
}

TEST(RequestLog, ShowsWhatRunsAndThenHowItEnded) {
  RequestLog log;
  auto first = log.begin(query("1"));
  {
    const auto second = log.begin(query("2"));
    ASSERT_EQ(log.running().size(), 2u);
    EXPECT_EQ(log.running()[0].state, "InProgress");
  }
  first.end(25, "");
  EXPECT_TRUE(log.running().empty());
  const auto ended = log.ended();
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[0].client_request_id, "2");
  EXPECT_EQ(ended[0].state, "Failed") << "it went without a result";
  EXPECT_EQ(ended[1].state, "Completed");
  EXPECT_EQ(ended[1].updated, 25);
}

TEST(RequestLog, CancelsQueriesOfOnePrincipalOrOfAll) {
  RequestLog log;
  const auto own = log.begin(query("1", "aaduser=a;t")),
             other = log.begin(query("1", "aaduser=b;t"));
  auto command = query("2");
  command.kind = "TableSet";
  const auto running = log.begin(command);
  EXPECT_FALSE(log.cancel("2", std::nullopt)) << "a command is cancelled by its operation";
  EXPECT_FALSE(log.cancel("1", "aaduser=c;t"));
  EXPECT_TRUE(log.cancel("1", "aaduser=a;t"));
  EXPECT_TRUE(is_asked(own.cancellation()));
  EXPECT_FALSE(is_asked(other.cancellation()));
  EXPECT_TRUE(log.cancel("1", std::nullopt));
  EXPECT_TRUE(is_asked(other.cancellation()));
}

TEST(RequestLog, KeepsTheNewestWithinItsBounds) {
  RequestLog log;
  for (std::size_t i = 0; i < RequestLog::kKept + 10; ++i)
    log.begin(query(std::to_string(i))).end(20, "");
  ASSERT_EQ(log.ended().size(), RequestLog::kKept);
  EXPECT_EQ(log.ended().front().client_request_id, "10");
  auto large = query("large");
  large.text = "print '" + std::string(2 * RequestLog::kTextMax, 'x') + "'";
  std::size_t texts = 0;
  for (int i = 0; i < 300; ++i) log.begin(large).end(20, "");
  for (const auto& record : log.ended()) {
    EXPECT_LE(record.text.size(), RequestLog::kTextMax);
    texts += record.text.size();
  }
  EXPECT_LE(texts, RequestLog::kKeptTextMax);
  EXPECT_GT(texts, RequestLog::kKeptTextMax / 2);
}

TEST(RequestLog, KeepsNoSecret) {
  RequestLog log;
  auto record = query("1");
  record.text = "externaldata(a:long)[h'https://x.blob.core.windows.net/c/b?sig=abcdef']";
  const auto request = log.begin(record);
  EXPECT_EQ(log.running()[0].text.find("abcdef"), std::string::npos);
}

}  // namespace
}  // namespace kc::engine
