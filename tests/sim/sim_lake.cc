#include "tests/sim/sim_lake.h"

namespace kc::sim {
namespace {

Failure lost() {
  return fail(ErrorKind::unavailable, "lake.unreachable", "the simulated lake gave no answer");
}

}  // namespace

SimLake::Fate SimLake::draw() {
  const double point = rng_.unit();
  if (point < faults_.fail_before) return Fate::fail_before;
  if (point < faults_.fail_before + faults_.fail_after) return Fate::fail_after;
  if (point < faults_.fail_before + faults_.fail_after + faults_.fail_late) return Fate::fail_late;
  return Fate::fine;
}

Result<std::vector<LakeFile>> SimLake::list(std::string_view prefix) {
  if (draw() != Fate::fine) return lost();
  return inner_.list(prefix);
}

Result<std::string> SimLake::get(std::string_view name) {
  if (draw() != Fate::fine) return lost();
  return inner_.get(name);
}

Result<Created> SimLake::create_if_absent(std::string_view name, std::string_view bytes) {
  // A late create outlives the process that asked for it.
  const auto create = [&inner = inner_, witness = witness_, name = std::string(name),
                       bytes = std::string(bytes)]() -> Result<Created> {
    auto created = inner.create_if_absent(name, bytes);
    if (created && *created == Created::created) witness(name, bytes);
    return created;
  };
  switch (draw()) {
    case Fate::fine:
      return create();
    case Fate::fail_before:
      return lost();
    case Fate::fail_after:
      (void)create();
      return lost();
    case Fate::fail_late:
      later_([create] { (void)create(); });
      return lost();
  }
  return lost();
}

Result<void> SimLake::put(std::string_view name, std::string_view bytes) {
  switch (draw()) {
    case Fate::fine:
      return inner_.put(name, bytes);
    case Fate::fail_after:
      (void)inner_.put(name, bytes);
      return lost();
    default:
      return lost();
  }
}

Result<void> SimLake::remove(std::string_view name) {
  switch (draw()) {
    case Fate::fine:
      return inner_.remove(name);
    case Fate::fail_after:
      (void)inner_.remove(name);
      return lost();
    default:
      return lost();
  }
}

}  // namespace kc::sim
