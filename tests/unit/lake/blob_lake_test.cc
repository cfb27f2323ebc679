// What BlobLake makes of each answer of the service. tests/interop/lake meets the real one.
#include "core/lake/blob_lake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/lake/process_mark.h"
#include "tests/unit/azure/scripted_transport.h"

namespace kc {
namespace {

using azure::Credential;
using testing::HasSubstr;
using testing::Not;

constexpr Ticks kNow{638'000'000'000'000'000};
const std::string kFolder = "https://acct.blob.core.windows.net/copy/job";

const std::string* header_of(const net::HttpCall& call, const std::string& name) {
  for (const auto& header : call.headers)
    if (header.name == name) return &header.value;
  return nullptr;
}

struct BlobLakeTest : testing::Test {
  azure::ScriptedTransport transport;
  ManualClock clock{kNow};
  int waits = 0;

  BlobPlace place(Credential credential) {
    BlobPlace at;
    at.root = {"https://acct.blob.core.windows.net", "acct", "copy", "job", std::move(credential)};
    return at;
  }
  BlobLake lake(BlobPlace at) {
    BlobLakeOptions options;
    options.line.wait = [this](Timespan) { return ++waits < 1000; };
    options.line.token = [](const std::string&) { return Result<std::string>("tok"); };
    return BlobLake(transport, clock, Rng(7), std::move(at), std::move(options));
  }
  BlobLake lake() { return lake(place({Credential::Kind::shared_key, "acct", "SmVmZQ=="})); }
  void refuse(int status, const std::string& code) {
    transport.answer(status, {}, {{"x-ms-error-code", code}});
  }
  std::string stamp(std::size_t call) {
    const auto* stamp = header_of(transport.calls.at(call), "x-ms-meta-stamp");
    return stamp == nullptr ? "" : *stamp;
  }
  // The answer to a HEAD that shows the stamp of an earlier call.
  void found_with(const std::string& stamp) {
    transport.answer(200, {}, {{"x-ms-blob-type", "BlockBlob"}, {"x-ms-meta-stamp", stamp}});
  }
};

TEST_F(BlobLakeTest, ACreateIsOneConditionalCall) {
  auto blobs = lake();
  transport.answer(201);
  EXPECT_EQ(blobs.create_if_absent("checkpoint/1", "x"), Created::created);
  ASSERT_EQ(transport.calls.size(), 1u);
  EXPECT_EQ(transport.calls[0].url, kFolder + "/checkpoint/1");
  EXPECT_EQ(*header_of(transport.calls[0], "If-None-Match"), "*");
  EXPECT_FALSE(transport.calls[0].repeatable);
  EXPECT_EQ(stamp(0).size(), 36u);
}

TEST_F(BlobLakeTest, ALostAnswerIsSettledByTheStampThatIsThere) {
  auto blobs = lake();
  // The stamp comes from a seed: the same lake asks with the same one.
  transport.answer(201);
  ASSERT_TRUE(lake().create_if_absent("a", "x"));
  const auto own = stamp(0);
  transport.calls.clear();
  transport.broken("net.broken");
  found_with(own);
  EXPECT_EQ(blobs.create_if_absent("a", "x"), Created::created);
  EXPECT_EQ(stamp(0), own);
  transport.broken("net.timeout");
  found_with("somebody else's");
  EXPECT_EQ(blobs.create_if_absent("b", "x"), Created::exists);
  transport.answer(500);
  found_with({});
  EXPECT_EQ(blobs.create_if_absent("c", "x"), Created::exists);
}

TEST_F(BlobLakeTest, WhatIsAbsentIsCreatedAgainWithTheSameStamp) {
  auto blobs = lake();
  transport.broken("net.broken");
  refuse(404, "BlobNotFound");
  transport.answer(201);
  EXPECT_EQ(blobs.create_if_absent("a", "x"), Created::created);
  ASSERT_EQ(transport.calls.size(), 3u);
  EXPECT_EQ(stamp(0), stamp(2));
  EXPECT_EQ(transport.calls[2].body, "x");
}

TEST_F(BlobLakeTest, AFirstTryThatLandsLateIsOurs) {
  transport.answer(201);
  ASSERT_TRUE(lake().create_if_absent("a", "x"));
  const auto own = stamp(0);
  auto blobs = lake();
  transport.broken("net.broken");
  refuse(404, "BlobNotFound");
  refuse(409, "BlobAlreadyExists");
  found_with(own);
  EXPECT_EQ(blobs.create_if_absent("a", "x"), Created::created);
}

TEST_F(BlobLakeTest, AnOutcomeThatCannotBeReadIsUnavailable) {
  auto blobs = lake();
  transport.broken("net.broken");
  for (int i = 0; i < 4; ++i) transport.broken("net.broken");
  const auto made = blobs.create_if_absent("a", "x");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(made.error().code, "lake.unreachable");
  for (int i = 0; i < 4; ++i) {
    transport.broken("net.broken");
    refuse(404, "BlobNotFound");
  }
  EXPECT_EQ(blobs.create_if_absent("b", "x").error().code, "lake.unreachable");
  // A conflict of a create says that somebody else has it; this is not known.
  for (int i = 0; i < 4; ++i) {
    refuse(409, "BlobAlreadyExists");
    refuse(404, "BlobNotFound");
  }
  EXPECT_EQ(blobs.create_if_absent("c", "x").error().kind, ErrorKind::unavailable);
}

TEST_F(BlobLakeTest, RefusalsSayWhatToDo) {
  auto blobs = lake();
  refuse(403, "AuthorizationPermissionMismatch");
  const auto denied = blobs.create_if_absent("a", "x");
  EXPECT_EQ(denied.error().kind, ErrorKind::denied);
  EXPECT_EQ(denied.error().code, "lake.permission");
  EXPECT_THAT(denied.error().fix, HasSubstr("Storage Blob Data Contributor"));
  refuse(404, "ContainerNotFound");
  EXPECT_EQ(blobs.get("a").error().code, "lake.container");
  refuse(404, "ContainerNotFound");
  EXPECT_EQ(blobs.list("").error().kind, ErrorKind::invalid);
  refuse(404, "ContainerNotFound");
  EXPECT_EQ(blobs.remove("a").error().code, "lake.container");
  refuse(404, "BlobNotFound");
  EXPECT_EQ(blobs.get("a").error().kind, ErrorKind::not_found);
  refuse(404, "BlobNotFound");
  EXPECT_TRUE(blobs.remove("a"));
  for (int i = 0; i < 4; ++i) transport.answer(200, "<html>a proxy</html>");
  EXPECT_EQ(blobs.list("").error().code, "lake.unreachable");
  EXPECT_EQ(blobs.get("../a").error().code, "lake.name");
  refuse(409, "BlobImmutableDueToPolicy");
  const auto kept = blobs.remove("a");
  EXPECT_EQ(kept.error().kind, ErrorKind::conflict);
  EXPECT_EQ(kept.error().code, "lake.refused");
}

TEST_F(BlobLakeTest, ALargeFileGoesAndComesInPieces) {
  auto blobs = lake();
  const std::string large(azure::kBlockBytes + 5, 'x');
  for (int i = 0; i < 3; ++i) transport.answer(201);
  EXPECT_EQ(blobs.create_if_absent("a", large), Created::created);
  ASSERT_EQ(transport.calls.size(), 3u);
  EXPECT_THAT(transport.calls[1].url, HasSubstr("comp=block&"));
  EXPECT_THAT(transport.calls[2].url, HasSubstr("comp=blocklist"));
  EXPECT_EQ(*header_of(transport.calls[2], "If-None-Match"), "*");
  EXPECT_EQ(header_of(transport.calls[0], "If-None-Match"), nullptr);
  // Somebody else completed it: our blocks are gone.
  transport.answer(201);
  transport.answer(201);
  refuse(400, "InvalidBlockList");
  found_with("another");
  EXPECT_EQ(blobs.create_if_absent("a", large), Created::exists);
  transport.calls.clear();
  const auto total = std::to_string(large.size());
  transport.answer(206, large.substr(0, azure::kBlockBytes),
                   {{"x-ms-blob-type", "BlockBlob"},
                    {"etag", "\"1\""},
                    {"content-range", "bytes 0-8388607/" + total}});
  transport.answer(412, {}, {{"x-ms-error-code", "ConditionNotMet"}});
  transport.answer(
      206, "new",
      {{"x-ms-blob-type", "BlockBlob"}, {"etag", "\"2\""}, {"content-range", "bytes 0-2/3"}});
  EXPECT_EQ(blobs.get("a"), "new");
  EXPECT_EQ(*header_of(transport.calls[1], "If-Match"), "\"1\"");
  // An answer that does not say how much there is would be taken for the whole.
  transport.answer(206, "torn", {{"x-ms-blob-type", "BlockBlob"}, {"etag", "\"2\""}});
  EXPECT_EQ(blobs.get("a").error().code, "lake.unreachable");
}

TEST_F(BlobLakeTest, GrantsAreOfTheLeastRightsAndEnd) {
  auto blobs = lake();
  const auto grant = blobs.open_folder("data/1/2/e1", kNow + Timespan::seconds(3600));
  ASSERT_TRUE(grant);
  EXPECT_THAT(grant->uri, testing::StartsWith(kFolder + "/data/1/2/e1?"));
  for (const char* part : {"sr=c", "sp=w&", "se=2022-09-", "spr=https", "sig="})
    EXPECT_THAT(grant->uri, HasSubstr(part));
  EXPECT_EQ(grant->expiry, kNow + Timespan::seconds(3600));
  const auto read = blobs.read_uri("data/1/2/e1/f 1.csv");
  ASSERT_TRUE(read);
  EXPECT_THAT(*read, testing::StartsWith(kFolder + "/data/1/2/e1/f%201.csv?"));
  for (const char* part : {"sr=b", "sp=r&", "spr=https"}) EXPECT_THAT(*read, HasSubstr(part));
  EXPECT_TRUE(transport.calls.empty());
}

TEST_F(BlobLakeTest, AGivenSasAndAnIdentityArePassedOn) {
  auto by_sas = lake(place({Credential::Kind::sas, "acct", "sv=1&sp=rwdl&sig=a%2Fb"}));
  EXPECT_EQ(by_sas.read_uri("a"), kFolder + "/a?sv=1&sp=rwdl&sig=a%2Fb");
  EXPECT_EQ(by_sas.open_folder("f", kNow)->uri, kFolder + "/f?sv=1&sp=rwdl&sig=a%2Fb");
  EXPECT_EQ(by_sas.describe(), kFolder);
  auto at = place({});
  at.entry = BlobPlace::Entry::impersonate;
  EXPECT_EQ(lake(at).read_uri("a"), kFolder + "/a;impersonate");
  at.entry = BlobPlace::Entry::managed_identity;
  at.identity = "system";
  EXPECT_EQ(lake(at).open_folder("f", kNow)->uri, kFolder + "/f;managed_identity=system");
  at.root.endpoint = "https://onelake.blob.fabric.microsoft.com";
  EXPECT_EQ(lake(at).read_uri("a"),
            "https://onelake.dfs.fabric.microsoft.com/copy/job/a;managed_identity=system");
}

TEST_F(BlobLakeTest, ATokenSignsWithADelegationKeyThatIsAskedForOnce) {
  auto blobs = lake(place({}));
  transport.answer(200,
                   "<UserDelegationKey><SignedOid>oid</SignedOid><SignedTid>tid</SignedTid>"
                   "<SignedStart>s</SignedStart><SignedExpiry>e</SignedExpiry><SignedService>b"
                   "</SignedService><SignedVersion>2023-11-03</SignedVersion><Value>SmVmZQ==</"
                   "Value></UserDelegationKey>");
  const auto until = kNow + Timespan::seconds(3600);
  const auto grant = blobs.open_folder("f", until);
  ASSERT_TRUE(grant) << grant.error().message;
  for (const char* part : {"skoid=oid", "sktid=tid", "sp=w&", "sr=c", "spr=https"})
    EXPECT_THAT(grant->uri, HasSubstr(part));
  EXPECT_EQ(blobs.open_folder("f", until)->uri, grant->uri);
  EXPECT_TRUE(blobs.read_uri("a"));
  ASSERT_EQ(transport.calls.size(), 1u);
  EXPECT_EQ(transport.calls[0].url,
            "https://acct.blob.core.windows.net/?restype=service&comp=userdelegationkey");
  EXPECT_EQ(*header_of(transport.calls[0], "Authorization"), "Bearer tok");
  EXPECT_EQ(blobs.open_folder("f", kNow + Timespan::seconds(8 * 86400)).error().code, "lake.grant");
  transport.answer(200, "<UserDelegationKey/>");
  EXPECT_EQ(lake(place({})).read_uri("a").error().code, "lake.unreachable");
}

TEST_F(BlobLakeTest, WhatNoStorageServiceSaidIsNeitherAFileNorACreator) {
  auto blobs = lake();
  transport.answer(200, "<html>Please sign in</html>");
  EXPECT_EQ(blobs.get("a").error().code, "lake.unreachable");
  for (int i = 0; i < 2; ++i) transport.answer(200, "<html>Please sign in</html>");
  const auto made = blobs.create_if_absent("a", "x");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unavailable);
}

TEST_F(BlobLakeTest, DirectoriesOfAHierarchyAreNoFilesAndGoWithTheirFolder) {
  auto blobs = lake();
  const auto page =
      "<EnumerationResults><Blobs>"
      "<Blob><Name>job/data/f/deep</Name><Properties><ResourceType>directory</ResourceType>"
      "</Properties></Blob>"
      "<Blob><Name>job/data/f/deep/x</Name><Properties><ResourceType>file</ResourceType>"
      "<Content-Length>3</Content-Length></Properties></Blob>"
      "</Blobs><NextMarker/></EnumerationResults>";
  transport.answer(200, page);
  const auto files = blobs.list("data/");
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 1u);
  EXPECT_EQ(files->front().name, "data/f/deep/x");
  transport.calls.clear();
  transport.answer(200, page);
  for (int i = 0; i < 3; ++i) transport.answer(202);
  refuse(409, "DirectoryIsNotEmpty");
  EXPECT_EQ(blobs.close_folder("data/f"), false);
  std::vector<std::string> removed;
  for (const auto& call : transport.calls)
    if (call.method == net::Method::delete_) removed.push_back(call.url);
  EXPECT_THAT(removed, testing::ElementsAre(kFolder + "/data/f/deep/x", kFolder + "/data/f/deep",
                                            kFolder + "/data/f", kFolder + "/data"));
}

TEST_F(BlobLakeTest, APlainAccountHasNoDirectoriesToRemove) {
  auto blobs = lake();
  transport.answer(200,
                   "<EnumerationResults><Blobs><Blob><Name>job/f/x</Name><Properties/></Blob>"
                   "</Blobs><NextMarker/></EnumerationResults>");
  transport.answer(202);
  EXPECT_EQ(blobs.close_folder("f"), false);
  EXPECT_EQ(transport.calls.size(), 2u);
}

TEST_F(BlobLakeTest, AListingThatTurnsInACircleEnds) {
  auto blobs = lake();
  for (int i = 0; i < 2; ++i)
    transport.answer(200,
                     "<EnumerationResults><Blobs/><NextMarker>m</NextMarker>"
                     "</EnumerationResults>");
  EXPECT_EQ(blobs.list("").error().code, "lake.unreachable");
}

struct BlobLeaseTest : BlobLakeTest {
  void note(const std::string& mark, const std::string& lease) {
    const std::string text = "host:17\n" + mark + "\n" + lease + "\n";
    const auto size = std::to_string(text.size());
    transport.answer(206, text,
                     {{"x-ms-blob-type", "BlockBlob"},
                      {"etag", "\"1\""},
                      {"content-range", "bytes 0-1/" + size}});
  }
  std::string action(std::size_t call) {
    const auto* word = header_of(transport.calls.at(call), "x-ms-lease-action");
    return word == nullptr ? "" : *word;
  }
  const std::string other = "123e4567-e89b-12d3-a456-426614174000";
};

TEST_F(BlobLeaseTest, IsMadeTakenNotedRenewedAndGivenBack) {
  auto blobs = lake();
  refuse(404, "BlobNotFound");
  for (int i = 0; i < 3; ++i) transport.answer(201);
  transport.answer(200);
  transport.answer(200);
  {
    const auto lease = blobs.acquire_lease("me\nhere");
    ASSERT_TRUE(lease) << lease.error().message;
    EXPECT_THAT(transport.calls.at(3).body, testing::StartsWith("me here\n" + process_mark()));
    EXPECT_EQ((*lease)->renew_every(), Timespan::seconds(10));
    EXPECT_TRUE((*lease)->renew());
  }
  EXPECT_EQ(action(4), "renew");
  EXPECT_EQ(action(5), "release");
}

TEST_F(BlobLeaseTest, AHolderThatLivesHereIsToldAtOnce) {
  auto blobs = lake();
  refuse(409, "LeaseAlreadyPresent");
  note(process_mark(), other);
  const auto lease = blobs.acquire_lease("me");
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, "lake.lease_held");
  EXPECT_THAT(lease.error().message, HasSubstr("host:17"));
  EXPECT_EQ(waits, 0);
}

TEST_F(BlobLeaseTest, ADeadHoldersLeaseIsInheritedByItsId) {
  auto blobs = lake();
  refuse(409, "LeaseAlreadyPresent");
  note(process_mark() + "0", other);
  transport.answer(201);  // acquire with the dead one's id
  transport.answer(200);  // change
  transport.answer(201);  // the note
  const auto lease = blobs.acquire_lease("me");
  ASSERT_TRUE(lease) << lease.error().message;
  EXPECT_EQ(*header_of(transport.calls.at(2), "x-ms-proposed-lease-id"), other);
  EXPECT_EQ(action(3), "change");
  EXPECT_EQ(waits, 0);
}

TEST_F(BlobLeaseTest, OfTwoThatInheritOneGoesOnWaiting) {
  auto blobs = lake();
  refuse(409, "LeaseAlreadyPresent");
  note(process_mark() + "0", other);
  transport.answer(201);
  refuse(409, "LeaseIdMismatchWithLeaseOperation");
  refuse(409, "LeaseAlreadyPresent");
  note(process_mark(), other);
  EXPECT_EQ(blobs.acquire_lease("me").error().code, "lake.lease_held");
  EXPECT_EQ(waits, 1);
}

TEST_F(BlobLeaseTest, AHolderOfAnotherMachineHasItsTimeAndNoMore) {
  auto blobs = lake();
  for (int i = 0; i < 40; ++i) {
    refuse(409, "LeaseAlreadyPresent");
    note("another/machine/1/2", other);
  }
  const auto lease = blobs.acquire_lease("me");
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, "lake.lease_held");
  EXPECT_EQ(waits, 32);
}

TEST_F(BlobLeaseTest, ALostOneIsTakenAgainOrIsAConflict) {
  auto blobs = lake();
  transport.answer(201);
  transport.answer(201);
  auto lease = blobs.acquire_lease("me");
  ASSERT_TRUE(lease);
  refuse(409, "LeaseIdMismatchWithLeaseOperation");
  transport.answer(201);
  EXPECT_TRUE((*lease)->renew());
  refuse(409, "LeaseIdMismatchWithLeaseOperation");
  refuse(409, "LeaseAlreadyPresent");
  const auto lost = (*lease)->renew();
  EXPECT_EQ(lost.error().kind, ErrorKind::conflict);
  EXPECT_EQ(lost.error().code, "lake.lease_lost");
  for (int i = 0; i < 4; ++i) transport.broken("net.broken");
  EXPECT_EQ((*lease)->renew().error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace kc
