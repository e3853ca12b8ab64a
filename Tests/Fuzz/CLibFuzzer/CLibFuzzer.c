#include "CLibFuzzer.h"

extern int LLVMFuzzerRunDriver(int *argc, char ***argv, libfuzzer_target target) __attribute__((weak));

int libfuzzer_run(int argc, char **argv, libfuzzer_target target) {
    return LLVMFuzzerRunDriver ? LLVMFuzzerRunDriver(&argc, &argv, target) : -1;
}
