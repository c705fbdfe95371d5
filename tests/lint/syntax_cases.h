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

/* Sources of megabytes, each just within a limit, or over it. There is one more such limit, which the parser does
 * not know: a jump over 131,071 instructions, which takes a loop or branch of some 250 KB. */
#define SYNTAX_GIANTS 3
void syntax_giant(size_t which, bool over, ts_buffer *text);

#endif
