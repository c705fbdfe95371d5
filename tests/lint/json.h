#ifndef LINT_JSON_H
#define LINT_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Enough JSON to check what a program wrote: strictly, as RFC 8259 has it, in UTF-8. */

/* NULL if the text is one value and nothing else; else where it stops being one. */
const char *json_fault(const char *text);
/* A value by its path, "runs.0.results.1.ruleId", as it is written, strings without quotes; in fresh memory. NULL:
 * there is none. */
char *json_at(const char *text, const char *path);
/* How many elements an array has; -1: there is no array. */
long json_count(const char *text, const char *path);

#endif
