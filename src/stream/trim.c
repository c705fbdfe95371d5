/* Trimming, by itself and in batches. It stands on vouch/pipeline.h and vouch/script.h, as a program of a
 * user's could. */
#include "base/error.h"
#include "command/batch.h"
#include "stream/producer.h"

#include <string.h>
#include <vouch/pipeline.h>

#include "stream/sources.inc"

vouch_string trim_source(void)
{
    return (vouch_string){lua_trim, sizeof lua_trim};
}

vouch_status vouch_trim_script_new(vouch_script **out, vouch_error *error)
{
    vouch_script_options so = VOUCH_SCRIPT_OPTIONS_INIT;
    vouch_string source = trim_source();
    so.name = "trim";
    return vouch_script_new(source.data, source.size, &so, out, error);
}

static vouch_status check(const char *stream, const vouch_trim_options *o, size_t *size,
                          struct retention_words *keep, vouch_error *e)
{
    if (!o)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options are NULL: what is kept?");
    if (o->size != sizeof *o)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_TRIM_OPTIONS_INIT");
    vouch_status status =
        entry_name(stream, o->stream_size, VOUCH_STREAM_NAME_MAX, "stream", size, e);
    if (!status)
        status = retention_words(&o->keep, keep, e);
    if (!status && !keep->n)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "keep: neither max_len nor min_id nor max_age_ms is set");
    return status;
}

/* MAXLEN or MINID: XTRIM knows them. */
static size_t add_plain(struct vouch_batch *b, vouch_arg stream, const struct retention_words *keep)
{
    vouch_arg words[2 + RETENTION_WORDS_MAX] = {vouch_text("XTRIM"), stream};
    memcpy(words + 2, keep->v, keep->n * sizeof *words);
    return vouch_batch_addv(b, vouch_args_of(words, 2 + keep->n));
}

static size_t add_by_age(struct vouch_batch *b, vouch_arg stream, const vouch_trim_options *o,
                         const struct retention_words *keep)
{
    const vouch_arg args[] = {vouch_int(o->keep.max_age_ms), keep->v[1],
                              o->keep.limit ? keep->v[RETENTION_WORDS_MAX - 1] : vouch_text("")};
    return vouch_batch_add_script(b, o->script, vouch_args_of(&stream, 1), vouch_args_of(args, 3));
}

size_t vouch_batch_add_trim(vouch_batch *b, const char *stream, const vouch_trim_options *o)
{
    struct retention_words keep = {.n = 0};
    size_t size = 0;
    vouch_error e;
    if (check(stream, o, &size, &keep, &e))
        return batch_fail(b, e.status, e.cause, e.message);
    vouch_arg key = vouch_bytes(stream, size);
    if (!o->keep.max_age_ms)
        return add_plain(b, key, &keep);
    if (!o->script)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                          "keep.max_age_ms: in a batch needs options->script, by "
                          "vouch_trim_script_new");
    return add_by_age(b, key, o, &keep);
}

/* ---- by itself ------------------------------------------------------------------------------ */

/* The only command of its batch: what is said of the batch is said of it. */
static vouch_status run(vouch_client *client, vouch_batch *b, const vouch_trim_options *o,
                        int64_t *removed, vouch_error *error)
{
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    po.outages = o->outages;
    po.deadline_ms = o->deadline_ms;
    vouch_status status = vouch_pipeline_run(client, b, &po, &results, error);
    const vouch_result *r = vouch_results_at(results, 0);
    if (status == VOUCH_OK && !vouch_reply_int64(r->reply, removed))
        status = error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL, "what came is no number");
    if (r && (status == VOUCH_EPARTIAL || status == VOUCH_EUNKNOWN)) {
        status = r->status; /* answered with an error is not in doubt for want of an answer */
        if (error) {
            error->status = r->status;
            error->effect = r->effect;
        }
    }
    vouch_results_free(results);
    return status;
}

static vouch_status trim(vouch_client *client, const char *stream, const vouch_trim_options *o,
                         int64_t *removed, vouch_error *error)
{
    vouch_batch *b = vouch_batch_new();
    if (!b)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a trim");
    (void)vouch_batch_add_trim(b, stream, o);
    vouch_status status = run(client, b, o, removed, error);
    vouch_batch_free(b);
    return status;
}

vouch_status vouch_stream_trim(vouch_client *client, const char *stream,
                               const vouch_trim_options *options, int64_t *removed,
                               vouch_error *error)
{
    struct retention_words keep = {.n = 0};
    vouch_script *own = NULL;
    int64_t ignored = 0;
    size_t size = 0;
    removed = removed ? removed : &ignored;
    *removed = 0;
    error_clear(error);
    vouch_status status = check(stream, options, &size, &keep, error);
    if (status)
        return status;
    vouch_trim_options o = *options;
    if (o.keep.max_age_ms && !o.script) {
        status = vouch_trim_script_new(&own, error);
        o.script = own;
    }
    if (!status)
        status = trim(client, stream, &o, removed, error);
    vouch_script_free(own);
    return status;
}
