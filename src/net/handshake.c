/* The set-up of a connection, in one or two round trips. Pure.
 *
 *   round 1   HELLO 3 [AUTH user password]      or, for RESP2, AUTH alone (nothing without password)
 *             refused as unknown, NOPROTO or NOPERM: the same again for RESP2
 *   round 2   SELECT, CLIENT SETNAME, CLIENT SETINFO twice, MULTI, DISCARD
 *
 * Nothing is sent behind HELLO or AUTH before its reply: servers have dropped the reply of an AUTH
 * that failed inside a pipeline. MULTI and DISCARD are there because a user to whom MULTI is denied
 * would run a transaction's commands loose. CLIENT's errors are ignored: older servers and
 * restricted users lack it, and nothing depends on it. */
#include "net/handshake.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/number.h"
#include "command/effect.h"
#include "command/encode.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <vouch/common.h>

enum handshake_step { STEP_HELLO, STEP_AUTH, STEP_SELECT, STEP_COSMETIC, STEP_MULTI, STEP_DISCARD };

#define WORDS_MAX 5

static bool add(struct handshake *h, enum handshake_step step, const char *const *words)
{
    size_t count = 0, size = ENCODE_HEADER_MAX;
    for (; count < WORDS_MAX && words[count]; count++)
        size += strlen(words[count]) + 2 * ENCODE_HEADER_MAX;
    void *p = h->bytes;
    if (!alloc_grow(&p, &h->capacity, h->size + size, 1))
        return false;
    h->bytes = p;
    char *out = encode_header(h->bytes + h->size, '*', count);
    for (size_t i = 0; i < count; i++)
        out = encode_argument(out, words[i], strlen(words[i]));
    assert(h->count < HANDSHAKE_COMMANDS);
    h->size = (size_t)(out - h->bytes);
    h->ends[h->count] = h->size;
    h->steps[h->count++] = (uint8_t)step;
    return true;
}

static void clear(struct handshake *h)
{
    h->size = h->count = h->sent = h->answered = 0;
}

/* ---- the rounds ----------------------------------------------------------------------------- */

static bool begin_setup(struct handshake *h)
{
    char database[NUMBER_INTEGER_MAX + 1];
    database[number_write_u64(database, h->greeting.database)] = 0;
    clear(h);
    bool ok = true;
    if (h->greeting.database)
        ok = ok && add(h, STEP_SELECT, (const char *[WORDS_MAX]){"SELECT", database});
    if (h->greeting.name)
        ok = ok && add(h, STEP_COSMETIC,
                       (const char *[WORDS_MAX]){"CLIENT", "SETNAME", h->greeting.name});
    ok = ok &&
         add(h, STEP_COSMETIC, (const char *[WORDS_MAX]){"CLIENT", "SETINFO", "LIB-NAME", "vouch"});
    ok = ok && add(h, STEP_COSMETIC,
                   (const char *[WORDS_MAX]){"CLIENT", "SETINFO", "LIB-VER", vouch_version()});
    if (h->greeting.probe_multi) {
        ok = ok && add(h, STEP_MULTI, (const char *[WORDS_MAX]){"MULTI"});
        ok = ok && add(h, STEP_DISCARD, (const char *[WORDS_MAX]){"DISCARD"});
    }
    return ok;
}

static bool begin_auth(struct handshake *h)
{
    const char *user = h->greeting.username, *password = h->greeting.password;
    const char *pass = password ? password : "";
    clear(h);
    return user ? add(h, STEP_AUTH, (const char *[WORDS_MAX]){"AUTH", user, pass})
                : add(h, STEP_AUTH, (const char *[WORDS_MAX]){"AUTH", pass});
}

static bool begin_greeting(struct handshake *h)
{
    const char *user = h->greeting.username, *password = h->greeting.password;
    clear(h);
    if (h->protocol == 3) {
        const char *words[WORDS_MAX] = {"HELLO", "3"};
        if (user || password) {
            words[2] = "AUTH";
            words[3] = user ? user : "default";
            words[4] = password ? password : "";
        }
        return add(h, STEP_HELLO, words);
    }
    return user || password ? begin_auth(h) : begin_setup(h);
}

/* ---- outcomes ------------------------------------------------------------------------------- */

static void fail(struct handshake *h, vouch_cause cause, bool permanent, const char *what,
                 const struct vouch_reply *error)
{
    h->state = HANDSHAKE_FAILED;
    h->cause = cause;
    h->permanent = permanent;
    char text[VOUCH_MESSAGE_MAX * 2];
    vouch_string words = vouch_reply_string(error);
    int shown = words.size < VOUCH_MESSAGE_MAX ? (int)words.size : VOUCH_MESSAGE_MAX;
    int n = snprintf(text, sizeof text, "%s%.*s", what, words.data ? shown : 0,
                     words.data ? words.data : "");
    error_escape(h->message, sizeof h->message, text, n > 0 ? (size_t)n : 0);
    if (words.data)
        error_code(h->code, words.data, words.size);
}

static void fail_memory(struct handshake *h)
{
    fail(h, VOUCH_CAUSE_MEMORY, false, "out of memory during the handshake", NULL);
}

static bool has_code(const struct vouch_reply *error, const char *code)
{
    return effect_code_is(error->as.text, error->n, code);
}

static bool begins(const struct vouch_reply *error, const char *words)
{
    size_t n = strlen(words);
    return error->n >= n && memcmp(error->as.text, words, n) == 0;
}

/* What an error means wherever it comes in the handshake; false if that depends on the step. */
static bool common_failure(struct handshake *h, const struct vouch_reply *e)
{
    static const char *const passing[] = {"LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN",
                                          "CLUSTERDOWN"};
    if (has_code(e, "NOAUTH"))
        fail(h, VOUCH_CAUSE_AUTH, true,
             "the server wants a password, in the URL or the options: ", e);
    else if (begins(e, "ERR max number of clients"))
        fail(h, VOUCH_CAUSE_CONNECT, false, "the server has no room for another client: ", e);
    else if (has_code(e, "DENIED"))
        fail(h, VOUCH_CAUSE_HANDSHAKE, true,
             "the server is in protected mode: give it a password, or connect from its machine: ",
             e);
    else
        for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
            if (has_code(e, passing[i]))
                fail(h, VOUCH_CAUSE_CONNECT, false, "the server is not ready: ", e);
    return h->state == HANDSHAKE_FAILED;
}

static void refused(struct handshake *h, enum handshake_step step, const struct vouch_reply *e)
{
    switch (step) {
    case STEP_HELLO:
        if (has_code(e, "NOPROTO") || has_code(e, "NOPERM") || begins(e, "ERR unknown command") ||
            begins(e, "ERR Protocol version is not an integer")) {
            h->protocol = 2;
            if (!begin_greeting(h))
                fail_memory(h);
            return;
        }
        if (has_code(e, "WRONGPASS") || begins(e, "ERR Client sent AUTH") || begins(e, "ERR AUTH "))
            fail(h, VOUCH_CAUSE_AUTH, true, "the server refused user or password: ", e);
        else if (!common_failure(h, e))
            fail(h, VOUCH_CAUSE_HANDSHAKE, true, "HELLO was refused: ", e);
        return;
    case STEP_AUTH:
        if (!common_failure(h, e))
            fail(h, VOUCH_CAUSE_AUTH, true, "the server refused user or password: ", e);
        return;
    case STEP_SELECT:
        if (!common_failure(h, e))
            fail(h, VOUCH_CAUSE_HANDSHAKE, true,
                 "the database cannot be used, SELECT was refused: ", e);
        return;
    case STEP_COSMETIC:
        (void)common_failure(h, e);
        return;
    case STEP_MULTI:
        if (!common_failure(h, e))
            h->may_multi = false;
        return;
    case STEP_DISCARD:
        if (h->queueing)
            h->state = HANDSHAKE_NO_PROBE;
        return;
    }
}

/* Other servers have their ways to say yes: POP3 greets with "+OK", and knows no HELLO. */
static bool is_redis(enum handshake_step step, const struct vouch_reply *reply)
{
    if (step == STEP_HELLO)
        return reply->type == VOUCH_TYPE_MAP || reply->type == VOUCH_TYPE_ARRAY;
    return (step != STEP_AUTH && step != STEP_SELECT) || reply->type == VOUCH_TYPE_STATUS;
}

static void accepted(struct handshake *h, enum handshake_step step, const struct vouch_reply *reply)
{
    if (!is_redis(step, reply))
        fail(h, VOUCH_CAUSE_PROTOCOL, false,
             "no Redis or Valkey server answers the handshake like this; check the port", NULL);
    if (step == STEP_MULTI) {
        h->may_multi = true;
        h->queueing = true;
    }
}

static void next_round(struct handshake *h, enum handshake_step done)
{
    if (!h->renewal && (done == STEP_HELLO || done == STEP_AUTH)) {
        if (!begin_setup(h))
            fail_memory(h);
    } else {
        h->state = HANDSHAKE_READY;
    }
}

void handshake_turned_away(struct handshake *h, const char *words)
{
    struct vouch_reply e = {.type = VOUCH_TYPE_ERROR, .n = (uint32_t)strlen(words)};
    e.as.text = words;
    if (!common_failure(h, &e))
        fail(h, VOUCH_CAUSE_HANDSHAKE, true, "the server turned the connection away: ", &e);
}

/* ---- as an exchange ------------------------------------------------------------------------- */

static bool pull(struct exchange *x, size_t commands, struct run *out)
{
    struct handshake *h = (struct handshake *)x;
    size_t n = h->count - h->sent < commands ? h->count - h->sent : commands;
    if (!n)
        return false;
    size_t base = h->sent ? h->ends[h->sent - 1] : 0;
    *out = (struct run){h->bytes + base, h->ends + h->sent, base, n, h->sent + n == h->count};
    h->sent += n;
    return true;
}

static void on_reply(struct exchange *x, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct handshake *h = (struct handshake *)x;
    enum handshake_step step = (enum handshake_step)h->steps[h->answered++];
    bool last = h->answered == h->count;
    if (h->state != HANDSHAKE_RUNNING)
        return;
    if (fate == READER_NO_MEMORY)
        fail_memory(h);
    else if (fate != READER_KEPT)
        fail(h, VOUCH_CAUSE_PROTOCOL, true, "the answer to the handshake is over a limit", NULL);
    else if (vouch_reply_is_error(reply))
        refused(h, step, reply);
    else
        accepted(h, step, reply);
    /* A fallback has begun a new round by itself. */
    if (h->state == HANDSHAKE_RUNNING && last && h->answered == h->count)
        next_round(h, step);
}

static void on_lost(struct exchange *x, size_t maybe, size_t unsent, vouch_cause cause)
{
    (void)maybe;
    (void)unsent;
    (void)cause;
    ((struct handshake *)x)->answered = ((struct handshake *)x)->count;
}

static void on_unsent(struct exchange *x, size_t unsent)
{
    ((struct handshake *)x)->sent -= unsent;
}

static void prepare(struct handshake *h, const struct greeting *greeting)
{
    memset(h, 0, sizeof *h);
    h->x = (struct exchange){
        .pull = pull, .on_reply = on_reply, .on_lost = on_lost, .on_unsent = on_unsent};
    h->x.arena = &h->arena;
    h->greeting = *greeting;
    h->protocol = greeting->protocol;
    h->may_multi = true;
}

bool handshake_init(struct handshake *h, const struct greeting *greeting)
{
    prepare(h, greeting);
    return begin_greeting(h);
}

bool handshake_init_renewal(struct handshake *h, const struct greeting *greeting)
{
    prepare(h, greeting);
    h->renewal = true;
    return begin_auth(h);
}

void handshake_free(struct handshake *h)
{
    arena_free(&h->arena);
    if (h->bytes)
        alloc_wipe(h->bytes, h->capacity); /* the password was in it */
    alloc_free(h->bytes);
    h->bytes = NULL;
    h->size = h->count = h->capacity = 0;
}
