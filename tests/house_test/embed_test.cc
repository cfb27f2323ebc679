#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "embed_test_embedded.h"

namespace house_test {
namespace {

std::string on_disk(std::string_view name) {
  std::ifstream in(std::string(KC_EMBED_SAMPLES) + "/" + std::string(name), std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Embed, KeepsEveryByteOfEveryFile) {
  ASSERT_EQ(embedded_files().size(), 4u);
  for (const EmbeddedFile& file : embedded_files()) {
    EXPECT_EQ(file.text, on_disk(file.name)) << file.name;
  }
}

// The sample on disk is itself checked: an editor that "repairs" it would leave the test above with
// nothing to find.
TEST(Embed, SampleHoldsTheTextsThatBreakNaiveEmbedding) {
  const std::string_view text = embedded_file("hostile.sql");
  for (std::string_view hostile :
       {")\"", "\\\n", "${X}", "@Y@", "$ENV{HOME}", "a;b;c", "[x;y]", "\r\n", "\?\?=", "日本語"}) {
    EXPECT_NE(text.find(hostile), std::string_view::npos) << hostile;
  }
  EXPECT_EQ(embedded_file("no_newline.txt"), "a line without an end");
  EXPECT_EQ(embedded_file("long.txt").size(), 340000u);
}

TEST(Embed, KeepsTheOrderOfTheList) {
  EXPECT_EQ(embedded_files()[0].name, "hostile.sql");
  EXPECT_EQ(embedded_files()[3].name, "long.txt");
}

TEST(Embed, UnknownNameIsEmptyWithoutData) {
  EXPECT_EQ(embedded_file("absent").data(), nullptr);
  EXPECT_NE(embedded_file("empty.txt").data(), nullptr);
  EXPECT_TRUE(embedded_file("empty.txt").empty());
}

}  // namespace
}  // namespace house_test
