/* Sources written by hand, and those that only a program would write. */
#include "syntax_cases.h"

#define CASE(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

const struct syntax_case syntax_cases[] = {
#include "syntax_cases.inc"
};
const size_t syntax_case_count = sizeof syntax_cases / sizeof *syntax_cases;

static void times(ts_buffer *text, size_t count, const char *piece)
{
    while (count--)
        ts_buffer_print(text, "%s", piece);
}

static void numbered(ts_buffer *text, size_t count, const char *before, const char *behind)
{
    for (size_t i = 0; i < count; i++)
        ts_buffer_print(text, "%s%zu%s", before, i, behind);
}

void syntax_giant(size_t which, bool over, ts_buffer *text)
{
    switch (which) {
    case 0: /* variables of one function, though not at once: 32,767 */
        times(text, 32767 + over, "do local a end ");
        break;
    case 1: /* constants of one function: 262,143, with the name */
        ts_buffer_print(text, "x={");
        numbered(text, 262142 + over, "", ",");
        ts_buffer_print(text, "}");
        break;
    default: /* functions in one function: 262,143 */
        times(text, 262143 + over, "f=function()end ");
        break;
    }
}
