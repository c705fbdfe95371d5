/* Streams: a ring of segments, filled by the source, delivered to the sink in order. Pure, but for
 * the caller's callbacks. */
#include "base/alloc.h"
#include "base/error.h"
#include "pipeline/pipeline.h"

#define DEFAULT_PROGRESS_EVERY 10000

struct stream {
    vouch_source source;
    vouch_sink sink;
    vouch_progress progress;
    void *user;
    uint64_t progress_every, progress_next;
    size_t chunk_commands, chunk_bytes;
    uint64_t taken; /* commands from the source */
    bool ended;     /* the source has no more, or is not asked any more */
    bool stopped;   /* by the sink or progress */
    bool bad;       /* the source did something wrong: see error */
    vouch_error error;
};

/* ---- filling -------------------------------------------------------------------------------- */

static void fail(struct stream *t, const vouch_error *error)
{
    t->ended = true;
    if (t->bad)
        return;
    t->bad = true;
    t->error = *error;
}

/* The source added a bad command. Those before it are good. */
static void fail_command(struct stream *t, vouch_batch *b)
{
    vouch_error e;
    (void)vouch_batch_error(b, &e);
    e.command = (size_t)(t->taken + b->count);
    fail(t, &e);
    batch_forgive(b);
}

static void ask_source(struct pipeline *p, vouch_batch *b)
{
    struct stream *t = p->stream;
    unsigned empty = 0;
    while (!t->ended && b->count < t->chunk_commands && b->size < t->chunk_bytes) {
        size_t before = b->count;
        p->op.core->busy = true;
        bool more = t->source(b, t->user);
        p->op.core->busy = false;
        if (!more)
            t->ended = true;
        if (b->open && b->first.status == VOUCH_OK)
            vouch_batch_begin(b, ""); /* an unfinished command is an error: let the batch say so */
        if (b->first.status != VOUCH_OK)
            fail_command(t, b);
        empty = b->count == before ? empty + 1 : 0;
        if (!t->ended && empty >= VOUCH_SOURCE_MAX_EMPTY) {
            vouch_error e;
            (void)error_set(&e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                            "the source added nothing VOUCH_SOURCE_MAX_EMPTY times in a row");
            fail(t, &e);
        }
    }
}

static bool fill(struct pipeline *p)
{
    struct stream *t = p->stream;
    bool any = false;
    while (!t->ended && p->tail - p->head < p->segment_count) {
        struct segment *s = segment_at(p, p->tail);
        ask_source(p, s->batch);
        if (!s->batch->count)
            return any;
        if (!segment_load(p, s)) {
            vouch_error e;
            (void)error_set(&e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a stream");
            fail(t, &e);
            vouch_batch_clear(s->batch);
            return any;
        }
        t->taken += s->count;
        p->tail++;
        any = true;
    }
    return any;
}

/* ---- delivering ----------------------------------------------------------------------------- */

static void give(struct pipeline *p, struct segment *s)
{
    struct stream *t = p->stream;
    uint64_t command = p->totals.commands;
    pipeline_count(p, s, s->delivered, command);
    bool go_on = true;
    p->op.core->busy = true;
    if (t->sink)
        go_on = t->sink(command, &s->results[s->delivered], t->user);
    if (t->progress && p->totals.commands >= t->progress_next) {
        t->progress_next += t->progress_every;
        go_on = t->progress(&p->totals, t->user) && go_on;
    }
    p->op.core->busy = false;
    s->delivered++;
    if (!go_on) {
        t->stopped = true;
        t->ended = true;
    }
}

static bool deliver(struct pipeline *p)
{
    bool any = false;
    while (p->head < p->tail) {
        struct segment *s = segment_at(p, p->head);
        for (; s->delivered < s->count && s->results[s->delivered].reserved & RESULT_FINAL;
             any = true)
            give(p, s);
        if (s->delivered < s->count)
            return any;
        segment_clear(p, s);
        p->head++;
    }
    return any;
}

bool stream_turn(struct pipeline *p)
{
    bool any = deliver(p);
    if (!p->op.done && fill(p)) {
        any = true;
        for (size_t i = 0; i < p->share_count; i++)
            share_offer(&p->shares[i]);
    }
    /* A share that was halted settles new segments at once; and then nothing more is asked for. */
    for (size_t i = 0; i < p->share_count; i++)
        if (p->shares[i].halted)
            p->stream->ended = true;
    return deliver(p) || any;
}

bool stream_is_over(const struct pipeline *p)
{
    return p->stream->ended && p->head == p->tail;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static bool make_batches(struct pipeline *p)
{
    for (size_t i = 0; i < p->segment_count; i++)
        if (!(p->segments[i].batch = vouch_batch_new()))
            return false;
    return true;
}

void stream_free(struct pipeline *p)
{
    for (size_t i = 0; i < p->segment_count; i++)
        vouch_batch_free(p->segments[i].batch);
    alloc_free(p->stream);
    pipeline_free(p);
}

static void set_up(struct stream *t, const struct core *core, const vouch_pipeline_options *o)
{
    const struct settings *set = &core->settings;
    t->progress = o ? o->progress : NULL;
    t->progress_every = o && o->progress_every ? o->progress_every : DEFAULT_PROGRESS_EVERY;
    t->progress_next = t->progress_every;
    /* All segments together: two windows. */
    t->chunk_commands = 1 + 2 * set->window_commands / STREAM_SEGMENTS;
    t->chunk_bytes = 1 + 2 * set->window_bytes / STREAM_SEGMENTS;
}

struct pipeline *stream_new(struct core *core, vouch_source source, vouch_sink sink, void *user,
                            const vouch_pipeline_options *options, vouch_error *error)
{
    /* A connection of its own: a stream would fill a shared one for as long as it lasts. */
    struct pipeline *p = pipeline_new(core, options, STREAM_SEGMENTS, true, error);
    if (!p)
        return NULL;
    p->stream = alloc_zeroed(1, sizeof *p->stream);
    if (!p->stream || !make_batches(p)) {
        stream_free(p);
        (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a stream");
        return NULL;
    }
    set_up(p->stream, core, options);
    p->stream->source = source;
    p->stream->sink = sink;
    p->stream->user = user;
    return p;
}

vouch_status stream_finish(struct pipeline *p, vouch_totals *totals, vouch_error *error)
{
    struct stream *t = p->stream;
    if (t->stopped && p->cause == VOUCH_CAUSE_NONE)
        p->cause = VOUCH_CAUSE_CANCELLED;
    vouch_status status = pipeline_report(p, error);
    if (totals)
        *totals = p->totals;
    if (t->bad && (status == VOUCH_OK || status == VOUCH_EPARTIAL)) {
        vouch_effect effect = p->totals.applied ? VOUCH_PARTLY_APPLIED : VOUCH_NOT_APPLIED;
        if (error) {
            *error = t->error;
            error->effect = effect;
        }
        status = t->error.status;
    }
    stream_free(p);
    return status;
}
