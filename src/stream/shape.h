/* stream/shape.h: what commit.lua is told of an entry beside its id and its effects' words, as one word each. */
#ifndef STREAM_SHAPE_H
#define STREAM_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <vouch/reply.h>

struct shapes {
    char *text; /* one behind the other, none like the one before it; our own */
    size_t size, capacity;
    size_t before, begin; /* where the last ones begin */
};

/* Room for the shapes of so many entries with so many effects in all, which do not move until this is called
 * again. None are there now. False when memory is short. */
bool shapes_reserve(struct shapes *s, size_t entries, size_t effects);
/* The next one: whether its entry follows the one before, or is to be buried. */
void shape_begin(struct shapes *s, bool follows, bool buries);
/* One more effect of it: its number of words, and the type that matters, or "". */
void shape_add(struct shapes *s, bool first, size_t words, const char *type);
/* It is complete; NULL: it is that of the one before, and forgotten. */
vouch_string shape_end(struct shapes *s);

#endif
