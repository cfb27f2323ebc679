// Where the process begins: signals before any thread, then the command.
#include <string>
#include <vector>

#include "server/cli/program.h"
#include "server/signals.h"

int main(int count, char** words) {
  kc::server::Signals signals;
  return kc::server::run_program(std::vector<std::string>(words + 1, words + count), signals);
}
