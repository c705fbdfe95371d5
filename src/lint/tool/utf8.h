/* lint/tool/utf8.h: bytes as a terminal shows them. Pure. */
#ifndef LINT_TOOL_UTF8_H
#define LINT_TOOL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of the code point at text[0], 1 to 4, and the point itself; 0: they are none. `size` > 0. */
size_t utf8_read(const char *text, size_t size, uint32_t *point);

/* One thing on the screen: a code point, or a byte that is shown as \xNN. */
struct glyph {
    size_t bytes;
    unsigned cells; /* of a tab 0: its reader knows where it stands */
    bool hidden;    /* shown as \xNN, each byte */
};

struct glyph glyph_at(const char *text, size_t size);
/* The one that ends before text[at]; at > 0. */
struct glyph glyph_before(const char *text, size_t at);

#endif
