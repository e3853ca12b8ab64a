#ifndef CBARE_H
#define CBARE_H

#include <stddef.h>
#include <stdint.h>

#endif
