// What the tests of this room say of exchanges again and again: a server that answers everything
// alike, and an end without an answer. Used by the tests of this folder. Thread promise: pure, but
// for the connection that is given.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "core/net/transport.h"
#include "tests/fakes/raw_server.h"

namespace kc::net {

// Every request of the connection gets that answer.
inline void answer_all(fakes::RawConnection& connection, const std::string& answer) {
  while (connection.read_request()) connection.send(answer);
}

// Ended as unavailable, with that code; the message holds `said`.
inline void expect_unavailable(const Result<HttpAnswer>& answer, const std::string& code,
                               const std::string& said) {
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(answer.error().code, code);
  EXPECT_THAT(answer.error().message, testing::HasSubstr(said));
}

}  // namespace kc::net
