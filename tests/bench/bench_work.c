/* The work that is compared, done with vouch and with hiredis by hand. */
#include "bench.h"

#include <hiredis/hiredis_ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTED_QUERIES = 10, NESTED_ENTRIES = 100 };

/* ---- connections ---------------------------------------------------------------------------- */

static const char *url(void)
{
    const char *u = getenv("VOUCH_URL");
    bench_check(u != NULL, "VOUCH_URL is not set");
    return u;
}

static bool is_tls(void)
{
    return strncmp(url(), "rediss://", 9) == 0;
}

vouch_client *bench_vouch(void)
{
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_error e;
    o.tls_ca_file = is_tls() ? getenv("VOUCH_TLS_CA") : NULL;
    o.connect_ms = 20000; /* also below valgrind on a busy machine */
    if (vouch_client_open(url(), &o, &client, &e) != VOUCH_OK)
        bench_die(e.message);
    return client;
}

/* Which verifies the chain, but no name: it cannot. */
static void shake_hands(redisContext *c)
{
    static redisSSLContext *tls;
    if (!tls) {
        bench_check(redisInitOpenSSL() == REDIS_OK, "OpenSSL");
        tls = redisCreateSSLContext(getenv("VOUCH_TLS_CA"), NULL, NULL, NULL, NULL, NULL);
    }
    bench_check(tls && redisInitiateSSLWithContext(c, tls) == REDIS_OK, "hiredis has no TLS");
}

redisContext *bench_hiredis(void)
{
    char host[64];
    unsigned port = 0;
    redisContext *c = strncmp(url(), "unix://", 7) == 0 ? redisConnectUnix(url() + 7) : NULL;
    const char *after = strstr(url(), "://");
    if (!c && after && sscanf(after, "://%63[^:]:%u", host, &port) == 2) /* NOLINT(cert-err34-c) */
        c = redisConnect(host, (int)port);
    bench_check(c && !c->err, "hiredis cannot connect");
    if (is_tls())
        shake_hands(c);
    return c;
}

static vouch_results *run(vouch_client *client, vouch_batch *batch)
{
    vouch_results *results = NULL;
    vouch_error e;
    if (vouch_pipeline_run(client, batch, NULL, &results, &e) != VOUCH_OK)
        bench_die(e.message);
    return results;
}

static const vouch_reply *reply_at(const vouch_results *results, size_t i)
{
    return vouch_results_at(results, i)->reply;
}

static void append(redisContext *c, size_t n, const char **words, const size_t *lengths)
{
    bench_check(redisAppendCommandArgv(c, (int)n, words, lengths) == REDIS_OK, "cannot append");
}

static redisReply *next_reply(redisContext *c)
{
    void *reply = NULL;
    bench_check(redisGetReply(c, &reply) == REDIS_OK && reply, "hiredis lost the connection");
    return reply;
}

/* ---- SET and GET ---------------------------------------------------------------------------- */

void bench_mix_init(struct bench_mix *m)
{
    memset(m->value, 'v', BENCH_VALUE);
    m->value[BENCH_VALUE] = 0;
    for (int i = 0; i < BENCH_BATCH; i++) {
        (void)snprintf(m->keys[i], sizeof m->keys[i], "key:%012d", i / 2);
        m->counts[i] = i % 2 ? 2 : 3;
        m->words[i][0] = i % 2 ? "GET" : "SET";
        m->words[i][1] = m->keys[i];
        m->words[i][2] = m->value;
        m->lengths[i][0] = 3;
        m->lengths[i][1] = strlen(m->keys[i]);
        m->lengths[i][2] = BENCH_VALUE;
    }
}

bool bench_mix_is_value(const struct bench_mix *m, const char *text, size_t size)
{
    return size == BENCH_VALUE && memcmp(text, m->value, size) == 0;
}

static size_t run_mix(const struct bench_mix *m, vouch_client *client, vouch_batch *batch)
{
    vouch_results *results = run(client, batch);
    vouch_string text = {NULL, 0};
    size_t bytes = 0;
    bench_check(vouch_results_count(results) == BENCH_BATCH, "replies are missing");
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        text = vouch_reply_string(reply_at(results, i));
        bytes += text.size;
    }
    bench_check(bench_mix_is_value(m, text.data, text.size), "the last reply is another");
    vouch_results_free(results);
    return bytes;
}

size_t bench_mix_argv(const struct bench_mix *m, vouch_client *client, vouch_batch *batch)
{
    vouch_batch_clear(batch);
    for (size_t i = 0; i < BENCH_BATCH; i++)
        vouch_batch_argv(batch, m->counts[i], m->words[i], m->lengths[i]);
    return run_mix(m, client, batch);
}

size_t bench_mix_add(const struct bench_mix *m, vouch_client *client, vouch_batch *batch)
{
    vouch_batch_clear(batch);
    for (size_t i = 0; i < BENCH_BATCH; i += 2) {
        vouch_batch_add(batch, "SET", m->keys[i], vouch_bytes(m->value, BENCH_VALUE));
        vouch_batch_add(batch, "GET", m->keys[i + 1]);
    }
    return run_mix(m, client, batch);
}

size_t bench_mix_hiredis(struct bench_mix *m, redisContext *c)
{
    size_t bytes = 0;
    for (size_t i = 0; i < BENCH_BATCH; i++)
        append(c, m->counts[i], m->words[i], m->lengths[i]);
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        redisReply *r = next_reply(c);
        bytes += r->len;
        bench_check(i < BENCH_BATCH - 1 || bench_mix_is_value(m, r->str, r->len),
                    "the last reply is another");
        freeReplyObject(r);
    }
    return bytes;
}

/* ---- XRANGE --------------------------------------------------------------------------------- */

/* hiredis takes arrays that are not const. */
static const char *xrange[] = {"XRANGE", "stream", "-", "+"};
static const size_t xrange_lengths[] = {6, 6, 1, 1};
static const char last_field[] = "short";

void bench_nested_prepare(redisContext *c)
{
    freeReplyObject(redisCommand(c, "DEL stream"));
    for (int i = 0; i < NESTED_ENTRIES; i++)
        freeReplyObject(redisCommand(c,
                                     "XADD stream %d-1 name value-%d city somewhere age %d note %s",
                                     i + 1, i, i, last_field));
}

static bool is_last_field(const char *text, size_t size)
{
    return size == sizeof last_field - 1 && memcmp(text, last_field, size) == 0;
}

static size_t read_nested(const vouch_reply *reply)
{
    size_t bytes = 0;
    vouch_string text = {NULL, 0};
    for (size_t i = 0, n = vouch_reply_count(reply); i < n; i++) {
        const vouch_reply *entry = vouch_reply_at(reply, i), *fields = vouch_reply_at(entry, 1);
        bytes += vouch_reply_string(vouch_reply_at(entry, 0)).size;
        for (size_t k = 0, m = vouch_reply_count(fields); k < m; k++) {
            text = vouch_reply_string(vouch_reply_at(fields, k));
            bytes += text.size;
        }
    }
    bench_check(is_last_field(text.data, text.size), "the last field is another");
    return bytes;
}

size_t bench_nested_vouch(vouch_client *client, vouch_batch *batch)
{
    size_t bytes = 0;
    vouch_batch_clear(batch);
    for (int i = 0; i < NESTED_QUERIES; i++)
        vouch_batch_argv(batch, 4, xrange, xrange_lengths);
    vouch_results *results = run(client, batch);
    for (size_t i = 0; i < NESTED_QUERIES; i++)
        bytes += read_nested(reply_at(results, i));
    vouch_results_free(results);
    return bytes;
}

static size_t read_nested_hiredis(const redisReply *r)
{
    size_t bytes = 0;
    const redisReply *text = r;
    for (size_t i = 0; i < r->elements; i++) {
        const redisReply *fields = r->element[i]->element[1];
        bytes += r->element[i]->element[0]->len;
        for (size_t k = 0; k < fields->elements; k++) {
            text = fields->element[k];
            bytes += text->len;
        }
    }
    bench_check(is_last_field(text->str, text->len), "the last field is another");
    return bytes;
}

size_t bench_nested_hiredis(redisContext *c)
{
    size_t bytes = 0;
    for (int i = 0; i < NESTED_QUERIES; i++)
        append(c, 4, xrange, xrange_lengths);
    for (int i = 0; i < NESTED_QUERIES; i++) {
        redisReply *r = next_reply(c);
        bytes += read_nested_hiredis(r);
        freeReplyObject(r);
    }
    return bytes;
}

/* ---- 1 MiB ---------------------------------------------------------------------------------- */

static const char *get_large[] = {"GET", "large"};
static const size_t large_lengths[] = {3, 5, BENCH_LARGE};

bool bench_large_vouch(const char *value, vouch_client *client, vouch_batch *batch)
{
    const char *set_large[] = {"SET", "large", value};
    size_t bytes = 0;
    vouch_batch_clear(batch);
    for (int i = 0; i < BENCH_LARGE_PAIRS; i++) {
        vouch_batch_argv(batch, 3, set_large, large_lengths);
        vouch_batch_argv(batch, 2, get_large, large_lengths);
    }
    vouch_results *results = run(client, batch);
    vouch_string text = {NULL, 0};
    for (size_t i = 0, n = vouch_results_count(results); i < n; i++) {
        text = vouch_reply_string(reply_at(results, i));
        bytes += text.size;
    }
    bool right = bytes == (size_t)BENCH_LARGE_PAIRS * (2 + BENCH_LARGE) &&
                 text.size == BENCH_LARGE && memcmp(text.data, value, BENCH_LARGE) == 0;
    vouch_results_free(results);
    return right;
}

bool bench_large_hiredis(const char *value, redisContext *c)
{
    const char *set_large[] = {"SET", "large", value};
    size_t bytes = 0;
    bool right = false;
    for (int i = 0; i < BENCH_LARGE_PAIRS; i++) {
        append(c, 3, set_large, large_lengths);
        append(c, 2, get_large, large_lengths);
    }
    for (int i = 0; i < 2 * BENCH_LARGE_PAIRS; i++) {
        redisReply *r = next_reply(c);
        bytes += r->len;
        if (i == 2 * BENCH_LARGE_PAIRS - 1)
            right = r->len == BENCH_LARGE && memcmp(r->str, value, BENCH_LARGE) == 0;
        freeReplyObject(r);
    }
    return right && bytes == (size_t)BENCH_LARGE_PAIRS * (2 + BENCH_LARGE);
}

/* ---- one command ---------------------------------------------------------------------------- */

bool bench_single_vouch(const struct bench_mix *m, vouch_client *client, vouch_batch *batch)
{
    vouch_batch_clear(batch);
    vouch_batch_argv(batch, m->counts[1], m->words[1], m->lengths[1]);
    vouch_results *results = run(client, batch);
    vouch_string text = vouch_reply_string(reply_at(results, 0));
    bool right = bench_mix_is_value(m, text.data, text.size);
    vouch_results_free(results);
    return right;
}

bool bench_single_hiredis(const struct bench_mix *m, redisContext *c)
{
    redisReply *r = redisCommand(c, "GET %s", m->keys[1]);
    bool right = r && bench_mix_is_value(m, r->str, r->len);
    freeReplyObject(r);
    return right;
}
