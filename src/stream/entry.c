/* Entries as commands of a batch, and what became of them. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/number.h"
#include "command/batch.h"
#include "stream/producer.h"

#include <string.h>

/* Words that are put together on the stack; of an entry with more they are gathered elsewhere. */
#define WORDS_FEW 64

/* What stands before the fields: XADD, the stream, NOMKSTREAM, retention, the id; or as many of the script's. */
#define HEAD_MAX (8 + RETENTION_WORDS_MAX)

struct head {
    vouch_arg v[HEAD_MAX];
    size_t n;
};

static void push(struct head *h, vouch_arg a)
{
    h->v[h->n++] = a;
}

static void push_all(struct head *h, const struct retention_words *w)
{
    for (size_t i = 0; i < w->n; i++)
        push(h, w->v[i]);
}

/* The batch's own errors are sticky; what is wrong with an entry has to be as well. */
static size_t stick(struct vouch_batch *b, const vouch_error *e)
{
    return batch_fail(b, e->status, e->cause, e->message);
}

static vouch_status check_fields(vouch_args fields, size_t most, vouch_error *e)
{
    if (!fields.n || !fields.v)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "an entry without fields");
    if (fields.n % 2)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "fields: %zu words, so that the last name has no value", fields.n);
    if (fields.n / 2 > most)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "fields: more than VOUCH_ONCE_MAX_FIELDS");
    return VOUCH_OK;
}

/* ---- plain ---------------------------------------------------------------------------------- */

/* "ms-*" leaves the rest to the server. */
static bool may_be_given(const char *id)
{
    char ms[VOUCH_ENTRY_ID_MAX];
    size_t n = strlen(id);
    if (strcmp(id, "*") == 0 || entry_is_id(id))
        return true;
    if (n < 3 || n - 2 >= sizeof ms || strcmp(id + n - 2, "-*") != 0)
        return false;
    memcpy(ms, id, n - 2);
    ms[n - 2] = 0;
    return !strchr(ms, '-') && entry_is_id(ms);
}

static vouch_status head_of(const char *stream, const vouch_entry_options *o, struct head *h,
                            vouch_error *e)
{
    struct retention_words keep;
    size_t size = 0;
    if (o->size != sizeof *o)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_ENTRY_OPTIONS_INIT");
    if (o->id && !may_be_given(o->id))
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->id: none such as 1700000000000-0, 1700000000000-* or *");
    if (o->keep.max_age_ms)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "keep.max_age_ms: XADD knows no age; use vouch_batch_add_once or "
                         "vouch_stream_trim");
    vouch_status status =
        entry_name(stream, o->stream_size, VOUCH_STREAM_NAME_MAX, "stream", &size, e);
    if (!status)
        status = retention_words(&o->keep, &keep, e);
    if (status)
        return status;
    push(h, vouch_text("XADD"));
    push(h, vouch_bytes(stream, size));
    if (o->no_mkstream)
        push(h, vouch_text("NOMKSTREAM"));
    push_all(h, &keep);
    push(h, vouch_text(o->id ? o->id : "*"));
    return VOUCH_OK;
}

static size_t add_long(struct vouch_batch *b, const struct head *h, vouch_args fields)
{
    vouch_batch_begin(b, "XADD");
    for (size_t i = 1; i < h->n; i++)
        vouch_batch_argument(b, h->v[i]);
    for (size_t i = 0; i < fields.n; i++)
        vouch_batch_argument(b, fields.v[i]);
    return vouch_batch_end(b);
}

size_t vouch_batch_add_entry(vouch_batch *b, const char *stream, vouch_args fields,
                             const vouch_entry_options *options)
{
    static const vouch_entry_options none = VOUCH_ENTRY_OPTIONS_INIT;
    vouch_arg words[WORDS_FEW]; /* not cleared: that alone would cost as much as adding it */
    struct head h;
    vouch_error e;
    h.n = 0;
    if (check_fields(fields, VOUCH_BATCH_MAX_ARGUMENTS, &e) ||
        head_of(stream, options ? options : &none, &h, &e))
        return stick(b, &e);
    if (h.n + fields.n > WORDS_FEW)
        return add_long(b, &h, fields);
    memcpy(words, h.v, h.n * sizeof *words);
    memcpy(words + h.n, fields.v, fields.n * sizeof *words);
    return vouch_batch_addv(b, vouch_args_of(words, h.n + fields.n));
}

/* ---- once ----------------------------------------------------------------------------------- */

/* What the script is given before the fields: see produce.lua. With an age it looks for MINID in its place. */
static void script_head(const struct vouch_producer *p, int64_t sequence, struct head *h)
{
    struct retention_words keep;
    (void)!retention_words(&p->keep, &keep, NULL); /* was checked when the producer was made */
    push(h, vouch_bytes(p->name, p->name_size));
    push(h, vouch_int(sequence));
    push(h, p->dense ? vouch_int(sequence - 1) : vouch_text(""));
    push(h, vouch_uint(p->window));
    push(h, vouch_int(p->state_ms));
    push(h, vouch_int(p->keep.max_age_ms));
    push_all(h, &keep);
    if (p->no_mkstream)
        push(h, vouch_text("NOMKSTREAM"));
    push(h, vouch_text("*"));
}

size_t vouch_batch_add_once(vouch_batch *b, const vouch_producer *p, int64_t sequence,
                            vouch_args fields)
{
    vouch_arg few[WORDS_FEW], *words = few, *more = NULL;
    struct head h;
    vouch_error e;
    h.n = 0;
    if (!p)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the producer is NULL");
    if (sequence < 0)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "a sequence below 0");
    if (check_fields(fields, VOUCH_ONCE_MAX_FIELDS, &e))
        return stick(b, &e);
    script_head(p, sequence, &h);
    if (h.n + fields.n > WORDS_FEW)
        words = more = alloc_get((h.n + fields.n) * sizeof *words);
    if (!words)
        return batch_fail(b, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
    memcpy(words, h.v, h.n * sizeof *words);
    memcpy(words + h.n, fields.v, fields.n * sizeof *words);
    const vouch_arg keys[] = {vouch_bytes(p->stream, p->stream_size),
                              vouch_bytes(p->state, p->state_size)};
    size_t index = vouch_batch_add_script(b, p->script, vouch_args_of(keys, 2),
                                          vouch_args_of(words, h.n + fields.n));
    alloc_free(more);
    return index;
}

/* ---- what became of it ---------------------------------------------------------------------- */

static bool read_id(vouch_string text, vouch_added *out)
{
    if (text.size >= sizeof out->id || memchr(text.data, 0, text.size))
        return false;
    memcpy(out->id, text.data, text.size);
    out->id[text.size] = 0;
    return strchr(out->id, '-') && entry_is_id(out->id);
}

static vouch_added_how how_of(vouch_string word)
{
    static const struct {
        const char *word;
        vouch_added_how how;
    } words[] = {{"added", VOUCH_ADDED_NEW},
                 {"again", VOUCH_ADDED_AGAIN},
                 {"forgotten", VOUCH_ADDED_FORGOTTEN},
                 {"passed", VOUCH_ADDED_PASSED},
                 {"gap", VOUCH_ADDED_GAP}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == word.size && memcmp(words[i].word, word.data, word.size) == 0)
            return words[i].how;
    return VOUCH_ADDED_HOW_LAST_;
}

/* The script's answer. */
static bool read_answer(const vouch_reply *r, vouch_added *out)
{
    vouch_string last = vouch_reply_string(vouch_reply_at(r, 2));
    vouch_string id = vouch_reply_string(vouch_reply_at(r, 1));
    out->how = how_of(vouch_reply_string(vouch_reply_at(r, 0)));
    bool told = out->how != VOUCH_ADDED_NEW;
    if (out->how == VOUCH_ADDED_HOW_LAST_ || vouch_reply_count(r) != (told ? 3U : 2U))
        return false;
    if (told && (!last.data || !number_parse_i64(last.data, last.size, &out->last)))
        return false;
    if (out->how == VOUCH_ADDED_NEW || out->how == VOUCH_ADDED_AGAIN)
        return id.data && read_id(id, out);
    return id.data && id.size == 0;
}

bool vouch_added_read(const vouch_reply *reply, vouch_added *out)
{
    vouch_type type = vouch_reply_type(reply);
    bool read = false;
    memset(out, 0, sizeof *out);
    out->last = -1;
    if (type == VOUCH_TYPE_NIL) {
        out->how = VOUCH_ADDED_NO_STREAM;
        read = true;
    } else if (type == VOUCH_TYPE_STRING) {
        out->how = VOUCH_ADDED_NEW;
        read = read_id(vouch_reply_string(reply), out);
    } else if (type == VOUCH_TYPE_ARRAY) {
        read = read_answer(reply, out);
    }
    if (!read)
        memset(out, 0, sizeof *out);
    return read;
}
