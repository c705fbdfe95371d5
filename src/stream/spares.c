/* Batches for effects, used again: an entry's are a handful of small commands, and would cost more memory calls
 * than they have words. Pure. */
#include "base/alloc.h"
#include "command/batch.h"
#include "stream/consumer.h"

/* What a batch may hold on to, in bytes and in commands; and how many are kept. */
enum { SPARE_BYTES = 4096, SPARE_COMMANDS = 64, SPARES_MAX = VOUCH_DELIVERY_MAX_ENTRIES };

vouch_batch *spares_take(struct vouch_consumer *c)
{
    return c->spare_count ? c->spares[--c->spare_count] : vouch_batch_new();
}

static bool is_worth_it(struct vouch_consumer *c, const vouch_batch *b)
{
    if (!c || b->capacity > SPARE_BYTES || b->ends_capacity > SPARE_COMMANDS || b->needs)
        return false;
    if (!c->spares)
        c->spares = alloc_get(SPARES_MAX * sizeof(vouch_batch *));
    return c->spares && c->spare_count < SPARES_MAX;
}

void spares_give(struct vouch_consumer *c, vouch_batch *b)
{
    if (!b)
        return;
    if (!is_worth_it(c, b)) {
        vouch_batch_free(b);
        return;
    }
    vouch_batch_clear(b);
    c->spares[c->spare_count++] = b;
}

void spares_free(struct vouch_consumer *c)
{
    while (c->spare_count)
        vouch_batch_free(c->spares[--c->spare_count]);
    alloc_free(c->spares);
}
