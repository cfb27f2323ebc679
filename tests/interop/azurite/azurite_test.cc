// The storage clients against a real Azurite: it checks the signatures that the unit tests only
// compare with what the documentation says.
#include "tests/interop/azurite/azurite.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/azure/blobs.h"
#include "core/azure/queues.h"
#include "core/azure/signing.h"
#include "core/azure/tables.h"
#include "core/net/curl_transport.h"

namespace kc::azure {
namespace {

using Type = EntityValue::Type;

class AzuriteTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    azurite_ = new Azurite;
    if (azurite_->running()) account_ = *parse_account(azurite_->connection_string());
  }
  static void TearDownTestSuite() {
    delete azurite_;
    azurite_ = nullptr;
  }
  void SetUp() override {
    ASSERT_TRUE(azurite_->running()) << "tests/interop/azurite/fetch.sh brings it";
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    for (const char c : test) name_ += static_cast<char>(c | 0x20);
  }

  Blobs blobs(Credential credential) {
    return {transport_, clock_, {account_.blob, account_.name, name_, {}, std::move(credential)}};
  }
  Blobs blobs() { return blobs(account_.credential()); }
  Credential sas(std::string text) { return {Credential::Kind::sas, {}, std::move(text)}; }
  Ticks tomorrow() { return clock_.now() + Timespan::seconds(86400); }
  Queue queue(Credential credential) {
    return {transport_, clock_, account_.queue, std::move(credential), name_};
  }
  Table table(Credential credential) {
    return {transport_, clock_, account_.table, std::move(credential), name_};
  }

  static inline Azurite* azurite_ = nullptr;
  static inline StorageAccount account_;
  net::CurlTransport transport_;
  SystemClock clock_;
  std::string name_;
};

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "" : result.error().service_code;
}

TEST_F(AzuriteTest, BlobsAreWrittenReadListedAndRemoved) {
  auto lake = blobs();
  ASSERT_EQ(lake.create_container(), true);
  EXPECT_EQ(lake.create_container(), false);
  const std::string odd = "folder/a b'(ü)+,;=%41.csv";
  const auto etag = lake.put(odd, "hello");
  ASSERT_TRUE(etag) << etag.error().message;
  EXPECT_EQ(lake.get(odd), "hello");
  EXPECT_EQ(lake.get_range(odd, 1, 3), "ell");
  EXPECT_EQ(lake.get_range(odd, 99, 3), "");
  EXPECT_EQ(lake.properties(odd)->etag, *etag);
  EXPECT_EQ(lake.properties(odd)->size, 5);
  EXPECT_EQ(error_of(lake.put(odd, "x", {.if_absent = true})), "BlobAlreadyExists");
  EXPECT_EQ(error_of(lake.put(odd, "x", {.if_match = "\"0x0\""})), "ConditionNotMet");
  EXPECT_TRUE(lake.put(odd, "hello", {.if_match = *etag}));
  const auto page = lake.list("folder/");
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->blobs.size(), 1u);
  EXPECT_EQ(page->blobs[0].name, odd);
  EXPECT_EQ(page->blobs[0].size, 5);
  EXPECT_TRUE(lake.remove(odd));
  EXPECT_EQ(lake.remove(odd).error().kind, ErrorKind::not_found);
  EXPECT_EQ(error_of(lake.get(odd)), "BlobNotFound");
  EXPECT_TRUE(lake.remove_container());
}

TEST_F(AzuriteTest, ListingsGoOnOverPages) {
  auto lake = blobs();
  ASSERT_TRUE(lake.create_container());
  for (const auto* name : {"a/1", "a/2", "a/3", "b/1"}) ASSERT_TRUE(lake.put(name, name));
  const auto page = lake.list("", "", 3);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->blobs.size(), 3u);
  EXPECT_FALSE(page->marker.empty());
  EXPECT_EQ(lake.list("", page->marker, 3)->blobs.size(), 1u);
  EXPECT_EQ(lake.list_all("a/", 10)->size(), 3u);
  EXPECT_EQ(lake.list_all("", 2).error().code, "storage.too_many");
}

TEST_F(AzuriteTest, LargeFilesGoInBlocks) {
  auto lake = blobs();
  ASSERT_TRUE(lake.create_container());
  const auto folder = std::filesystem::path(testing::TempDir()) / "azurite_large";
  std::filesystem::create_directories(folder);
  std::string bytes(2 * kBlockBytes + 12345, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  for (const auto size : {bytes.size(), kBlockBytes, std::size_t{7}, std::size_t{0}}) {
    std::ofstream(folder / "from", std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(size));
    ASSERT_TRUE(lake.upload(folder / "from", "large"));
    EXPECT_EQ(lake.download("large", folder / "to"), static_cast<std::int64_t>(size));
    std::ifstream file(folder / "to", std::ios::binary);
    const std::string back((std::istreambuf_iterator<char>(file)), {});
    EXPECT_TRUE(back == bytes.substr(0, size));
  }
  EXPECT_EQ(lake.download("absent", folder / "to").error().kind, ErrorKind::not_found);
  std::filesystem::remove_all(folder);
}

TEST_F(AzuriteTest, SignaturesGrantWhatTheySayAndNoMore) {
  ASSERT_TRUE(blobs().create_container());
  ASSERT_TRUE(blobs().put("b", "x"));
  auto whole = blobs(sas(account_sas(account_, {"b", "co", "rl", tomorrow()})));
  EXPECT_EQ(whole.get("b"), "x");
  EXPECT_TRUE(whole.list(""));
  EXPECT_EQ(whole.put("c", "x").error().kind, ErrorKind::denied);
  auto write_only = blobs(sas(blob_sas(account_, {name_, "", "w", tomorrow()})));
  EXPECT_TRUE(write_only.put("c", "x"));
  EXPECT_EQ(write_only.get("c").error().kind, ErrorKind::denied);
  EXPECT_EQ(write_only.list("").error().kind, ErrorKind::denied);
  auto one = blobs(sas(blob_sas(account_, {name_, "b", "r", tomorrow()})));
  EXPECT_EQ(one.get("b"), "x");
  EXPECT_EQ(one.get("c").error().kind, ErrorKind::denied);
  auto late =
      blobs(sas(blob_sas(account_, {name_, "b", "r", clock_.now() - Timespan::seconds(9)})));
  EXPECT_EQ(late.get("b").error().kind, ErrorKind::denied);
  EXPECT_FALSE(blobs({}).get("b"));
  auto wrong = account_.credential();
  wrong.secret = "SmVmZQ==";
  EXPECT_EQ(blobs(wrong).get("b").error().kind, ErrorKind::denied);
}

TEST_F(AzuriteTest, MessagesAreHiddenHeldAndRemoved) {
  auto own = queue(account_.credential());
  ASSERT_EQ(own.create(), true);
  EXPECT_EQ(own.create(), false);
  auto sender = queue(sas(account_sas(account_, {"q", "o", "a", tomorrow()})));
  ASSERT_TRUE(sender.put("one <&> \xC3\xBC"));
  ASSERT_TRUE(sender.put("two"));
  EXPECT_EQ(sender.get(1, Timespan::seconds(1)).error().kind, ErrorKind::denied);
  EXPECT_EQ(own.peek(5)->size(), 2u);
  EXPECT_EQ(own.length(), 2);
  auto got = own.get(1, Timespan::seconds(600));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(got->front().text, "one <&> \xC3\xBC");
  EXPECT_EQ(got->front().dequeue_count, 1);
  EXPECT_EQ(own.get(5, Timespan::seconds(600))->size(), 1u);
  const auto receipt = own.keep_hidden(got->front(), Timespan::seconds(600));
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_FALSE(own.remove(got->front()));  // the old receipt
  got->front().pop_receipt = *receipt;
  EXPECT_TRUE(own.remove(got->front()));
  EXPECT_TRUE(own.clear());
  EXPECT_EQ(own.length(), 0);
  EXPECT_EQ(sender.put(std::string(kMessageBytesMax + 1, 'x')).error().code, "storage.too_large");
  EXPECT_TRUE(own.remove());
}

TEST_F(AzuriteTest, EntitiesAreInsertedMergedReadAndQueried) {
  auto own = table(account_.credential());
  ASSERT_EQ(own.create(), true);
  EXPECT_EQ(own.create(), false);
  auto client = table(sas(account_sas(account_, {"t", "o", "raud", tomorrow()})));
  Entity entity{{"it's", "r1"},
                {{"Status", {Type::string_, "Pending"}},
                 {"Count", {Type::int32_, "7"}},
                 {"Big", {Type::int64_, "9223372036854775807"}},
                 {"Flag", {Type::boolean_, "true"}},
                 {"UpdatedOn", {Type::datetime_, "2026-01-02T03:04:05.1234567Z"}},
                 {"Id", {Type::guid_, "0123abcd-0000-1111-2222-333344445555"}}}};
  const auto inserted = client.insert(entity);
  ASSERT_TRUE(inserted) << inserted.error().message;
  EXPECT_EQ(error_of(client.insert(entity)), "EntityAlreadyExists");
  ASSERT_TRUE(own.merge({entity.key, {{"Status", {Type::string_, "Succeeded"}}}}));
  const auto read = client.get(entity.key);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->values.at("Status").text, "Succeeded");
  EXPECT_EQ(read->values.at("Count").text, "7");
  EXPECT_EQ(read->values.at("Big").text, "9223372036854775807");
  EXPECT_EQ(read->values.at("UpdatedOn").type, Type::datetime_);
  EXPECT_EQ(read->values.at("Id").type, Type::guid_);
  ASSERT_TRUE(own.merge({{"it's", "r2"}, {}}));
  const auto all = own.query_all("PartitionKey eq " + filter_literal("it's"), 10);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->size(), 2u);
  EXPECT_EQ(own.query("", {}, 1)->entities.size(), 1u);
  EXPECT_FALSE(own.query("", {}, 1)->next.partition.empty());
  EXPECT_EQ(own.get({"no", "no"}).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(own.remove(entity.key));
  EXPECT_TRUE(own.remove());
}

}  // namespace
}  // namespace kc::azure
