// Answers are a stranger's: what is none is said to be corrupt, and never believed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/azure/blobs.h"
#include "core/azure/queues.h"
#include "core/azure/tables.h"
#include "tests/unit/azure/scripted_transport.h"

namespace kc::azure {
namespace {

class Answers : public testing::Test {
 protected:
  // Does not wait between its tries.
  LineOptions at_once() {
    LineOptions options;
    options.wait = [](Timespan) { return true; };
    return options;
  }
  Blobs blobs() {
    return {transport, clock, *parse_blob_address("http://127.0.0.1:1/acct/lake?sig=x"), at_once()};
  }
  Queue queue() {
    return {transport, clock,    "http://127.0.0.1:1/acct", {Credential::Kind::sas, {}, "sig=x"},
            "q",       at_once()};
  }
  Table table() {
    return {transport, clock, "http://127.0.0.1:1/acct", {Credential::Kind::sas, {}, "sig=x"}, "T"};
  }

  ScriptedTransport transport;
  ManualClock clock{*parse_datetime("2026-01-02")};
};

TEST_F(Answers, ListsPagesAndSkipsDirectories) {
  transport.answer(200,
                   "<EnumerationResults><Blobs><Blob><Name>a/b</Name><Properties>"
                   "<Content-Length>7</Content-Length><Etag>0x1</Etag></Properties></Blob><Blob>"
                   "<Name>dir</Name><Properties><ResourceType>directory</ResourceType>"
                   "</Properties></Blob></Blobs><NextMarker>m</NextMarker></EnumerationResults>");
  transport.answer(200,
                   "<EnumerationResults><Blobs><Blob><Name Encoded=\"true\">a%0Ac</Name>"
                   "<Properties/></Blob></Blobs><NextMarker/></EnumerationResults>");
  const auto all = blobs().list_all("a", 10);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(0).name, "a/b");
  EXPECT_EQ(all->at(0).size, 7);
  EXPECT_EQ(all->at(0).etag, "\"0x1\"");
  EXPECT_EQ(all->at(1).name, "a\nc");
  EXPECT_NE(transport.calls[1].url.find("marker=m"), std::string::npos);
}

TEST_F(Answers, RefusesNoListing) {
  for (const auto* body : {"", "<", "<html></html>", "{}"}) {
    for (int i = 0; i < 4; ++i) transport.answer(200, body);
    EXPECT_EQ(blobs().list("").error().kind, ErrorKind::corrupt) << body;
    EXPECT_TRUE(transport.answers.empty()) << body;
    transport.answer(200, body);
    EXPECT_EQ(queue().get(1, {}).error().kind, ErrorKind::corrupt) << body;
    transport.answer(200, body);
    EXPECT_EQ(table().query("").error().kind, ErrorKind::corrupt) << body;
  }
}

// A stranger on the way may cut an answer and count its length anew.
TEST_F(Answers, AListingThatIsNotWholeIsAskedForAgain) {
  const std::string whole =
      "<EnumerationResults><Blobs><Blob><Name>a</Name><Properties/></Blob><Blob><Name>b</Name>"
      "<Properties/></Blob></Blobs><NextMarker/></EnumerationResults>";
  for (const auto& part :
       {whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() - 1), std::string(),
        std::string("<EnumerationResults><Blobs><Blob><Name>a</Name><Properties/></Blob></Blobs>"
                    "</EnumerationResults>"),
        std::string("<EnumerationResults/>")}) {
    transport.calls.clear();
    for (int i = 0; i < 3; ++i) transport.answer(200, part);
    transport.answer(200, whole);
    const auto page = blobs().list("");
    ASSERT_TRUE(page) << part << ": " << page.error().message;
    EXPECT_EQ(page->blobs.size(), 2u) << part;
    EXPECT_EQ(transport.calls.size(), 4u) << part;
    // Where it comes every time, it is told as what it is.
    for (int i = 0; i < 4; ++i) transport.answer(200, part);
    const auto never = blobs().list("");
    ASSERT_FALSE(never) << part;
    EXPECT_EQ(never.error().code, "storage.corrupt") << part;
  }
}

TEST_F(Answers, AListingThatNeverEndsIsCorrupt) {
  for (int i = 0; i < 3; ++i)
    transport.answer(200, "<EnumerationResults><NextMarker>same</NextMarker></EnumerationResults>");
  EXPECT_EQ(blobs().list_all("", 10).error().kind, ErrorKind::corrupt);
}

TEST_F(Answers, AMessageWithoutItsReceiptIsCorrupt) {
  const auto* list =
      "<QueueMessagesList><QueueMessage><MessageId>1</MessageId><MessageText>t</MessageText>"
      "</QueueMessage></QueueMessagesList>";
  transport.answer(200, list);
  EXPECT_EQ(queue().get(1, {}).error().kind, ErrorKind::corrupt);
  transport.answer(200, list);
  EXPECT_EQ(queue().peek(1)->front().text, "t");
}

TEST_F(Answers, ARangeBehindTheEndIsEmpty) {
  transport.answer(416);
  EXPECT_EQ(blobs().get_range("b", 10, 5), std::string());
  transport.answer(206, "far too much");
  EXPECT_EQ(blobs().get_range("b", 0, 5).error().kind, ErrorKind::corrupt);
}

TEST_F(Answers, ADownloadIsOfOneVersion) {
  const auto path = std::filesystem::path(testing::TempDir()) / "azure_answers_download";
  transport.answer(206, "first", {{"etag", "\"1\""}, {"content-range", "bytes 0-4/9"}});
  transport.answer(412, {}, {{"x-ms-error-code", "ConditionNotMet"}});
  EXPECT_EQ(blobs().download("b", path).error().kind, ErrorKind::conflict);
  EXPECT_EQ(transport.calls[1].headers[1].value, "\"1\"");
  std::filesystem::remove(path);
}

TEST_F(Answers, AConditionalPutIsNotRepeated) {
  transport.broken("net.broken");
  EXPECT_EQ(blobs().put("b", "x", {.if_absent = true}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(transport.calls.size(), 1u);
}

// Something on the way may answer with any status: nothing has been written or removed then.
TEST_F(Answers, ASuccessThatIsNoServicesIsAnUnknownOutcome) {
  const auto unknown = [&](int status, auto call) {
    // Repeated where that does no harm.
    for (int i = 0; i < 4; ++i) transport.stranger(status, "<html>Please sign in</html>");
    const auto result = call();
    transport.answers.clear();
    ASSERT_FALSE(result) << status;
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable) << result.error().message;
    EXPECT_EQ(result.error().code, "storage.unavailable");
  };
  const QueueMessage message{.id = "1", .pop_receipt = "r", .text = {}, .inserted = {}};
  unknown(201, [&] { return blobs().put("b", "x"); });
  unknown(201, [&] { return blobs().put_block("b", "1", "x"); });
  unknown(201, [&] { return blobs().commit_blocks("b", {"1"}); });
  unknown(202, [&] { return blobs().remove("b"); });
  unknown(201, [&] { return blobs().lease("b", {.id = "1"}); });
  unknown(201, [&] { return queue().put("m"); });
  unknown(204, [&] { return queue().remove(message); });
  unknown(204, [&] { return queue().keep_hidden(message, Timespan::seconds(1)); });
  unknown(200, [&] { return blobs().get("b"); });
  unknown(200, [&] { return blobs().read("b"); });
  unknown(200, [&] { return blobs().list(""); });
  unknown(200, [&] { return blobs().properties("b"); });
  // A network that lets nobody through at first.
  transport.stranger(200, "<html>Please sign in</html>");
  transport.answer(201, {}, {{"etag", "\"1\""}});
  EXPECT_EQ(blobs().put("b", "x"), "\"1\"");
  // An ingestion may read files of any web server.
  const auto path = std::filesystem::path(testing::TempDir()) / "azure_answers_any_server";
  transport.stranger(200, "a,b");
  EXPECT_EQ(blobs().download("b", path), 3);
  std::filesystem::remove(path);
}

TEST_F(Answers, EntitiesKeepTheirTypes) {
  transport.answer(200, R"({"odata.etag":"x","PartitionKey":"p","RowKey":"r","Timestamp":"t",)"
                        R"("A@odata.type":"Edm.DateTime","A":"2026-01-01T00:00:00Z","B":5,)"
                        R"("C@odata.type":"Edm.Int64","C":"9","D":true,"E":null,"F":"text"})");
  const auto entity = table().get({"p", "r"});
  ASSERT_TRUE(entity);
  EXPECT_EQ(entity->values.size(), 5u);
  EXPECT_EQ(entity->values.at("A").type, EntityValue::Type::datetime_);
  EXPECT_EQ(entity->values.at("B").text, "5");
  EXPECT_EQ(entity->values.at("C").type, EntityValue::Type::int64_);
  EXPECT_EQ(entity->values.at("D").text, "true");
}

TEST_F(Answers, KeysAreQuoted) {
  transport.answer(404);
  EXPECT_FALSE(table().get({"it's", "a/b"}));
  EXPECT_NE(transport.calls[0].url.find("T(PartitionKey='it''s',RowKey='a%2Fb')"),
            std::string::npos)
      << transport.calls[0].url;
}

}  // namespace
}  // namespace kc::azure
