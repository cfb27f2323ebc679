// A person who signs in elsewhere: the program shows a code, the person enters it at Microsoft's
// page, and the program asks until that has happened. Never part of the default chain: whoever
// makes one says where the code is shown. Thread promise: as TokenCredential; the prompt is called
// from the thread that asks for the token.
#pragma once

#include <functional>
#include <string>

#include "core/azure/entra.h"

namespace kc::azure {

// The application that Kusto's own clients sign people in with.
inline constexpr std::string_view kKustoClientId = "db662dc1-0cfe-4e1c-a843-19a68e65be58";

struct DeviceCodePrompt {
  std::string user_code, url, message;
  Timespan valid;
};

// The first token waits for the person, as long as the request's deadline and the code allow; later
// ones come from the refresh token.
CredentialResult device_code(const Surroundings& with, Application who,
                             std::function<void(const DeviceCodePrompt&)> prompt);

}  // namespace kc::azure
