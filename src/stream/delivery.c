/* Entries on their way to the caller: the server's answers in a queue, and deliveries made of them when they are
 * asked for. Pure.
 *
 * A read is answered with, for each stream, its name and its entries:
 *     RESP2    [[name, [entry, …]], …]        RESP3    {name: [entry, …], …}
 *     entry    [id, [field, value, …]], or [id, nil] if it was deleted */
#include "base/alloc.h"
#include "base/error.h"
#include "stream/consumer.h"

#include <string.h>

/* ---- answers -------------------------------------------------------------------------------- */

struct intake *intake_new(void)
{
    struct intake *a = alloc_zeroed(1, sizeof *a);
    if (a)
        a->users = 1;
    return a;
}

void intake_release(struct intake *a)
{
    if (!a || --a->users)
        return;
    vouch_results_free(a->results);
    vouch_call_free(a->call);
    alloc_free(a);
}

static struct stream *find_stream(struct vouch_consumer *c, vouch_string name)
{
    for (size_t i = 0; i < c->stream_count; i++)
        if (c->streams[i].name.size == name.size && name.data &&
            memcmp(c->streams[i].name.data, name.data, name.size) == 0)
            return &c->streams[i];
    return NULL;
}

/* The entries of the answer's stream number i; NULL behind the last. */
static const vouch_reply *entries_at(struct vouch_consumer *c, const struct intake *a, size_t i,
                                     struct stream **stream)
{
    const vouch_reply *name = NULL, *entries = NULL;
    if (!a->streams) {
        *stream = a->stream;
        return i == 0 ? a->claimed : NULL;
    }
    if (vouch_reply_type(a->streams) == VOUCH_TYPE_MAP) {
        (void)vouch_reply_pair(a->streams, i, &name, &entries);
    } else {
        const vouch_reply *pair = vouch_reply_at(a->streams, i);
        name = vouch_reply_at(pair, 0);
        entries = vouch_reply_at(pair, 1);
    }
    *stream = find_stream(c, vouch_reply_string(name));
    return entries;
}

static bool is_lost(const vouch_reply *entry)
{
    return vouch_reply_type(vouch_reply_at(entry, 1)) != VOUCH_TYPE_ARRAY;
}

/* Those that are still there are pending with us. */
static size_t pending_in(const vouch_reply *entries)
{
    size_t n = 0;
    for (size_t i = 0; i < vouch_reply_count(entries); i++)
        n += !is_lost(vouch_reply_at(entries, i));
    return n;
}

void intake_queue(struct vouch_consumer *c, struct intake *a)
{
    struct stream *s = NULL;
    const vouch_reply *entries;
    size_t n = 0;
    for (size_t i = 0; (entries = entries_at(c, a, i, &s)); i++) {
        if (!s)
            continue;
        a->owner->of[s - c->streams].held += pending_in(entries);
        n += vouch_reply_count(entries);
    }
    if (!n) {
        intake_release(a);
        return;
    }
    c->queued += n;
    *c->ready_end = a;
    c->ready_end = &a->next;
}

/* ---- deliveries ----------------------------------------------------------------------------- */

static void fill(struct delivered *d, const vouch_reply *entry, bool claimed)
{
    int64_t deliveries = 1;
    if (claimed)
        (void)vouch_reply_int64(vouch_reply_at(entry, 2), &deliveries);
    d->entry.id = vouch_reply_string(vouch_reply_at(entry, 0));
    d->entry.fields = vouch_reply_at(entry, 1);
    d->entry.deliveries =
        deliveries > 0 && deliveries <= UINT32_MAX ? (uint32_t)deliveries : UINT32_MAX;
    if (is_lost(entry)) {
        d->entry.fields = NULL;
        d->entry.lost = 1;
        d->verdict = VOUCH_VERDICT_GONE;
    }
}

/* With EXACTLY_ONCE: delivered too often, and so a dead letter. (In other modes the server's
 * script sees to it.) */
static bool is_doomed(const struct vouch_consumer *c, const struct intake *a,
                      const vouch_reply *entry)
{
    int64_t deliveries = 0;
    return c->o.ack == VOUCH_ACK_EXACTLY_ONCE && c->o.max_deliveries != VOUCH_NO_DEAD_LETTERS &&
           !a->streams && !is_lost(entry) &&
           vouch_reply_int64(vouch_reply_at(entry, 2), &deliveries) &&
           deliveries > (int64_t)c->o.max_deliveries;
}

/* Of the entries from the next one on, how many go into one delivery: all doomed, or none. */
static size_t run_of(const struct vouch_consumer *c, const struct intake *a,
                     const vouch_reply *entries, bool *doomed)
{
    size_t left = vouch_reply_count(entries) - a->entry, most = VOUCH_DELIVERY_MAX_ENTRIES, n = 1;
    *doomed = is_doomed(c, a, vouch_reply_at(entries, a->entry));
    left = left < most ? left : most;
    left = c->o.single && !*doomed ? 1 : left;
    while (n < left && is_doomed(c, a, vouch_reply_at(entries, a->entry + n)) == *doomed)
        n++;
    return n;
}

static vouch_delivery *make(struct vouch_consumer *c, struct intake *a, struct stream *s,
                            const vouch_reply *entries, size_t n)
{
    vouch_delivery *d = alloc_zeroed(1, sizeof *d + n * sizeof *d->entries);
    char *name = d ? alloc_copy(s->name.data, s->name.size) : NULL;
    if (!name) {
        alloc_free(d);
        return NULL;
    }
    d->name = name;
    d->n = n;
    d->stream = s;
    d->owner = a->owner;
    if (a->epoch >= s->since)
        memcpy(d->generation, s->generation, sizeof d->generation);
    d->leased_at = a->asked_at;
    d->intake = a;
    a->users++;
    for (size_t i = 0; i < n; i++) {
        fill(&d->entries[i], vouch_reply_at(entries, a->entry + i), !a->streams);
        d->entries[i].follows = i > 0 && a->streams != NULL;
    }
    a->entry += n;
    c->queued -= n;
    return d;
}

static void hand_out(struct vouch_consumer *c, vouch_delivery *d)
{
    d->consumer = c;
    d->next = c->out;
    d->link = &c->out;
    if (c->out)
        c->out->link = &d->next;
    c->out = d;
    for (size_t i = 0; i < d->n; i++)
        c->working += d->entries[i].verdict == VOUCH_VERDICT_UNKNOWN;
}

/* Past what is handed out; false at the end of the answer. */
static bool move_on(struct vouch_consumer *c, struct intake *a)
{
    struct stream *s;
    const vouch_reply *entries;
    while ((entries = entries_at(c, a, a->at, &s)) &&
           (!s || a->entry >= vouch_reply_count(entries))) {
        a->at++;
        a->entry = 0;
    }
    return entries != NULL;
}

/* It is committed without the caller: each entry into the dead letters. If memory is short they
 * are given back, and come again. */
static void bury(vouch_delivery *d)
{
    vouch_error ignored;
    bool fine = true;
    for (size_t i = 0; fine && i < d->n; i++)
        fine = entry_bury(d, i, "deliveries");
    fine = fine && exact_submit(d, &ignored) == VOUCH_OK && d->committing;
    d->freed = true;
    if (!fine)
        delivery_destroy(d);
}

static bool drop_empty(struct vouch_consumer *c)
{
    struct intake *a;
    while ((a = c->ready) && !move_on(c, a)) {
        c->ready = a->next;
        if (!c->ready)
            c->ready_end = &c->ready;
        intake_release(a);
    }
    return a != NULL;
}

vouch_status delivery_next(struct vouch_consumer *c, vouch_delivery **out, vouch_error *error)
{
    *out = NULL;
    while (drop_empty(c)) {
        struct stream *s;
        struct intake *a = c->ready;
        const vouch_reply *entries = entries_at(c, a, a->at, &s);
        bool doomed;
        size_t n = run_of(c, a, entries, &doomed);
        vouch_delivery *d = make(c, a, s, entries, n);
        if (!d)
            return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                             "out of memory for a delivery");
        hand_out(c, d);
        if (!doomed) {
            c->counts.delivered += n;
            *out = d;
            return VOUCH_OK;
        }
        bury(d);
    }
    return VOUCH_OK;
}

/* ---- what the caller asks of one ------------------------------------------------------------ */

size_t vouch_delivery_count(const vouch_delivery *d)
{
    return d ? d->n : 0;
}

const vouch_entry *vouch_delivery_entry(const vouch_delivery *d, size_t i)
{
    return d && i < d->n ? &d->entries[i].entry : NULL;
}

const char *vouch_delivery_stream(const vouch_delivery *d)
{
    return d ? d->name : NULL;
}

vouch_verdict vouch_delivery_verdict(const vouch_delivery *d, size_t i)
{
    return d && i < d->n ? d->entries[i].verdict : VOUCH_VERDICT_UNKNOWN;
}

bool vouch_delivery_is_open(const vouch_delivery *d)
{
    return d && d->committing;
}

const char *vouch_delivery_token(vouch_delivery *d, size_t i)
{
    if (!d || i >= d->n || !d->generation[0])
        return "";
    struct delivered *e = &d->entries[i];
    size_t n = strlen(d->generation), size = n + 1 + e->entry.id.size;
    if (e->token)
        return e->token;
    e->token = alloc_get(size + 1);
    if (!e->token)
        return "";
    memcpy(e->token, d->generation, n);
    e->token[n] = '/';
    memcpy(e->token + n + 1, e->entry.id.data, e->entry.id.size);
    e->token[size] = 0;
    return e->token;
}
