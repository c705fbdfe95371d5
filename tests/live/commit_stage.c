#include "commit_stage.h"

#include "base.h"
#include "clock.h"
#include "command/batch.h"
#include "command/reply.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- scripts -------------------------------------------------------------------------------- */

static char *edited(char *source, const struct commit_edit *edit)
{
    char *at = strstr(source, edit->line);
    ck_assert_msg(at && !strstr(at + 1, edit->line), "not there once: %s", edit->line);
    size_t before = (size_t)(at - source), cut = strlen(edit->line), put = strlen(edit->instead);
    char *changed = ts_alloc(strlen(source) + put + 1);
    memcpy(changed, source, before);
    memcpy(changed + before, edit->instead, put);
    memcpy(changed + before + put, at + cut, strlen(at + cut)); /* the rest is zero */
    free(source);
    return changed;
}

static void load(struct commit_stage *stage, const char *source, size_t size, bool open,
                 const struct commit_edit *edits, size_t n, char digest[static 48])
{
    char *text = ts_copy(source, size);
    for (size_t i = 0; i < n; i++)
        if (edits[i].open == open)
            text = edited(text, &edits[i]);
    ts_reply *r = stage_ask(stage, "SCRIPT", "LOAD", text, NULL);
    (void)snprintf(digest, 48, "%s", r->text);
    ts_reply_free(r);
    free(text);
}

void commit_stage_load(struct commit_stage *stage, const struct commit_edit *edits, size_t n)
{
    size_t size = 0;
    const char *source = commit_source(&size);
    load(stage, source, size, false, edits, n, stage->commit);
    source = open_source(&size);
    load(stage, source, size, true, edits, n, stage->open);
}

void commit_stage_open(struct commit_stage *stage, ts_server_kind kind)
{
    ts_server_options o = {.kind = kind};
    memset(stage, 0, sizeof *stage);
    stage->server = ts_server_start(&o);
    ck_assert_ptr_nonnull(stage->server);
    stage->conn = ts_truth_open(stage->server);
    ck_assert_ptr_nonnull(stage->conn);
    commit_stage_load(stage, NULL, 0);
}

void commit_stage_close(struct commit_stage *stage)
{
    commit_words_release(&stage->words);
    ts_conn_close(stage->conn);
    ts_server_free(stage->server);
}

/* ---- plain commands ------------------------------------------------------------------------- */

static ts_reply *ask_list(struct commit_stage *stage, va_list list)
{
    const char *words[TS_WORDS_MAX];
    size_t n = ts_collect_words(list, words);
    ts_reply *r = ts_conn_command_words(stage->conn, n, words, NULL);
    if (r->type == TS_REPLY_LOST || r->type == TS_REPLY_ERROR)
        ts_die("%s %s: %s", words[0], n > 1 ? words[1] : "", r->text);
    return r;
}

ts_reply *stage_ask(struct commit_stage *stage, ...)
{
    va_list list;
    va_start(list, stage);
    ts_reply *r = ask_list(stage, list);
    va_end(list);
    return r;
}

void stage_do(struct commit_stage *stage, ...)
{
    va_list list;
    va_start(list, stage);
    ts_reply_free(ask_list(stage, list));
    va_end(list);
}

int64_t stage_int(struct commit_stage *stage, ...)
{
    va_list list;
    va_start(list, stage);
    ts_reply *r = ask_list(stage, list);
    va_end(list);
    int64_t v = r->type == TS_REPLY_TEXT  ? strtoll(r->text, NULL, 10)
                : r->type == TS_REPLY_NIL ? 0
                                          : r->integer;
    ts_reply_free(r);
    return v;
}

/* ---- calls ---------------------------------------------------------------------------------- */

enum { ELEMENTS = 8 };

/* An array of texts and integers, as the library's reader would have made it. */
static struct vouch_reply as_reply(const ts_reply *r, struct vouch_reply elements[static ELEMENTS])
{
    if (r->type != TS_REPLY_ARRAY || r->count > ELEMENTS)
        return (struct vouch_reply){.type = VOUCH_TYPE_NIL};
    for (size_t i = 0; i < r->count; i++) {
        const ts_reply *e = r->elements[i];
        if (e->type == TS_REPLY_INTEGER)
            elements[i] =
                (struct vouch_reply){.type = VOUCH_TYPE_INTEGER, .as.integer = e->integer};
        else
            elements[i] = (struct vouch_reply){
                .type = VOUCH_TYPE_STRING, .n = (uint32_t)e->length, .as.text = e->text};
    }
    return (struct vouch_reply){
        .type = VOUCH_TYPE_ARRAY, .n = (uint32_t)r->count, .as.elements = elements};
}

static vouch_string keep(char *room, size_t size, vouch_string s)
{
    (void)snprintf(room, size, "%.*s", (int)s.size, s.data ? s.data : "");
    return stage_text(room);
}

static char *call_bytes(const char *digest, const vouch_arg *keys, size_t key_count,
                        const vouch_arg *args, size_t arg_count, size_t *size)
{
    vouch_batch *b = vouch_batch_new();
    vouch_batch_begin(b, "EVALSHA");
    vouch_batch_arg(b, digest);
    vouch_batch_arg(b, key_count);
    for (size_t i = 0; i < key_count; i++)
        vouch_batch_argument(b, keys[i]);
    for (size_t i = 0; i < arg_count; i++)
        vouch_batch_argument(b, args[i]);
    ck_assert_uint_eq(vouch_batch_end(b), 0);
    *size = b->size;
    char *bytes = ts_copy(b->bytes, b->size);
    vouch_batch_free(b);
    return bytes;
}

static ts_reply *send_bytes(struct commit_stage *stage, const char *bytes, size_t size)
{
    int64_t deadline = ts_deadline(TS_COMMAND_MS);
    ck_assert(ts_conn_send(stage->conn, bytes, size, deadline));
    return ts_conn_read(stage->conn, deadline);
}

void commit_send(struct commit_stage *stage, const char *bytes, size_t size, size_t entries,
                 struct commit_said *out)
{
    struct vouch_reply elements[ELEMENTS];
    ts_reply *r = send_bytes(stage, bytes, size);
    struct vouch_reply reply = as_reply(r, elements);
    struct commit_answer *a = &out->answer;
    memset(out, 0, sizeof *out);
    out->ok = commit_answer_read(&reply, entries, a);
    a->letters = keep(out->letters, sizeof out->letters, a->letters);
    a->generation = keep(out->generation, sizeof out->generation, a->generation);
    a->type = keep(out->type, sizeof out->type, a->type);
    if (!out->ok)
        (void)snprintf(out->error, sizeof out->error, "%s", r->text ? r->text : "no answer");
    ts_reply_free(r);
}

char *commit_bytes(struct commit_stage *stage, const struct commit_call *call, size_t *size)
{
    vouch_error e;
    struct commit_words *w = &stage->words;
    vouch_status status = commit_words_make(w, call, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
    return call_bytes(stage->commit, w->keys, w->key_count, w->args, w->arg_count, size);
}

void commit_run(struct commit_stage *stage, const struct commit_call *call, struct commit_said *out)
{
    size_t size = 0;
    char *bytes = commit_bytes(stage, call, &size);
    commit_send(stage, bytes, size, call->n, out);
    free(bytes);
}

void open_run(struct commit_stage *stage, const struct open_call *call, struct open_said *out)
{
    vouch_arg keys[OPEN_KEYS], args[OPEN_ARGS];
    struct vouch_reply elements[ELEMENTS];
    size_t size = 0;
    open_words_make(call, keys, args);
    char *bytes = call_bytes(stage->open, keys, OPEN_KEYS, args, OPEN_ARGS, &size);
    ts_reply *r = send_bytes(stage, bytes, size);
    struct vouch_reply reply = as_reply(r, elements);
    struct open_answer *a = &out->answer;
    free(bytes);
    memset(out, 0, sizeof *out);
    out->ok = open_answer_read(&reply, a);
    a->generation = keep(out->generation, sizeof out->generation, a->generation);
    a->low = keep(out->low, sizeof out->low, a->low);
    a->next = keep(out->next, sizeof out->next, a->next);
    if (!out->ok)
        (void)snprintf(out->error, sizeof out->error, "%s", r->text ? r->text : "no answer");
    ts_reply_free(r);
}
