// tpm2-tss. Swift imports single-literal macros; what is an expression there is a function or constant here.
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>
