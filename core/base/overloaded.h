// Overloaded: the visitor of a variant, written as one lambda per alternative. Thread promise: none
// needed, it holds nothing of its own.
#pragma once

namespace kc {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace kc
