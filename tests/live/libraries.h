/* Sources of function libraries, and what is to be read off them: for the unit test of the reader, and for
 * the one that asks servers. */
#ifndef LIVE_LIBRARIES_H
#define LIVE_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

/* A first line, with its line break; without one it is the whole source. */
struct libraries_line {
    const char *text;
    size_t size;
    const char *name, *message; /* one of them */
};

extern const struct libraries_line libraries_lines[];
extern const size_t libraries_line_count;

/* What follows behind it. It may need locals of these names: f, x, y, t, name, flags. */
struct libraries_code {
    const char *text;
    bool complete;
    const char
        *functions; /* "name", "name!" if no-writes, "name?" if not certain; spaces between */
};

extern const struct libraries_code libraries_codes[];
extern const size_t libraries_code_count;

#endif
