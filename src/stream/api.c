/* The public calls about consumers. With delivery_api.c and end_api.c the only file of the layer that knows a
 * client with its driver, and the clock: it checks, steps the consumer, and waits. */
#include "stream/api.h"
#include "base/alloc.h"
#include "base/error.h"
#include "command/batch.h"

#include <stdio.h>
#include <string.h>

static vouch_status null_argument(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s is NULL", what);
}

/* ---- presence ------------------------------------------------------------------------------- */

static void wakes(struct vouch_op *op, int64_t now)
{
    if (now >= op->wake)
        op->wake = OP_NEVER;
}

static void is_interrupted(struct vouch_op *op, vouch_cause cause)
{
    struct handle *h = (struct handle *)((char *)op - offsetof(struct handle, presence));
    (void)cause;
    h->interrupted = true;
}

static const struct op_ops presence_ops = {wakes, is_interrupted};

bool handle_push(struct handle *h)
{
    bool started = h->consumer.started;
    h->consumer.started = false;
    if (started)
        driver_push(h->consumer.client);
    return started;
}

void handle_wait(struct handle *h, int64_t time)
{
    struct vouch_consumer *c = &h->consumer;
    if (handle_push(h))
        return; /* it may have failed at once */
    int64_t wake = consumer_wake(c);
    h->presence.wake = wake < time ? wake : time;
    h->presence.done = false;
    driver_step(c->client, true);
    h->presence.done = true;
}

vouch_status handle_usable(struct handle *h, vouch_error *error)
{
    error_clear(error);
    if (!h->presence.core)
        return error_set(error, VOUCH_ECANCELLED, VOUCH_CAUSE_CANCELLED,
                         "the consumer's client was closed");
    if (h->consumer.telling)
        return error_set(error, VOUCH_EBUSY, VOUCH_CAUSE_NONE,
                         "the consumer cannot be used inside its own hook");
    return client_usable(h->consumer.client, error);
}

void handle_step(struct handle *h)
{
    consumer_step(&h->consumer, client_now());
    watch_tell(&h->consumer);
}

/* ---- opening and closing -------------------------------------------------------------------- */

static void name_incarnations(struct vouch_consumer *c, const char *name)
{
    struct core *core = &c->client->core;
    memcpy(c->name, name, strlen(name) + 1);
    (void)snprintf(c->incarnation, sizeof c->incarnation, "%s-%llx", core->identity,
                   (unsigned long long)++core->runs);
}

static vouch_status make(struct handle *h, vouch_client *client, const vouch_consumer_options *o,
                         vouch_error *error)
{
    struct vouch_consumer *c = &h->consumer;
    h->presence = (struct vouch_op){
        .ops = &presence_ops, .deadline = OP_NEVER, .wake = OP_NEVER, .done = true};
    c->client = client;
    c->ready_end = &c->ready;
    c->hands_end = &c->hands;
    c->commits_end = &c->commits;
    (void)snprintf(c->idle, sizeof c->idle, "%lld",
                   (long long)(c->o.claim_ms == VOUCH_NO_DEADLINE ? 0 : c->o.claim_ms));
    vouch_status status = consumer_name_streams(c, o, error);
    if (status)
        return status;
    name_incarnations(c, o->consumer);
    if (!recover_make_scripts(c, error))
        return error->status;
    c->reading = vouch_batch_new();
    c->asking = vouch_batch_new();
    c->nowhere = vouch_batch_new();
    if (!c->reading || !c->asking || !c->nowhere || !consumer_begin_owner(c))
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a consumer");
    (void)batch_fail(c->nowhere, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                     "the entry can have no effects any more");
    return core_start(&client->core, &h->presence, error);
}

vouch_status handle_error(struct handle *h, vouch_error *error)
{
    struct vouch_consumer *c = &h->consumer;
    *error = c->error;
    if (!c->failed)
        c->error.status = VOUCH_OK;
    return error->status;
}

/* The groups are made, or it is said why not. */
static vouch_status open_groups(struct handle *h, vouch_error *error)
{
    struct vouch_consumer *c = &h->consumer;
    for (;;) {
        handle_step(h);
        if (c->error.status)
            return handle_error(h, error);
        if (c->read)
            return VOUCH_OK;
        handle_wait(h, OP_NEVER);
    }
}

vouch_status vouch_consumer_open(vouch_client *client, const vouch_consumer_options *options,
                                 vouch_consumer **out, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    vouch_consumer_options o;
    error = error ? error : &local;
    error_clear(error);
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    vouch_status status = client_usable(client, error);
    if (!status)
        status = consumer_options_check(&o, options, error);
    if (status)
        return status;
    struct handle *h = alloc_zeroed(1, sizeof *h);
    if (!h)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a consumer");
    h->consumer.o = o;
    status = make(h, client, options, error);
    if (!status)
        status = open_groups(h, error);
    if (status)
        handle_drop(h);
    else
        *out = &h->consumer;
    return status;
}

/* ---- polling -------------------------------------------------------------------------------- */

vouch_status handle_stopped(struct handle *h, vouch_error *error)
{
    bool interrupted = h->interrupted;
    h->interrupted = false;
    if (interrupted || h->consumer.stopped)
        return error_set(error, VOUCH_EINTERRUPTED, VOUCH_CAUSE_INTERRUPTED,
                         interrupted ? "vouch_client_interrupt was called"
                                     : "vouch_consumer_stop was called");
    return VOUCH_OK;
}

int64_t handle_end(int64_t timeout_ms)
{
    if (timeout_ms == VOUCH_NO_DEADLINE)
        return OP_NEVER;
    return timeout_ms ? client_now() + timeout_ms * 1000 : 0;
}

/* What is here, or why there will be nothing; false: wait. */
static bool settle(struct handle *h, vouch_delivery **out, vouch_status *status, vouch_error *error)
{
    struct vouch_consumer *c = &h->consumer;
    c->stopped = c->stopped || atomic_load(&h->stop);
    handle_step(h);
    *status = handle_stopped(h, error);
    if (!*status)
        *status = delivery_next(c, out, error);
    if (!*status && !*out && c->error.status)
        *status = handle_error(h, error);
    return *status || *out;
}

vouch_status vouch_consumer_poll(vouch_consumer *consumer, int64_t timeout_ms, vouch_delivery **out,
                                 vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    vouch_status status;
    error = error ? error : &local;
    if (!consumer || !out)
        return null_argument(error, consumer ? "out" : "the consumer");
    *out = NULL;
    struct handle *h = handle_of(consumer);
    status = handle_usable(h, error);
    if (status)
        return status;
    if (timeout_ms < VOUCH_NO_DEADLINE)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "timeout_ms: out of range");
    int64_t end = handle_end(timeout_ms);
    if (consumer->read || consumer->side)
        vouch_client_ready(consumer->client, NULL, 0);
    while (!settle(h, out, &status, error)) {
        if (client_now() >= end)
            break;
        handle_wait(h, end);
    }
    (void)handle_push(h);
    return status;
}

vouch_status vouch_consumer_run(vouch_consumer *consumer, vouch_handler handler, void *user,
                                vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    if (!handler)
        return null_argument(error, "the handler");
    for (;;) {
        vouch_delivery *d = NULL;
        vouch_status status = vouch_consumer_poll(consumer, VOUCH_NO_DEADLINE, &d, error);
        if (status == VOUCH_EINTERRUPTED && consumer->stopped) {
            error_clear(error);
            return VOUCH_OK;
        }
        bool commits = d && handler(d, user);
        while (commits && (status = vouch_delivery_commit(d, error)) && error->retriable &&
               vouch_delivery_is_open(d))
            ;
        vouch_delivery_free(d);
        if (status && !error->retriable)
            return status;
    }
}

int64_t vouch_consumer_due_ms(const vouch_consumer *consumer)
{
    if (!consumer)
        return -1;
    bool done = (consumer->read && vouch_op_done(consumer->read)) ||
                (consumer->side && vouch_op_done(consumer->side));
    if (done || consumer->ready || consumer->error.status)
        return 0;
    int64_t wake = consumer_wake(consumer), now = client_now();
    if (wake == INT64_MAX)
        return -1;
    return wake <= now ? 0 : (wake - now + 999) / 1000;
}

vouch_status vouch_consumer_stats_read(const vouch_consumer *consumer, vouch_consumer_stats *stats)
{
    if (!consumer || !stats || stats->size != sizeof *stats)
        return VOUCH_EINVAL;
    watch_count(consumer, stats);
    return VOUCH_OK;
}

void vouch_consumer_stop(vouch_consumer *consumer)
{
    if (!consumer)
        return;
    atomic_store(&handle_of(consumer)->stop, 1);
    client_wake(consumer->client);
}
