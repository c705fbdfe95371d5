/* Sessions: what arrives, MULTI and WATCH, rights and refusals. */
#include "tx_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tx_server_init(struct tx_server *s)
{
    memset((char *)s + sizeof s->store, 0, sizeof *s - sizeof s->store);
    s->store.count = 0;
    for (int i = 0; i < TX_BODY_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, TX_KEY_PREFIX "%d", i);
        (void)tx_store_put(&s->store, tx_text(name), tx_text("5"));
    }
    (void)tx_store_put(&s->store, tx_text(TX_KEY_PREFIX "p"), tx_text("5"));
}

int64_t tx_server_clock(const struct tx_server *s)
{
    return s->now + s->skew + s->clock;
}

void tx_session_init(struct tx_session *x, struct tx_server *s, int run)
{
    memset(x, 0, sizeof *x);
    x->server = s;
    x->run = run;
    x->epoch = s->epoch;
    s->sessions[s->session_count++] = x;
}

void tx_session_free(struct tx_session *x)
{
    sim_bytes_free(&x->in);
    sim_bytes_free(&x->out);
    sim_bytes_free(&x->queue);
}

/* ---- words in and out ----------------------------------------------------------------------- */

static const char *header(const char *p, const char *end, char type, size_t *n)
{
    if (p == end)
        return NULL;
    if (*p != type)
        abort(); /* the library sent what is no command */
    *n = 0;
    for (p++; p < end && *p >= '0' && *p <= '9'; p++)
        *n = *n * 10 + (size_t)(*p - '0');
    return end - p >= 2 ? p + 2 : NULL;
}

size_t tx_parse(const char *bytes, size_t n, struct tx_words *w)
{
    const char *end = bytes + n, *p = header(bytes, end, '*', &w->count);
    if (p && w->count > TX_WORDS_MAX)
        abort();
    for (size_t i = 0; p && i < w->count; i++) {
        size_t size = 0;
        p = header(p, end, '$', &size);
        if (!p || (size_t)(end - p) < size + 2)
            return 0;
        w->at[i] = (struct tx_text){p, size};
        p += size + 2;
    }
    return p ? (size_t)(p - bytes) : 0;
}

void tx_say(struct tx_session *x, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the line above */
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= sizeof text)
        abort();
    sim_bytes_add(&x->out, text, (size_t)n);
}

void tx_say_nil(struct tx_session *x)
{
    tx_say(x, "%s", x->resp3 ? "_\r\n" : "$-1\r\n");
}

void tx_say_text(struct tx_session *x, struct tx_text text)
{
    tx_say(x, "$%zu\r\n", text.n);
    sim_bytes_add(&x->out, text.at, text.n);
    tx_say(x, "\r\n");
}

/* ---- watching ------------------------------------------------------------------------------- */

void tx_touch(struct tx_server *s, struct tx_text name)
{
    for (size_t i = 0; i < s->session_count; i++) {
        struct tx_session *x = s->sessions[i];
        for (size_t k = 0; k < x->watched_count; k++)
            if (tx_text_is((struct tx_text){x->watched[k], x->watched_size[k]}, name))
                x->dirty_cas = true;
    }
}

void tx_remove(struct tx_server *s, struct tx_key *k)
{
    struct tx_key gone = *k;
    tx_store_remove(&s->store, k);
    tx_touch(s, tx_name_of(&gone));
}

static void expire(struct tx_server *s)
{
    int64_t now = tx_server_clock(s);
    for (size_t i = s->store.count; i; i--)
        if (s->store.keys[i - 1].expires <= now)
            tx_remove(s, &s->store.keys[i - 1]);
}

void tx_unwatch(struct tx_session *x)
{
    x->watched_count = 0;
    x->dirty_cas = false;
}

static void watch(struct tx_session *x, const struct tx_words *w)
{
    for (size_t i = 1; i < w->count; i++) {
        struct tx_text name = w->at[i];
        if (x->watched_count == TX_WATCHED_MAX || name.n > TX_NAME_MAX)
            abort();
        memcpy(x->watched[x->watched_count], name.at, name.n);
        x->watched_size[x->watched_count++] = name.n;
    }
    tx_say(x, "+OK\r\n");
}

/* ---- MULTI … EXEC --------------------------------------------------------------------------- */

static void leave_multi(struct tx_session *x)
{
    x->in_multi = x->dirty_exec = false;
    x->queue.size = 0;
    tx_unwatch(x);
}

static size_t count_queued(const struct tx_session *x)
{
    struct tx_words w;
    size_t n = 0;
    for (size_t at = 0; at < x->queue.size; n++)
        at += tx_parse(x->queue.at + at, x->queue.size - at, &w);
    return n;
}

static void exec(struct tx_session *x)
{
    struct tx_words w;
    if (!x->in_multi) {
        tx_say(x, "-ERR EXEC without MULTI\r\n");
    } else if (x->dirty_exec) {
        leave_multi(x);
        tx_say(x, "-EXECABORT Transaction discarded because of previous errors.\r\n");
    } else if (x->dirty_cas) {
        leave_multi(x);
        tx_say(x, "%s", x->resp3 ? "_\r\n" : "*-1\r\n");
    } else {
        tx_unwatch(x);
        x->executing = true;
        tx_say(x, "*%zu\r\n", count_queued(x));
        for (size_t at = 0; at < x->queue.size;) {
            at += tx_parse(x->queue.at + at, x->queue.size - at, &w);
            tx_execute(x, &w);
        }
        x->executing = false;
        leave_multi(x);
    }
}

/* Refused before it was looked at. */
static void refuse(struct tx_session *x, const struct tx_words *w, const char *words)
{
    if (x->in_multi && tx_word_is(w->at[0], "EXEC")) {
        leave_multi(x);
        tx_say(x, "-EXECABORT Transaction discarded because of: %s\r\n", words);
        return;
    }
    x->dirty_exec = x->dirty_exec || x->in_multi;
    tx_say(x, "-%s\r\n", words);
}

static void queue(struct tx_session *x, const struct tx_words *w, const char *bytes, size_t n)
{
    if (!tx_is_known(w)) {
        refuse(x, w, "ERR wrong number of arguments, or no such command");
        return;
    }
    sim_bytes_add(&x->queue, bytes, n);
    tx_say(x, "+QUEUED\r\n");
}

/* ---- rights --------------------------------------------------------------------------------- */

static bool is_marker(struct tx_text name)
{
    return name.n > strlen(TX_MARKER) && memcmp(name.at, TX_MARKER, strlen(TX_MARKER)) == 0;
}

static bool is_denied(const struct tx_server *s, const struct tx_words *w)
{
    bool writes = tx_word_is(w->at[0], "SET") || tx_word_is(w->at[0], "DEL");
    for (size_t i = 0; i < s->denied_count; i++) {
        if (tx_word_is(w->at[0], s->denied[i]))
            return true;
        if (strcmp(s->denied[i], "LOAD") == 0 && tx_word_is(w->at[0], "SCRIPT") &&
            tx_word_is(w->at[1], "LOAD"))
            return true;
        if (strcmp(s->denied[i], "marker") == 0 && writes && w->count > 1 && is_marker(w->at[1]))
            return true;
    }
    return false;
}

static const char *refusal(const struct tx_server *s, const char *kind, unsigned nth)
{
    for (size_t i = 0; i < s->refusal_count; i++)
        if (strcmp(s->refusals[i].command, kind) == 0 && nth <= s->refusals[i].count)
            return s->refusals[i].words;
    return NULL;
}

/* ---- one command ---------------------------------------------------------------------------- */

static void hello(struct tx_session *x)
{
    if (x->server->resp2_only) {
        tx_say(x, "-NOPROTO unsupported protocol version\r\n");
        return;
    }
    x->resp3 = true;
    tx_say(x, "%%1\r\n$5\r\nproto\r\n:3\r\n");
}

static bool control(struct tx_session *x, const struct tx_words *w)
{
    struct tx_text name = w->at[0];
    if (tx_word_is(name, "EXEC")) {
        exec(x);
    } else if (tx_word_is(name, "DISCARD")) {
        tx_say(x, x->in_multi ? "+OK\r\n" : "-ERR DISCARD without MULTI\r\n");
        leave_multi(x);
    } else if (x->in_multi) {
        bool nested = tx_word_is(name, "MULTI") || tx_word_is(name, "WATCH");
        if (nested)
            refuse(x, w, "ERR not inside MULTI");
        return nested;
    } else if (tx_word_is(name, "MULTI")) {
        x->in_multi = true;
        tx_say(x, "+OK\r\n");
    } else if (tx_word_is(name, "WATCH")) {
        watch(x, w);
    } else if (tx_word_is(name, "UNWATCH")) {
        tx_unwatch(x);
        tx_say(x, "+OK\r\n");
    } else if (tx_word_is(name, "HELLO")) {
        hello(x);
    } else if (tx_word_is(name, "AUTH") || tx_word_is(name, "SELECT") ||
               tx_word_is(name, "CLIENT")) {
        tx_say(x, "+OK\r\n");
    } else {
        return false;
    }
    return true;
}

static const char *const kinds[] = {"HELLO",   "AUTH",    "SELECT", "CLIENT",  "MULTI",  "EXEC",
                                    "WATCH",   "GET",     "MGET",   "SET",     "SETTLE", "INCRBY",
                                    "DECRBY",  "DEL",     "INFO",   "UNWATCH", "LPUSH",  "WAIT",
                                    "DISCARD", "EVALSHA", "SCRIPT"};

static const char *kind_of(const struct tx_words *w)
{
    for (size_t i = 3; i < w->count && tx_word_is(w->at[0], "SET"); i++)
        if (tx_word_is(w->at[i], "NX"))
            return "SETTLE";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (tx_word_is(w->at[0], kinds[i]))
            return kinds[i];
    abort();
}

/* The how many-th of its kind this is. */
static unsigned count(struct tx_server *s, const char *kind)
{
    size_t i = 0;
    if (s->releasing)
        return 0;
    while (i < s->kind_count && s->kinds[i].name != kind)
        i++;
    if (i == s->kind_count)
        s->kinds[s->kind_count++].name = kind;
    return ++s->kinds[i].count;
}

static void note_marker(struct tx_server *s, const struct tx_words *w)
{
    for (size_t i = 1; tx_word_is(w->at[0], "WATCH") && i < w->count; i++)
        if (is_marker(w->at[i])) {
            memcpy(s->marker, w->at[i].at, w->at[i].n);
            s->marker_size = w->at[i].n;
        }
}

static void obey(struct tx_session *x, const struct tx_words *w, const char *bytes, size_t n)
{
    if (control(x, w))
        return;
    if (x->in_multi)
        queue(x, w, bytes, n);
    else
        tx_execute(x, w);
}

static void take(struct tx_session *x, const struct tx_words *w, const char *bytes, size_t n)
{
    struct tx_server *s = x->server;
    const char *kind = kind_of(w);
    unsigned nth = count(s, kind);
    s->total += !s->releasing;
    note_marker(s, w);
    tx_moment(x, w, kind, nth, false);
    if (x->epoch != s->epoch)
        return;
    expire(s);
    s->commands++;
    if (s->pushes && x->resp3 && x->replies % 3 == 2)
        tx_say(x, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nx\r\n");
    const char *words = is_denied(s, w) ? "NOPERM this user has no permissions"
                                        : refusal(s, kind, nth ? nth : 1000);
    x->greeted = x->greeted || tx_word_is(w->at[0], "DISCARD");
    x->multi_denied = x->multi_denied || (words && !x->greeted && tx_word_is(w->at[0], "MULTI"));
    if (words)
        refuse(x, w, words);
    else
        obey(x, w, bytes, n);
    if (x->replies == TX_REPLIES_MAX)
        abort();
    x->reply_end[x->replies++] = x->out.size;
    tx_moment(x, w, kind, nth, true);
}

void tx_session_arrive(void *session, const char *bytes, size_t n)
{
    struct tx_session *x = session;
    struct tx_words w = {.count = 0};
    size_t at = 0, size;
    sim_bytes_add(&x->in, bytes, n);
    while (at < x->in.size && (size = tx_parse(x->in.at + at, x->in.size - at, &w)) != 0) {
        if (x->epoch == x->server->epoch)
            take(x, &w, x->in.at + at, size);
        at += size;
    }
    if (at) {
        memmove(x->in.at, x->in.at + at, x->in.size - at);
        x->in.size -= at;
    }
}
