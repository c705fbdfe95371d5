/* The end of a consumer, and of what waits: the public calls. */
#include "base/alloc.h"
#include "base/error.h"
#include "stream/api.h"

/* In a forked child operations cannot be finished: closing the client ends them, and until then they are in need
 * of their scripts. */
static bool leaves_operations(const struct handle *h)
{
    const struct vouch_consumer *c = &h->consumer;
    return h->presence.core && client_is_forked(c->client) && (c->read || c->side);
}

static void destroy(struct handle *h, bool leaves)
{
    struct vouch_consumer *c = &h->consumer;
    while (c->ready) {
        struct intake *next = c->ready->next;
        intake_release(c->ready);
        c->ready = next;
    }
    intake_release(c->spare);
    intake_release(c->spare_claim);
    while (c->hands) {
        struct hand *next = c->hands->next;
        hand_free(c->hands);
        c->hands = next;
    }
    for (size_t i = 0; !leaves && i < SCRIPTS; i++)
        vouch_script_free(c->scripts[i]);
    while (c->owner) {
        struct owner *next = c->owner->next;
        alloc_free(c->owner);
        c->owner = next;
    }
    consumer_free_names(c);
    vouch_batch_free(c->reading);
    vouch_batch_free(c->asking);
    vouch_batch_free(c->nowhere);
    spares_free(c);
    commit_words_release(&c->words);
    alloc_free(h);
}

/* What is under way ends here, and is not heard of. */
void handle_drop(struct handle *h)
{
    struct vouch_consumer *c = &h->consumer;
    vouch_results *results = NULL;
    bool leaves = leaves_operations(h);
    if (c->read) {
        vouch_op_cancel(c->read);
        (void)!vouch_pipeline_finish(c->read, &results, NULL);
        vouch_results_free(results);
    }
    if (c->side) {
        vouch_op_cancel(c->side);
        if (c->doing != SIDE_GROUP && c->doing != SIDE_ACK)
            (void)!vouch_call_finish(c->side, NULL, NULL);
        else
            (void)!vouch_pipeline_finish(c->side, &results, NULL);
    }
    for (struct vouch_delivery *d = c->out, *next; d; d = next) {
        next = d->next;
        d->consumer = NULL;
        if (d->freed)
            delivery_destroy(d);
    }
    if (h->presence.core)
        core_end(h->presence.core, &h->presence);
    destroy(h, leaves);
}

/* ---- what waits ----------------------------------------------------------------------------- */

static bool nothing_waits(const struct vouch_consumer *c)
{
    return !c->hands && !c->commits && !acks_wait(c);
}

static bool has_left(const struct vouch_consumer *c)
{
    for (const struct owner *o = c->owner; o; o = o->next)
        if (o->left < c->stream_count)
            return false;
    return nothing_waits(c) && !c->read && !c->side;
}

/* Until it is so, or the time is over. Troubles that pass are tried again. */
static vouch_status wait_until(struct handle *h, bool (*so)(const struct vouch_consumer *),
                               int64_t end, vouch_error *error)
{
    struct vouch_consumer *c = &h->consumer;
    for (;;) {
        handle_step(h);
        if (so(c))
            return VOUCH_OK;
        if (c->failed)
            return handle_error(h, error);
        if (client_now() >= end)
            return error_set(error, VOUCH_ENOTSENT, VOUCH_CAUSE_DEADLINE,
                             "not all was answered in time");
        if (h->interrupted && !c->closing)
            return handle_stopped(h, error);
        handle_wait(h, end);
    }
}

static vouch_status begin(vouch_consumer *c, int64_t timeout_ms, vouch_error *error)
{
    if (!c)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the consumer is NULL");
    vouch_status status = handle_usable(handle_of(c), error);
    if (!status && timeout_ms < VOUCH_NO_DEADLINE)
        status = error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "timeout_ms: out of range");
    return status;
}

vouch_status vouch_consumer_flush(vouch_consumer *consumer, int64_t timeout_ms, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = begin(consumer, timeout_ms, error);
    if (status)
        return status;
    consumer->flushing = true;
    status = wait_until(handle_of(consumer), nothing_waits, handle_end(timeout_ms), error);
    vouch_client_ready(consumer->client, NULL, 0);
    consumer->flushing = !nothing_waits(consumer);
    return status;
}

vouch_status vouch_consumer_leave(vouch_consumer *consumer, int64_t timeout_ms, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = begin(consumer, timeout_ms, error);
    if (status)
        return status;
    /* A read may wait in the server for as long as block_ms says. Its connection is closed ahead of what is sent
     * from here on; entries that it brings all the same are given back with the rest. */
    if (consumer->read)
        vouch_op_cancel(consumer->read);
    consumer->stopped = consumer->closing = true;
    for (struct owner *o = consumer->owner; o; o = o->next)
        o->retired = true; /* it leaves, with all that it holds */
    status = wait_until(handle_of(consumer), has_left, handle_end(timeout_ms), error);
    vouch_client_ready(consumer->client, NULL, 0);
    return status;
}

vouch_status vouch_consumer_close(vouch_consumer *consumer, int64_t timeout_ms, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    error_clear(error);
    if (!consumer)
        return VOUCH_OK;
    vouch_status status = vouch_consumer_leave(consumer, timeout_ms, error);
    if (status != VOUCH_EBUSY)
        handle_drop(handle_of(consumer));
    return status;
}
