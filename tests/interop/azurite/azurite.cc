#include "tests/interop/azurite/azurite.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace kc {
namespace {

std::string first_line(int from) {
  std::string line;
  for (char c = 0; ::read(from, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

Azurite::Azurite() {
  std::array<int, 2> input{}, output{};
  if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) return;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    ::execlp("node", "node", KC_AZURITE_SCRIPT, KC_AZURITE_PLACE, static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  const auto line = first_line(output[0]);
  ::close(output[0]);
  if (line.starts_with("ready ")) connection_ = line.substr(6);
}

Azurite::~Azurite() {
  if (input_ >= 0) ::close(input_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

}  // namespace kc
