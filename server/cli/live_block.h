// A few lines at the bottom of a terminal that are drawn over and over. Used by output. Thread
// promise: one owner at a time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kc::server {

class LiveBlock {
 public:
  // Lines longer than the terminal is wide are cut; so are lines below its height.
  void draw(const std::vector<std::string>& lines);
  // Leaves the block where it is and goes on below it.
  void leave() { drawn_ = 0; }

  static bool usable();  // standard output is a terminal that understands the sequences
  struct Size {
    std::size_t columns = 80, rows = 24;
  };
  static Size size();

 private:
  std::size_t drawn_ = 0;
};

}  // namespace kc::server
