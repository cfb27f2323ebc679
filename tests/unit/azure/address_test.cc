#include "core/azure/address.h"

#include <gtest/gtest.h>

namespace kc::azure {
namespace {

using Kind = Credential::Kind;

std::string code_of(const std::string& address) {
  const auto parsed = parse_blob_address(address);
  return parsed ? "" : parsed.error().code;
}

TEST(BlobAddress, ReadsEveryFormOfOneAccount) {
  for (const auto* text : {"https://acct.blob.core.windows.net/lake/a/b.csv",
                           "https://acct.dfs.core.windows.net/lake/a/b.csv",
                           "abfss://lake@acct.dfs.core.windows.net/a/b.csv"}) {
    const auto address = parse_blob_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->url(), "https://acct.blob.core.windows.net/lake/a/b.csv");
    EXPECT_EQ(address->account, "acct");
    EXPECT_EQ(address->container, "lake");
    EXPECT_EQ(address->path, "a/b.csv");
    EXPECT_EQ(address->credential.kind, Kind::none);
  }
}

TEST(BlobAddress, ReadsPathStyleOnLoopback) {
  const auto address =
      parse_blob_address("http://127.0.0.1:10000/devstoreaccount1/lake/a%20b.csv?sv=1&sig=x%3D");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->endpoint, "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(address->container, "lake");
  EXPECT_EQ(address->path, "a b.csv");
  EXPECT_EQ(address->credential.kind, Kind::sas);
  EXPECT_EQ(address->credential.secret, "sv=1&sig=x%3D");  // as it came
  EXPECT_EQ(address->url(), "http://127.0.0.1:10000/devstoreaccount1/lake/a%20b.csv");
}

TEST(BlobAddress, ReadsKeysAndTokens) {
  const auto base = std::string("https://acct.blob.core.windows.net/lake");
  EXPECT_EQ(parse_blob_address(base + ";SmVmZQ==")->credential.secret, "SmVmZQ==");
  EXPECT_EQ(parse_blob_address(base + ";sharedkey=SmVmZQ==")->credential.secret, "SmVmZQ==");
  EXPECT_EQ(parse_blob_address(base + ";token=abc")->credential.kind, Kind::token);
  EXPECT_EQ(parse_blob_address(base)->path, "");
}

TEST(BlobAddress, RefusesWhatItCannotKeep) {
  EXPECT_EQ(code_of("https://acct.blob.core.windows.net/lake;impersonate"), "storage.credential");
  EXPECT_EQ(code_of("https://acct.blob.core.windows.net/lake;managed_identity=system"),
            "storage.credential");
  EXPECT_EQ(code_of("https://acct.blob.core.windows.net/lake;not a key"), "storage.credential");
  EXPECT_EQ(code_of("http://acct.blob.core.windows.net/lake"), "storage.plain_http");
  EXPECT_EQ(code_of("https://acct.blob.core.windows.net/"), "storage.address");
  EXPECT_EQ(code_of("https://user@acct.blob.core.windows.net/lake"), "storage.address");
  EXPECT_EQ(code_of("https://acct.blob.core.windows.net/lake/a%00b"), "storage.address");
  EXPECT_EQ(code_of("s3://bucket/key"), "storage.address");
  EXPECT_EQ(code_of(""), "storage.address");
  EXPECT_EQ(code_of("https://"), "storage.address");
  EXPECT_EQ(code_of("abfss://nothing"), "storage.address");
}

TEST(StorageAccount, ReadsConnectionStrings) {
  const auto account =
      parse_account("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SmVmZQ==");
  ASSERT_TRUE(account);
  EXPECT_EQ(account->queue, "https://a.queue.core.windows.net");
  const auto local = parse_account(
      "AccountName=a;AccountKey=SmVmZQ==;BlobEndpoint=http://127.0.0.1:1/a/;QueueEndpoint=http://"
      "127.0.0.1:2/a;TableEndpoint=http://localhost:3/a;");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->blob, "http://127.0.0.1:1/a");
  EXPECT_EQ(local->table, "http://localhost:3/a");
  EXPECT_EQ(parse_account("UseDevelopmentStorage=true")->name, "devstoreaccount1");
}

TEST(StorageAccount, RefusesWithoutRepeatingAValue) {
  for (const auto* text : {"", "AccountName=a", "AccountName=a;AccountKey=secret!", "nonsense",
                           "AccountName=a;AccountKey=SmVmZQ==;BlobEndpoint=ftp://x",
                           "AccountName=a;AccountKey=SmVmZQ==;BlobEndpoint=http://example.com/a"}) {
    const auto account = parse_account(text);
    ASSERT_FALSE(account) << text;
    EXPECT_EQ(account.error().message.find("secret"), std::string::npos);
    EXPECT_EQ(account.error().message.find("SmVm"), std::string::npos);
  }
}

TEST(ResourceAddress, ReadsQueuesAndTables) {
  const auto queue = parse_resource_address("http://127.0.0.1:10001/acct/ready-1?sv=1&sig=x");
  ASSERT_TRUE(queue);
  EXPECT_EQ(queue->endpoint, "http://127.0.0.1:10001/acct");
  EXPECT_EQ(queue->name, "ready-1");
  EXPECT_EQ(parse_resource_address("https://a.queue.core.windows.net/q?sig=x")->endpoint,
            "https://a.queue.core.windows.net");
  EXPECT_FALSE(parse_resource_address("https://a.queue.core.windows.net"));
  EXPECT_FALSE(parse_resource_address("file:///etc/passwd"));
}

}  // namespace
}  // namespace kc::azure
