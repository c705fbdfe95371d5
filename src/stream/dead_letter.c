/* Dead letters, read and removed. It stands on vouch/pipeline.h, as a program of a user's could. */
#include "stream/dead_letter.h"

#include "base/alloc.h"
#include "base/error.h"
#include "stream/commit.h"
#include "stream/producer.h"

#include <string.h>
#include <vouch/pipeline.h>

/* ---- taken apart ---------------------------------------------------------------------------- */

static bool is(vouch_string text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

static vouch_string word_at(const vouch_reply *fields, size_t i)
{
    return vouch_reply_string(vouch_reply_at(fields, i));
}

/* What every dead letter begins with, in this order. */
static bool begins_as_ours(const vouch_reply *fields)
{
    static const char *const names[] = {"vouch:stream", "vouch:group", "vouch:id", "vouch:reason"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!is(word_at(fields, 2 * i), names[i]) || !word_at(fields, 2 * i + 1).data)
            return false;
    return true;
}

/* One name of ours, and what it says. Others are passed over: a later version may say more. */
static void take(vouch_dead_letter *out, vouch_string name, const vouch_reply *said)
{
    const struct {
        const char *name;
        vouch_string *text;
        int64_t *number;
    } all[] = {{"vouch:stream", &out->stream, NULL},
               {"vouch:group", &out->group, NULL},
               {"vouch:id", &out->original, NULL},
               {"vouch:reason", &out->reason, NULL},
               {"vouch:deliveries", NULL, &out->deliveries},
               {"vouch:consumer", &out->consumer, NULL},
               {"vouch:ran", NULL, &out->ran},
               {"vouch:failed", &out->failed, NULL},
               {"vouch:error", &out->error, NULL},
               {"vouch:fields", NULL, &out->field_count}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!is(name, all[i].name))
            continue;
        if (all[i].text)
            *all[i].text = vouch_reply_string(said);
        else
            (void)vouch_reply_int64(said, all[i].number);
    }
}

/* What is said of it ends with vouch:fields; what comes behind is its own, whatever that is called. *own_at: where it
 * begins. */
static bool read_ours(const vouch_reply *fields, vouch_dead_letter *out, size_t *own_at)
{
    size_t n = vouch_reply_count(fields);
    if (!begins_as_ours(fields))
        return false;
    for (size_t i = 0; i + 1 < n; i += 2) {
        vouch_string name = word_at(fields, i);
        if (name.size < 6 || memcmp(name.data, "vouch:", 6) != 0)
            return false;
        take(out, name, vouch_reply_at(fields, i + 1));
        if (is(name, "vouch:fields")) {
            *own_at = i + 2;
            return out->field_count >= 0 &&
                   (*own_at == n || (uint64_t)out->field_count == (n - *own_at) / 2);
        }
    }
    return false;
}

static void begin(vouch_dead_letter *out, vouch_string id)
{
    memset(out, 0, sizeof *out);
    out->id = id;
    out->deliveries = out->ran = out->field_count = -1;
}

bool dead_letter_read(const vouch_reply *entry, vouch_dead_letter *out, struct vouch_reply *own)
{
    const vouch_reply *fields = vouch_reply_at(entry, 1);
    vouch_string id = word_at(entry, 0);
    struct stream_id number;
    size_t own_at = 0;
    if (vouch_reply_count(entry) != 2 || !stream_id_read(id, &number) ||
        vouch_reply_type(fields) != VOUCH_TYPE_ARRAY || vouch_reply_count(fields) % 2)
        return false;
    begin(out, id);
    if (!read_ours(fields, out, &own_at)) {
        begin(out, id);
        out->foreign = 1;
        out->fields = fields;
        return true;
    }
    if (own_at == fields->n)
        return true;
    *own = (struct vouch_reply){.type = VOUCH_TYPE_ARRAY,
                                .n = fields->n - (uint32_t)own_at,
                                .as.elements = fields->as.elements + own_at};
    out->fields = own;
    return true;
}

/* ---- what is asked for ---------------------------------------------------------------------- */

vouch_status dead_letter_check(const char *dead_letter, const char *const *ids, size_t n,
                               vouch_error *error)
{
    size_t size;
    struct stream_id id;
    vouch_status status =
        entry_name(dead_letter, 0, VOUCH_STREAM_NAME_MAX, "dead_letter", &size, error);
    if (status)
        return status;
    if (!ids || !n)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "no ids");
    if (n > VOUCH_DEAD_LETTERS_MAX)
        return error_set(error, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "%zu ids: more than VOUCH_DEAD_LETTERS_MAX", n);
    for (size_t i = 0; i < n; i++)
        if (!ids[i] || !stream_id_read((vouch_string){ids[i], strlen(ids[i])}, &id))
            return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                             "ids[%zu]: none such as 1700000000000-0", i);
    return VOUCH_OK;
}

/* The first command of the batch is what was asked for: what is said of the batch is said of it. */
static vouch_status run(vouch_client *client, vouch_batch *b, const vouch_pipeline_options *options,
                        vouch_results **out, vouch_error *error)
{
    vouch_status status = vouch_batch_error(b, error);
    if (!status)
        status = vouch_pipeline_run(client, b, options, out, error);
    const vouch_result *r = vouch_results_at(*out, 0);
    if (r && (status == VOUCH_EPARTIAL || status == VOUCH_EUNKNOWN)) {
        status = r->status;
        if (error) {
            error->status = r->status;
            error->effect = r->effect;
        }
    }
    return status;
}

/* ---- listing -------------------------------------------------------------------------------- */

struct vouch_dead_letters {
    vouch_results *results;
    size_t n;
    int64_t total;
    char next[1 + VOUCH_ENTRY_ID_MAX]; /* "": none */
    struct item {
        vouch_dead_letter letter;
        struct vouch_reply own;
    } items[];
};

static vouch_status check_list(const char *dead_letter, const vouch_dead_letters_options *o,
                               vouch_error *error)
{
    size_t size;
    if (o->size != sizeof *o)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_DEAD_LETTERS_OPTIONS_INIT");
    if (o->count > VOUCH_DEAD_LETTERS_MAX)
        return error_set(error, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "options->count: more than VOUCH_DEAD_LETTERS_MAX");
    if (o->from && !entry_is_id(o->from + (*o->from == '(')))
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->from: none such as 1700000000000-0 or (1700000000000-0");
    return entry_name(dead_letter, 0, VOUCH_STREAM_NAME_MAX, "dead_letter", &size, error);
}

static vouch_status no_answer_of_a_stream(vouch_error *error)
{
    return error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL, "not an answer of XRANGE");
}

/* Takes the results. */
static vouch_status read_page(vouch_results *results, uint32_t count, vouch_dead_letters **out,
                              vouch_error *error)
{
    const vouch_reply *entries = vouch_results_at(results, 0)->reply;
    size_t n = vouch_reply_count(entries);
    vouch_dead_letters *p = alloc_zeroed(1, sizeof *p + n * sizeof *p->items);
    if (!p) {
        vouch_results_free(results);
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a page");
    }
    p->results = results;
    p->n = n;
    (void)vouch_reply_int64(vouch_results_at(results, 1)->reply, &p->total);
    bool good = vouch_reply_type(entries) == VOUCH_TYPE_ARRAY && n <= count;
    for (size_t i = 0; good && i < n; i++)
        good =
            dead_letter_read(vouch_reply_at(entries, i), &p->items[i].letter, &p->items[i].own) &&
            p->items[i].letter.id.size < VOUCH_ENTRY_ID_MAX;
    if (!good) {
        vouch_dead_letters_free(p);
        return no_answer_of_a_stream(error);
    }
    if (n == count) {
        vouch_string last = p->items[n - 1].letter.id;
        p->next[0] = '(';
        memcpy(p->next + 1, last.data, last.size);
    }
    *out = p;
    return VOUCH_OK;
}

vouch_status vouch_dead_letters_list(vouch_client *client, const char *dead_letter,
                                     const vouch_dead_letters_options *options,
                                     vouch_dead_letters **out, vouch_error *error)
{
    static const vouch_dead_letters_options none = VOUCH_DEAD_LETTERS_OPTIONS_INIT;
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    options = options ? options : &none;
    vouch_status status = check_list(dead_letter, options, error);
    if (status)
        return status;
    vouch_batch *b = vouch_batch_new();
    if (!b)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a page");
    uint32_t count = options->count ? options->count : VOUCH_DEAD_LETTERS;
    (void)vouch_batch_add(b, "XRANGE", dead_letter, options->from ? options->from : "-", "+",
                          "COUNT", count);
    (void)vouch_batch_add(b, "XLEN", dead_letter);
    po.outages = options->outages;
    po.deadline_ms = options->deadline_ms;
    status = run(client, b, &po, &results, error);
    if (status)
        vouch_results_free(results);
    else
        status = read_page(results, count, out, error);
    vouch_batch_free(b);
    return status;
}

size_t vouch_dead_letters_count(const vouch_dead_letters *p)
{
    return p ? p->n : 0;
}

const vouch_dead_letter *vouch_dead_letters_at(const vouch_dead_letters *p, size_t i)
{
    return p && i < p->n ? &p->items[i].letter : NULL;
}

int64_t vouch_dead_letters_total(const vouch_dead_letters *p)
{
    return p ? p->total : 0;
}

const char *vouch_dead_letters_next(const vouch_dead_letters *p)
{
    return p && p->next[0] ? p->next : NULL;
}

void vouch_dead_letters_free(vouch_dead_letters *p)
{
    if (!p)
        return;
    vouch_results_free(p->results);
    alloc_free(p);
}

/* ---- removing ------------------------------------------------------------------------------- */

vouch_status vouch_dead_letters_remove(vouch_client *client, const char *dead_letter,
                                       const char *const *ids, size_t n, int64_t *removed,
                                       vouch_error *error)
{
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    int64_t ignored = 0;
    removed = removed ? removed : &ignored;
    *removed = 0;
    error_clear(error);
    vouch_status status = dead_letter_check(dead_letter, ids, n, error);
    if (status)
        return status;
    vouch_batch *b = vouch_batch_new();
    if (!b)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for %zu ids", n);
    vouch_batch_begin(b, "XDEL");
    vouch_batch_arg(b, dead_letter);
    for (size_t i = 0; i < n; i++)
        vouch_batch_arg(b, ids[i]);
    (void)vouch_batch_end(b);
    po.idempotent = 1;
    status = run(client, b, &po, &results, error);
    if (!status && !vouch_reply_int64(vouch_results_at(results, 0)->reply, removed))
        status = error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL, "not an answer of XDEL");
    vouch_results_free(results);
    vouch_batch_free(b);
    return status;
}
