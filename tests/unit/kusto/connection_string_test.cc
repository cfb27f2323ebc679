#include "core/kusto/connection_string.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

namespace kc::kusto {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Good {
  const char* text;
  const char* url;
  const char* database;
};

TEST(ConnectionString, ReadsWhatTheOfficialClientsRead) {
  const Good cases[] = {
      {"https://c.kusto.windows.net", "https://c.kusto.windows.net", ""},
      {"https://c.kusto.windows.net/", "https://c.kusto.windows.net", ""},
      {"HTTPS://C.Kusto.Windows.Net/Db", "https://c.kusto.windows.net", "Db"},
      {"https://c.kusto.windows.net:443/Db/", "https://c.kusto.windows.net:443", "Db"},
      {"https://c.kusto.windows.net;Fed=False", "https://c.kusto.windows.net", ""},
      {"https://c.kusto.windows.net/Db;AAD Federated Security=false", "https://c.kusto.windows.net",
       "Db"},
      {"https://c.kusto.windows.net;Initial Catalog=My Db", "https://c.kusto.windows.net", "My Db"},
      {"https://c.kusto.windows.net/Db;Database=Db", "https://c.kusto.windows.net", "Db"},
      {"Data Source=https://c.kusto.windows.net;Initial Catalog=Db", "https://c.kusto.windows.net",
       "Db"},
      {"data source = https://c.kusto.windows.net ; INITIALCATALOG = Db ;",
       "https://c.kusto.windows.net", "Db"},
      {"DataSource=https://c.kusto.windows.net;database=Db", "https://c.kusto.windows.net", "Db"},
      {"Server=https://c.kusto.windows.net", "https://c.kusto.windows.net", ""},
      {"Addr=https://c.kusto.windows.net", "https://c.kusto.windows.net", ""},
      {"Address=https://c.kusto.windows.net", "https://c.kusto.windows.net", ""},
      {"Network Address=https://c.kusto.windows.net", "https://c.kusto.windows.net", ""},
      {"Initial Catalog=Db;Server=https://c.kusto.windows.net", "https://c.kusto.windows.net",
       "Db"},
      {"Data Source=\"https://c.kusto.windows.net\";Initial Catalog=\"a;b\"",
       "https://c.kusto.windows.net", "a;b"},
      {"Data Source='https://c.kusto.windows.net';Initial Catalog='a\"b'",
       "https://c.kusto.windows.net", "a\"b"},
      {"Data Source=https://c.kusto.windows.net;Initial Catalog=it's",
       "https://c.kusto.windows.net", "it's"},
      {"c.kusto.windows.net", "https://c.kusto.windows.net", ""},
      {"http://localhost:8080/Db", "http://localhost:8080", "Db"},
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080", ""},
      {"http://[::1]:8080/Db", "http://[::1]:8080", "Db"},
      {"Data Source=http://localhost:8080;Initial Catalog=Db", "http://localhost:8080", "Db"},
      {"https://c.kusto.windows.net;Application Name for Tracing=x;TraceUserName=y",
       "https://c.kusto.windows.net", ""},
      {"https://c.kusto.windows.net;Query Consistency=strongconsistency",
       "https://c.kusto.windows.net", ""},
  };
  for (const Good& one : cases) {
    const auto parsed = ConnectionString::parse(one.text);
    ASSERT_TRUE(parsed) << one.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->url, one.url) << one.text;
    EXPECT_EQ(parsed->database, one.database) << one.text;
  }
}

struct Bad {
  const char* text;
  const char* says;
};

TEST(ConnectionString, RefusesByNameWithTheReason) {
  const Bad cases[] = {
      {"", "empty"},
      {"   ", "empty"},
      {"Initial Catalog=Db", "no Data Source"},
      {"Data Source=;Initial Catalog=Db", "'Data Source' is empty"},
      {"help", "begins with https://"},
      {"https://", "host"},
      {"https:///Db", "host"},
      {"https://c.kusto.windows.net/a/b", "several parts"},
      {"https://c.kusto.windows.net/a%20b", "percent-encoded"},
      {"https://c.kusto.windows.net?x=1", "more than"},
      {"https://u:p@c.kusto.windows.net", "more than"},
      {"https://c.kusto.windows.net:0", "port"},
      {"https://c.kusto.windows.net:99999", "port"},
      {"https://c.kusto.windows.net:x", "port"},
      {"https://c.kusto.windows.net:", "port"},
      {"ftp://c.kusto.windows.net", "neither https nor http"},
      {"http://c.kusto.windows.net", "plain http"},
      {"http://127.0.0.1.example.com", "plain http"},
      {"http://localhost.example.com", "plain http"},
      {"https://c_d!.net", "host"},
      {"https://c.kusto.windows.net/A;Initial Catalog=B", "different databases"},
      {"https://c.kusto.windows.net;Server=https://d.kusto.windows.net",
       "'Data Source' is given twice"},
      {"https://c.kusto.windows.net;Database=a;Initial Catalog=a",
       "'Initial Catalog' is given twice"},
      {"https://c.kusto.windows.net;Colour=red", "'Colour' is not known"},
      {"https://c.kusto.windows.net;Initial Catalog", "part number 2"},
      {"https://c.kusto.windows.net;=x", "number 2"},
      {"https://c.kusto.windows.net;Fed=maybe", "neither true nor false"},
      {"https://c.kusto.windows.net;AppClientId=x", "'Application Client Id'"},
      {"https://c.kusto.windows.net;Authority Id=x", "'Authority Id'"},
      {"https://c.kusto.windows.net;tid=x", "'Authority Id'"},
      {"https://c.kusto.windows.net;uid=x", "'User ID'"},
      {"https://c.kusto.windows.net;SendX5c=true", "'Application Certificate SendX5c'"},
      {"https://c.kusto.windows.net;Region=x", "'Azure Region' is not supported"},
      {"https://c.kusto.windows.net;Streaming=true", "'Streaming' is not supported"},
      {"https://c.kusto.windows.net;Query Consistency=weakconsistency", "strongconsistency"},
      {"Data Source=\"https://c.kusto.windows.net", "no end"},
      {"https://c.kusto.windows.net\n", ""},
      {"https://c.kusto.\nwindows.net", "control character"},
  };
  for (const Bad& one : cases) {
    const auto parsed = ConnectionString::parse(one.text);
    if (*one.says == '\0') {
      EXPECT_TRUE(parsed) << one.text;
      continue;
    }
    ASSERT_FALSE(parsed) << one.text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid) << one.text;
    EXPECT_EQ(parsed.error().code, "connection.invalid_string") << one.text;
    EXPECT_THAT(parsed.error().message, HasSubstr(one.says)) << one.text;
    EXPECT_FALSE(parsed.error().fix.empty());
  }
  EXPECT_FALSE(ConnectionString::parse(std::string(kConnectionStringBytesMax + 1, 'x')));
}

std::string changed(std::string text, int (*change)(int)) {
  for (char& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
  return text;
}

struct Spelling {
  const char* name;  // as messages and the documentation have it
  std::vector<const char*> spellings;
  const char* value;
  const char* says;  // of a refusal; empty: understood
};

// Each alias as it is documented, in capitals, in small letters and without spaces.
TEST(ConnectionString, KnowsEveryAliasInEverySpelling) {
  const char* no_effect = "has no effect without 'AAD Federated Security=True'";
  const Spelling keywords[] = {
      {"Initial Catalog", {"Initial Catalog", "Database"}, "Db", ""},
      {"AAD Federated Security",
       {"AAD Federated Security", "Federated Security", "Federated", "Fed", "AADFed",
        "Microsoft Entra ID Federated Security"},
       "maybe",
       "is neither true nor false"},
      {"Application Client Id", {"Application Client Id", "AppClientId"}, "x", no_effect},
      {"Application Key", {"Application Key", "AppKey"}, "x", no_effect},
      {"Authority Id",
       {"Authority Id", "TenantId", "Tenant", "Tid", "Authority", "Domain Hint"},
       "x",
       no_effect},
      {"User ID", {"User ID", "UID", "User", "Login Hint", "AAD User ID"}, "x", "people"},
      {"Password", {"Password", "Pwd"}, "x", "people"},
      {"User Token", {"User Token", "UsrToken"}, "x", no_effect},
      {"Application Token", {"Application Token", "AppToken"}, "x", no_effect},
      {"Application Certificate Thumbprint",
       {"Application Certificate Thumbprint", "AppCert"},
       "x",
       "no certificate store"},
      {"Application Certificate Blob", {"Application Certificate Blob"}, "cGVt", no_effect},
      {"Application Certificate SendX5c",
       {"Application Certificate SendX5c", "Application Certificate X5c", "SendX5c",
        "Application Certificate Send Public Certificate", "Send Certificate Chain"},
       "true",
       no_effect},
      {"Application Certificate Subject Distinguished Name",
       {"Application Certificate Subject Distinguished Name", "Application Certificate Subject"},
       "x",
       "no certificate store"},
      {"Application Certificate Issuer Distinguished Name",
       {"Application Certificate Issuer Distinguished Name", "Application Certificate Issuer"},
       "x",
       "no certificate store"},
      {"Application Certificate PrivateKey",
       {"Application Certificate PrivateKey"},
       "x",
       "no certificate store"},
      {"Application Name for Tracing", {"Application Name for Tracing", "TraceAppName"}, "x", ""},
      {"User Name for Tracing", {"User Name for Tracing", "TraceUserName"}, "x", ""},
      {"Client Version for Tracing", {"Client Version for Tracing"}, "x", ""},
      {"Query Consistency", {"Query Consistency"}, "weakconsistency", "strongconsistency"},
      {"Azure Region", {"Azure Region", "Region"}, "x", "is not supported"},
      {"Data Source Uri", {"Data Source Uri", "ServerUri", "ClusterUri"}, "x", "is not supported"},
      {"Namespace", {"Namespace", "ns"}, "x", "is not supported"},
      {"dSTS Federated Security",
       {"dSTS Federated Security", "dSTSFed", "dSTS Token Type"},
       "x",
       "is not supported"},
      {"Streaming", {"Streaming"}, "true", "is not supported"},
      {"Uncompressed", {"Uncompressed"}, "true", "is not supported"},
      {"EnforceMfa", {"EnforceMfa"}, "true", "is not supported"},
      {"Accept", {"Accept"}, "true", "is not supported"},
  };
  int cases = 0;
  for (const Spelling& keyword : keywords) {
    for (const std::string spelling : keyword.spellings) {
      std::string close = spelling;
      std::erase(close, ' ');
      for (const auto& written : {spelling, changed(spelling, std::toupper),
                                  changed(spelling, std::tolower), close, " " + spelling + " "}) {
        const auto parsed =
            ConnectionString::parse("https://c.kusto.windows.net;" + written + "=" + keyword.value);
        ++cases;
        if (*keyword.says == '\0') {
          EXPECT_TRUE(parsed) << written;
          continue;
        }
        ASSERT_FALSE(parsed) << written;
        EXPECT_THAT(parsed.error().message, HasSubstr("'" + std::string(keyword.name) + "'"))
            << written;
        EXPECT_THAT(parsed.error().message, HasSubstr(keyword.says)) << written;
      }
    }
  }
  EXPECT_GE(cases, 200);
}

using Kind = SignIn::Kind;

TEST(ConnectionString, SaysWhoAsks) {
  const std::string at = "https://c.kusto.windows.net/Db;";
  const std::vector<std::pair<std::string, SignIn>> cases = {
      {"", {}},
      {"Fed=false", {}},
      {"Fed=True", {.kind = Kind::default_chain}},
      {"AAD Federated Security=TRUE", {.kind = Kind::default_chain}},
      {"Microsoft Entra ID Federated Security=true", {.kind = Kind::default_chain}},
      {"aadfed=true;tenant=contoso.example",
       {.kind = Kind::default_chain, .tenant = "contoso.example"}},
      {"Fed=True;AppClientId=app;AppKey=k3y;Authority Id=ten",
       {.kind = Kind::application_key, .tenant = "ten", .client_id = "app", .secret = "k3y"}},
      {"Application Client Id=app;Application Key=\"k;3\";TenantId=ten;Federated=true",
       {.kind = Kind::application_key, .tenant = "ten", .client_id = "app", .secret = "k;3"}},
      {"Fed=True;AppClientId=app;Application Certificate Blob=cGVt;tid=ten",
       {.kind = Kind::application_certificate,
        .tenant = "ten",
        .client_id = "app",
        .secret = "pem"}},
      {"Fed=True;AppClientId=app;applicationcertificateblob=cGVt;domainhint=ten;SendX5c=True",
       {.kind = Kind::application_certificate,
        .tenant = "ten",
        .client_id = "app",
        .secret = "pem",
        .send_chain = true}},
      {"Fed=True;User Token=abc", {.kind = Kind::token, .secret = "abc"}},
      {"Fed=True;AppToken=abc", {.kind = Kind::token, .secret = "abc"}},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = ConnectionString::parse(at + text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_TRUE(parsed->sign_in == expected) << text;
  }
}

TEST(ConnectionString, RefusesASignInThatDoesNotHoldTogether) {
  const std::string at = "https://c.kusto.windows.net/Db;";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"AppClientId=a;AppKey=s3cret;tid=t",
       "'Application Client Id' has no effect without 'AAD Federated Security=True'"},
      {"Fed=False;AppKey=s3cret", "'Application Key' has no effect without"},
      {"tid=t", "'Authority Id' has no effect without"},
      {"UserToken=s3cret", "'User Token' has no effect without"},
      {"Fed=True;AppKey=s3cret", "'Application Key' needs 'Application Client Id'"},
      {"Fed=True;AppClientId=a;AppKey=s3cret", "'Application Key' needs 'Authority Id'"},
      {"Fed=True;AppClientId=a;Application Certificate Blob=cGVt",
       "'Application Certificate Blob' needs 'Authority Id'"},
      {"Fed=True;AppClientId=a", "'Application Client Id' needs 'Application Key' or"},
      {"Fed=True;AppClientId=a;UserToken=s3cret", "'Application Client Id' needs"},
      {"Fed=True;AppKey=s3cret;UserToken=s3cret",
       "'Application Key' and 'User Token' are two ways to sign in"},
      {"Fed=True;UserToken=s3cret;AppToken=s3cret", "'User Token' and 'Application Token' are two"},
      {"Fed=True;SendX5c=true", "'Application Certificate SendX5c' needs"},
      {"Fed=True;SendX5c=perhaps", "'Application Certificate SendX5c' is neither"},
      {"Fed=True;Application Certificate Blob=s3cret!", "is not the base64"},
      {"Fed=True;Application Certificate Thumbprint=s3cret", "no certificate store"},
      {"Fed=True;Application Certificate Subject=s3cret", "no certificate store"},
      {"Fed=True;Application Certificate Issuer=s3cret", "no certificate store"},
      {"Fed=True;Application Certificate PrivateKey=s3cret", "no certificate store"},
      {"Fed=True;User ID=s3cret", "'User ID' is not supported"},
      {"Fed=True;Password=s3cret", "'Password' is not supported"},
      {"Fed=True;tid=a/s3cret", "'Authority Id' is no tenant"},
      {"Fed=True;tid=", "'Authority Id' is empty"},
      {"Fed=True;AppKey=", "'Application Key' is empty"},
      {"Fed=True;AppKey=s3cret;s3cret=x", "number 4 is not known"},
  };
  for (const auto& [text, says] : cases) {
    const auto parsed = ConnectionString::parse(at + text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "connection.invalid_string") << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(says)) << text;
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("s3cret"))) << text;
  }
}

TEST(ConnectionString, NeverRepeatsASecret) {
  const char* secrets[] = {
      "https://c.kusto.windows.net;AppKey=s3cret",
      "https://c.kusto.windows.net;AppClientId=x;AppKey=s3cret;Authority Id=y",
      "https://c.kusto.windows.net;Application Key=\"s3cret;s3cret=1\"",
      "https://c.kusto.windows.net;AppKey=abc;s3cret=def",
      "https://c.kusto.windows.net;Password=s3cret",
      "https://c.kusto.windows.net;UsrToken=s3cret",
      "https://c.kusto.windows.net;Application Token=s3cret",
      "https://c.kusto.windows.net;appcert=s3cret",
      "https://c.kusto.windows.net;Application Certificate Blob=s3cret",
      "https://c.kusto.windows.net;Application Certificate PrivateKey=s3cret",
      "https://c.kusto.windows.net;s3cret",
      "https://c.kusto.windows.net;s3cret==",
      "https://user:s3cret@c.kusto.windows.net",
      "https://c.kusto.windows.net/?sig=s3cret",
      "https://c.kusto.windows.net;Fed=s3cret",
      "https://c.kusto.windows.net;Query Consistency=s3cret",
      "https://c.kusto.windows.net:s3cret",
      "s3cret",
      "s3cret://c.kusto.windows.net",
      "https://c.kusto.windows.net;AppKey=\"s3cret",
  };
  for (const char* text : secrets) {
    const auto parsed = ConnectionString::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("s3cret"))) << text;
    EXPECT_THAT(parsed.error().fix, Not(HasSubstr("s3cret"))) << text;
  }
}

}  // namespace
}  // namespace kc::kusto
