/* A consumer's options: checked, completed, copied. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "command/slot.h"
#include "stream/consumer.h"

#include <string.h>

#define DEFAULT_BATCH          100
#define DEFAULT_BLOCK_MS       1000
#define DEFAULT_CLAIM_MS       60000
#define DEFAULT_MAX_DELIVERIES 5
#define BLOCK_MAX_MS           600000
#define CLAIM_MAX_MS           INT64_C(86400000000)
#define DEFAULT_FORGET_MS      INT64_C(3600000)

/* ---- numbers -------------------------------------------------------------------------------- */

static vouch_status wrong(vouch_error *error, const char *field, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->%s: %s", field, what);
}

static void complete(vouch_consumer_options *o)
{
    o->batch = o->batch ? o->batch : DEFAULT_BATCH;
    o->in_flight = o->in_flight ? o->in_flight : 2 * o->batch;
    o->block_ms = o->block_ms ? o->block_ms : DEFAULT_BLOCK_MS;
    o->claim_ms = o->claim_ms ? o->claim_ms : DEFAULT_CLAIM_MS;
    o->forget_ms = o->forget_ms ? o->forget_ms : DEFAULT_FORGET_MS;
    o->max_deliveries = o->max_deliveries ? o->max_deliveries : DEFAULT_MAX_DELIVERIES;
    if (!o->claim_every_ms)
        o->claim_every_ms = o->claim_ms == VOUCH_NO_DEADLINE ? 1 : (o->claim_ms + 3) / 4;
}

static vouch_status check_numbers(const vouch_consumer_options *o, vouch_error *e)
{
    if ((unsigned)o->ack > VOUCH_ACK_EXACTLY_ONCE)
        return wrong(e, "ack", "none of vouch_ack");
    if ((unsigned)o->lost_group > VOUCH_LOST_NEW)
        return wrong(e, "lost_group", "none of vouch_lost_group");
    if (o->batch > VOUCH_DELIVERY_MAX_ENTRIES)
        return wrong(e, "batch", "more than VOUCH_DELIVERY_MAX_ENTRIES");
    if (o->in_flight < o->batch)
        return wrong(e, "in_flight", "less than a batch");
    if (o->block_ms < 1 || o->block_ms > BLOCK_MAX_MS)
        return wrong(e, "block_ms", "not from 1 to 600,000");
    if (o->claim_ms != VOUCH_NO_DEADLINE && (o->claim_ms < 1 || o->claim_ms > CLAIM_MAX_MS))
        return wrong(e, "claim_ms", "out of range");
    if (o->claim_every_ms < 1 || o->claim_every_ms > CLAIM_MAX_MS)
        return wrong(e, "claim_every_ms", "out of range");
    if (o->forget_ms != VOUCH_NO_DEADLINE && (o->forget_ms < 1 || o->forget_ms > CLAIM_MAX_MS))
        return wrong(e, "forget_ms", "out of range");
    if (o->max_deliveries == 1)
        return wrong(e, "max_deliveries", "an entry that is claimed has been delivered before");
    return VOUCH_OK;
}

static vouch_status check_name(const char *field, const char *name, vouch_error *e)
{
    if (!name || !name[0])
        return wrong(e, field, "missing");
    if (strlen(name) > VOUCH_CONSUMER_MAX_NAME)
        return wrong(e, field, "longer than VOUCH_CONSUMER_MAX_NAME");
    return VOUCH_OK;
}

static vouch_status check_names(const vouch_consumer_options *o, vouch_error *e)
{
    vouch_status status = check_name("group", o->group, e);
    if (!status)
        status = check_name("consumer", o->consumer, e);
    if (status)
        return status;
    if (strchr(o->consumer, ':'))
        return wrong(e, "consumer", "a ':' is between it and the incarnation, and nowhere else");
    if (!o->stream == !o->stream_count)
        return wrong(e, "stream", "either this one, or streams and stream_count");
    if (o->stream_count > VOUCH_CONSUMER_MAX_STREAMS)
        return wrong(e, "stream_count", "more than VOUCH_CONSUMER_MAX_STREAMS");
    if (o->stream_count && !o->streams)
        return wrong(e, "streams", "NULL");
    if ((o->state || o->dead_letter) && o->stream_count > 1)
        return wrong(e, o->state ? "state" : "dead_letter", "each stream has its own");
    return VOUCH_OK;
}

vouch_status consumer_options_check(vouch_consumer_options *out, const vouch_consumer_options *in,
                                    vouch_error *error)
{
    if (!in || in->size != sizeof *in)
        return wrong(error, "size", "not set by VOUCH_CONSUMER_OPTIONS_INIT");
    vouch_status status = check_names(in, error);
    if (status)
        return status;
    *out = *in;
    complete(out);
    return check_numbers(out, error);
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool copy(struct text *t, const char *given)
{
    t->size = strlen(given);
    t->data = alloc_copy(given, t->size);
    return t->data != NULL;
}

static bool join(struct text *t, const char *const *parts, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += strlen(parts[i]);
    t->data = alloc_get(size + 1);
    if (!t->data)
        return false;
    t->size = 0;
    for (size_t i = 0; i < n; i++) {
        size_t part = strlen(parts[i]);
        memcpy(t->data + t->size, parts[i], part);
        t->size += part;
    }
    t->data[size] = 0;
    return true;
}

static bool shares_slot(const struct stream *s, const struct text *t)
{
    return slot_of(s->name.data, s->name.size) == slot_of(t->data, t->size);
}

/* "orders:dead" reads well, and is in the stream's slot if that has a hash tag. Else one is put
 * in front. */
static bool derive(struct text *t, const struct stream *s, const char *end, const char *more)
{
    const char *plain[] = {s->name.data, end, more};
    char tag[SLOT_TAG_SIZE + 1] = "";
    if (!join(t, plain, 3) || shares_slot(s, t))
        return t->data != NULL;
    alloc_free(t->data);
    slot_tag(slot_of(s->name.data, s->name.size), tag);
    const char *tagged[] = {"{", tag, "}", s->name.data, end, more};
    return join(t, tagged, 6);
}

static vouch_status other_slot(const struct stream *s, const struct text *t, const char *field,
                               vouch_error *error)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                     "options->%s: %s and the stream %s are not in one slot; give both the same "
                     "hash tag, as in {a}b and {a}c",
                     field, t->data, s->name.data);
}

static vouch_status name_stream(struct stream *s, const char *name, const vouch_consumer_options *o,
                                vouch_error *error)
{
    if (!name || !name[0])
        return wrong(error, "streams", "a name is NULL or empty");
    bool fine = copy(&s->name, name);
    fine = fine && (o->dead_letter ? copy(&s->dead_letter, o->dead_letter)
                                   : derive(&s->dead_letter, s, ":dead", ""));
    fine =
        fine && (o->state ? copy(&s->state, o->state) : derive(&s->state, s, ":group:", o->group));
    s->acks = fine ? vouch_batch_new() : NULL;
    s->sent = s->acks ? vouch_batch_new() : NULL;
    if (!s->sent)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a consumer");
    if (!shares_slot(s, &s->dead_letter))
        return other_slot(s, &s->dead_letter, "dead_letter", error);
    if (!shares_slot(s, &s->state))
        return other_slot(s, &s->state, "state", error);
    return VOUCH_OK;
}

static vouch_status check_different(const struct vouch_consumer *c, vouch_error *error)
{
    for (size_t i = 0; i < c->stream_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->streams[i].name.data, c->streams[k].name.data) == 0)
                return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                                 "options->streams: %s is there twice", c->streams[i].name.data);
    return VOUCH_OK;
}

vouch_status consumer_name_streams(struct vouch_consumer *c, const vouch_consumer_options *o,
                                   vouch_error *error)
{
    size_t n = o->stream ? 1 : o->stream_count;
    c->streams = alloc_zeroed(n, sizeof *c->streams);
    c->stream_count = c->streams ? n : 0;
    if (!c->streams || !copy(&c->group, o->group) || !copy(&c->from, o->from ? o->from : "0"))
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a consumer");
    for (size_t i = 0; i < n; i++) {
        const char *name = o->stream ? o->stream : o->streams[i];
        vouch_status status = name_stream(&c->streams[i], name, o, error);
        if (status)
            return status;
    }
    return check_different(c, error);
}

void consumer_free_names(struct vouch_consumer *c)
{
    for (size_t i = 0; i < c->stream_count; i++) {
        struct stream *s = &c->streams[i];
        alloc_free(s->name.data);
        alloc_free(s->state.data);
        alloc_free(s->dead_letter.data);
        vouch_batch_free(s->acks);
        vouch_batch_free(s->sent);
    }
    alloc_free(c->streams);
    alloc_free(c->group.data);
    alloc_free(c->from.data);
}
