#include "core/engine/faults.h"

#include <nlohmann/json.hpp>

namespace kc::engine {

Result<EngineFaults> EngineFaults::parse(std::string_view text) {
  const auto bad = [](const std::string& what) {
    return fail(ErrorKind::invalid, "faults.invalid", what);
  };
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return bad("the faults are no JSON object");
  EngineFaults faults;
  for (const auto& [kind, members] : json.items()) {
    if (!members.is_object()) return bad("the faults of " + kind + " are no JSON object");
    auto& rule = faults.rules[kind];
    const std::pair<const char*, double*> shares[] = {{"failBefore", &rule.fail_before},
                                                      {"failAfter", &rule.fail_after},
                                                      {"loseAnswer", &rule.lose_answer},
                                                      {"throttle", &rule.throttle}};
    for (const auto& [name, value] : members.items()) {
      if (name == "delay" && value.is_string()) {
        KC_TRY(rule.delay, parse_duration(value.get<std::string>()));
        continue;
      }
      bool known = false;
      for (const auto& [share, target] : shares) {
        if (name != share || !value.is_number()) continue;
        *target = value.get<double>();
        known = *target >= 0 && *target <= 1;
      }
      if (!known) return bad("the faults of " + kind + ": " + name + " is unknown or out of range");
    }
  }
  return faults;
}

const FaultRule* EngineFaults::rule(std::string_view kind) const {
  auto found = rules.find(kind);
  if (found == rules.end()) found = rules.find("*");
  return found == rules.end() ? nullptr : &found->second;
}

Fate draw_fate(const EngineFaults& faults, std::string_view kind, Rng& rng) {
  const auto* rule = faults.rule(kind);
  if (rule == nullptr) return {};
  return {rule->delay, rng.chance(rule->fail_before), rng.chance(rule->fail_after),
          rng.chance(rule->lose_answer), rng.chance(rule->throttle)};
}

}  // namespace kc::engine
