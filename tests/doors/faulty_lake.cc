#include "tests/doors/faulty_lake.h"

namespace kc {
namespace {

Failure no_answer(const LakeCall& call) {
  return fail(ErrorKind::unavailable, "lake.unreachable",
              "no answer to " + call.operation + " '" + call.name + "'");
}

}  // namespace

FaultyLake::FaultyLake(Lake& inner, Rng rng, LakeOdds odds) : inner_(inner) {
  set_plan([this, rng, odds](const LakeCall&) mutable {
    if (!late_.empty() && rng.chance(odds.land)) land_late();
    double drawn = rng.unit();
    const std::pair<double, LakeFault> choices[] = {{odds.before, LakeFault::before},
                                                    {odds.after, LakeFault::after},
                                                    {odds.late, LakeFault::late},
                                                    {odds.full, LakeFault::full}};
    for (const auto& [probability, fault] : choices) {
      if (drawn < probability) return fault;
      drawn -= probability;
    }
    return LakeFault::none;
  });
}

void FaultyLake::land_late(std::size_t count) {
  for (; count > 0 && !late_.empty(); --count) {
    const auto effect = std::move(late_.front());
    late_.pop_front();
    effect();
  }
}

template <class Work>
std::invoke_result_t<Work> FaultyLake::call(const char* operation, std::string_view name,
                                            Work work) {
  const LakeCall now{.number = calls_++, .operation = operation, .name = std::string(name)};
  const auto plan = plan_;  // kept while it runs
  const LakeFault fault = *plan ? (*plan)(now) : LakeFault::none;
  switch (fault) {
    case LakeFault::none:
      return work();
    case LakeFault::full:
      if (now.operation != "create" && now.operation != "put") return work();
      return fail(ErrorKind::unavailable, "lake.full", "no room for '" + now.name + "'");
    case LakeFault::before:
      return no_answer(now);
    case LakeFault::crash_before:
      throw LakeCrash{};
    case LakeFault::after:
      static_cast<void>(work());
      return no_answer(now);
    case LakeFault::crash_after:
      static_cast<void>(work());
      throw LakeCrash{};
    case LakeFault::late:
    case LakeFault::crash_late:
      if (now.changes() && now.operation != "lease")
        late_.emplace_back([work] { static_cast<void>(work()); });
      if (fault == LakeFault::crash_late) throw LakeCrash{};
      return no_answer(now);
  }
  return no_answer(now);
}

Result<std::vector<LakeFile>> FaultyLake::list(std::string_view prefix) {
  return call("list", prefix, [this, prefix = std::string(prefix)] { return inner_.list(prefix); });
}
Result<std::string> FaultyLake::get(std::string_view name) {
  return call("get", name, [this, name = std::string(name)] { return inner_.get(name); });
}
Result<Created> FaultyLake::create_if_absent(std::string_view name, std::string_view bytes) {
  return call("create", name, [this, name = std::string(name), bytes = std::string(bytes)] {
    return inner_.create_if_absent(name, bytes);
  });
}
Result<void> FaultyLake::put(std::string_view name, std::string_view bytes) {
  return call("put", name, [this, name = std::string(name), bytes = std::string(bytes)] {
    return inner_.put(name, bytes);
  });
}
Result<void> FaultyLake::remove(std::string_view name) {
  return call("remove", name, [this, name = std::string(name)] { return inner_.remove(name); });
}
Result<Grant> FaultyLake::open_folder(std::string_view folder, Ticks expiry) {
  return call("open_folder", folder, [this, folder = std::string(folder), expiry] {
    return inner_.open_folder(folder, expiry);
  });
}
Result<std::string> FaultyLake::read_uri(std::string_view name) {
  return call("read_uri", name, [this, name = std::string(name)] { return inner_.read_uri(name); });
}
Result<bool> FaultyLake::close_folder(std::string_view folder) {
  return call("close_folder", folder,
              [this, folder = std::string(folder)] { return inner_.close_folder(folder); });
}
Result<std::unique_ptr<Lease>> FaultyLake::acquire_lease(std::string_view holder) {
  return call("lease", "",
              [this, holder = std::string(holder)] { return inner_.acquire_lease(holder); });
}

}  // namespace kc
