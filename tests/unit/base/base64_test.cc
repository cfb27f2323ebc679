#include "core/base/base64.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace kc {
namespace {

// RFC 4648 §10.
TEST(Base64, WritesAndReadsTheDocumentedTexts) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTexts = {
      {{"", ""},
       {"f", "Zg=="},
       {"fo", "Zm8="},
       {"foo", "Zm9v"},
       {"foob", "Zm9vYg=="},
       {"fooba", "Zm9vYmE="},
       {"foobar", "Zm9vYmFy"}}};
  for (const auto& [bytes, text] : kTexts) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(unbase64(text), bytes);
    EXPECT_EQ(unbase64_url(text), bytes);
    EXPECT_EQ(base64_url(bytes), text.substr(0, text.find('=')));
  }
}

TEST(Base64, ReadsBackWhatItWrote) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(unbase64(base64(bytes)), bytes);
    EXPECT_EQ(unbase64_url(base64_url(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(base64("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(base64_url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64, ReadsNothingElse) {
  for (const char* text : {"abc", "ab=c", "a=bc", "====", "=", "ab==cd==", "abc===", "ab c",
                           "ab\nc", "ab-_", "a\x80YQ", "YQ=", "a", "abcde"}) {
    EXPECT_EQ(unbase64(text), std::nullopt) << text;
  }
  EXPECT_EQ(unbase64(std::string_view("YQ\0=", 4)), std::nullopt);
  EXPECT_EQ(unbase64(" YQ==\r\n"), "a");
  EXPECT_EQ(unbase64(" \n"), "");
  for (const char* text : {"ab+/", "a", "abcde", "YQ=", "YQ===", " YQ", "YQ\n", "=", "a=b", "YQ.="})
    EXPECT_EQ(unbase64_url(text), std::nullopt) << text;
  EXPECT_EQ(unbase64_url("YQ"), "a");
  EXPECT_EQ(unbase64_url("YQ=="), "a");
}

}  // namespace
}  // namespace kc
