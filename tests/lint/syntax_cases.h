/* Sources about which a parser may well be wrong. */
#ifndef LINT_SYNTAX_CASES_H
#define LINT_SYNTAX_CASES_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct syntax_case {
    const char *text;
    size_t size;
};
extern const struct syntax_case syntax_cases[];
extern const size_t syntax_case_count;

/* Sources of hundreds of kilobytes, each just within a limit, or over it. */
#define SYNTAX_GIANTS 9
void syntax_giant(size_t which, bool over, ts_buffer *text);

#endif
