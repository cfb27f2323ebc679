#include "tests/interop/azurite/azurite.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/base/base64.h"

namespace kc {
namespace {

std::string first_line(int from) {
  std::string line;
  for (char c = 0; ::read(from, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

std::string azurite_token(Ticks now) {
  const auto part = [](const std::string& json) {
    auto text = base64(json);
    text.resize(std::min(text.find('='), text.size()));
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
  };
  const auto seconds = (now.value - kTicksAtUnixEpoch) / kTicksPerSecond;
  const std::string id = "123e4567-e89b-12d3-a456-426614174000";
  return part(R"({"alg":"none","typ":"JWT"})") + "." +
         part(R"({"aud":"https://storage.azure.com","iss":"https://sts.windows.net/)" + id +
              R"(/","oid":")" + id + R"(","tid":")" + id + R"(","iat":)" +
              std::to_string(seconds - 60) + R"(,"nbf":)" + std::to_string(seconds - 60) +
              R"(,"exp":)" + std::to_string(seconds + 86400) + "}") +
         "." + part("none");
}

Azurite::Azurite(Speaks speaks) {
  if (speaks == Speaks::https_with_tokens) {
    std::string name = (std::filesystem::temp_directory_path() / "kc-azurite-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    folder_ = name;
    const std::string command = "bash '" KC_AZURITE_CERTIFICATE "' '" + name + "'";
    if (std::system(command.c_str()) != 0) return;
  }
  std::array<int, 2> input{}, output{};
  if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) return;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    // An empty last argument is none.
    ::execlp("node", "node", KC_AZURITE_SCRIPT, KC_AZURITE_PLACE, folder_.c_str(),
             static_cast<char*>(nullptr));
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
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace kc
