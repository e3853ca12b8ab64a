#include "CEvidence.h"

#include <openssl/evp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEY = 32, KILOBYTE = 1024 };

int evidence_bare_kilobytes(size_t count) {
  static const uint8_t zeros[KILOBYTE + KEY], counter[16];
  uint8_t output[KILOBYTE + KEY] = {1};
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int written;
  int good = context && EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, NULL, NULL) == 1;
  for (size_t done = 0; good && done < count; done++)
    good = EVP_EncryptInit_ex(context, NULL, NULL, output + KILOBYTE, counter) == 1 &&
           EVP_EncryptUpdate(context, output, &written, zeros, sizeof zeros) == 1;
  EVP_CIPHER_CTX_free(context);
  return good ? output[KILOBYTE - 1] : -1;
}

int evidence_good_bytes(uint8_t seed, uint64_t block, uint8_t *bytes, size_t size) {
  uint8_t key[KEY] = {0}, counter[16] = {0};
  key[KEY - 1] = seed;
  for (int place = 0; place < 8; place++) counter[15 - place] = (uint8_t)(block >> (8 * place));
  memset(bytes, 0, size);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int written;
  int good = context && EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, key, counter) == 1 &&
             EVP_EncryptUpdate(context, bytes, &written, bytes, (int)size) == 1;
  EVP_CIPHER_CTX_free(context);
  return good;
}

int evidence_fork(void) { return (int)fork(); }

void evidence_end_child(int status) { _exit(status); }

int evidence_wait(int child) {
  int status;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
