// Owners of OpenSSL's objects. Used by whatever reads or makes keys and certificates. Thread
// promise: one owner at a time.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <memory>

namespace kc::azure {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Archive = std::unique_ptr<PKCS12, Freed<PKCS12_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freed<BN_free>>;

}  // namespace kc::azure
