#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdint.h>

/// How often this thread has asked for memory so far; always 0 where that is not counted, which is everywhere but on glibc.
uint64_t allocation_count(void);

#endif
