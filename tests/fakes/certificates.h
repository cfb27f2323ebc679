// Keys and certificates made on the spot, so that no test holds one that expires or leaks. Used by
// the fakes that speak TLS and by the tests of client certificates. Thread promise: pure functions.
#pragma once

#include <string>

namespace kc::fakes {

struct TestCertificate {
  std::string key;          // PEM, PKCS#8
  std::string certificate;  // PEM
  std::string sha1;         // of the certificate, hex
};

// An RSA key of 2048 bits with a certificate for `name`, localhost and 127.0.0.1, signed by
// `issuer`, or by itself.
TestCertificate make_certificate(const std::string& name, const TestCertificate* issuer = nullptr);
// The same as a PFX file.
std::string make_pfx(const TestCertificate& own, const std::string& password,
                     const TestCertificate* issuer = nullptr);
// The key of an elliptic curve, with a certificate that signs itself for `names`, as OpenSSL writes
// them.
inline constexpr const char* kLoopbackNames = "DNS:localhost,IP:127.0.0.1";
TestCertificate make_curve_certificate(const std::string& name, const char* names = kLoopbackNames);
// The PEM key, encrypted.
std::string encrypted_key(const TestCertificate& own, const std::string& password);

}  // namespace kc::fakes
