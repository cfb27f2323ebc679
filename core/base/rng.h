// Seeded randomness (xoshiro256**, seeded by splitmix64): the same seed gives the same run. Jitter,
// ids and simulated faults come from one of these, never from the machine. Thread promise: one
// owner at a time.
#pragma once

#include <array>
#include <cstdint>

namespace kc {

class Rng {
 public:
  explicit Rng(std::uint64_t seed);
  // A generator seeded by the operating system's entropy: only the program's main uses it.
  static Rng from_entropy();

  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);                   // uniform in [0, bound), bound > 0
  std::int64_t between(std::int64_t low, std::int64_t high);  // uniform in [low, high]
  double unit();                                              // uniform in [0, 1)
  bool chance(double probability) { return unit() < probability; }
  Rng fork() { return Rng(next()); }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace kc
