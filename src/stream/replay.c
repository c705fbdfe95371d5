/* Dead letters put back: a call of scripts/lua/stream/look.lua, which asks where they belong, since a script has to be
 * told its keys; then one of replay.lua, which moves them. It stands on vouch/script.h; of the client it takes the name
 * that no other has, for the record.
 *
 * Why it may be sent again: what is moved is deleted in the same step, so that the second time it is not there. That alone
 * would call it absent; the record says that it was us. */
#include "base/alloc.h"
#include "base/error.h"
#include "client/driver.h"
#include "command/slot.h"
#include "stream/commit.h"
#include "stream/dead_letter.h"
#include "stream/producer.h"

#include <stdio.h>
#include <string.h>
#include <vouch/script.h>

#include "stream/sources.inc"

enum { RECORD_MAX = 96, KEYS_FIXED = 2, ARGS_FIXED = 2, SHOWN = 48 };

struct vouch_replay {
    vouch_call *looked; /* the names of streams are in its reply */
    char *stream;       /* the one that the caller has named; or NULL */
    size_t n, moved;
    vouch_replayed items[];
};

/* What goes to the server, for at most n ids. */
struct words {
    vouch_arg *keys, *args;
    size_t key_count, arg_count;
    size_t *of; /* which id each is about */
    size_t n;
    char record[RECORD_MAX];
};

static vouch_status out_of_memory(vouch_error *e)
{
    return error_set(e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a replay");
}

static vouch_status nonsense(const char *what, vouch_effect effect, vouch_error *e)
{
    (void)error_set(e, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL, "%s: not an answer of ours", what);
    if (e)
        e->effect = effect;
    return VOUCH_ESERVER;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static vouch_status call_script(vouch_client *client, vouch_string source, const char *name,
                                vouch_args keys, vouch_args args, const vouch_replay_options *o,
                                vouch_call **out, vouch_error *error)
{
    vouch_script_options so = VOUCH_SCRIPT_OPTIONS_INIT;
    vouch_call_options co = VOUCH_CALL_OPTIONS_INIT;
    vouch_script *script = NULL;
    so.name = name;
    co.idempotent = 1;
    co.outages = o->outages;
    co.deadline_ms = o->deadline_ms;
    vouch_status status = vouch_script_new(source.data, source.size, &so, &script, error);
    if (!status)
        status = vouch_script_call(client, script, keys, args, &co, out, error);
    vouch_script_free(script);
    return status;
}

/* ---- looking -------------------------------------------------------------------------------- */

static vouch_replay_verdict verdict_of(char letter)
{
    return letter == 'a'   ? VOUCH_REPLAY_ABSENT
           : letter == 'f' ? VOUCH_REPLAY_FOREIGN
           : letter == 'c' ? VOUCH_REPLAY_EMPTY
                           : VOUCH_REPLAY_UNKNOWN;
}

/* What cannot be moved has its verdict then; of the others the stream is known. */
static vouch_status take_look(vouch_replay *r, vouch_error *error)
{
    const vouch_reply *reply = vouch_call_reply(r->looked);
    if (vouch_reply_count(reply) != r->n)
        return nonsense("stream/look", VOUCH_NOT_APPLIED, error);
    for (size_t i = 0; i < r->n; i++) {
        vouch_string text = vouch_reply_string(vouch_reply_at(reply, i));
        bool moves = text.size > 1 && *text.data == 'm';
        if (!moves && (text.size != 1 || !strchr("afc", *text.data)))
            return nonsense("stream/look", VOUCH_NOT_APPLIED, error);
        if (!moves)
            r->items[i].verdict = verdict_of(*text.data);
        else if (r->stream)
            r->items[i].stream = (vouch_string){r->stream, strlen(r->stream)};
        else
            r->items[i].stream = (vouch_string){text.data + 1, text.size - 1};
    }
    return VOUCH_OK;
}

static vouch_status look(vouch_client *client, vouch_replay *r, const char *dead_letter,
                         const char *const *ids, const vouch_replay_options *o, vouch_error *error)
{
    vouch_arg key = vouch_text(dead_letter), *args = alloc_get(r->n * sizeof *args);
    if (!args)
        return out_of_memory(error);
    for (size_t i = 0; i < r->n; i++)
        args[i] = vouch_text(ids[i]);
    vouch_status status =
        call_script(client, (vouch_string){lua_look, sizeof lua_look}, "stream/look",
                    vouch_args_of(&key, 1), vouch_args_of(args, r->n), o, &r->looked, error);
    alloc_free(args);
    return status ? status : take_look(r, error);
}

/* ---- words ---------------------------------------------------------------------------------- */

static bool same(vouch_string a, vouch_string b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static int shown(vouch_string key)
{
    return (int)(key.size > SHOWN ? SHOWN : key.size);
}

static vouch_status check_stream(vouch_string stream, vouch_string dead, vouch_error *error)
{
    if (same(stream, dead))
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "'%.*s' are the dead letters themselves: name another stream", shown(dead),
                         dead.data);
    if (slot_of(stream.data, stream.size) != slot_of(dead.data, dead.size))
        return error_set(
            error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
            "the stream '%.*s' is not in the slot of the dead letters '%.*s': name one "
            "that has their hash tag, as in {tag}",
            shown(stream), stream.data, shown(dead), dead.data);
    return VOUCH_OK;
}

/* Its place among the streams, from 1; they are few, as a rule one. */
static size_t declare(struct words *w, vouch_string stream)
{
    size_t i = KEYS_FIXED;
    while (i < w->key_count && !same((vouch_string){w->keys[i].as.data, w->keys[i].size}, stream))
        i++;
    if (i == w->key_count)
        w->keys[w->key_count++] = vouch_bytes(stream.data, stream.size);
    return i - KEYS_FIXED + 1;
}

static void name_record(struct words *w, vouch_client *client, vouch_string dead)
{
    struct core *core = &client->core;
    char tag[SLOT_TAG_SIZE];
    slot_tag(slot_of(dead.data, dead.size), tag);
    (void)snprintf(w->record, sizeof w->record, "vouch:replayed:{%.*s}:%s-%llx", SLOT_TAG_SIZE, tag,
                   core->identity, (unsigned long long)++core->runs);
}

static void words_release(struct words *w)
{
    alloc_free(w->keys);
    alloc_free(w->args);
    alloc_free(w->of);
}

static vouch_status words_make(struct words *w, vouch_client *client, const vouch_replay *r,
                               vouch_string dead, const char *const *ids, bool mark,
                               vouch_error *error)
{
    w->keys = alloc_zeroed(KEYS_FIXED + r->n, sizeof *w->keys);
    w->args = alloc_zeroed(ARGS_FIXED + 2 * r->n, sizeof *w->args);
    w->of = alloc_zeroed(r->n, sizeof *w->of);
    if (!w->keys || !w->args || !w->of)
        return out_of_memory(error);
    name_record(w, client, dead);
    w->keys[w->key_count++] = vouch_bytes(dead.data, dead.size);
    w->keys[w->key_count++] = vouch_bytes(w->record, strlen(w->record));
    w->args[w->arg_count++] = vouch_text(mark ? "m" : "");
    w->args[w->arg_count++] = vouch_int(VOUCH_REPLAY_RECORD_MS);
    for (size_t i = 0; i < r->n; i++) {
        if (!r->items[i].stream.data)
            continue;
        vouch_status status = check_stream(r->items[i].stream, dead, error);
        if (status)
            return status;
        w->of[w->n++] = i;
        w->args[w->arg_count++] = vouch_text(ids[i]);
        w->args[w->arg_count++] = vouch_uint(declare(w, r->items[i].stream));
    }
    return VOUCH_OK;
}

/* ---- moving --------------------------------------------------------------------------------- */

/* An id that is not there and not in the record: if the record was there, or the script ran once, it was not we who
 * moved it. */
static void take_one(vouch_replay *r, size_t i, vouch_string said, bool certain)
{
    vouch_replayed *item = &r->items[i];
    struct stream_id id;
    if (stream_id_read(said, &id)) {
        item->verdict = VOUCH_REPLAY_MOVED;
        memcpy(item->id, said.data, said.size);
        item->id[said.size] = 0;
        r->moved++;
        return;
    }
    item->stream = (vouch_string){NULL, 0};
    item->verdict = *said.data == 'a' && !certain ? VOUCH_REPLAY_UNKNOWN : verdict_of(*said.data);
}

static bool is_said(vouch_string said)
{
    struct stream_id id;
    return said.size && said.size < VOUCH_ENTRY_ID_MAX &&
           (stream_id_read(said, &id) || (said.size == 1 && strchr("afc", *said.data)));
}

/* No earlier try can have run: there was none, or it was answered that the script is missing. */
static bool ran_once(const vouch_call *call)
{
    unsigned attempts = vouch_call_result(call)->attempts;
    return attempts <= 1 || (attempts == 2 && vouch_call_loads(call) == 1);
}

static bool take_done(vouch_replay *r, const struct words *w, const vouch_call *call)
{
    const vouch_reply *reply = vouch_call_reply(call), *list = vouch_reply_at(reply, 2);
    int64_t tries = 0;
    if (!vouch_reply_int64(vouch_reply_at(reply, 1), &tries) || vouch_reply_count(list) != w->n)
        return false;
    for (size_t k = 0; k < w->n; k++)
        if (!is_said(vouch_reply_string(vouch_reply_at(list, k))))
            return false;
    bool certain = tries > 1 || ran_once(call);
    for (size_t k = 0; k < w->n; k++)
        take_one(r, w->of[k], vouch_reply_string(vouch_reply_at(list, k)), certain);
    return true;
}

static vouch_string key_of(const struct words *w, int64_t i)
{
    if (i < 0 || (uint64_t)i >= w->key_count)
        return (vouch_string){"", 0};
    return (vouch_string){w->keys[i].as.data, w->keys[i].size};
}

/* The whole of it, before anything was moved. */
static vouch_status refused(const struct words *w, const vouch_reply *reply, bool type,
                            vouch_error *error)
{
    int64_t i = 0;
    vouch_string what = vouch_reply_string(vouch_reply_at(reply, 2));
    if (!vouch_reply_int64(vouch_reply_at(reply, 1), &i) || !what.data)
        return nonsense("stream/replay", VOUCH_MAYBE_APPLIED, error);
    vouch_string key = key_of(w, type ? i + KEYS_FIXED - 1 : i - 1);
    if (type)
        return error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED,
                         "the stream '%.*s': the key holds a %.*s; nothing was moved", shown(key),
                         key.data, (int)what.size, what.data);
    return error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED,
                     "this user may not %.*s '%.*s'; nothing was moved", (int)what.size, what.data,
                     shown(key), key.data);
}

static vouch_status take_moves(vouch_replay *r, const struct words *w, const vouch_call *call,
                               vouch_error *error)
{
    const vouch_reply *reply = vouch_call_reply(call);
    vouch_string word = vouch_reply_string(vouch_reply_at(reply, 0));
    if (vouch_reply_count(reply) == 3 && word.data && strcmp(word.data, "type") == 0)
        return refused(w, reply, true, error);
    if (vouch_reply_count(reply) == 3 && word.data && strcmp(word.data, "right") == 0)
        return refused(w, reply, false, error);
    if (vouch_reply_count(reply) != 3 || !word.data || strcmp(word.data, "done") != 0 ||
        !take_done(r, w, call))
        return nonsense("stream/replay", VOUCH_MAYBE_APPLIED, error);
    return VOUCH_OK;
}

static vouch_status move(vouch_client *client, vouch_replay *r, const char *dead_letter,
                         const char *const *ids, const vouch_replay_options *o, vouch_error *error)
{
    struct words w = {.n = 0};
    vouch_call *call = NULL;
    vouch_string dead = {dead_letter, strlen(dead_letter)};
    vouch_status status = words_make(&w, client, r, dead, ids, o->mark != 0, error);
    if (!status && w.n) {
        status = call_script(client, (vouch_string){lua_replay, sizeof lua_replay}, "stream/replay",
                             vouch_args_of(w.keys, w.key_count), vouch_args_of(w.args, w.arg_count),
                             o, &call, error);
        if (!status)
            status = take_moves(r, &w, call, error);
    }
    vouch_call_free(call);
    words_release(&w);
    return status;
}

/* ---- the call ------------------------------------------------------------------------------- */

static vouch_status check(const char *dead_letter, const char *const *ids, size_t n,
                          const vouch_replay_options *o, vouch_error *error)
{
    size_t size;
    if (o->size != sizeof *o)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_REPLAY_OPTIONS_INIT");
    vouch_status status = dead_letter_check(dead_letter, ids, n, error);
    if (status || !o->stream)
        return status;
    status = entry_name(o->stream, 0, VOUCH_STREAM_NAME_MAX, "stream", &size, error);
    return status ? status
                  : check_stream((vouch_string){o->stream, size},
                                 (vouch_string){dead_letter, strlen(dead_letter)}, error);
}

static vouch_replay *make(size_t n, const char *stream)
{
    vouch_replay *r = alloc_zeroed(1, sizeof *r + n * sizeof *r->items);
    if (!r)
        return NULL;
    r->n = n;
    if (stream && !(r->stream = alloc_copy(stream, strlen(stream)))) {
        alloc_free(r);
        return NULL;
    }
    return r;
}

vouch_status vouch_dead_letters_replay(vouch_client *client, const char *dead_letter,
                                       const char *const *ids, size_t n,
                                       const vouch_replay_options *options, vouch_replay **out,
                                       vouch_error *error)
{
    static const vouch_replay_options none = VOUCH_REPLAY_OPTIONS_INIT;
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    options = options ? options : &none;
    vouch_status status = check(dead_letter, ids, n, options, error);
    if (status)
        return status;
    vouch_replay *r = make(n, options->stream);
    if (!r)
        return out_of_memory(error);
    status = look(client, r, dead_letter, ids, options, error);
    if (!status)
        status = move(client, r, dead_letter, ids, options, error);
    if (status)
        vouch_replay_free(r);
    else
        *out = r;
    return status;
}

size_t vouch_replay_count(const vouch_replay *r)
{
    return r ? r->n : 0;
}

const vouch_replayed *vouch_replay_at(const vouch_replay *r, size_t i)
{
    return r && i < r->n ? &r->items[i] : NULL;
}

size_t vouch_replay_moved(const vouch_replay *r)
{
    return r ? r->moved : 0;
}

void vouch_replay_free(vouch_replay *r)
{
    if (!r)
        return;
    vouch_call_free(r->looked);
    alloc_free(r->stream);
    alloc_free(r);
}
