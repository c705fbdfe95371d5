/* Deliveries settled: acknowledged, or given up. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "command/batch.h"
#include "stream/consumer.h"

#include <string.h>

/* ---- with the next read --------------------------------------------------------------------- */

/* One XACK, among those that go with the next read. False, and nothing is changed, when memory is short. */
static bool add_ack(struct vouch_consumer *c, vouch_delivery *d)
{
    struct stream *s = d->stream;
    size_t before = vouch_batch_count(s->acks);
    vouch_batch_begin(s->acks, "XACK");
    vouch_batch_argument(s->acks, vouch_bytes(s->name.data, s->name.size));
    vouch_batch_argument(s->acks, vouch_bytes(c->group.data, c->group.size));
    for (size_t i = 0; i < d->n; i++)
        vouch_batch_argument(s->acks,
                             vouch_bytes(d->entries[i].entry.id.data, d->entries[i].entry.id.size));
    if (vouch_batch_end(s->acks) != VOUCH_NO_COMMAND)
        return true;
    batch_forgive(s->acks);
    batch_cut(s->acks, before);
    return false;
}

static void is_settled(vouch_delivery *d, vouch_verdict verdict)
{
    for (size_t i = 0; i < d->n; i++)
        d->entries[i].verdict = verdict;
    d->committed = true;
    d->consumer->working -= d->n;
    d->owner->held -= d->n;
}

vouch_status delivery_acknowledge(vouch_delivery *d, vouch_error *error)
{
    struct vouch_consumer *c = d->consumer;
    if (c->o.ack != VOUCH_ACK_BEFORE && !add_ack(c, d))
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                         "out of memory for acknowledging %zu entries", d->n);
    is_settled(d, VOUCH_VERDICT_DONE);
    return VOUCH_OK;
}
