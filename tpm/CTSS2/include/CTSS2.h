// tpm2-tss. Swift imports single-literal macros; what is an expression there is a function or constant here.
#ifndef CTSS2_H
#define CTSS2_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

// Codes of the transmission interface's layer, 10, that tpm2-tss does not use.
#define TPM_LINE_SILENT 0xaf001         // the TPM did not answer within the deadline
#define TPM_LINE_SILENT_MAKING 0xaf004  // the same, for a command that makes a key
#define TPM_LINE_INTERRUPTED 0xaf002    // the program was asked to end
#define TPM_LINE_NO_DEVICE 0xaf003      // the path is not a character device; nothing was written to it

// A transmission interface whose waits end: at a deadline, or as soon as `interruption` becomes readable (-1: never; nothing is
// read from it). After either it refuses every command at once.
//
// `configuration` is for the TCTI loader. Where `path` is above 0, the configuration from there on is a path, which must lead to a
// character device. The deadlines are in milliseconds: one for a command and for opening, one for commands that make a key.
// After an interruption TPM2_FlushContext is still sent, and a command under way still gets two seconds.
TSS2_RC tpm_line_open(const char *configuration, size_t path, int interruption, int64_t command, int64_t creation,
                      TSS2_TCTI_CONTEXT **context);
// Closes the TPM. Does not wait for a command that hangs: what belongs to it is freed when it is done.
void tpm_line_close(TSS2_TCTI_CONTEXT *context);

#endif
