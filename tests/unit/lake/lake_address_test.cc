#include "core/lake/lake_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "core/base/redact.h"
#include "tests/unit/azure/scripted_transport.h"

namespace kc {
namespace {

using Entry = BlobPlace::Entry;
using Kind = azure::Credential::Kind;
using testing::HasSubstr;
using testing::Not;

// Long enough for an account key; the word shows whether a message repeats it.
const std::string kKey =
    "Zq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZq7ZZg==";
const std::string kSas = "sv=2023-11-03&sr=c&sp=racwdl&se=2099-01-01T00:00:00Z&sig=Zq7Zq7%3D";
const std::string kHost = "https://acct.blob.core.windows.net";
const std::string kLocal = "http://127.0.0.1:10000/devstoreaccount1";

struct Good {
  std::string text, url;  // the URL of the container and folder
  Kind kind = Kind::none;
  Entry entry = Entry::signature;
  std::string identity = {};
};

class GoodLake : public testing::TestWithParam<Good> {};

TEST_P(GoodLake, IsUnderstood) {
  const auto lake = parse_lake(GetParam().text);
  ASSERT_TRUE(lake) << lake.error().message;
  ASSERT_TRUE(lake->blobs);
  EXPECT_EQ(lake->describe(), GetParam().url);
  EXPECT_EQ(lake->blobs->root.credential.kind, GetParam().kind);
  EXPECT_EQ(lake->blobs->entry, GetParam().entry);
  EXPECT_EQ(lake->blobs->identity, GetParam().identity);
  EXPECT_TRUE(lake->folder.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Urls, GoodLake,
    testing::Values(Good{kHost + "/copy", kHost + "/copy"}, Good{kHost + "/copy/", kHost + "/copy"},
                    Good{kHost + "/copy/a/b", kHost + "/copy/a/b"},
                    Good{kHost + "/copy/a/b/", kHost + "/copy/a/b"},
                    Good{"HTTPS://Acct.Blob.Core.Windows.Net/copy/A", kHost + "/copy/A"},
                    Good{"https://acct.dfs.core.windows.net/copy/a", kHost + "/copy/a"},
                    Good{"abfss://copy@acct.dfs.core.windows.net/a/b", kHost + "/copy/a/b"},
                    Good{"abfss://copy@acct.dfs.core.windows.net", kHost + "/copy"},
                    Good{"abfss://copy@acct.dfs.core.windows.net/", kHost + "/copy"},
                    Good{"wasbs://copy@acct.blob.core.windows.net/a", kHost + "/copy/a"},
                    Good{"https://acct.blob.core.usgovcloudapi.net/copy",
                         "https://acct.blob.core.usgovcloudapi.net/copy"},
                    Good{"https://acct.blob.core.chinacloudapi.cn/copy",
                         "https://acct.blob.core.chinacloudapi.cn/copy"},
                    Good{"https://acct.z06.blob.storage.azure.net/copy",
                         "https://acct.z06.blob.storage.azure.net/copy"},
                    Good{kHost + "/copy/a%20b%25", kHost + "/copy/a%20b%25"}));

INSTANTIATE_TEST_SUITE_P(
    Credentials, GoodLake,
    testing::Values(
        Good{kHost + "/copy/a?" + kSas, kHost + "/copy/a", Kind::sas},
        Good{"abfss://copy@acct.dfs.core.windows.net/a?" + kSas, kHost + "/copy/a", Kind::sas},
        Good{kHost + "/copy?sv=1&ss=bq&srt=sco&sp=rwdlacup&sig=x", kHost + "/copy", Kind::sas},
        Good{kHost + "/copy?sv=1&sr=c&si=policy&sig=x", kHost + "/copy", Kind::sas},
        Good{"https://acct.blob.core.other.cloud/copy?" + kSas,
             "https://acct.blob.core.other.cloud/copy", Kind::sas},
        Good{kHost + "/copy/a;" + kKey, kHost + "/copy/a", Kind::shared_key},
        Good{kHost + "/copy/a;sharedkey=" + kKey, kHost + "/copy/a", Kind::shared_key},
        Good{"abfss://copy@acct.dfs.core.windows.net/a;" + kKey, kHost + "/copy/a",
             Kind::shared_key},
        Good{kHost + "/copy;token=abc", kHost + "/copy", Kind::token},
        Good{kHost + "/copy;impersonate", kHost + "/copy", Kind::none, Entry::impersonate},
        Good{kHost + "/copy/a;Impersonate", kHost + "/copy/a", Kind::none, Entry::impersonate},
        Good{kHost + "/copy;managed_identity=system", kHost + "/copy", Kind::none,
             Entry::managed_identity, "system"},
        Good{kHost + "/copy;managed_identity=123e4567-e89b-12d3-a456-426614174000", kHost + "/copy",
             Kind::none, Entry::managed_identity, "123e4567-e89b-12d3-a456-426614174000"},
        Good{"abfss://Work@onelake.dfs.fabric.microsoft.com/It.Lakehouse/Files/x;impersonate",
             "https://onelake.blob.fabric.microsoft.com/Work/It.Lakehouse/Files/x", Kind::none,
             Entry::impersonate},
        Good{kLocal + "/copy/a;" + kKey, kLocal + "/copy/a", Kind::shared_key},
        Good{kLocal + "/copy?" + kSas, kLocal + "/copy", Kind::sas},
        Good{"http://localhost:10000/devstoreaccount1/copy;" + kKey,
             "http://localhost:10000/devstoreaccount1/copy", Kind::shared_key},
        Good{"https://127.0.0.1:10000/devstoreaccount1/copy",
             "https://127.0.0.1:10000/devstoreaccount1/copy"}));

INSTANTIATE_TEST_SUITE_P(
    ConnectionStrings, GoodLake,
    testing::Values(
        Good{"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=" + kKey +
                 ";EndpointSuffix=core.windows.net;Container=copy/a/b",
             kHost + "/copy/a/b", Kind::shared_key},
        Good{"AccountName=acct;AccountKey=" + kKey + ";Container=copy", kHost + "/copy",
             Kind::shared_key},
        Good{"defaultendpointsprotocol=http;accountname=devstoreaccount1;accountkey=" + kKey +
                 ";blobendpoint=" + kLocal + "/;container=copy/x",
             kLocal + "/copy/x", Kind::shared_key},
        Good{"UseDevelopmentStorage=true;Container=copy", kLocal + "/copy", Kind::shared_key},
        Good{"BlobEndpoint=" + kHost + "/;SharedAccessSignature=" + kSas + ";Container=copy/a",
             kHost + "/copy/a", Kind::sas},
        Good{"AccountName=acct;SharedAccessSignature=?" + kSas + ";Container=copy/a",
             kHost + "/copy/a", Kind::sas}));

struct Bad {
  std::string text, reason;
};

class BadLake : public testing::TestWithParam<Bad> {};

TEST_P(BadLake, IsRefusedWithTheReasonAndWithoutItsSecrets) {
  const auto lake = parse_lake(GetParam().text);
  ASSERT_FALSE(lake) << lake->describe();
  EXPECT_EQ(lake.error().code, "lake.unsupported");
  EXPECT_EQ(lake.error().kind, ErrorKind::invalid);
  EXPECT_THAT(lake.error().message, HasSubstr(GetParam().reason));
  EXPECT_THAT(lake.error().message, Not(HasSubstr("Zq7")));
  EXPECT_THAT(lake.error().fix, HasSubstr("file://"));
}

INSTANTIATE_TEST_SUITE_P(
    Folders, BadLake,
    testing::Values(Bad{"", "empty"}, Bad{"file:x", "file:///path"},
                    Bad{"file://host/x", "without a host"}, Bad{"file:///x?y", "no query"},
                    Bad{"file:///x#y", "no fragment"}, Bad{"file:///a%0", "escape"},
                    Bad{"file:///a%00", "escape"}, Bad{std::string("a\0b", 3), "NUL"},
                    Bad{"s3://bucket/x;Zq7", "scheme 's3'"}, Bad{"ftp://host/x", "scheme 'ftp'"},
                    Bad{"Zq7!:x", "no scheme"}));

INSTANTIATE_TEST_SUITE_P(
    Places, BadLake,
    testing::Values(
        Bad{"https://", "host"}, Bad{kHost, "container"}, Bad{kHost + "/", "container"},
        Bad{kHost + "/Copy", "container 'Copy'"}, Bad{kHost + "/co", "container 'co'"},
        Bad{kHost + "/-copy", "container"}, Bad{kHost + "/a--b", "container"},
        Bad{kHost + "/$root/x", "container"}, Bad{kHost + "/copy//x", "empty part"},
        Bad{kHost + "/copy/../x", "begins with a dot"},
        Bad{kHost + "/copy/.x", "begins with a dot"}, Bad{kHost + "/copy/a%", "escape"},
        Bad{kHost + "/copy/a%zz", "escape"}, Bad{kHost + "/copy#x", "fragment"},
        Bad{kHost + "/copy/" + std::string(250, 'x'), "more than 200"},
        Bad{kHost + "/copy/" + std::string(150, 'x') + "/" + std::string(150, 'x') + "/" +
                std::string(150, 'x'),
            "more than 400"},
        Bad{"https://user@acct.blob.core.windows.net/copy", "user"},
        Bad{"https://example.com/copy?" + kSas, "not a storage account's"},
        Bad{"https://blob.core.windows.net/copy", "not a storage account's"},
        Bad{"https://acct-secondary.blob.core.windows.net/copy", "only be read"},
        Bad{"https://a.blob.core.windows.net/copy", "account 'a'"},
        Bad{"abfss://copy/x", "abfss://CONTAINER@ACCOUNT"},
        Bad{"http://acct.blob.core.windows.net/copy;" + kKey, "plain http"},
        Bad{kLocal + "/copy", "plain http"}, Bad{kLocal + "/copy;token=Zq7", "plain http"},
        Bad{"https://acct.blob.core.evil.net/copy", "no token is sent"},
        Bad{"https://acct.blob.core.evil.net/copy;token=Zq7", "no token is sent"},
        Bad{"https://acct.blob.core.windows.net.evil.net/copy;impersonate", "no token is sent"},
        Bad{"https://onelake.dfs.fabric.microsoft.com/w/i.Lakehouse/Files", "impersonate"},
        Bad{"https://onelake.dfs.fabric.microsoft.com/w/i.Lakehouse;impersonate",
            "ITEM.Lakehouse"}));

INSTANTIATE_TEST_SUITE_P(
    Credentials, BadLake,
    testing::Values(
        Bad{kHost + "/copy?Zq7", "no 'sig'"}, Bad{kHost + "/copy?sp=rwdl&sr=c", "no 'sig'"},
        Bad{kHost + "/copy?sr=b&sp=rwdl&sig=Zq7", "one blob"},
        Bad{kHost + "/copy?sr=c&sp=r&sig=Zq7", "right 'w'"},
        Bad{kHost + "/copy?sr=c&sp=wdl&sig=Zq7", "right 'r'"},
        Bad{kHost + "/copy?sr=c&sp=rwl&sig=Zq7", "right 'd'"},
        Bad{kHost + "/copy?sr=c&sp=rwd&sig=Zq7", "right 'l'"},
        Bad{kHost + "/copy?ss=q&srt=sco&sp=rwdl&sig=Zq7", "ss=b"},
        Bad{kHost + "/copy?ss=b&srt=o&sp=rwdl&sig=Zq7", "srt=co"},
        Bad{kHost + "/copy?" + kSas + ";" + kKey, "behind a ';'"},
        Bad{kHost + "/copy?" + kSas + ";impersonate", "takes one"},
        Bad{kHost + "/copy;" + kKey + ";impersonate", "takes one"},
        Bad{kHost + "/copy;Zq7!", "no account key"}, Bad{kHost + "/copy;impersonate=x", "no value"},
        Bad{kHost + "/copy;managed_identity=", "object id"},
        Bad{kHost + "/copy;managed_identity=Zq7", "object id"},
        Bad{kHost + "/copy;managed_identity=system;impersonate", "takes one"},
        Bad{kHost + "/copy;sharedkey=env:", "'sharedkey' cannot be used: env: is followed"},
        Bad{kHost + "/copy;sas=file:x", "'sas' cannot be used: file: is followed"},
        Bad{kHost + "/copy;token=file:/a/../b", "'token' cannot be used: file: is followed"},
        Bad{kHost + "/copy?" + kSas + ";sharedkey=env:X", "takes one"},
        Bad{kHost + "/copy;sas=Zq7", "'sas'"}, Bad{kHost + "/copy;prompt", "'prompt'"},
        Bad{kHost + "/copy;Device-Code", "'device-code' of the lake's URL"},
        Bad{kHost + "/copy;device_code=Zq7", "az login --use-device-code"},
        Bad{kHost + "/copy?" + kSas + ";devicecode", "'devicecode' of the lake's URL"},
        Bad{kHost + "/copy;AwsCredentials=a,Zq7", "'awscredentials'"}));

INSTANTIATE_TEST_SUITE_P(
    ConnectionStrings, BadLake,
    testing::Values(
        Bad{"AccountName=acct;AccountKey=" + kKey, "Container=CONTAINER/PATH"},
        Bad{"AccountName=acct;AccountKey=env:Zq7!;Container=copy",
            "'AccountKey' cannot be used: env: is"},
        Bad{"AccountName=acct;Container=copy", "one of them"},
        Bad{"AccountKey=" + kKey + ";Container=copy", "AccountName"},
        Bad{"AccountName=acct;AccountKey=Zq7!;Container=copy", "AccountKey in base64"},
        Bad{"AccountName=acct;AccountName=b;AccountKey=" + kKey + ";Container=copy", "twice"},
        Bad{"AccountName=acct;AccountKey=" + kKey + ";Container=copy;Lake=x", "'lake'"},
        Bad{"AccountName=acct;Zq7;Container=copy", "without '='"},
        Bad{"AccountName=acct;AccountKey=" + kKey + ";SharedAccessSignature=" + kSas +
                ";Container=copy",
            "one of them"},
        Bad{"UseDevelopmentStorage=true;AccountName=acct;Container=copy", "stands alone"},
        Bad{"UseDevelopmentStorage=no;Container=copy", "'true'"},
        Bad{"BlobEndpoint=" + kHost + ";AccountKey=" + kKey + ";Container=copy", "no AccountName"},
        Bad{"SharedAccessSignature=" + kSas + ";Container=copy", "neither"},
        Bad{"AccountName=acct;AccountKey=" + kKey + ";BlobEndpoint=ftp://x;Container=copy",
            "scheme 'ftp'"},
        Bad{"BlobEndpoint=http://acct.blob.core.windows.net;SharedAccessSignature=" + kSas +
                ";Container=copy",
            "plain http"},
        Bad{"AccountName=acct;AccountKey=" + kKey + ";Container=Copy", "container 'Copy'"}));

// What portals and other tools show, and what is easily mistaken.
INSTANTIATE_TEST_SUITE_P(
    Pasted, GoodLake,
    testing::Values(Good{"wasbs://copy@acct.blob.core.windows.net", kHost + "/copy"},
                    Good{"abfss://copy@acct.dfs.core.usgovcloudapi.net/a",
                         "https://acct.blob.core.usgovcloudapi.net/copy/a"},
                    Good{kHost + "/copy?" + kSas +
                             "&spr=https&skoid=x&sktid=y&skt=z&ske=w&sks=b&skv=v",
                         kHost + "/copy", Kind::sas},
                    Good{kHost + "/copy?SP=rwdl&SIG=x&SR=c", kHost + "/copy", Kind::sas},
                    Good{kHost + "/copy;SharedKey=" + kKey, kHost + "/copy", Kind::shared_key},
                    Good{kHost + "/copy;sas=env:LAKE_SAS", kHost + "/copy", Kind::sas},
                    Good{kHost + "/copy/a;sharedkey=file:/run/secrets/key", kHost + "/copy/a",
                         Kind::shared_key},
                    Good{kHost + "/copy;token=env:LAKE_TOKEN", kHost + "/copy"},
                    Good{"AccountName=acct;AccountKey=env:LAKE_KEY;Container=copy", kHost + "/copy",
                         Kind::shared_key},
                    Good{"AccountName=Acct;AccountKey=" + kKey + ";Container=copy", kHost + "/copy",
                         Kind::shared_key},
                    Good{" AccountName = acct ; AccountKey=" + kKey + " ; Container=copy ;",
                         kHost + "/copy", Kind::shared_key}));

INSTANTIATE_TEST_SUITE_P(
    Pasted, BadLake,
    testing::Values(
        Bad{"adl://acct.azuredatalakestore.net/Zq7", "scheme 'adl'"},
        Bad{"gs://bucket/Zq7", "scheme 'gs'"}, Bad{"s3a://bucket/Zq7", "scheme 's3a'"},
        Bad{"net.tcp://acct/Zq7", "scheme 'net.tcp'"},
        Bad{"wasb://copy@", "names an account and a container"},
        Bad{"https://acct.queue.core.windows.net/copy?" + kSas, "not a storage account's"},
        Bad{"https://acct.file.core.windows.net/copy;" + kKey, "not a storage account's"},
        Bad{"https://acct.table.core.windows.net/copy;" + kKey, "not a storage account's"},
        Bad{"https://lake.contoso.example/copy?" + kSas, "not a storage account's"},
        Bad{"https://c.kusto.windows.net/Db;Fed=True;AppKey=Zq7", "storage"},
        Bad{"https://portal.azure.com/#view/Zq7", "fragment"},
        Bad{kHost + "/copy_1?" + kSas, "container 'copy_1'"},
        Bad{kHost + "/copy-?" + kSas, "container"},
        Bad{kHost + "/" + std::string(64, 'c') + "?" + kSas, "container"},
        Bad{kHost + "/copy?sp=rwdl&sr=c&sig=", "no 'sig'"},
        Bad{kHost + "/copy?sr=bs&sp=rwdl&sig=Zq7", "one blob"},
        Bad{kHost + "/copy?sr=c&sp=racwl&sig=Zq7", "right 'd'"},
        Bad{kHost + "/copy?restype=container&comp=list", "no 'sig'"},
        Bad{kHost + "/copy;accountkey=Zq7", "no account key"},
        Bad{kHost + "/copy;impersonate;" + kKey, "account key"},
        Bad{kHost + "/copy;managed_identity=system?" + kSas, "object id"},
        Bad{kHost + "/copy;token=", "is empty"}, Bad{kHost + "/copy;sharedkey=", "is empty"},
        Bad{kHost + "/copy;", "is empty"},
        Bad{"http://127.0.0.1:10000/devstoreaccount1;" + kKey, "container"},
        Bad{"AccountName=acct;AccountKey=" + kKey + ";Container=copy;Container=copy2", "twice"},
        Bad{"AccountName=acct;AccountKey=" + kKey + ";Container=/copy", "container"},
        Bad{"AccountName=acct;SharedAccessSignature=sp=rwdl;Container=copy", "no 'sig'"},
        Bad{"AccountName=acct;AccountKey=" + kKey + ";BlobEndpoint=" + kHost + "?Zq7;Container=c",
            "no plain address"}));

TEST(LakeAddress, CasesAreMany) {
  int cases = 0;
  const auto* all = testing::UnitTest::GetInstance();
  for (int i = 0; i < all->total_test_suite_count(); ++i) {
    const auto* suite = all->GetTestSuite(i);
    const std::string name = suite->name();
    if (name.ends_with("/GoodLake") || name.ends_with("/BadLake"))
      cases += suite->total_test_count();
  }
  EXPECT_GE(cases, 150);
}

TEST(LakeAddress, TakesPathsAndFileUrls) {
  EXPECT_EQ(parse_lake("/var/lib/kc")->folder, "/var/lib/kc");
  EXPECT_EQ(parse_lake("/var//lib/./kc/")->folder, "/var/lib/kc");
  EXPECT_EQ(parse_lake("lake")->folder, std::filesystem::current_path().string() + "/lake");
  EXPECT_EQ(parse_lake("./a:b")->folder, std::filesystem::current_path().string() + "/a:b");
  EXPECT_EQ(parse_lake("file:///var/lib/k%20c%25")->folder, "/var/lib/k c%");
  EXPECT_EQ(parse_lake("file://localhost/var/x")->folder, "/var/x");
  EXPECT_EQ(parse_lake("file:///var/x")->describe(), "/var/x");
}

TEST(LakeAddress, ASasIsKeptAsItCame) {
  const auto lake = parse_lake(kHost + "/copy?" + kSas);
  EXPECT_EQ(lake->blobs->root.credential.secret, kSas);
}

TEST(LakeAddress, RedactingItLeavesNoSecret) {
  for (const auto& text : {kHost + "/copy?" + kSas, kHost + "/copy;" + kKey,
                           "AccountName=acct;AccountKey=" + kKey + ";Container=copy"})
    EXPECT_THAT(redact(text), Not(HasSubstr("Zq7"))) << text;
}

TEST(LakeAddress, SeveralStandOnLines) {
  const auto lakes = parse_lakes("/a\n/b\nfile:///c");
  ASSERT_TRUE(lakes) << lakes.error().message;
  ASSERT_EQ(lakes->size(), 3U);
  EXPECT_EQ((*lakes)[2].folder, "/c");
  EXPECT_EQ(parse_lakes("/a")->size(), 1U);
  EXPECT_EQ(parse_lakes(kHost + "/copy;" + kKey + "\n" + kHost + "/other;" + kKey)->size(), 2U);
  const Bad cases[] = {
      {"", "empty"},
      {"/a\n", "lake number 2"},
      {"/a\n/b\n/a/", "the lake /a is given twice"},
      {kHost + "/copy;" + kKey + "\nabfss://copy@acct.dfs.core.windows.net?" + kSas, "given twice"},
      {"/a\n" + kHost + "/copy;" + kKey, "all are folders or all are containers"},
      {"/a\n" + kHost + "/copy;Zq7", "lake number 2: the lake: what follows the ';'"},
      {"/0\n/1\n/2\n/3\n/4\n/5\n/6\n/7\n/8\n/9\n/a\n/b\n/c\n/d\n/e\n/f\n/g", "more than 16"},
  };
  for (const auto& [text, reason] : cases) {
    const auto refused = parse_lakes(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, "lake.unsupported") << text;
    EXPECT_THAT(refused.error().message, HasSubstr(reason)) << text;
    EXPECT_THAT(refused.error().message, Not(HasSubstr("Zq7"))) << text;
  }
}

struct OpenLakeTest : testing::Test {
  azure::ScriptedTransport transport;
  ManualClock clock{Ticks{638'000'000'000'000'000}};
  LakeDoors doors{.transport = transport, .clock = clock};
};

TEST_F(OpenLakeTest, EachJobHasItsOwnFolder) {
  EXPECT_EQ((*open_lake({.folder = "/var/lib/kc"}, "job-1", doors))->describe(),
            "/var/lib/kc/job-1");
  EXPECT_EQ((*open_lake(*parse_lake(kHost + "/copy;" + kKey), "job-1", doors))->describe(),
            kHost + "/copy/job-1");
  EXPECT_EQ((*open_lake(*parse_lake(kHost + "/copy/a;" + kKey), "job-1", doors))->describe(),
            kHost + "/copy/a/job-1");
  for (const char* job : {"../x", "a/b", ""})
    EXPECT_EQ(open_lake({.folder = "/var/lib/kc"}, job, doors).error().code, "lake.name");
  EXPECT_TRUE(transport.calls.empty());
}

// The further lakes' folders are named after the first, too: another job of the same id, with
// another first lake, does not meet this one there.
TEST_F(OpenLakeTest, JobsThatShareAFurtherLakeDoNotMeetThere) {
  std::set<std::string> roots;
  for (const auto* first : {"copy", "copy2"}) {
    const auto lake = open_lakes(
        *parse_lakes(kHost + "/" + first + ";" + kKey + "\n" + kHost + "/shared/x;" + kKey), "job",
        doors);
    ASSERT_TRUE(lake) << lake.error().message;
    EXPECT_EQ((*lake)->describe(), kHost + "/" + first + "/job (and 1 more)");
    for (int block = 0; block < 20; ++block) {
      const auto uri = (*lake)->read_uri("data/0/" + std::to_string(block) + "/e1/f.csv");
      ASSERT_TRUE(uri) << uri.error().message;
      roots.insert(uri->substr(0, uri->find("/data/")));
    }
  }
  EXPECT_EQ(roots.size(), 4U);
  int marked = 0;
  for (const auto& root : roots) marked += root.starts_with(kHost + "/shared/x/kc-") ? 1 : 0;
  EXPECT_EQ(marked, 2);
}

TEST_F(OpenLakeTest, WithoutAnIdentityNoTokenIsThere) {
  for (const auto* tail : {"", ";impersonate", ";managed_identity=system"}) {
    const auto lake = open_lake(*parse_lake(kHost + "/copy" + tail), "job", doors);
    ASSERT_FALSE(lake);
    EXPECT_EQ(lake.error().code, "lake.unsupported");
    EXPECT_THAT(lake.error().message, HasSubstr("no identity"));
  }
  doors.token = [](const azure::BlobAddress&, const std::string&) {
    return Result<std::string>("tok");
  };
  const auto lake = open_lake(*parse_lake(kHost + "/copy"), "job", doors);
  ASSERT_TRUE(lake);
  transport.answer(200, "x", {{"x-ms-blob-type", "BlockBlob"}});
  EXPECT_EQ((*lake)->get("a"), "x");
  bool sent = false;
  for (const auto& header : transport.calls.at(0).headers)
    sent = sent || (header.name == "Authorization" && header.value == "Bearer tok");
  EXPECT_TRUE(sent);
}

TEST_F(OpenLakeTest, ASasThatHasExpiredIsToldBeforeAnythingIsSent) {
  auto sas = kSas;
  sas.replace(sas.find("2099"), 4, "2022");
  const auto lake = open_lake(*parse_lake(kHost + "/copy?" + sas), "job", doors);
  ASSERT_FALSE(lake);
  EXPECT_EQ(lake.error().kind, ErrorKind::denied);
  EXPECT_THAT(lake.error().message, HasSubstr("expired"));
  EXPECT_THAT(lake.error().message, Not(HasSubstr("Zq7")));
}

// --- secrets by reference ---

TEST_F(OpenLakeTest, ASecretByReferenceIsReadWhenTheLakeIsOpened) {
  std::map<std::string, std::string> places;
  std::vector<std::string> asked;
  doors.secret = [&](std::string_view reference, std::string_view keyword) -> Result<std::string> {
    asked.push_back(std::string(keyword) + "=" + std::string(reference));
    return places[std::string(reference)];
  };
  places = {{"env:K", kKey}, {"file:/s", "?" + kSas}, {"env:T", "tok-1"}};
  const auto sent = [&](const std::string& text) {
    const auto address = parse_lake(text);
    EXPECT_TRUE(address) << address.error().message;
    const auto lake = open_lake(*address, "job", doors);
    EXPECT_TRUE(lake) << lake.error().message;
    transport.answer(200, "x", {{"x-ms-blob-type", "BlockBlob"}});
    EXPECT_EQ((*lake)->get("a"), "x");
    return transport.calls.back();
  };
  const auto authorization = [](const net::HttpCall& call) {
    for (const auto& header : call.headers)
      if (header.name == "Authorization") return header.value;
    return std::string();
  };
  EXPECT_THAT(authorization(sent(kHost + "/copy;sharedkey=env:K")), HasSubstr("SharedKey acct:"));
  EXPECT_THAT(authorization(sent("AccountName=acct;AccountKey=env:K;Container=copy")),
              HasSubstr("SharedKey acct:"));
  EXPECT_THAT(sent(kHost + "/copy;sas=file:/s").url, HasSubstr(kSas));
  EXPECT_THAT(sent("BlobEndpoint=" + kHost + ";SharedAccessSignature=file:/s;Container=copy").url,
              HasSubstr(kSas));
  EXPECT_EQ(authorization(sent(kHost + "/copy;token=env:T")), "Bearer tok-1");
  places["env:T"] = "tok-2";
  EXPECT_EQ(authorization(sent(kHost + "/copy;token=env:T")), "Bearer tok-2");
  EXPECT_THAT(asked, testing::Contains("AccountKey=env:K"));
  EXPECT_THAT(asked, testing::Contains("token=env:T"));
}

TEST_F(OpenLakeTest, AReferencedSecretIsHeldToTheSameRules) {
  doors.secret = [](std::string_view, std::string_view) { return Result<std::string>("Zq7 Zq7"); };
  for (const auto* tail : {";sharedkey=env:X", ";sas=env:X"}) {
    const auto lake = open_lake(*parse_lake(kHost + "/copy" + tail), "job", doors);
    ASSERT_FALSE(lake) << tail;
    EXPECT_EQ(lake.error().code, "lake.unsupported");
    EXPECT_THAT(lake.error().message, HasSubstr("which is env:X"));
    EXPECT_THAT(lake.error().message, Not(HasSubstr("Zq7")));
  }
  doors.secret = {};
  EXPECT_EQ(open_lake(*parse_lake(kHost + "/copy;sas=env:X"), "job", doors).error().code,
            "lake.unsupported");
}

}  // namespace
}  // namespace kc
