#include "core/base/rng.h"

#include <bit>
#include <random>

#include "core/base/check.h"

namespace kc {
namespace {
std::uint64_t splitmix(std::uint64_t& seed) {
  std::uint64_t z = (seed += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}
}  // namespace

Rng::Rng(std::uint64_t seed) : state_{} {
  for (auto& word : state_) word = splitmix(seed);
}

Rng Rng::from_entropy() {
  std::random_device device;
  return Rng((static_cast<std::uint64_t>(device()) << 32) | device());
}

std::uint64_t Rng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Rng::below(std::uint64_t bound) {
  KC_ASSERT(bound > 0);
  const std::uint64_t limit = bound * ((~std::uint64_t{0}) / bound);  // drop the uneven tail
  std::uint64_t draw = next();
  while (draw >= limit) draw = next();
  return draw % bound;
}

std::int64_t Rng::between(std::int64_t low, std::int64_t high) {
  KC_ASSERT(low <= high);
  // Unsigned throughout: the distance between two signed numbers may exceed the signed range.
  const std::uint64_t distance = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const std::uint64_t step = distance == ~std::uint64_t{0} ? next() : below(distance + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
}

double Rng::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

}  // namespace kc
