// libcrypto's EVP interface, and the macros over BIO_ctrl that Swift cannot import.
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long openssl_memory(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }
static inline void openssl_free(void *memory) { OPENSSL_free(memory); }
static inline void openssl_clear_free(void *memory, size_t size) { OPENSSL_clear_free(memory, size); }
static inline void *openssl_copy(const void *memory, size_t size) { return OPENSSL_memdup(memory, size); }
static inline void openssl_free_purposes(EXTENDED_KEY_USAGE *purposes) { EXTENDED_KEY_USAGE_free(purposes); }
// BN_ULONG is another type on 32-bit machines.
static inline unsigned openssl_residue(const BIGNUM *number, unsigned prime) { return (unsigned)BN_mod_word(number, prime); }
