/* Programs that are run by a server and followed by data flow: what they show of their values must agree.
 *
 * They show a value with `see(value, site)` or `rawequal(value, site)`, sites counted from 1, ask `tick()` whether
 * to end early, and `num(value)` for a number. A seed and a number repeat a program. */
#ifndef LINT_FLOW_PROGRAMS_H
#define LINT_FLOW_PROGRAMS_H

#include "buffer.h"

#include <stddef.h>
#include <stdint.h>

/* Appends the program of that number; returns how many sites it has. */
size_t flow_program_write(ts_buffer *out, uint64_t seed, uint64_t number);

#endif
