/* The public calls about deliveries. With api.c the only files of the layer that know a client
 * with its driver, and the clock. */
#include "base/error.h"
#include "stream/api.h"

#include <stdio.h>

static vouch_status null_argument(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s is NULL", what);
}

static vouch_status delivery_usable(const vouch_delivery *d, vouch_error *error)
{
    if (!d)
        return null_argument(error, "the delivery");
    if (!d->consumer)
        return error_set(error, VOUCH_ECANCELLED, VOUCH_CAUSE_CANCELLED,
                         "the delivery's consumer was closed");
    return handle_usable(handle_of(d->consumer), error);
}

vouch_batch *vouch_delivery_effects(vouch_delivery *delivery, size_t i)
{
    if (!delivery || i >= delivery->n || !delivery->consumer)
        return NULL;
    struct vouch_consumer *c = delivery->consumer;
    struct delivered *d = &delivery->entries[i];
    if (c->o.ack != VOUCH_ACK_EXACTLY_ONCE || delivery->committing || !entry_is_open(delivery, i) ||
        d->reason)
        return c->nowhere;
    d->effects = d->effects ? d->effects : spares_take(c);
    delivery->starved = delivery->starved || !d->effects;
    return d->effects ? d->effects : c->nowhere;
}

/* Until its commit was tried, or the consumer has failed. */
static vouch_status wait_for_commit(vouch_delivery *d, vouch_error *error)
{
    struct handle *h = handle_of(d->consumer);
    d->consumer->now = client_now();
    vouch_status status = exact_submit(d, error);
    d->told = false;
    while (!status && d->committing && !d->told) {
        handle_step(h);
        if (d->consumer->failed)
            return handle_error(h, error);
        if (h->interrupted)
            return handle_stopped(h, error);
        if (!d->told)
            handle_wait(h, OP_NEVER);
    }
    (void)handle_push(h); /* with the answer the next read begins */
    if (status || !d->told)
        return status;
    *error = d->outcome;
    return error->status;
}

vouch_status vouch_delivery_commit(vouch_delivery *delivery, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = delivery_usable(delivery, error);
    if (status)
        return status;
    if (delivery->consumer->o.ack == VOUCH_ACK_EXACTLY_ONCE)
        return wait_for_commit(delivery, error);
    return delivery_acknowledge(delivery, error);
}

vouch_status vouch_delivery_submit(vouch_delivery *delivery, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = delivery_usable(delivery, error);
    if (status)
        return status;
    if (delivery->consumer->o.ack != VOUCH_ACK_EXACTLY_ONCE)
        return delivery_acknowledge(delivery, error);
    delivery->consumer->now = client_now();
    status = exact_submit(delivery, error);
    handle_step(handle_of(delivery->consumer));
    vouch_client_ready(delivery->consumer->client, NULL, 0);
    return status;
}

vouch_status vouch_delivery_mark(vouch_delivery *delivery, size_t i)
{
    if (!delivery || i >= delivery->n)
        return VOUCH_EINVAL;
    delivery->entries[i].marked = true;
    return VOUCH_OK;
}

/* Queued, and what can go out goes. */
static vouch_status hand(vouch_delivery *d, enum hand_action action, size_t first, size_t n,
                         const char *detail, vouch_error *error)
{
    struct vouch_consumer *c = d->consumer;
    if (c->o.ack == VOUCH_ACK_BEFORE)
        return error_set(
            error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
            "with ACK_BEFORE nothing is pending: it was acknowledged when it was read");
    if (c->o.ack == VOUCH_ACK_EXACTLY_ONCE && action == HAND_REJECT)
        return entry_bury(d, first, detail) ? VOUCH_OK
                                            : error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                                                        "out of memory for a dead letter");
    if (!delivery_hand(d, action, first, n, detail))
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for %zu ids", n);
    handle_step(handle_of(c));
    vouch_client_ready(c->client, NULL, 0);
    return VOUCH_OK;
}

static vouch_status check_entry(const vouch_delivery *d, size_t i, vouch_error *error)
{
    vouch_status status = delivery_usable(d, error);
    if (!status && i >= d->n)
        status =
            error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the delivery has %zu entries", d->n);
    if (!status && d->committing)
        status = error_set(error, VOUCH_EBUSY, VOUCH_CAUSE_NONE, "its commit is not answered yet");
    return status;
}

vouch_status vouch_delivery_nack(vouch_delivery *delivery, size_t i, int64_t delay_ms,
                                 vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    char delay[24];
    error = error ? error : &local;
    vouch_status status = check_entry(delivery, i, error);
    if (status)
        return status;
    if (delay_ms < 0 || delay_ms > VOUCH_NACK_MAX_MS)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "delay_ms: negative, or longer than VOUCH_NACK_MAX_MS");
    (void)snprintf(delay, sizeof delay, "%lld", (long long)delay_ms);
    return hand(delivery, HAND_RETURN, i, 1, delay, error);
}

vouch_status vouch_delivery_reject(vouch_delivery *delivery, size_t i, const char *reason,
                                   vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = check_entry(delivery, i, error);
    return status ? status : hand(delivery, HAND_REJECT, i, 1, reason ? reason : "rejected", error);
}

vouch_status vouch_delivery_extend(vouch_delivery *delivery, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = delivery_usable(delivery, error);
    return status ? status : hand(delivery, HAND_EXTEND, 0, delivery->n, "", error);
}

int64_t vouch_delivery_left_ms(const vouch_delivery *delivery)
{
    const struct vouch_consumer *c = delivery ? delivery->consumer : NULL;
    if (!c || c->o.claim_ms == VOUCH_NO_DEADLINE || c->o.ack == VOUCH_ACK_BEFORE)
        return delivery && !c ? 0 : VOUCH_NO_DEADLINE;
    int64_t left = c->o.claim_ms - (client_now() - delivery->leased_at + 999) / 1000;
    return left > 0 ? left : 0;
}

void vouch_delivery_free(vouch_delivery *d)
{
    if (!d)
        return;
    if (d->consumer && d->committing)
        d->freed = true; /* when its commit is answered */
    else
        delivery_destroy(d);
}
