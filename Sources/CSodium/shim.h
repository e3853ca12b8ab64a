// libsodium: everything needed is imported as it is.
#include <sodium.h>
