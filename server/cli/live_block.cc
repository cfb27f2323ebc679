#include "server/cli/live_block.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace kc::server {
namespace {

// Cut by characters, never within one.
std::string fit(const std::string& line, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xC0) != 0x80;
    if (begins && seen++ == columns) return line.substr(0, i);
  }
  return line;
}

}  // namespace

void LiveBlock::draw(const std::vector<std::string>& lines) {
  const Size screen = size();
  std::string out;
  if (drawn_ > 0) out += "\x1b[" + std::to_string(drawn_) + "A";
  out += "\r\x1b[J";
  drawn_ = std::min(lines.size(), std::max<std::size_t>(screen.rows, 2) - 1);
  for (std::size_t i = 0; i < drawn_; ++i) out += fit(lines[i], screen.columns - 1) + "\n";
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

bool LiveBlock::usable() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != 0;
  };
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && terminal != nullptr &&
         std::string_view(terminal) != "dumb" && !set("CI") && !set("NO_COLOR");
}

LiveBlock::Size LiveBlock::size() {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col < 20) return {};
  return {window.ws_col, window.ws_row};
}

}  // namespace kc::server
