// What people paste where a cluster is asked for: each entry is a case of its own, not a spelling
// of another's. (The spellings of every keyword are in connection_string_test.cc.) A marked secret
// stands in every entry that is refused, and in no message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <set>

#include "core/kusto/connection_string.h"

namespace kc::kusto {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = SignIn::Kind;

struct Good {
  std::string text, url, database;
  SignIn sign_in = {};
};

const SignIn kChain{.kind = Kind::default_chain};
SignIn key(const std::string& secret) {
  return {.kind = Kind::application_key, .tenant = "ten", .client_id = "app", .secret = secret};
}
const std::string kApp = ";Fed=True;AppClientId=app;tid=ten;";
const std::string kHere = "https://c.kusto.windows.net";

const std::vector<Good> kGood = {
    // Addresses as portals, clients and documentation show them.
    {"https://mycluster.westeurope.kusto.windows.net",
     "https://mycluster.westeurope.kusto.windows.net", ""},
    {"https://trd-ab12cd34ef.z5.kusto.fabric.microsoft.com",
     "https://trd-ab12cd34ef.z5.kusto.fabric.microsoft.com", ""},
    {"https://trd-ab12cd34ef.z5.kusto.fabric.microsoft.com/Eventhouse 1",
     "https://trd-ab12cd34ef.z5.kusto.fabric.microsoft.com", "Eventhouse 1"},
    {"https://kvc-0a1b2c3d.southcentralus.kusto.windows.net/MyDatabase",
     "https://kvc-0a1b2c3d.southcentralus.kusto.windows.net", "MyDatabase"},
    {"https://ade.loganalytics.io", "https://ade.loganalytics.io", ""},
    {"https://w.kusto.azuresynapse.net", "https://w.kusto.azuresynapse.net", ""},
    {"https://c.kusto.usgovcloudapi.net", "https://c.kusto.usgovcloudapi.net", ""},
    {"https://c.kusto.chinacloudapi.cn", "https://c.kusto.chinacloudapi.cn", ""},
    {"https://c.kusto.data.microsoft.com", "https://c.kusto.data.microsoft.com", ""},
    {"mycluster.kusto.windows.net/Db", "https://mycluster.kusto.windows.net", "Db"},
    {"localhost:8080", "https://localhost:8080", ""},
    {"http://LOCALHOST:8080/", "http://localhost:8080", ""},
    {"https://10.0.0.4:8443/Db", "https://10.0.0.4:8443", "Db"},
    {"https://[2001:db8::7]:8443/Db", "https://[2001:db8::7]:8443", "Db"},
    {"https://xn--kusto-0ra.example", "https://xn--kusto-0ra.example", ""},
    {"https://c.kusto.windows.net:65535", "https://c.kusto.windows.net:65535", ""},
    {"  https://c.kusto.windows.net/Db  ", kHere, "Db"},
    {"https://c.kusto.windows.net///", kHere, ""},
    {"\thttps://c.kusto.windows.net\r\n", kHere, ""},
    // Databases.
    {kHere + "/7", kHere, "7"},
    {kHere + "/Größe.1-a_b", kHere, "Größe.1-a_b"},
    {kHere + ";Initial Catalog=", kHere, ""},
    {kHere + "/;Initial Catalog=Db", kHere, "Db"},
    {kHere + ";Initial Catalog=\"  Db  \"", kHere, "  Db  "},
    {kHere + ";Initial Catalog=a=b", kHere, "a=b"},
    {kHere + ";Initial Catalog=it''s", kHere, "it''s"},
    {kHere + ";Initial Catalog='it''s'", kHere, "it's"},
    {kHere + ";Initial Catalog=\"say \"\"x\"\";\"", kHere, "say \"x\";"},
    {kHere + ";Initial Catalog=''", kHere, ""},
    // Quoting and separators.
    {kHere + ";;;Fed=True;;", kHere, "", kChain},
    {kHere + " ; Fed = True ; ", kHere, "", kChain},
    {";Data Source=" + kHere, kHere, ""},
    {"Fed=True;Data Source=" + kHere, kHere, "", kChain},
    {"Data Source=" + kHere + "/Db;AAD Federated Security=True", kHere, "Db", kChain},
    {"Data Source=c.kusto.windows.net;Initial Catalog=Db;AAD Federated Security=True", kHere, "Db",
     kChain},
    {kHere + ";Fed=\"True\"", kHere, "", kChain},
    {kHere + ";Fed='false'", kHere, ""},
    {kHere + ";FED=tRuE", kHere, "", kChain},
    // Secrets as they come.
    {kHere + kApp + "AppKey=a=b==", kHere, "", key("a=b==")},
    {kHere + kApp + "AppKey=a~b.c_d-e8Q~", kHere, "", key("a~b.c_d-e8Q~")},
    {kHere + kApp + "AppKey=it's", kHere, "", key("it's")},
    {kHere + kApp + "AppKey=\"a;b\"", kHere, "", key("a;b")},
    {kHere + kApp + "AppKey=\"a\"\"b\"", kHere, "", key("a\"b")},
    {kHere + kApp + "AppKey='a\"b;c'", kHere, "", key("a\"b;c")},
    {kHere + kApp + "AppKey='a''b'", kHere, "", key("a'b")},
    {kHere + kApp + "AppKey=\" a \"", kHere, "", key(" a ")},
    {kHere + kApp + "AppKey=Fed=True", kHere, "", key("Fed=True")},
    {"AppKey=k;AppClientId=app;Fed=True;tid=ten;Server=" + kHere, kHere, "", key("k")},
    {kHere + ";Fed=True;UserToken=eyJ0.eyJ1.c2ln",
     kHere,
     "",
     {.kind = Kind::token, .secret = "eyJ0.eyJ1.c2ln"}},
    // By reference.
    {kHere + kApp + "AppKey=env:APP_KEY",
     kHere,
     "",
     {.kind = Kind::application_key,
      .tenant = "ten",
      .client_id = "app",
      .reference = "env:APP_KEY",
      .keyword = "Application Key"}},
    {kHere + kApp + "Application Certificate Blob=file:/run/app.pfx",
     kHere,
     "",
     {.kind = Kind::application_certificate,
      .tenant = "ten",
      .client_id = "app",
      .reference = "file:/run/app.pfx",
      .keyword = "Application Certificate Blob"}},
    {kHere + ";Fed=True;AppToken=file:/run/a b",
     kHere,
     "",
     {.kind = Kind::token, .reference = "file:/run/a b", .keyword = "Application Token"}},
    // Tenants.
    {kHere + ";Fed=True;Authority Id=72f988bf-86f1-41af-91ab-2d7cd011db47",
     kHere,
     "",
     {.kind = Kind::default_chain, .tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"}},
    {kHere + ";Fed=True;Authority Id=organizations",
     kHere,
     "",
     {.kind = Kind::default_chain, .tenant = "organizations"}},
    // What has no effect here.
    {kHere + ";Application Name for Tracing=", kHere, ""},
    {kHere + ";Client Version for Tracing=Kusto.Net:12;Query Consistency=StrongConsistency", kHere,
     ""},
};

struct Bad {
  std::string text;
  std::string names;  // the part that is wrong
  std::string why;
};

const std::vector<Bad> kBad = {
    // No address of a cluster.
    {"MARK", "cluster address", "not complete"},
    {"MARK;Fed=True", "cluster address", "not complete"},
    {"Data Source=MARK", "cluster address", "not complete"},
    {"https:/MARK.kusto.windows.net", "cluster address", "begins with https://"},
    {"https:MARK.kusto.windows.net", "cluster address", "begins with https://"},
    {"//MARK.kusto.windows.net", "cluster address", "begins with https://"},
    {"https://.kusto.windows.net;AppKey=MARK", "cluster address", "no usable host"},
    {"https://.MARK.windows.net", "cluster address", "no usable host"},
    {"https://MARK..windows.net", "cluster address", "no usable host"},
    {"https://MARK.windows.net.", "cluster address", "no usable host"},
    {"https://MARK_1.windows.net", "cluster address", "no usable host"},
    {"https://MARK windows.net", "cluster address", "no usable host"},
    {"https://MARK*.kusto.windows.net", "cluster address", "no usable host"},
    {"https://M\xd0\x90RK\xd0\xb5.kusto.windows.net", "cluster address", "no usable host"},
    {"https://MARK\xef\xbc\x8ekusto.windows.net", "cluster address", "no usable host"},
    {"https://" + std::string(260, 'm') + ".MARK", "cluster address", "no usable host"},
    {"https://MARK.kusto.windows.net:", "cluster address", "port"},
    {"https://MARK.kusto.windows.net:-1", "cluster address", "port"},
    {"https://MARK.kusto.windows.net:+443", "cluster address", "port"},
    {"https://MARK.kusto.windows.net:443x", "cluster address", "port"},
    {"https://MARK.kusto.windows.net:65536", "cluster address", "port"},
    {"https://MARK.kusto.windows.net: 443", "cluster address", "port"},
    {"https://[::1", "cluster address", "host"},
    {"https://2001:db8::1", "cluster address", "port"},
    {"net.tcp://MARK.kusto.windows.net", "cluster address", "neither https nor http"},
    {"Data Source=net.tcp://MARK.kusto.windows.net:443", "cluster address",
     "neither https nor http"},
    {"ws://MARK.kusto.windows.net", "cluster address", "neither https nor http"},
    {"file:///MARK", "cluster address", "neither https nor http"},
    {"kusto://MARK.windows.net", "cluster address", "neither https nor http"},
    {"abfss://MARK@acct.dfs.core.windows.net/x", "cluster address", "neither https nor http"},
    {"http://MARK.kusto.windows.net", "plain http", "this machine only"},
    {"http://10.0.0.1:8080/MARK", "plain http", "needs https"},
    {"http://localhost.MARK.example", "plain http", "needs https"},
    {"http://0x7f000001/MARK", "plain http", "needs https"},
    {"http://2130706433/MARK", "plain http", "needs https"},
    // Other people's addresses.
    {"@MARK/Samples", "cluster address", "form @cluster/database"},
    {"Data Source=@MARK/Samples", "cluster address", "form @cluster/database"},
    {"@https://MARK.kusto.windows.net/Db", "cluster address", "form @cluster/database"},
    {"cluster('MARK').database('Samples')", "cluster address", "expression of KQL"},
    {"https://dataexplorer.azure.com/clusters/MARK/databases/Db", "cluster address", "query URI"},
    {"https://portal.azure.com/#@MARK/resource/x", "cluster address", "query URI"},
    {"https://app.fabric.microsoft.com/groups/MARK", "cluster address", "query URI"},
    {"https://app.powerbi.com/groups/MARK", "cluster address", "query URI"},
    {"https://c.kusto.windows.net/Db/MARK", "cluster address", "several parts"},
    {"https://c.kusto.windows.net/v2/rest/query;Fed=True;UserToken=MARK", "cluster address",
     "several parts"},
    {"https://c.kusto.windows.net/M%20ARK", "cluster address", "percent-encoded"},
    {"https://c.kusto.windows.net/Db?MARK", "cluster address", "more than a host"},
    {"https://c.kusto.windows.net?query=MARK", "cluster address", "more than a host"},
    {"https://c.kusto.windows.net/Db#MARK", "cluster address", "more than a host"},
    {"https://MARK@c.kusto.windows.net", "cluster address", "more than a host"},
    {"https://c.kusto.windows.net@MARK.example", "cluster address", "more than a host"},
    {"https://c.kusto.windows.net\\MARK", "cluster address", "more than a host"},
    {"https://acct.blob.core.windows.net/c?sv=1&sig=MARK", "cluster address", "more than a host"},
    // Connection strings of other services.
    {"Server=tcp:sql.MARK.net,1433;Database=Db", "cluster address", "port"},
    {"Server=tcp:x.database.windows.net;Database=d;User ID=u;Password=MARK", "User ID",
     "people do not sign in"},
    {"AccountEndpoint=https://x.documents.azure.com;AccountKey=MARK", "'AccountEndpoint'",
     "not known"},
    {"Endpoint=sb://x.servicebus.windows.net/;SharedAccessKey=MARK", "'Endpoint'", "not known"},
    {"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=MARK", "'DefaultEndpointsProtocol'",
     "not known"},
    {"InstrumentationKey=MARK", "'InstrumentationKey'", "not known"},
    {"HostName=hub.azure-devices.net;SharedAccessKey=MARK", "'HostName'", "not known"},
    {"Provider=SQLOLEDB;Data Source=x;Password=MARK", "'Provider'", "not known"},
    {"Data Source=https://c.kusto.windows.net;Integrated Security=SSPI;Password=MARK",
     "'Integrated Security'", "not known"},
    {kHere + ";Fed=True;UserTokn=MARK", "'UserTokn'", "not known"},
    {kHere + ";Fed=True;Managed Identity=MARK", "'Managed Identity'", "not known"},
    {kHere + ";Fed=True;App Key Value=MARK", "'App Key Value'", "not known"},
    {kHere + ";Fed=True;\xd0\x90ppKey=MARK", "keyword number 3", "not known"},
    {kHere + ";Fed=True;AppKey\xef\xbc\x9dMARK", "part number 3", "keyword=value"},
    {kHere + "\xef\xbc\x9b"
             "Fed=MARK",
     "cluster address", "no usable host"},
    // Structure.
    {kHere + ";MARK", "part number 2", "keyword=value"},
    {kHere + ";Fed=True;MARK;tid=x", "part number 3", "keyword=value"},
    {kHere + ";=MARK", "keyword number 2", "not known"},
    {kHere + "; =MARK", "keyword number 2", "not known"},
    {kHere + ";MARK,x=1", "keyword number 2", "not known"},
    {kHere + ";" + std::string(60, 'M') + "ARK=1", "keyword number 2", "not known"},
    {";;;;MARK=x", "'MARK'", "not known"},
    {";Fed=True;", "connection string", "no Data Source"},
    {"Fed=True;UserToken=MARK", "connection string", "no Data Source"},
    {"\"" + kHere + ";Fed=True;UserToken=MARK\"", "connection string", "stands in quotes"},
    {"'" + kHere + ";UserToken=MARK'", "connection string", "stands in quotes"},
    {kHere + ";Fed=True;UserToken=\"MARK", "part number 3", "has no end"},
    {kHere + ";Fed=True;UserToken='MARK;tid=x", "part number 3", "has no end"},
    {kHere + ";Fed=True;UserToken=\"MARK\"\"", "part number 3", "has no end"},
    {kHere + ";Fed=True;UserToken=\"MARK\"x", "'User Token'", "behind its closing quote"},
    {kHere + ";Fed=True;UserToken=\"MARK\" \"x\"", "'User Token'", "behind its closing quote"},
    {kHere + ";Fed=True;UserToken=MARK\x01", "connection string", "control character"},
    {kHere + ";Fed=True;UserToken=MA\tRK", "connection string", "control character"},
    {kHere + ";Fed=True;\nUserToken=MARK", "connection string", "control character"},
    {kHere + ";Fed=True;UserToken=MARK\x7f", "connection string", "control character"},
    {kHere + std::string(";UserToken=MARK\0x", 17), "connection string", "control character"},
    {kHere + ";Fed=True;UserToken=MARK\xff", "connection string", "no UTF-8"},
    {"\xef\xbb\xbf" + kHere + ";UserToken=MARK", "connection string", "typographic"},
    {kHere + ";Fed=\xc2\xa0True;UserToken=MARK", "connection string", "typographic"},
    {kHere + ";Fed=True;UserToken=\xe2\x80\x9cMARK\xe2\x80\x9d", "connection string",
     "typographic"},
    {kHere + ";Fed=True;UserToken=\xe2\x80\x98MARK\xe2\x80\x99", "connection string",
     "typographic"},
    {kHere + ";Fed=True;UserToken=MARK\xe2\x80\x8b", "connection string", "typographic"},
    {kHere + ";UserToken=" + std::string(20'000, 'x') + "MARK", "connection string", "too long"},
    // Booleans.
    {kHere + ";Fed=1;UserToken=MARK", "'AAD Federated Security'", "neither true nor false"},
    {kHere + ";Fed=yes;UserToken=MARK", "'AAD Federated Security'", "neither true nor false"},
    {kHere + ";Fed=;UserToken=MARK", "'AAD Federated Security'", "neither true nor false"},
    {kHere + ";Fed=True MARK", "'AAD Federated Security'", "neither true nor false"},
    {kHere + kApp + "Application Certificate Blob=TUFSSw==;SendX5c=1;UserToken=MARK",
     "'Application Certificate SendX5c'", "neither true nor false"},
    // The same twice, by any name.
    {kHere + ";Fed=True;UserToken=MARK;UsrToken=MARK", "'User Token'", "given twice"},
    {kHere + ";Fed=True;Federated=True;UserToken=MARK", "'AAD Federated Security'", "given twice"},
    {kHere + kApp + "Authority Id=MARK", "'Authority Id'", "given twice"},
    {kHere + kApp + "Application Client Id=MARK", "'Application Client Id'", "given twice"},
    {"Server=" + kHere + ";Addr=https://MARK.windows.net", "'Data Source'", "given twice"},
    {kHere + "/A;Database=MARK", "'Initial Catalog'", "different databases"},
    {kHere + "/db;Database=Db;Password=MARK", "'Password'", "people do not sign in"},
    // Empty values.
    {"Data Source=;UserToken=MARK", "'Data Source'", "is empty"},
    {"Data Source=\"\";UserToken=MARK", "'Data Source'", "is empty"},
    {kHere + ";Fed=True;AppKey=;UserToken=MARK", "'Application Key'", "is empty"},
    {kHere + ";Fed=True;AppClientId=;UserToken=MARK", "'Application Client Id'", "is empty"},
    {kHere + ";Fed=True;UserToken=;AppToken=MARK", "'User Token'", "is empty"},
    {kHere + ";Fed=True;Application Certificate Blob=''", "'Application Certificate Blob'",
     "is empty"},
    {kHere + ";Fed=True;tid=\"\";UserToken=MARK", "'Authority Id'", "is empty"},
    // Sign-ins that do not hold together.
    {kHere + ";UserToken=MARK", "'User Token'", "no effect without"},
    {kHere + ";Fed=False;AppToken=MARK", "'Application Token'", "no effect without"},
    {kHere + ";AppClientId=a;tid=t;AppKey=MARK", "'Application Client Id'", "no effect without"},
    {kHere + ";Fed=True;AppKey=MARK", "'Application Key'", "needs 'Application Client Id'"},
    {kHere + ";Fed=True;AppClientId=a;AppKey=MARK", "'Application Key'", "needs 'Authority Id'"},
    {kHere + ";Fed=True;tid=t;AppKey=MARK", "'Application Key'", "needs 'Application Client Id'"},
    {kHere + ";Fed=True;AppClientId=MARK;tid=t", "'Application Client Id'",
     "needs 'Application Key'"},
    {kHere + kApp + "UserToken=MARK", "'Application Client Id'", "needs 'Application Key'"},
    {kHere + kApp + "AppKey=MARK;UserToken=MARK", "'Application Key' and 'User Token'", "two ways"},
    {kHere + kApp + "AppKey=MARK;AppToken=MARK", "'Application Key' and 'Application Token'",
     "two ways"},
    {kHere + kApp + "AppKey=MARK;Application Certificate Blob=TUFSSw==",
     "'Application Key' and 'Application Certificate Blob'", "two ways"},
    {kHere + kApp + "Application Certificate Blob=TUFSSw==;AppKey=MARK",
     "'Application Certificate Blob' and 'Application Key'", "two ways"},
    {kHere + kApp + "AppKey=MARK;SendX5c=True", "'Application Certificate SendX5c'",
     "needs 'Application Certificate Blob'"},
    {kHere + kApp + "Application Certificate Blob=MARK MARK!", "'Application Certificate Blob'",
     "not the base64"},
    {kHere + kApp + "Application Certificate Blob=-----BEGIN MARK",
     "'Application Certificate Blob'", "not the base64"},
    {kHere + ";Fed=True;tid=../MARK", "'Authority Id'", "no tenant"},
    {kHere + ";Fed=True;tid=https://login.microsoftonline.com/MARK", "'Authority Id'", "no tenant"},
    {kHere + ";Fed=True;tid=a b;UserToken=MARK", "'Authority Id'", "no tenant"},
    {kHere + ";Fed=True;User ID=MARK@contoso.example", "'User ID'", "people do not sign in"},
    {kHere + ";Fed=True;Password=MARK", "'Password'", "people do not sign in"},
    {kHere + ";Fed=True;AppCert=MARK", "'Application Certificate Thumbprint'",
     "no certificate store"},
    {kHere + ";Fed=True;Application Certificate Subject=CN=MARK",
     "'Application Certificate Subject Distinguished Name'", "no certificate store"},
    // References that are none.
    {kHere + kApp + "AppKey=env:", "'Application Key'", "name of a variable"},
    {kHere + kApp + "AppKey=env:MARK-1", "'Application Key'", "name of a variable"},
    {kHere + kApp + "AppKey=env:${MARK}", "'Application Key'", "name of a variable"},
    {kHere + kApp + "AppKey=file:MARK", "'Application Key'", "absolute path"},
    {kHere + kApp + "AppKey=file:///MARK", "'Application Key'", "absolute path"},
    {kHere + kApp + "AppKey=file:/a/../MARK", "'Application Key'", "absolute path"},
    {kHere + kApp + "AppKey=file:/MARK/", "'Application Key'", "absolute path"},
    {kHere + ";Fed=True;UserToken=file:/" + std::string(2000, 'a') + "MARK", "'User Token'",
     "too long"},
    // Understood, and not to be had here.
    {kHere + ";Query Consistency=weakconsistency;Password=MARK", "'Query Consistency'",
     "strongconsistency"},
    {kHere + ";Query Consistency=databaseaffinitizedweakconsistency;AppKey=MARK",
     "'Query Consistency'", "strongconsistency"},
    {kHere + ";dSTS Federated Security=True;UserToken=MARK", "'dSTS Federated Security'",
     "not supported"},
    {kHere + ";EnforceMfa=True;UserToken=MARK", "'EnforceMfa'", "not supported"},
    {kHere + ";Streaming=True;UserToken=MARK", "'Streaming'", "not supported"},
    {kHere + ";Azure Region=westeurope;UserToken=MARK", "'Azure Region'", "not supported"},
    {"Data Source Uri=https://MARK.kusto.windows.net", "'Data Source Uri'", "not supported"},
};

TEST(ConnectionCases, AreUnderstood) {
  for (const Good& one : kGood) {
    const auto parsed = ConnectionString::parse(one.text);
    ASSERT_TRUE(parsed) << one.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->url, one.url) << one.text;
    EXPECT_EQ(parsed->database, one.database) << one.text;
    EXPECT_TRUE(parsed->sign_in == one.sign_in) << one.text;
  }
}

TEST(ConnectionCases, AreRefusedByNameWithTheReasonAndWithoutTheSecret) {
  for (const Bad& one : kBad) {
    const auto parsed = ConnectionString::parse(one.text);
    ASSERT_FALSE(parsed) << one.text;
    const Error& error = parsed.error();
    EXPECT_EQ(error.code, "connection.invalid_string") << one.text;
    EXPECT_EQ(error.kind, ErrorKind::invalid) << one.text;
    EXPECT_THAT(error.message, HasSubstr(one.names)) << one.text;
    EXPECT_THAT(error.message, HasSubstr(one.why)) << one.text;
    // A host or an unknown word may be shown; what stands where a secret can stand may not.
    const bool shown =
        one.why == "needs https" || one.why == "this machine only" || one.names == "'MARK'";
    if (!shown) {
      EXPECT_THAT(error.message + error.fix, Not(HasSubstr("MARK"))) << one.text;
    }
  }
}

// Every entry is there once, and there are enough of them.
TEST(ConnectionCases, AreManyAndDistinct) {
  std::set<std::string> texts;
  for (const Good& one : kGood) texts.insert(one.text);
  for (const Bad& one : kBad) texts.insert(one.text);
  EXPECT_EQ(texts.size(), kGood.size() + kBad.size());
  EXPECT_GE(texts.size(), 200U);
}

}  // namespace
}  // namespace kc::kusto
