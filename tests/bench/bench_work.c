/* The work that is compared, done with vouch and with hiredis by hand. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTED_QUERIES = 10, NESTED_ENTRIES = 100, NESTED_FIELDS = 4 };

static const char *url(void)
{
    const char *u = getenv("VOUCH_URL");
    bench_check(u != NULL, "VOUCH_URL is not set");
    return u;
}

vouch_client *bench_vouch(void)
{
    vouch_client *client = NULL;
    vouch_error e;
    if (vouch_client_open(url(), NULL, &client, &e) != VOUCH_OK)
        bench_die(e.message);
    return client;
}

redisContext *bench_hiredis(void)
{
    char host[64];
    unsigned port = 0;
    redisContext *c = strncmp(url(), "unix://", 7) == 0 ? redisConnectUnix(url() + 7) : NULL;
    if (!c && sscanf(url(), "redis://%63[^:]:%u", host, &port) == 2) { /* NOLINT(cert-err34-c) */
        c = redisConnect(host, (int)port);
        if (c && !c->err)
            (void)redisEnableKeepAlive(c);
    }
    bench_check(c && !c->err, "hiredis cannot connect");
    return c;
}

/* ---- SET and GET ---------------------------------------------------------------------------- */

void bench_mix_init(struct bench_mix *m)
{
    memset(m->value, 'v', BENCH_VALUE);
    m->value[BENCH_VALUE] = 0;
    for (int i = 0; i < BENCH_BATCH; i++) {
        (void)snprintf(m->keys[i], sizeof m->keys[i], "key:%06d", i / 2);
        m->counts[i] = i % 2 ? 2 : 3;
        m->words[i][0] = i % 2 ? "GET" : "SET";
        m->words[i][1] = m->keys[i];
        m->words[i][2] = m->value;
        m->lengths[i][0] = 3;
        m->lengths[i][1] = strlen(m->keys[i]);
        m->lengths[i][2] = BENCH_VALUE;
    }
}

static size_t run_batch(vouch_client *client, vouch_batch *batch,
                        size_t (*read)(const vouch_reply *))
{
    vouch_results *results = NULL;
    vouch_error e;
    size_t bytes = 0;
    if (vouch_pipeline_run(client, batch, NULL, &results, &e) != VOUCH_OK)
        bench_die(e.message);
    for (size_t i = 0, n = vouch_results_count(results); i < n; i++)
        bytes += read(vouch_results_at(results, i)->reply);
    vouch_results_free(results);
    return bytes;
}

static size_t read_text(const vouch_reply *reply)
{
    return vouch_reply_string(reply).size;
}

size_t bench_mix_vouch(const struct bench_mix *m, vouch_client *client, vouch_batch *batch)
{
    vouch_batch_clear(batch);
    for (size_t i = 0; i < BENCH_BATCH; i++)
        vouch_batch_argv(batch, m->counts[i], m->words[i], m->lengths[i]);
    return run_batch(client, batch, read_text);
}

static redisReply *next_reply(redisContext *c)
{
    void *reply = NULL;
    bench_check(redisGetReply(c, &reply) == REDIS_OK && reply, "hiredis lost the connection");
    return reply;
}

size_t bench_mix_hiredis(const struct bench_mix *m, redisContext *c)
{
    size_t bytes = 0;
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        /* hiredis takes words that are not const; it does not write to them. */
        const char *words[3] = {m->words[i][0], m->words[i][1], m->words[i][2]};
        bench_check(redisAppendCommandArgv(c, (int)m->counts[i], words, m->lengths[i]) == REDIS_OK,
                    "hiredis cannot append");
    }
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        redisReply *r = next_reply(c);
        bytes += r->len;
        freeReplyObject(r);
    }
    return bytes;
}

/* ---- XRANGE --------------------------------------------------------------------------------- */

void bench_nested_prepare(redisContext *c)
{
    freeReplyObject(redisCommand(c, "DEL stream"));
    for (int i = 0; i < NESTED_ENTRIES; i++)
        freeReplyObject(redisCommand(
            c, "XADD stream %d-1 name value-%d city somewhere age %d note short", i + 1, i, i));
}

static size_t read_nested(const vouch_reply *reply)
{
    size_t bytes = 0;
    for (size_t i = 0, n = vouch_reply_count(reply); i < n; i++) {
        const vouch_reply *entry = vouch_reply_at(reply, i), *fields = vouch_reply_at(entry, 1);
        bytes += vouch_reply_string(vouch_reply_at(entry, 0)).size;
        for (size_t k = 0, m = vouch_reply_count(fields); k < m; k++)
            bytes += vouch_reply_string(vouch_reply_at(fields, k)).size;
    }
    return bytes;
}

size_t bench_nested_vouch(vouch_client *client, vouch_batch *batch)
{
    vouch_batch_clear(batch);
    for (int i = 0; i < NESTED_QUERIES; i++)
        vouch_batch_add(batch, "XRANGE", "stream", "-", "+");
    return run_batch(client, batch, read_nested);
}

size_t bench_nested_hiredis(redisContext *c)
{
    size_t bytes = 0;
    for (int i = 0; i < NESTED_QUERIES; i++)
        bench_check(redisAppendCommand(c, "XRANGE stream - +") == REDIS_OK, "append");
    for (int q = 0; q < NESTED_QUERIES; q++) {
        redisReply *r = next_reply(c);
        for (size_t i = 0; i < r->elements; i++) {
            const redisReply *fields = r->element[i]->element[1];
            bytes += r->element[i]->element[0]->len;
            for (size_t k = 0; k < fields->elements; k++)
                bytes += fields->element[k]->len;
        }
        freeReplyObject(r);
    }
    return bytes;
}
