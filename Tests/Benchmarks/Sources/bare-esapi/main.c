// What a source does with its TPM, by tpm2-tss alone: the same key file, the same session, the same commands in the same order, and
// nothing else. What stands between this and a source is what the source itself costs.
//
// usage: bare-esapi TCTI KEY sign NUMBER    the seconds that each of so many signatures took
//        bare-esapi TCTI KEY first          a kilobyte of noise and one signature, as before a first packet
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

enum { NOISE = 1024, ANSWER = 64 };

static TSS2_TCTI_CONTEXT *tcti;
static ESYS_CONTEXT *esys;
static ESYS_TR session = ESYS_TR_NONE, key = ESYS_TR_NONE;
static TPM2B_PUBLIC public_part;
static TPM2B_PRIVATE private_part;

static void fail(const char *what, unsigned code) {
  fprintf(stderr, "bare-esapi: %s: 0x%x\n", what, code);
  exit(1);
}

static void check(TSS2_RC response, const char *function) {
  if (response != TSS2_RC_SUCCESS) fail(function, response);
}

// The two octet strings at the end of a TSS2 PRIVATE KEY in PEM or DER: what is before them is taken for granted.
static void read_key(const char *path) {
  BIO *file = BIO_new_file(path, "rb");
  char *label = NULL, *header = NULL;
  unsigned char *der = NULL;
  long size = 0;
  if (!file || PEM_read_bio(file, &label, &header, &der, &size) != 1) fail(path, 0);
  const unsigned char *place = der, *end = der + size, *last = NULL, *before = NULL;
  long length, last_length = 0, before_length = 0;
  int tag, class;
  if (ASN1_get_object(&place, &length, &tag, &class, size) & 0x80) fail(path, 1);
  while (place < end) {
    if (ASN1_get_object(&place, &length, &tag, &class, end - place) & 0x80) fail(path, 2);
    before = last;
    before_length = last_length;
    last = place;
    last_length = length;
    place += length;
  }
  if (!before) fail(path, 3);
  size_t offset = 0;
  check(Tss2_MU_TPM2B_PUBLIC_Unmarshal(before, (size_t)before_length, &offset, &public_part), "Tss2_MU_TPM2B_PUBLIC_Unmarshal");
  offset = 0;
  check(Tss2_MU_TPM2B_PRIVATE_Unmarshal(last, (size_t)last_length, &offset, &private_part), "Tss2_MU_TPM2B_PRIVATE_Unmarshal");
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_free(der);
  BIO_free(file);
}

static void encrypt(TPMA_SESSION what) {
  check(Esys_TRSess_SetAttributes(esys, session, TPMA_SESSION_CONTINUESESSION | what, 0xff), "Esys_TRSess_SetAttributes");
}

// The owner's primary, a session that is salted to it, and the key under it; then the primary goes.
static void load_key(void) {
  TPM2B_PUBLIC template = {.publicArea = {.type = TPM2_ALG_ECC,
                                          .nameAlg = TPM2_ALG_SHA256,
                                          .objectAttributes = 0x30472,
                                          .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
                                                                   .scheme.scheme = TPM2_ALG_NULL,
                                                                   .curveID = TPM2_ECC_NIST_P256,
                                                                   .kdf.scheme = TPM2_ALG_NULL}}};
  TPM2B_SENSITIVE_CREATE sensitive = {0};
  TPM2B_DATA outside = {0};
  TPML_PCR_SELECTION registers = {0};
  TPMT_SYM_DEF symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
  ESYS_TR primary;
  check(Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template, &outside, &registers, &primary,
                           NULL, NULL, NULL, NULL),
        "Esys_CreatePrimary");
  check(Esys_StartAuthSession(esys, primary, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &symmetric, TPM2_ALG_SHA256,
                              &session),
        "Esys_StartAuthSession");
  encrypt(TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT);
  check(Esys_Load(esys, primary, session, ESYS_TR_NONE, ESYS_TR_NONE, &private_part, &public_part, &key), "Esys_Load");
  check(Esys_FlushContext(esys, primary), "Esys_FlushContext");
}

static void gather_noise(void) {
  for (int done = 0; done < NOISE;) {
    TPM2B_DIGEST *answer;
    encrypt(TPMA_SESSION_ENCRYPT);
    check(Esys_GetRandom(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, NOISE - done < ANSWER ? NOISE - done : ANSWER, &answer), "Esys_GetRandom");
    if (answer->size == 0) fail("Esys_GetRandom", 0);
    done += answer->size;
    Esys_Free(answer);
  }
}

static void sign(uint32_t number) {
  TPM2B_DIGEST digest = {.size = 32};
  memcpy(digest.buffer, &number, sizeof number);
  TPMT_SIG_SCHEME scheme;
  if (public_part.publicArea.type == TPM2_ALG_RSA)
    scheme = (TPMT_SIG_SCHEME){.scheme = TPM2_ALG_RSAPSS, .details.rsapss.hashAlg = TPM2_ALG_SHA256};
  else
    scheme = (TPMT_SIG_SCHEME){.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256};
  TPMT_TK_HASHCHECK ticket = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
  TPMT_SIGNATURE *signature;
  encrypt(TPMA_SESSION_DECRYPT);
  check(Esys_Sign(esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme, &ticket, &signature), "Esys_Sign");
  Esys_Free(signature);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int count, char **arguments) {
  int signs = count == 5 && strcmp(arguments[3], "sign") == 0;
  if (!signs && !(count == 4 && strcmp(arguments[3], "first") == 0)) {
    fputs("usage: bare-esapi TCTI KEY sign NUMBER | first\n", stderr);
    return 64;
  }
  read_key(arguments[2]);
  setenv("TSS2_LOG", "all+none", 1);
  check(Tss2_TctiLdr_Initialize(arguments[1], &tcti), "Tss2_TctiLdr_Initialize");
  check(Esys_Initialize(&esys, tcti, NULL), "Esys_Initialize");
  load_key();
  if (signs) {
    uint32_t number = (uint32_t)strtoul(arguments[4], NULL, 10);
    sign(number);  // what is there after it is what each one needs
    double start = seconds();
    for (uint32_t done = 0; done < number; done++) sign(done);
    printf("%.9f\n", (seconds() - start) / number);
  } else {
    gather_noise();
    sign(0);
    puts("signed");
  }
  fflush(stdout);
  Esys_FlushContext(esys, key);
  Esys_FlushContext(esys, session);
  Esys_Finalize(&esys);
  Tss2_TctiLdr_Finalize(&tcti);
  return 0;
}
