/* The data commands, and INFO. What a body's command did goes into the truth. */
#include "tx_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which of the body's commands writes to this key; -1: none. */
static int number_of(struct tx_text key)
{
    size_t n = strlen(TX_KEY_PREFIX);
    int64_t v;
    if (key.n <= n || memcmp(key.at, TX_KEY_PREFIX, n) != 0 ||
        !tx_number((struct tx_text){key.at + n, key.n - n}, &v))
        return -1;
    return (int)v;
}

static void applied(struct tx_session *x, struct tx_text key, int64_t reply)
{
    struct tx_truth *t = &x->server->truth;
    int i = number_of(key);
    x->wrote = true;
    if (i < 0)
        return;
    t->again = t->again || (x->executing && t->loose[x->run][i]);
    t->executed[x->run][i]++;
    t->loose[x->run][i] += !x->executing;
    t->reply[x->run][i] = reply;
}

static void failed(struct tx_session *x, struct tx_text key)
{
    int i = number_of(key);
    if (i >= 0 && x->executing)
        x->server->truth.failed[x->run][i]++;
}

static void get(struct tx_session *x, struct tx_text name)
{
    struct tx_key *k = tx_store_find(&x->server->store, name);
    if (k)
        tx_say_text(x, tx_value_of(k));
    else
        tx_say_nil(x);
}

static void mget(struct tx_session *x, const struct tx_words *w)
{
    tx_say(x, "*%zu\r\n", w->count - 1);
    for (size_t i = 1; i < w->count; i++)
        get(x, w->at[i]);
}

static void add(struct tx_session *x, const struct tx_words *w, int sign)
{
    struct tx_server *s = x->server;
    struct tx_key *k = tx_store_find(&s->store, w->at[1]);
    char text[32];
    int64_t value = 0, by;
    if ((k && !tx_number(tx_value_of(k), &value)) || !tx_number(w->at[2], &by)) {
        failed(x, w->at[1]);
        tx_say(x, "-ERR value is not an integer or out of range\r\n");
        return;
    }
    /* Bodies add what they read, and one. */
    if (s->reads_are_bases && number_of(w->at[1]) == 0 && x->executing && by != value + 1)
        s->truth.stale = true;
    value += sign * by;
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    (void)tx_store_put(&s->store, w->at[1], tx_text(text));
    tx_touch(s, w->at[1]);
    applied(x, w->at[1], value);
    tx_say(x, ":%s\r\n", text);
}

struct set_options {
    bool nx, xx, get, keep;
    int64_t expires;
};

static struct set_options read_options(const struct tx_session *x, const struct tx_words *w)
{
    struct set_options o = {.expires = TX_FOR_EVER};
    int64_t ms = 0;
    for (size_t i = 3; i < w->count; i++) {
        o.nx = o.nx || tx_word_is(w->at[i], "NX");
        o.xx = o.xx || tx_word_is(w->at[i], "XX");
        o.get = o.get || tx_word_is(w->at[i], "GET");
        o.keep = o.keep || tx_word_is(w->at[i], "KEEPTTL");
        if (tx_word_is(w->at[i], "PX") && i + 1 < w->count && tx_number(w->at[i + 1], &ms))
            o.expires = tx_server_clock(x->server) + ms * 1000;
    }
    return o;
}

static void set(struct tx_session *x, const struct tx_words *w)
{
    struct tx_server *s = x->server;
    struct tx_key *k = tx_store_find(&s->store, w->at[1]);
    struct set_options o = read_options(x, w);
    bool stays = (o.nx && k) || (o.xx && !k);
    if (o.get && k)
        tx_say_text(x, tx_value_of(k));
    else if (o.get || stays)
        tx_say_nil(x);
    else
        tx_say(x, "+OK\r\n");
    if (stays)
        return;
    k = tx_store_put(&s->store, w->at[1], w->at[2]);
    if (!o.keep)
        k->expires = o.expires;
    tx_touch(s, w->at[1]);
    applied(x, w->at[1], 0);
}

static void del(struct tx_session *x, const struct tx_words *w)
{
    int n = 0;
    for (size_t i = 1; i < w->count; i++) {
        struct tx_key *k = tx_store_find(&x->server->store, w->at[i]);
        n += k != NULL;
        if (k)
            tx_remove(x->server, k);
    }
    x->wrote = true;
    tx_say(x, ":%d\r\n", n);
}

/* All keys are strings. */
static void lpush(struct tx_session *x, const struct tx_words *w)
{
    failed(x, w->at[1]);
    tx_say(x, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

static void info(struct tx_session *x)
{
    const struct tx_server *s = x->server;
    char text[512], flushes[64] = "";
    if (s->flushes)
        (void)snprintf(flushes, sizeof flushes, "cmdstat_flushall:calls=%u,usec=1\r\n", s->flushes);
    int n = snprintf(text, sizeof text,
                     "run_id:%08u\r\nserver_time_usec:%lld\r\ntotal_commands_processed:%llu\r\n"
                     "evicted_keys:%llu\r\nmaster_replid:%08u\r\n%s",
                     s->epoch, (long long)tx_server_clock(s), (unsigned long long)s->commands,
                     (unsigned long long)s->evicted, s->failovers, flushes);
    if (x->resp3)
        tx_say(x, "=%d\r\ntxt:%s\r\n", n + 4, text);
    else
        tx_say(x, "$%d\r\n%s\r\n", n, text);
}

/* Who wrote nothing on this connection waits for nothing, and is told of all replicas there are. */
static void wait_for_copies(struct tx_session *x)
{
    tx_say(x, ":%u\r\n", x->wrote ? x->server->replicas : 99);
}

/* EVALSHA sha 1 key by */
static void call(struct tx_session *x, const struct tx_words *w)
{
    struct tx_words as_add = {.count = 3, .at = {w->at[0], w->at[3], w->at[4]}};
    if (x->server->scripted) {
        add(x, &as_add, 1);
        return;
    }
    failed(x, w->at[3]);
    tx_say(x, "-" SIM_NOSCRIPT "\r\n");
}

static void script(struct tx_session *x, const struct tx_words *w)
{
    if (tx_word_is(w->at[1], "LOAD")) {
        x->server->scripted = true;
        tx_say(x, "$40\r\n" TX_SHA "\r\n");
    } else {
        tx_say(x, "*1\r\n:%d\r\n", x->server->scripted);
    }
}

bool tx_is_known(const struct tx_words *w)
{
    static const struct {
        const char *name;
        size_t least;
    } known[] = {{"GET", 2},    {"MGET", 2},    {"SET", 3},   {"DEL", 2},
                 {"INCRBY", 3}, {"INFO", 1},    {"WAIT", 3},  {"LPUSH", 3},
                 {"DECRBY", 3}, {"EVALSHA", 5}, {"SCRIPT", 3}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (tx_word_is(w->at[0], known[i].name))
            return w->count >= known[i].least;
    return false;
}

void tx_execute(struct tx_session *x, const struct tx_words *w)
{
    struct tx_text name = w->at[0];
    if (!tx_is_known(w))
        tx_say(x, "-ERR wrong number of arguments, or no such command\r\n");
    else if (tx_word_is(name, "GET"))
        get(x, w->at[1]);
    else if (tx_word_is(name, "MGET"))
        mget(x, w);
    else if (tx_word_is(name, "SET"))
        set(x, w);
    else if (tx_word_is(name, "DEL"))
        del(x, w);
    else if (tx_word_is(name, "INCRBY"))
        add(x, w, 1);
    else if (tx_word_is(name, "DECRBY"))
        add(x, w, -1);
    else if (tx_word_is(name, "INFO"))
        info(x);
    else if (tx_word_is(name, "EVALSHA"))
        call(x, w);
    else if (tx_word_is(name, "SCRIPT"))
        script(x, w);
    else if (tx_word_is(name, "WAIT"))
        wait_for_copies(x);
    else
        lpush(x, w);
}
