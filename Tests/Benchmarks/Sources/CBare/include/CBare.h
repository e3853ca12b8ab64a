// The calls of OpenSSL and libsodium that a packet takes, and nothing else.

#ifndef CBARE_H
#define CBARE_H

#include <stddef.h>
#include <stdint.h>

enum { BARE_OVERHEAD = 32 + 24 + 16 };

typedef struct bare bare;

/// Keys: a signer's private one in DER, a sink's 32 bytes. NULL where they are none.
bare *bare_new(const uint8_t *signer, size_t signer_size, const uint8_t sink[32]);
void bare_free(bare *bare);

/// Signs a message, verifies the signature as our signer does, and seals `size` bytes of `plain` with a new key. The box goes to
/// `envelope`, which has BARE_OVERHEAD bytes more. 0 is success.
int bare_seal(bare *bare, const uint8_t *message, size_t message_size, const uint8_t *plain, size_t size, uint8_t *envelope);

/// Opens an envelope and verifies the signature of what it holds: a message and a signature at these places. 0 is success.
int bare_open(
    bare *bare, const uint8_t *envelope, size_t size, size_t message, size_t message_size, size_t signature,
    size_t signature_size);

#endif
