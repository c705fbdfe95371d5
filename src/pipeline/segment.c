/* Segments: results and order for a batch's commands. Pure. */
#include "base/alloc.h"
#include "command/slot.h"
#include "pipeline/pipeline.h"

#include <string.h>

static bool size_results(struct segment *s)
{
    if (s->count > s->capacity) {
        vouch_result *bigger = alloc_resize(s->results, s->count * sizeof *bigger);
        if (!bigger)
            return false;
        s->results = bigger;
        s->capacity = s->count;
    }
    if (s->count)
        memset(s->results, 0, s->count * sizeof *s->results);
    return true;
}

/* Where a command goes: by its first key; without one to the first node. */
static size_t share_of(const struct pipeline *p, const vouch_batch *b, size_t i)
{
    const char *key;
    size_t size;
    if (!batch_first_key(b, i, &key, &size))
        return 0;
    return core_node_of(p->op.core, slot_of(key, size));
}

static bool order_parts(struct pipeline *p, struct segment *s)
{
    for (size_t k = 0; k < p->share_count; k++) {
        alloc_free(s->parts[k].order);
        s->parts[k].order = alloc_get((s->count + 1) * sizeof(size_t));
        s->parts[k].count = 0;
        if (!s->parts[k].order)
            return false;
    }
    for (size_t i = 0; i < s->count; i++) {
        struct part *part = &s->parts[share_of(p, s->batch, i)];
        part->order[part->count++] = i;
    }
    return true;
}

bool segment_load(struct pipeline *p, struct segment *s)
{
    s->count = s->batch->count;
    s->settled = s->delivered = 0;
    if (!size_results(s))
        return false;
    if (p->share_count > 1)
        return order_parts(p, s);
    s->parts[0].count = s->count;
    return true;
}

void segment_clear(struct pipeline *p, struct segment *s)
{
    vouch_batch_clear(s->batch);
    for (size_t k = 0; k < p->share_count; k++)
        arena_reset(&s->parts[k].arena);
    s->count = s->settled = s->delivered = 0;
}

void segment_free(struct pipeline *p, struct segment *s)
{
    for (size_t k = 0; k < p->share_count; k++) {
        alloc_free(s->parts[k].order);
        arena_free(&s->parts[k].arena);
    }
    alloc_free(s->results);
}
