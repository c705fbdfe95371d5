/* Shapes of entries: scripts/lua/stream/commit.lua says how they are written. Pure. */
#include "stream/shape.h"

#include "base/alloc.h"
#include "base/number.h"
#include "stream/effects.h"

#include <string.h>

enum { BEGIN_MAX = sizeof "+bury" - 1, EFFECT_MAX = 1 + NUMBER_INTEGER_MAX + EFFECT_TYPE_MAX };

bool shapes_reserve(struct shapes *s, size_t entries, size_t effects)
{
    void *p = s->text;
    bool good = alloc_grow(&p, &s->capacity, entries * BEGIN_MAX + effects * EFFECT_MAX, 1);
    s->text = p;
    s->size = s->before = s->begin = 0;
    return good;
}

static void put(struct shapes *s, const char *text)
{
    size_t size = strlen(text);
    memcpy(s->text + s->size, text, size);
    s->size += size;
}

void shape_begin(struct shapes *s, bool follows, bool buries)
{
    s->begin = s->size;
    put(s, follows ? "+" : "-");
    put(s, buries ? "bury" : "");
}

void shape_add(struct shapes *s, bool first, size_t words, const char *type)
{
    put(s, first ? "" : ",");
    s->size += number_write_u64(s->text + s->size, words);
    put(s, type);
}

vouch_string shape_end(struct shapes *s)
{
    vouch_string shape = {s->text + s->begin, s->size - s->begin};
    size_t before = s->begin - s->before;
    if (before == shape.size && memcmp(s->text + s->before, shape.data, shape.size) == 0) {
        s->size = s->begin;
        return (vouch_string){NULL, 0};
    }
    s->before = s->begin;
    return shape;
}
