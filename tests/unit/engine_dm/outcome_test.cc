#include "core/engine/dm/outcome.h"

#include <gtest/gtest.h>

namespace kc::engine {
namespace {

Error error(ErrorKind kind, const std::string& service_code) {
  Error made{.kind = kind, .code = "x", .message = "m"};
  made.service_code = service_code;
  return made;
}

TEST(Outcome, TellsDocumentedCodes) {
  EXPECT_EQ(error_code(error(ErrorKind::invalid, "Stream_WrongNumberOfFields")),
            "Stream_WrongNumberOfFields");
  EXPECT_EQ(error_code(error(ErrorKind::throttled, "TooManyRequests")),
            "General_ThrottledIngestion");
  EXPECT_EQ(error_code(error(ErrorKind::unavailable, "")), "General_InternalServerError");
  EXPECT_EQ(error_code(error(ErrorKind::invalid, "SEM0100")), "General_BadRequest");
}

TEST(Outcome, TellsWhetherItMayPass) {
  const auto passing = error(ErrorKind::unavailable, "Download_UnknownError");
  EXPECT_EQ(failure_status(passing, false), "Transient");
  EXPECT_EQ(failure_status(passing, true), "Exhausted");
  EXPECT_EQ(failure_status(error(ErrorKind::invalid, ""), true), "Permanent");
}

TEST(Outcome, ShowsNoCredential) {
  EXPECT_EQ(shown_path("https://a.blob.core.windows.net/c/b.csv?sv=1&sig=secret"),
            "https://a.blob.core.windows.net/c/b.csv");
  EXPECT_EQ(shown_path("https://a.blob.core.windows.net/c/b.csv;secretkey"),
            "https://a.blob.core.windows.net/c/b.csv");
  EXPECT_EQ(shown_path("weird:thing?sig=secret").find("secret"), std::string::npos);
}

}  // namespace
}  // namespace kc::engine
