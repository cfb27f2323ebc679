#include "core/azure/signing.h"

#include <gtest/gtest.h>

namespace kc::azure {
namespace {

constexpr const char* kKey = "SmVmZQ==";  // "Jefe"
const StorageAccount kAccount{"acct", kKey, "https://acct.blob.core.windows.net", {}, {}};

std::string value_of(const std::string& sas, const std::string& name) {
  for (const auto& [key, value] : parse_query(sas)) {
    if (key == name) return value;
  }
  return {};
}

TEST(Signature, IsHmacSha256OfTheDecodedKey) {
  // RFC 4231, test case 2.
  EXPECT_EQ(signature(kKey, "what do ya want for nothing?"),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  EXPECT_EQ(signature("no base64!", "text"), "");
}

// The examples of "Authorize with Shared Key" in the REST reference.
TEST(SharedKey, SignsTheDocumentedTextForContainerMetadata) {
  const std::vector<net::Header> headers = {{"x-ms-version", "2015-02-21"},
                                            {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}};
  EXPECT_EQ(string_to_sign({"GET",
                            "https://myaccount.blob.core.windows.net/"
                            "mycontainer?comp=metadata&restype=container&timeout=20",
                            headers, 0},
                           "myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
            "x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\n"
            "restype:container\ntimeout:20");
}

TEST(SharedKey, SignsTheDocumentedTextForPutBlob) {
  const std::vector<net::Header> headers = {{"Content-Type", "text/plain; charset=UTF-8"},
                                            {"x-ms-date", "Sun, 20 Sep 2009 20:36:40 GMT"},
                                            {"x-ms-meta-m2", "v2"},
                                            {"x-ms-meta-m1", "v1"}};
  EXPECT_EQ(
      string_to_sign({"PUT", "https://account.blob.core.windows.net/c/b", headers, 11}, "account"),
      "PUT\n\n\n11\n\ntext/plain; charset=UTF-8\n\n\n\n\n\n\nx-ms-date:Sun, 20 Sep 2009 "
      "20:36:40 GMT\nx-ms-meta-m1:v1\nx-ms-meta-m2:v2\n/account/c/b");
}

TEST(SharedKey, NamesTheAccountTwiceInPathStyleAndJoinsRepeatedValues) {
  const std::vector<net::Header> none;
  EXPECT_EQ(string_to_sign({"GET",
                            "http://127.0.0.1:10000/acct/c/a%20b?include=snapshots&include="
                            "metadata&prefix=a%2Fb",
                            none, 0},
                           "acct"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\n/acct/acct/c/a%20b\ninclude:metadata,snapshots\nprefix:a/"
            "b");
}

TEST(SharedKey, SignsFiveLinesForTables) {
  const std::vector<net::Header> headers = {{"Content-Type", "application/json"},
                                            {"x-ms-date", "Sun, 11 Oct 2009 19:52:39 GMT"}};
  EXPECT_EQ(
      table_string_to_sign(
          {"GET", "https://a.table.core.windows.net/Tables?comp=acl&$top=1", headers, 0}, "a"),
      "GET\n\napplication/json\nSun, 11 Oct 2009 19:52:39 GMT\n/a/Tables?comp=acl");
}

TEST(SharedKey, SignedHeaderNamesSortAsTheServiceSortsThem) {
  // Its collation equals the ordinal order only for letters and hyphens.
  for (const auto* name :
       {"x-ms-blob-type", "x-ms-client-request-id", "x-ms-date", "x-ms-range", "x-ms-version"}) {
    EXPECT_EQ(std::string(name).find_first_not_of("abcdefghijklmnopqrstuvwxyz-"),
              std::string::npos);
  }
}

TEST(Sas, OfAnAccountSignsTenLinesThatEnd) {
  const auto sas = account_sas(kAccount, {"b", "co", "rl", *parse_datetime("2030-01-01")});
  EXPECT_EQ(value_of(sas, "sig"),
            signature(kKey, "acct\nrl\nb\nco\n\n2030-01-01T00:00:00Z\n\n\n2023-11-03\n\n"));
  EXPECT_EQ(value_of(sas, "se"), "2030-01-01T00:00:00Z");
  EXPECT_EQ(sas.find("spr"), std::string::npos);
}

TEST(Sas, OfABlobSignsSixteenLines) {
  const auto sas = blob_sas(kAccount, {"c", "a b.csv", "r", *parse_datetime("2030-01-01")});
  EXPECT_EQ(value_of(sas, "sig"), signature(kKey,
                                            "r\n\n2030-01-01T00:00:00Z\n/blob/acct/c/a "
                                            "b.csv\n\n\n\n2023-11-03\nb\n\n\n\n\n\n\n"));
  EXPECT_EQ(value_of(sas, "sr"), "b");
}

TEST(Sas, OfAUserDelegationSignsTwentyFourLines) {
  const DelegationKey key{"oid",        "tid", "2029-12-31T00:00:00Z", "2030-01-02T00:00:00Z", "b",
                          "2023-11-03", kKey};
  const auto sas = delegation_sas("acct", key, {"c", "", "w", *parse_datetime("2030-01-01")});
  EXPECT_EQ(
      value_of(sas, "sig"),
      signature(kKey,
                "w\n\n2030-01-01T00:00:00Z\n/blob/acct/c\noid\ntid\n2029-12-31T00:00:00Z\n"
                "2030-01-02T00:00:00Z\nb\n2023-11-03\n\n\n\n\n\n2023-11-03\nc\n\n\n\n\n\n\n"));
  EXPECT_EQ(value_of(sas, "sr"), "c");
  EXPECT_EQ(value_of(sas, "skoid"), "oid");
}

TEST(Encoding, ReadsBackWhatItWrote) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(percent_decode(percent_encode(bytes)), bytes);
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
}

}  // namespace
}  // namespace kc::azure
