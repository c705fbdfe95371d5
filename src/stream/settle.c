/* Deliveries settled: acknowledged, or given up. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "command/batch.h"
#include "stream/consumer.h"

#include <string.h>

static bool is_acked(const vouch_delivery *d, size_t i, bool marked_only)
{
    return delivery_holds(d, i) && !d->entries[i].entry.lost &&
           (!marked_only || d->entries[i].marked);
}

static void add_ids(const vouch_delivery *d, vouch_batch *b, bool marked_only)
{
    for (size_t i = 0; i < d->n; i++)
        if (is_acked(d, i, marked_only))
            vouch_batch_argument(
                b, vouch_bytes(d->entries[i].entry.id.data, d->entries[i].entry.id.size));
}

/* One XACK, and an XDEL if wanted, among those that go with the next read. False, and nothing is
 * changed, when memory is short. */
static bool add_ack(struct vouch_consumer *c, const vouch_delivery *d, bool marked_only)
{
    const struct stream *s = d->stream;
    size_t before = vouch_batch_count(s->acks), n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += is_acked(d, i, marked_only);
    if (!n)
        return true;
    vouch_batch_begin(s->acks, "XACK");
    vouch_batch_argument(s->acks, arg_of(&s->name));
    vouch_batch_argument(s->acks, arg_of(&c->group));
    add_ids(d, s->acks, marked_only);
    (void)vouch_batch_end(s->acks);
    if (c->o.delete_acked) {
        vouch_batch_begin(s->acks, "XDEL");
        vouch_batch_argument(s->acks, arg_of(&s->name));
        add_ids(d, s->acks, marked_only);
        (void)vouch_batch_end(s->acks);
    }
    if (vouch_batch_error(s->acks, NULL) == VOUCH_OK)
        return true;
    batch_forgive(s->acks);
    batch_cut(s->acks, before);
    return false;
}

vouch_status delivery_acknowledge(vouch_delivery *d, vouch_error *error)
{
    struct vouch_consumer *c = d->consumer;
    bool marked_only = c->o.ack == VOUCH_ACK_MANUAL;
    if (c->o.ack != VOUCH_ACK_BEFORE && !add_ack(c, d, marked_only))
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                         "out of memory for acknowledging %zu entries", d->n);
    for (size_t i = 0; i < d->n; i++) {
        if (!delivery_holds(d, i) || (marked_only && !d->entries[i].marked))
            continue;
        d->entries[i].verdict = VOUCH_VERDICT_DONE;
        c->counts.done++;
        c->working--;
        d->owner->of[d->stream - c->streams].held--;
    }
    return VOUCH_OK;
}

/* ---- by hand -------------------------------------------------------------------------------- */

bool delivery_hand(vouch_delivery *d, enum hand_action action, size_t first, size_t n,
                   const char *detail)
{
    if (!hand_add(d, action, first, n, detail))
        return false;
    for (size_t i = first; action != HAND_EXTEND && i < first + n; i++)
        if (delivery_holds(d, i)) {
            d->entries[i].handed = true;
            d->consumer->working--;
        }
    return true;
}

/* Who has the delivery was told of those that are lost. */
static void forget_losses(vouch_delivery *d)
{
    size_t lost = 0;
    for (size_t i = 0; i < d->n; i++)
        lost += d->entries[i].entry.lost;
    if (lost && !hand_add(d, HAND_FORGET, 0, d->n, ""))
        d->consumer->losses -= lost;
}

/* Given back at once, or, if there is no memory for that, claimed by others in time. */
void delivery_abandon(vouch_delivery *d)
{
    struct vouch_consumer *c = d->consumer;
    size_t open = 0;
    for (size_t i = 0; i < d->n; i++)
        open += delivery_holds(d, i);
    if (open && c->o.ack != VOUCH_ACK_BEFORE && delivery_hand(d, HAND_RETURN, 0, d->n, "0"))
        open = 0;
    forget_losses(d);
    c->working -= open;
    hand_forget(c, d);
}

void delivery_destroy(vouch_delivery *d)
{
    if (d->consumer) {
        *d->link = d->next;
        if (d->next)
            d->next->link = d->link;
        delivery_abandon(d);
    }
    intake_release(d->intake);
    for (size_t i = 0; i < d->n; i++) {
        spares_give(d->consumer, d->entries[i].effects);
        alloc_free(d->entries[i].reason);
        alloc_free(d->entries[i].token);
    }
    alloc_free(d->asked);
    alloc_free(d->asked_of);
    alloc_free(d->name);
    alloc_free(d);
}

/* ---- dead letters, exactly once ------------------------------------------------------------- */

bool entry_bury(vouch_delivery *d, size_t i, const char *reason)
{
    char *copy = alloc_copy(reason, strlen(reason));
    if (!copy)
        return false;
    alloc_free(d->entries[i].reason);
    d->entries[i].reason = copy;
    return true;
}
