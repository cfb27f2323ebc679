#include "core/engine/dm/queue_message.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/azure/encoding.h"
#include "core/base/base64.h"
#include "core/base/json.h"

namespace kc::engine {
namespace {

using nlohmann::json;

json whole() {
  return {{"Id", "0123abcd-0000-1111-2222-333344445555"},
          {"BlobPath", "https://a.blob.core.windows.net/c/b.csv?sig=x"},
          {"RawDataSize", 17},
          {"DatabaseName", "Db"},
          {"TableName", "T"},
          {"RetainBlobOnSuccess", true},
          {"FlushImmediately", true},
          {"IgnoreSizeLimit", false},
          {"ReportLevel", 2},
          {"ReportMethod", 1},
          {"SourceMessageCreationTime", "2026-01-02T03:04:05Z"},
          {"IngestionStatusInTable",
           {{"TableConnectionString", "https://a.table.core.windows.net/kcstatus?sig=x"},
            {"PartitionKey", "p"},
            {"RowKey", "r"}}},
          {"AdditionalProperties",
           {{"authorizationContext", "token"},
            {"format", "csv"},
            {"tags", "[\"a\"]"},
            {"ignoreFirstRecord", true}}}};
}
DecodedMessage decode(const json& body) { return decode_message(base64(body.dump())); }
std::string code_of(const DecodedMessage& decoded) {
  return decoded.problem ? decoded.problem->service_code : "";
}

TEST(QueueMessage, ReadsEveryField) {
  const auto decoded = decode(whole());
  ASSERT_FALSE(decoded.problem) << decoded.problem->message;
  const auto& message = decoded.message;
  EXPECT_EQ(message.database, "Db");
  EXPECT_EQ(message.table, "T");
  EXPECT_EQ(message.raw_size, 17);
  EXPECT_TRUE(message.retain_blob);
  EXPECT_TRUE(message.flush);
  EXPECT_EQ(message.level, ReportLevel::failures_and_successes);
  EXPECT_EQ(message.method, ReportMethod::table);
  ASSERT_TRUE(message.status);
  EXPECT_EQ(message.status->partition, "p");
  EXPECT_EQ(message.token, "token");
  EXPECT_EQ(message.properties.at("tags"), "[\"a\"]");
  EXPECT_EQ(message.properties.at("ignorefirstrecord"), "true");
  EXPECT_FALSE(message.properties.contains("authorizationcontext"));
}

TEST(QueueMessage, ReadsTheWayJavaWritesIt) {
  const auto decoded = decode({{"id", "i"},
                               {"blobPath", "b"},
                               {"rawDataSize", nullptr},
                               {"databaseName", "Db"},
                               {"tableName", "T"},
                               {"reportLevel", "FailuresAndSuccesses"},
                               {"reportMethod", "QueueAndTable"},
                               {"additionalProperties", {{"format", "csv"}}}});
  ASSERT_FALSE(decoded.problem) << decoded.problem->message;
  EXPECT_EQ(decoded.message.raw_size, std::nullopt);
  EXPECT_EQ(decoded.message.level, ReportLevel::failures_and_successes);
  EXPECT_EQ(decoded.message.method, ReportMethod::both);
  EXPECT_FALSE(decoded.message.retain_blob);
}

TEST(QueueMessage, NamesWhatIsMissing) {
  const auto without = [](const char* member) {
    auto body = whole();
    body.erase(member);
    return code_of(decode(body));
  };
  EXPECT_EQ(without("Id"), "BadRequest_CorruptedMessage");
  EXPECT_EQ(without("BlobPath"), "BadRequest_EmptyBlobUri");
  EXPECT_EQ(without("DatabaseName"), "BadRequest_EmptyDatabaseName");
  EXPECT_EQ(without("TableName"), "BadRequest_InvalidOrEmptyTableName");
  EXPECT_EQ(without("RawDataSize"), "");
}

TEST(QueueMessage, RefusesWhatIsNone) {
  for (const auto* text : {"", "no base64", "bm8ganNvbg==", "[]", "W10=", "{", "{\"a\":}"}) {
    EXPECT_EQ(code_of(decode_message(text)), "BadRequest_CorruptedMessage") << text;
  }
  auto body = whole();
  body["ReportLevel"] = 7;
  EXPECT_EQ(code_of(decode(body)), "BadRequest_CorruptedMessage");
  body = whole();
  body["AdditionalProperties"] = "text";
  EXPECT_EQ(code_of(decode(body)), "BadRequest_MalformedIngestionProperty");
  EXPECT_EQ(code_of(decode_message(std::string(1u << 20, 'A'))), "BadRequest_CorruptedMessage");
}

TEST(QueueMessage, KeepsWhatNamesTheSourceOfABrokenOne) {
  auto body = whole();
  body.erase("TableName");
  const auto decoded = decode(body);
  EXPECT_EQ(decoded.message.id, "0123abcd-0000-1111-2222-333344445555");
  EXPECT_EQ(decoded.message.database, "Db");
}

TEST(QueueMessage, ReadsBackWhatItWrote) {
  auto message = decode(whole()).message;
  message.status.reset();
  message.operation = "1;2;3";
  const auto back = decode_message(encode_message(message));
  ASSERT_FALSE(back.problem);
  EXPECT_EQ(back.message.blob, message.blob);
  EXPECT_EQ(back.message.operation, "1;2;3");
  EXPECT_EQ(back.message.token, "token");
  EXPECT_EQ(back.message.raw_size, message.raw_size);
  EXPECT_EQ(back.message.properties, message.properties);
  EXPECT_EQ(back.message.level, message.level);
}

// What the fuzzer has found interesting, and then every prefix and every flipped byte of it.
TEST(QueueMessage, SurvivesItsCorpus) {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(KC_CORPUS)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    ++seen;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      decode_message(std::string_view(text).substr(0, i));
      if (i == text.size()) continue;
      auto flipped = text;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
      const auto decoded = decode_message(flipped);
      if (!decoded.problem) encode_message(decoded.message);
    }
  }
  EXPECT_GE(seen, 4);
}

}  // namespace
}  // namespace kc::engine
