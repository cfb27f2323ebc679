#include "core/base/redact.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace kc {
namespace {

TEST(Redact, HidesEachKindOfSecretAndKeepsTheRest) {
  const std::pair<const char*, const char*> cases[] = {
      {"https://a.blob.core.windows.net/c?sv=2022&sig=ab%2Bc%3D&se=2024",
       "https://a.blob.core.windows.net/c?sv=2022&sig=***&se=2024"},
      {"GET /c?SIG=abc done", "GET /c?SIG=*** done"},
      {"next=https%3A%2F%2Fa%2Fc%3Fsv%3D1%26sig%3Dabc%252B%26se%3D2",
       "next=https%3A%2F%2Fa%2Fc%3Fsv%3D1%26sig%3D***%26se%3D2"},
      {"Data Source=https://c;AppKey=p~Q.8;AppClientId=x",
       "Data Source=https://c;AppKey=***;AppClientId=x"},
      {"Application Key = p Q ;Fed=true", "Application Key = ***;Fed=true"},
      {"AccountName=a;AccountKey=abc+/==;EndpointSuffix=z",
       "AccountName=a;AccountKey=***;EndpointSuffix=z"},
      {"User ID=u;Password=\"a;b\"\"c\";X=1", "User ID=u;Password=\"***\";X=1"},
      {"User ID=u;Pwd='a;b';X=1", "User ID=u;Pwd='***';X=1"},
      {"Password=it's;X=1", "Password=***;X=1"},
      {"'Data Source=https://c;AppKey=abc' failed", "'Data Source=https://c;AppKey=***' failed"},
      {"Application Token=ey.x;Fed=true", "Application Token=***;Fed=true"},
      {"token=abc def;x", "token=***;x"},
      {"Application Certificate Blob=MIIabc+/==;Fed=true",
       "Application Certificate Blob=***;Fed=true"},
      {"applicationcertificateprivatekey=MIIabc;x=1", "applicationcertificateprivatekey=***;x=1"},
      {"Application Certificate PrivateKey=MIIabc", "Application Certificate PrivateKey=***"},
      {"Application Certificate Thumbprint=AB12;x=1", "Application Certificate Thumbprint=***;x=1"},
      {"AppCert=AB12;x=1", "AppCert=***;x=1"},
      {"grant_type=device_code&device_code=GAB-12&client_id=x",
       "grant_type=device_code&device_code=***&client_id=x"},
      {"Authorization: Bearer eyJ0.eyJ1.sig-_x\r\nHost: c", "Authorization: Bearer ***\r\nHost: c"},
      {"authorization: bearer abc.def/ghi=", "authorization: bearer ***"},
      {"Authorization: SharedKey acct:aGVsbG8=", "Authorization: SharedKey ***"},
      {"Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"},
      {"grant_type=client_credentials&client_secret=a~b.c&scope=x",
       "grant_type=client_credentials&client_secret=***&scope=x"},
      {"{\"access_token\": \"a\\\"b\", \"n\":1}", "{\"access_token\": \"***\", \"n\":1}"},
      {"{\\\"password\\\":\\\"abc\\\",\\\"n\\\":1}", "{\\\"password\\\":\\\"***\\\",\\\"n\\\":1}"},
      {".export to csv (h'https://x;KEY') with", ".export to csv (h'***') with"},
      {".export to csv (h@'a''b\\') with", ".export to csv (h@'***') with"},
      {".export to csv (h\"a\\\"b\") with", ".export to csv (h\"***\") with"},
      {"{\"csl\":\"print h\\\"abc\\\", 1\"}", "{\"csl\":\"print h\\\"***\\\", 1\"}"},
      {"print h```a'b``` | x", "print h```***``` | x"},
      {"print h'no end", "print h'***"},
      {"https://u:p@ss@host/x", "https://u:***@host/x"},
      {"https://a.blob.core.windows.net/c;0123456789012345678901234567890123456789ABCD+/==",
       "https://a.blob.core.windows.net/c;***"},
      // A long value behind a name is the name's, not a key up to the first character that is none.
      {"https://a.blob.core.windows.net/c;token=eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJhdWQi.c2ln",
       "https://a.blob.core.windows.net/c;token=***"},
      {"https://a.blob.core.windows.net/c;token=0123456789012345678901234567890123456789.a~b",
       "https://a.blob.core.windows.net/c;token=***"},
      {"a token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln leaked", "a token *** leaked"},
      {"password: hunter2 was wrong", "password: *** was wrong"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(redact(text), expected) << text;
}

TEST(Redact, LeavesOrdinaryTextAlone) {
  for (const char* text :
       {"", "nothing here", "unexpected token: )", "signature=abc", "design=1",
        "https://host:8080/x?query=1", "Data Source=https://c;Initial Catalog=db;Fed=true",
        "basic checks passed", "oh'well", "path'h", "a=b&c=d",
        "export e1 of block 12: 4,000,000 rows", "at 12:30:00 the job ended", "user@host",
        "keyspace=5", "h'", "https://a.blob.core.windows.net/c;impersonate", "monkey=5",
        "Passwords are secret"}) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(Redact, KnowsTheNamesOfSecretFields) {
  for (const char* key :
       {"password", "AppKey", "account_key", "client-secret", "Application Key", "sig"}) {
    EXPECT_TRUE(names_secret(key)) << key;
  }
  for (const char* key : {"job", "key", "passwords", "tokens_used", "", "design"})
    EXPECT_FALSE(names_secret(key)) << key;
}

// A secret of the characters that occur in real ones, marked so that no harmless text can contain
// it.
rc::Gen<std::string> secrets(std::string characters) {
  return rc::gen::map(
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(characters))),
      [](std::string body) { return "Zq7" + body + "Zq7"; });
}
const std::string kTokenCharacters = "abcXYZ019-._~";
const std::string kKeyCharacters = "abcXYZ019+/=";
const std::string kPasswordCharacters = "abcXYZ019-._~+/=!@#$%^*()[]{}<>,:?|&` ";

rc::Gen<std::string> harmless() {
  return rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("abc XYZ=;:&?/'\"\n,.()%3D{}h@")));
}

RC_GTEST_PROP(Redact, LeavesNoMarkedSecret, ()) {
  struct Shape {
    std::string before;
    std::string characters;
    std::string after;
  };
  static const std::vector<Shape> kShapes{{"?sv=1&sig=", kTokenCharacters + "%", "&se=2"},
                                          {"%26sig%3D", kTokenCharacters, "%26se"},
                                          {";AppKey=", kPasswordCharacters, ";A=b"},
                                          {";AppKey = \"", kPasswordCharacters + ";", "\";"},
                                          {";Password='", kPasswordCharacters + ";", "';"},
                                          {";AccountKey=", kKeyCharacters, ";E=c"},
                                          {" Bearer ", kTokenCharacters + "/+=", "\r\n"},
                                          {" SharedKey acct:", kKeyCharacters, "\n"},
                                          {" h'", kPasswordCharacters + ";\"", "' "},
                                          {" h@'", kPasswordCharacters + ";\\", "' "},
                                          {" h\"", kPasswordCharacters + ";'", "\" "},
                                          {"\"password\":\"", kPasswordCharacters + "';", "\","},
                                          {"\"access_token\" : \"", kPasswordCharacters, "\"}"},
                                          {"&client_secret=", kTokenCharacters, "&x=1"},
                                          {" https://user:", "abcXYZ019-._~!@$*", "@host/"},
                                          {";Token=", kPasswordCharacters, ";"}};
  const Shape shape = *rc::gen::elementOf(kShapes);
  const std::string secret = *secrets(shape.characters);
  const std::string before =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc XYZ.,/&?\n")));
  const std::string text = before + shape.before + secret + shape.after + *harmless();
  const std::string shown = redact(text);
  RC_LOG() << text << " -> " << shown;
  RC_ASSERT(shown.find("Zq7") == std::string::npos);
}

RC_GTEST_PROP(Redact, IsIdempotent, ()) {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{
      "sig=",       "AppKey=",  "Password=", "Bearer ", "h'",  "h@'", "h\"", "'",      "\"",
      ";",          "&",        " ",         "abc",     "***", "://", ":",   "@",      "\\",
      "\"token\":", "eyJa.b.c", "=",         "%3D",     "%26", "\n",  "```", "Basic ", "token"});
  const auto pieces = *rc::gen::container<std::vector<std::string>>(piece);
  std::string text;
  for (const auto& one : pieces) text += one;
  const std::string once = redact(text);
  RC_LOG() << text << " -> " << once << " -> " << redact(once);
  RC_ASSERT(redact(once) == once);
}

RC_GTEST_PROP(Redact, TakesAnyBytes, (std::string text)) {
  RC_ASSERT(redact(text).size() <= text.size() * 4 + 3);
}

}  // namespace
}  // namespace kc
