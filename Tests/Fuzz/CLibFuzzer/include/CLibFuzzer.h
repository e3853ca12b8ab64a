// libFuzzer, where the program was built with -sanitize=fuzzer. Elsewhere the weak symbol is null, which Swift cannot ask of
// a function.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int (*libfuzzer_target)(const uint8_t *bytes, size_t count);

/// Runs the fuzzer with its own arguments, and returns its exit code; -1 at once where it is not linked.
int libfuzzer_run(int argc, char **argv, libfuzzer_target target);
