#include "core/azure/jwt.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/azure/openssl_handles.h"
#include "core/base/base64.h"
#include "core/base/json.h"

namespace kc::azure {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kChainMax = 20;
constexpr std::int64_t kLifetimeSeconds = 600;

Failure refuse(const char* what) {
  ERR_clear_error();
  return fail(ErrorKind::invalid, "identity.invalid",
              std::string("the client certificate ") + what);
}

int give_password(char* buffer, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  const int length = std::min(size, static_cast<int>(text.size()));
  std::memcpy(buffer, text.data(), static_cast<std::size_t>(length));
  return length;
}

Bio memory_of(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::string der_of(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate, &out);
  return der;
}

std::string digest_of(std::string_view bytes, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, kind, nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

struct SigningCertificate::State {
  Key key;
  std::vector<Certificate> chain;  // the key's own first

  Result<void> read_pem(std::string_view bytes, const std::string& password);
  Result<void> read_pfx(PKCS12* archive, const std::string& password);
  Result<void> settle();
  Result<std::string> sign(const std::string& text, SigningAlgorithm algorithm) const;
};

Result<void> SigningCertificate::State::read_pem(std::string_view bytes,
                                                 const std::string& password) {
  const auto keys = memory_of(bytes);
  auto* given = const_cast<std::string*>(&password);
  key.reset(PEM_read_bio_PrivateKey(keys.get(), nullptr, give_password, given));
  if (!key) {
    return refuse(bytes.find("ENCRYPTED") != std::string_view::npos
                      ? "has a private key that the password does not open"
                      : "file has no private key in PEM, and is no PFX");
  }
  const auto certificates = memory_of(bytes);
  while (chain.size() < kChainMax) {
    Certificate one(PEM_read_bio_X509(certificates.get(), nullptr, give_password, given));
    if (!one) break;
    chain.push_back(std::move(one));
  }
  ERR_clear_error();  // the end of the file
  return {};
}

Result<void> SigningCertificate::State::read_pfx(PKCS12* archive, const std::string& password) {
  EVP_PKEY* found_key = nullptr;
  X509* found = nullptr;
  STACK_OF(X509)* others = nullptr;
  if (PKCS12_parse(archive, password.c_str(), &found_key, &found, &others) != 1)
    return refuse(
        "is a PFX that the password does not open, or one with the encryption of old exports "
        "(RC2), "
        "which is no longer to be had: export it anew");
  key.reset(found_key);
  if (found != nullptr) chain.emplace_back(found);
  for (int i = 0; i < sk_X509_num(others); ++i) {
    auto* one = sk_X509_value(others, i);
    X509_up_ref(one);
    chain.emplace_back(one);
  }
  sk_X509_pop_free(others, X509_free);
  return {};
}

// Puts the key's own certificate first and checks that there is one.
Result<void> SigningCertificate::State::settle() {
  if (!key) return refuse("has no private key");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    return refuse("has a key that is not RSA: Microsoft Entra ID takes no other");
  const auto own = std::find_if(chain.begin(), chain.end(), [&](const Certificate& one) {
    return X509_check_private_key(one.get(), key.get()) == 1;
  });
  ERR_clear_error();
  if (own == chain.end()) return refuse("file has no certificate for its private key");
  std::rotate(chain.begin(), own, own + 1);
  return {};
}

Result<std::string> SigningCertificate::State::sign(const std::string& text,
                                                    SigningAlgorithm algorithm) const {
  const Digest context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;  // the digest's own
  bool fine = context &&
              EVP_DigestSignInit(context.get(), &settings, EVP_sha256(), nullptr, key.get()) == 1;
  if (fine && algorithm == SigningAlgorithm::ps256) {
    fine = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  fine = fine && EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
  std::string out(size, '\0');
  fine = fine && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                                bytes, text.size()) == 1;
  if (!fine) return refuse("has a key that cannot sign");
  out.resize(size);
  return out;
}

SigningCertificate::SigningCertificate(std::unique_ptr<State> state) : state_(std::move(state)) {}
SigningCertificate::SigningCertificate(SigningCertificate&&) noexcept = default;
SigningCertificate& SigningCertificate::operator=(SigningCertificate&&) noexcept = default;
SigningCertificate::~SigningCertificate() = default;

Result<SigningCertificate> SigningCertificate::read(std::string_view bytes,
                                                    const std::string& password) {
  auto state = std::make_unique<State>();
  const auto source = memory_of(bytes);
  const Archive archive(source ? d2i_PKCS12_bio(source.get(), nullptr) : nullptr);
  ERR_clear_error();
  KC_CHECK_OK(archive ? state->read_pfx(archive.get(), password)
                      : state->read_pem(bytes, password));
  KC_CHECK_OK(state->settle());
  return SigningCertificate(std::move(state));
}

Result<std::string> SigningCertificate::assertion(const Claims& claims, SigningAlgorithm algorithm,
                                                  bool send_chain) const {
  const auto der = der_of(state_->chain.front().get());
  ordered_json header;
  if (algorithm == SigningAlgorithm::ps256) {
    header = {
        {"alg", "PS256"}, {"typ", "JWT"}, {"x5t#S256", base64_url(digest_of(der, EVP_sha256()))}};
  } else {
    header = {{"alg", "RS256"}, {"typ", "JWT"}, {"x5t", base64_url(digest_of(der, EVP_sha1()))}};
  }
  if (send_chain) {
    header["x5c"] = ordered_json::array();
    for (const auto& one : state_->chain) header["x5c"].push_back(base64(der_of(one.get())));
  }
  const auto now = (claims.now.value - kTicksAtUnixEpoch) / kTicksPerSecond;
  const ordered_json payload = {
      {"aud", claims.audience},       {"iss", claims.client}, {"sub", claims.client},
      {"jti", claims.id.text()},      {"nbf", now},           {"iat", now},
      {"exp", now + kLifetimeSeconds}};
  try {
    auto text = base64_url(header.dump()) + "." + base64_url(payload.dump());
    KC_TRY(const auto proof, state_->sign(text, algorithm));
    return text + "." + base64_url(proof);
  } catch (const ordered_json::exception&) {
    return fail(ErrorKind::invalid, "identity.invalid", "the client id is not valid UTF-8");
  }
}

std::optional<Ticks> expiry_of_token(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto payload = unbase64_url(token.substr(first + 1, second - first - 1));
  if (!payload) return std::nullopt;
  const auto claims = nlohmann::json::parse(*payload, nullptr, false);
  if (!claims.is_object() || !claims.contains("exp") || !claims["exp"].is_number_integer())
    return std::nullopt;
  const auto seconds = claims["exp"].get<std::int64_t>();
  constexpr auto kLast = (kTicksMax.value - kTicksAtUnixEpoch) / kTicksPerSecond;
  if (seconds < 0 || seconds > kLast) return std::nullopt;
  return Ticks{kTicksAtUnixEpoch + seconds * kTicksPerSecond};
}

}  // namespace kc::azure
