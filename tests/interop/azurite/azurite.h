// Azurite on free ports for as long as this lives. Used by the interop tests; the test fails where
// it was not fetched. Thread promise: one owner.
#pragma once

#include <cstdio>
#include <string>

namespace kc {

class Azurite {
 public:
  Azurite();
  ~Azurite();  // ends its standard input and waits for its end
  Azurite(const Azurite&) = delete;
  Azurite& operator=(const Azurite&) = delete;

  bool running() const { return !connection_.empty(); }
  const std::string& connection_string() const { return connection_; }

 private:
  int pid_ = -1;
  int input_ = -1;
  std::string connection_;
};

}  // namespace kc
