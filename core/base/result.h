// Expected failure as a value: Result<T> and Error. Used by every room; exceptions do not cross a
// folder border. Thread promise: values, safe to copy between threads.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace kc {

// Chosen by what the caller does next.
enum class ErrorKind {
  invalid,      // the request is wrong: repeating it cannot help
  not_found,    // the thing named is not there
  conflict,     // somebody else has it, or its state forbids this
  throttled,    // later, with less
  unavailable,  // no answer, or a passing fault: it may have happened
  denied,       // the caller lacks a permission
  corrupt,      // stored bytes do not say what they must
  cancelled,    // asked to stop
};

std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::invalid;
  std::string code;               // stable, `family.reason`, as the API shows it
  std::string message;            // one sentence; each level adds a clause in front
  std::string service_code = {};  // the remote service's own error code, if any
  std::string request_id = {};    // to find the call on the remote side
  std::string fix = {};           // what to do: a command or a sentence; empty where unknown
  std::optional<std::chrono::milliseconds> retry_after = {};

  // The same error with a clause of context in front: "writing block 3: disk full".
  Error in(std::string_view context) &&;
  Error in(std::string_view context) const &;
};

template <class T = void>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

inline Failure fail(ErrorKind kind, std::string code, std::string message) {
  return Failure(Error{.kind = kind, .code = std::move(code), .message = std::move(message)});
}
inline Failure fail(Error error) { return Failure(std::move(error)); }

}  // namespace kc

#define KC_CONCAT_INNER(a, b) a##b
#define KC_CONCAT(a, b) KC_CONCAT_INNER(a, b)
// KC_TRY(auto x, call()): x is the value, or this function returns call()'s error.
#define KC_TRY(declaration, ...) KC_TRY_IMPL(KC_CONCAT(kc_try_, __LINE__), declaration, __VA_ARGS__)
#define KC_TRY_IMPL(temporary, declaration, ...)                      \
  auto temporary = (__VA_ARGS__);                                     \
  if (!temporary) return ::kc::Failure(std::move(temporary).error()); \
  declaration = std::move(*temporary)
// KC_CHECK_OK(call()): goes on if it succeeded, or this function returns its error.
#define KC_CHECK_OK(...)                                  \
  do {                                                    \
    if (auto kc_result = (__VA_ARGS__); !kc_result)       \
      return ::kc::Failure(std::move(kc_result).error()); \
  } while (false)
