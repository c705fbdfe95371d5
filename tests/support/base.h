#ifndef TS_BASE_H
#define TS_BASE_H

#include <stddef.h>

/* What every part of the test support stands on: memory that is always there and a loud end when
 * something is wrong with the test itself. */

/* Zeroed memory; ends the program when there is none. Freed with free(). */
void *ts_alloc(size_t size);
/* realloc() that ends the program instead of failing. What is added is not zeroed. */
void *ts_resize(void *old, size_t size);
/* A copy of `length` bytes with a NUL after them. Freed with free(). */
char *ts_copy(const char *bytes, size_t length);

/* Prints one line to stderr, prefixed "test support: ". */
__attribute__((format(printf, 1, 2))) void ts_note(const char *format, ...);
/* The same, then abort(): under libcheck the test fails with the line above it. */
__attribute__((format(printf, 1, 2), noreturn)) void ts_die(const char *format, ...);

#endif
