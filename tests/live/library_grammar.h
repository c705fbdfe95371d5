/* Sources of function libraries by the thousand: registrations in every form that is meant to be read, in many
 * that are not, and some of them broken. */
#ifndef LIVE_LIBRARY_GRAMMAR_H
#define LIVE_LIBRARY_GRAMMAR_H

#include <stddef.h>
#include <stdint.h>

#define LIBRARY_GRAMMAR_MAX 32768

/* Writes the source of that number, NUL-terminated; returns its size. A seed and a number repeat it. */
size_t library_grammar_write(char out[static LIBRARY_GRAMMAR_MAX], uint64_t seed, uint64_t number);
/* The names that the sources use, and those of the table in libraries.h, as locals; of several sorts, any
 * number. */
const char *library_grammar_locals(uint64_t sort);
#define LIBRARY_GRAMMAR_LOCALS 4

#endif
