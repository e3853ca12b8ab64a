#include "CBare.h"
