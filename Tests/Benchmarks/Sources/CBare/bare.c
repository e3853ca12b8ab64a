#include "CBare.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 32, NONCE = 24, LARGEST = 4096 };

struct bare {
  EVP_PKEY *signer;
  uint8_t sink_private[KEY], sink_public[KEY];
};

bare *bare_new(const uint8_t *signer, size_t signer_size, const uint8_t sink[KEY]) {
  bare *new = sodium_init() < 0 ? NULL : calloc(1, sizeof *new);
  if (!new) return NULL;
  memcpy(new->sink_private, sink, KEY);
  new->signer = d2i_AutoPrivateKey(NULL, &signer, (long)signer_size);
  if (new->signer && crypto_scalarmult_base(new->sink_public, sink) == 0) return new;
  bare_free(new);
  return NULL;
}

void bare_free(bare *bare) {
  EVP_PKEY_free(bare->signer);
  free(bare);
}

static int configure(const bare *bare, EVP_PKEY_CTX *parameters, int salt) {
  return !EVP_PKEY_is_a(bare->signer, "RSA") ||
         (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) == 1);
}

static int verify(const bare *bare, const uint8_t *message, size_t size, const uint8_t *signature, size_t signature_size) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *parameters;
  int good = context && EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), NULL, bare->signer) == 1 &&
             configure(bare, parameters, RSA_PSS_SALTLEN_AUTO) &&
             EVP_DigestVerify(context, signature, signature_size, message, size) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

static int sign(const bare *bare, const uint8_t *message, size_t size, uint8_t *signature, size_t *signature_size) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *parameters;
  int good = context && EVP_DigestSignInit(context, &parameters, EVP_sha256(), NULL, bare->signer) == 1 &&
             configure(bare, parameters, RSA_PSS_SALTLEN_DIGEST) &&
             EVP_DigestSign(context, signature, signature_size, message, size) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

int bare_seal(bare *bare, const uint8_t *message, size_t message_size, const uint8_t *plain, size_t size, uint8_t *envelope) {
  uint8_t signature[512], private[KEY], shared[KEY];
  size_t signature_size = sizeof signature;
  if (!sign(bare, message, message_size, signature, &signature_size) ||
      !verify(bare, message, message_size, signature, signature_size))
    return -1;
  crypto_box_keypair(envelope, private);
  if (crypto_box_beforenm(shared, bare->sink_public, private) != 0) return -1;
  randombytes_buf(envelope + KEY, NONCE);
  return crypto_box_easy_afternm(envelope + KEY + NONCE, plain, size, envelope + KEY, shared);
}

int bare_open(
    bare *bare, const uint8_t *envelope, size_t size, size_t message, size_t message_size, size_t signature,
    size_t signature_size) {
  uint8_t plain[LARGEST], shared[KEY];
  if (size > LARGEST || crypto_box_beforenm(shared, envelope, bare->sink_private) != 0 ||
      crypto_box_open_easy_afternm(plain, envelope + KEY + NONCE, size - KEY - NONCE, envelope + KEY, shared) != 0)
    return -1;
  return verify(bare, plain + message, message_size, plain + signature, signature_size) ? 0 : -1;
}
