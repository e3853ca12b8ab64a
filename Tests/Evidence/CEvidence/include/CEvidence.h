// What the program evidence needs of the C library and of libcrypto: a bare loop to be measured against, good noise that
// is none of ours, and fork(2), which Swift does not import.
#ifndef CEVIDENCE_H
#define CEVIDENCE_H

#include <stddef.h>
#include <stdint.h>

// AES-256-CTR over zeros by OpenSSL's EVP interface, for `count` kilobytes: 1,024 bytes and 32 more, which are the next
// kilobyte's key, as Fortuna's generator does it. Returns the last byte, so that no work can be left out; -1 on failure.
int evidence_bare_kilobytes(size_t count);

// The key stream of AES-256-CTR under a key of 31 zeros and `seed`, from block number `block` on: the same bytes each time.
// `size` is a multiple of 16. Returns 1, or 0 on failure.
int evidence_good_bytes(uint8_t seed, uint64_t block, uint8_t *_Nonnull bytes, size_t size);

// fork(2): 0 in the child, -1 on failure.
int evidence_fork(void);
// Ends the child at once, with nothing of the parent's done twice.
void evidence_end_child(int status) __attribute__((noreturn));
// The exit status of the child, -1 where a signal ended it.
int evidence_wait(int child);

#endif
