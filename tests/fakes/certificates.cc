#include "tests/fakes/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "core/azure/openssl_handles.h"

namespace kc::fakes {
namespace {

using azure::Archive, azure::BigNumber, azure::Bio, azure::Certificate, azure::Key;

void need(bool fine) {
  if (!fine) throw std::runtime_error("a test certificate cannot be made");
}

std::string text_of(const Bio& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string key_text(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_mem()));
  need(PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(out);
}

Key read_key(const TestCertificate& from) {
  const Bio in(BIO_new_mem_buf(from.key.data(), static_cast<int>(from.key.size())));
  return Key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
}

Certificate read_certificate(const TestCertificate& from) {
  const Bio in(BIO_new_mem_buf(from.certificate.data(), static_cast<int>(from.certificate.size())));
  return Certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
}

void extend(X509* certificate, int kind, const char* value) {
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  need(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

TestCertificate certify(const Key& key, const std::string& name, const TestCertificate* issuer,
                        const std::string& names) {
  const Certificate one(X509_new());
  need(X509_set_version(one.get(), 2) == 1);
  std::array<unsigned char, 8> serial{};
  need(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7fU) | 1U);
  const BigNumber number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(one.get()));
  X509_gmtime_adj(X509_getm_notBefore(one.get()), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(one.get()), 86'400L * 30);
  X509_set_pubkey(one.get(), key.get());
  auto* subject = X509_get_subject_name(one.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const auto parent = issuer == nullptr ? Certificate() : read_certificate(*issuer);
  X509_set_issuer_name(one.get(), parent ? X509_get_subject_name(parent.get()) : subject);
  if (issuer == nullptr) extend(one.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(one.get(), NID_subject_alt_name, names.c_str());
  const auto parent_key = issuer == nullptr ? Key() : read_key(*issuer);
  need(X509_sign(one.get(), parent_key ? parent_key.get() : key.get(), EVP_sha256()) > 0);

  TestCertificate made{key_text(key.get()), {}, {}};
  const Bio out(BIO_new(BIO_s_mem()));
  need(PEM_write_bio_X509(out.get(), one.get()) == 1);
  made.certificate = text_of(out);
  std::array<unsigned char, EVP_MAX_MD_SIZE> print{};
  unsigned size = 0;
  X509_digest(one.get(), EVP_sha1(), print.data(), &size);
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (unsigned i = 0; i < size; ++i) {
    made.sha1 += kHex[print.at(i) >> 4U];
    made.sha1 += kHex[print.at(i) & 15U];
  }
  return made;
}

}  // namespace

TestCertificate make_certificate(const std::string& name, const TestCertificate* issuer) {
  const Key key(EVP_RSA_gen(2048));
  need(key != nullptr);
  const bool host =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  return certify(key, name, issuer, (host ? "DNS:" + name + "," : "") + kLoopbackNames);
}

TestCertificate make_curve_certificate(const std::string& name, const char* names) {
  const Key key(EVP_EC_gen("P-256"));
  need(key != nullptr);
  return certify(key, name, nullptr, names);
}

std::string make_pfx(const TestCertificate& own, const std::string& password,
                     const TestCertificate* issuer) {
  const auto key = read_key(own);
  const auto certificate = read_certificate(own);
  STACK_OF(X509)* others = sk_X509_new_null();
  const auto parent = issuer == nullptr ? Certificate() : read_certificate(*issuer);
  if (parent) sk_X509_push(others, parent.get());
  const Archive archive(
      PKCS12_create(password.c_str(), "test", key.get(), certificate.get(), others, 0, 0, 0, 0, 0));
  sk_X509_free(others);
  need(archive != nullptr);
  const Bio out(BIO_new(BIO_s_mem()));
  need(i2d_PKCS12_bio(out.get(), archive.get()) == 1);
  return text_of(out);
}

std::string encrypted_key(const TestCertificate& own, const std::string& password) {
  const auto key = read_key(own);
  const Bio out(BIO_new(BIO_s_mem()));
  need(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(), password.c_str(),
                                     static_cast<int>(password.size()), nullptr, nullptr) == 1);
  return text_of(out);
}

}  // namespace kc::fakes
