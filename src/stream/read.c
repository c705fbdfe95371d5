/* The words of a read, and what became of it. Pure; starts and finishes operations.
 *
 *     XACK …                            for each stream that has something to acknowledge
 *     XREADGROUP GROUP g C COUNT n BLOCK ms [NOACK] STREAMS … > …
 *
 * in one write. What becomes of it:
 *     answered                          entries, or none
 *     NOGROUP, UNBLOCKED                the group is gone (the latter: while we waited in the server)
 *     not answered                      the server may count entries for us of which we do not know: this
 *                                       incarnation is retired
 *     not sent                          nothing happened */
#include "base/error.h"
#include "command/batch.h"
#include "command/effect.h"
#include "stream/consumer.h"

#include <string.h>

/* What an answer may take beyond the wait in the server. */
#define ANSWER_MS 5000

/* ---- asking --------------------------------------------------------------------------------- */

static bool has_groups(const struct vouch_consumer *c)
{
    for (size_t i = 0; i < c->stream_count; i++)
        if (!c->streams[i].grouped)
            return false;
    return true;
}

bool acks_wait(const struct vouch_consumer *c)
{
    for (size_t i = 0; i < c->stream_count; i++)
        if (vouch_batch_count(c->streams[i].acks) || vouch_batch_count(c->streams[i].sent))
            return true;
    return false;
}

bool acks_can_go(const struct vouch_consumer *c)
{
    return acks_wait(c) && !c->acks_out;
}

bool read_is_wanted(const struct vouch_consumer *c)
{
    bool idle = !c->queued && (c->o.prefetch || !c->working);
    /* While a commit is under way the server must not count entries that it did not know of. */
    return !c->read && !c->stopped && !c->retire && !c->commits && has_groups(c) && idle &&
           consumer_room(c);
}

/* What went out before and was not answered goes alone: nothing has to be put together, for which memory could be short. */
static void add_acks(struct vouch_consumer *c, vouch_batch *to)
{
    for (size_t i = 0; i < c->stream_count; i++) {
        struct stream *s = &c->streams[i];
        if (!vouch_batch_count(s->sent)) {
            vouch_batch *acks = s->acks;
            s->acks = s->sent;
            s->sent = acks;
        }
        (void)batch_append(to, s->sent);
    }
}

static void argument(vouch_batch *b, const char *word)
{
    vouch_batch_argument(b, vouch_text(word));
}

static void add_read(struct vouch_consumer *c)
{
    vouch_batch *b = c->reading;
    vouch_batch_begin(b, "XREADGROUP");
    argument(b, "GROUP");
    vouch_batch_argument(b, arg_of(&c->group));
    vouch_batch_argument(b, owner_arg(c->owner));
    argument(b, "COUNT");
    vouch_batch_argument(b, vouch_uint(consumer_room(c)));
    argument(b, "BLOCK");
    vouch_batch_argument(b, vouch_int(c->o.block_ms));
    if (c->o.ack == VOUCH_ACK_BEFORE)
        argument(b, "NOACK");
    argument(b, "STREAMS");
    for (size_t i = 0; i < c->stream_count; i++)
        vouch_batch_argument(b, arg_of(&c->streams[i].name));
    for (size_t i = 0; i < c->stream_count; i++)
        argument(b, ">");
    (void)vouch_batch_end(b);
}

/* What was under way is answered; or it goes out again, with the next read. */
static void end_acks(struct vouch_consumer *c, bool acked)
{
    c->acks_out = false;
    for (size_t i = 0; acked && i < c->stream_count; i++)
        vouch_batch_clear(c->streams[i].sent);
}

vouch_status read_start(struct vouch_consumer *c, vouch_error *error)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    o.deadline_ms = c->o.block_ms + ANSWER_MS;
    if (!c->spare)
        c->spare = intake_new();
    if (!c->spare)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a read");
    c->spare->owner = c->owner;
    c->spare->epoch = c->epoch;
    c->spare->asked_at = c->now;
    vouch_batch_clear(c->reading);
    c->read_acks = acks_can_go(c);
    if (c->read_acks)
        add_acks(c, c->reading);
    add_read(c);
    vouch_status status = vouch_pipeline_start(c->client, c->reading, &o, &c->read, error);
    if (c->read_acks)
        c->acks_out = !status;
    return status;
}

/* ---- what became of it ---------------------------------------------------------------------- */

static bool all_acked(const vouch_results *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (vouch_results_at(r, i)->status != VOUCH_OK &&
            vouch_results_at(r, i)->status != VOUCH_ESERVER)
            return false;
    return true;
}

static void lose_groups(struct vouch_consumer *c)
{
    for (size_t i = 0; i < c->stream_count; i++)
        c->streams[i].grouped = false; /* which of them it is, XGROUP CREATE says */
    c->lost_groups = true;
}

static bool is_error(const vouch_result *r, const char *code)
{
    vouch_string words = vouch_reply_string(r->reply);
    return r->status == VOUCH_ESERVER && words.data && effect_code_is(words.data, words.size, code);
}

static vouch_status take(struct vouch_consumer *c, vouch_results *results, vouch_error *error)
{
    const vouch_result *r = vouch_results_at(results, vouch_results_count(results) - 1);
    struct intake *a = c->spare;
    if (r->status == VOUCH_OK) {
        a->results = results;
        a->streams = r->reply;
        c->spare = NULL;
        intake_queue(c, a);
        return VOUCH_OK;
    }
    if (r->effect != VOUCH_NOT_APPLIED)
        c->retire = c->retire || a->owner == c->owner;
    bool gone = is_error(r, "NOGROUP") || is_error(r, "UNBLOCKED");
    if (gone)
        lose_groups(c);
    vouch_results_free(results);
    return gone ? VOUCH_OK : error->status;
}

vouch_status read_finish(struct vouch_consumer *c, vouch_error *error)
{
    vouch_results *results = NULL;
    vouch_status status = vouch_pipeline_finish(c->read, &results, error);
    c->read = NULL;
    bool acked = results && all_acked(results, vouch_results_count(results) - 1);
    if (c->read_acks)
        end_acks(c, acked);
    if (!results)
        return status;
    return take(c, results, error);
}

/* ---- acknowledging alone -------------------------------------------------------------------- */

vouch_status acks_start(struct vouch_consumer *c, vouch_error *error)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    o.idempotent = 1;
    vouch_batch_clear(c->asking);
    add_acks(c, c->asking);
    vouch_status status = vouch_pipeline_start(c->client, c->asking, &o, &c->side, error);
    c->acks_out = !status;
    return status;
}

vouch_status acks_finish(struct vouch_consumer *c, vouch_error *error)
{
    vouch_results *results = NULL;
    vouch_status status = vouch_pipeline_finish(c->side, &results, error);
    end_acks(c, results && all_acked(results, vouch_results_count(results)));
    vouch_results_free(results);
    return status == VOUCH_EPARTIAL ? VOUCH_OK : status;
}
