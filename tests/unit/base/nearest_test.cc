#include "core/base/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace kc {
namespace {

constexpr std::array<std::string_view, 4> kKnown{"tablesInclude", "tablesExclude", "lake", "db"};

TEST(Nearest, FindsTheSlipOfThePen) {
  EXPECT_EQ(nearest("tables_include", kKnown), "tablesInclude");
  EXPECT_EQ(nearest("TABLES-EXCLUDE", kKnown), "tablesExclude");
  EXPECT_EQ(nearest("tablesInclud", kKnown), "tablesInclude");
  EXPECT_EQ(nearest("laek", kKnown), "lake");
}

TEST(Nearest, GuessesNothingFromAfar) {
  EXPECT_EQ(nearest("colour", kKnown), "");
  EXPECT_EQ(nearest("xy", kKnown), "");
  EXPECT_EQ(nearest("", kKnown), "");
  EXPECT_EQ(nearest("lake", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), kKnown), "");
}

}  // namespace
}  // namespace kc
