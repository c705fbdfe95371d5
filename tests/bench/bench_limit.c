/* Decisions of a rate limiter (GCRA): pipelines of 100 by vouch, against the same script called once at a time
 * by hiredis: bench_limit. Prints both, decisions a second.
 *
 * Both have the same digest and the same arguments. All are admitted, which is checked: that is the dear case, in which
 * the key is written. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 31, PIPELINE = 100, DECISIONS = 2000, LIMIT = 10000000 };

#define HOUR INT64_C(3600000000)

static const char *const keys[2] = {"bench:limit:ours", "bench:limit:theirs"};

static vouch_limiter *limiter_new(void)
{
    vouch_limit_spec s = VOUCH_LIMIT_SPEC_INIT;
    vouch_limiter *l = NULL;
    vouch_error e;
    s.kind = VOUCH_LIMIT_GCRA;
    s.limit = LIMIT;
    s.period_us = HOUR;
    if (vouch_limiter_new(&s, 1, NULL, &l, &e) != VOUCH_OK)
        bench_die(e.message);
    return l;
}

/* How many were admitted. */
static long ours(vouch_client *client, const vouch_limiter *l, vouch_batch *b)
{
    long admitted = 0;
    for (int turn = 0; turn < DECISIONS / PIPELINE; turn++) {
        vouch_results *r = NULL;
        vouch_decision d;
        vouch_error e;
        vouch_batch_clear(b);
        for (int i = 0; i < PIPELINE; i++)
            (void)vouch_batch_add_limit(b, l, VOUCH_LIMIT_TAKE, VOUCH_ARGS(keys[0]), 1, NULL);
        if (vouch_pipeline_run(client, b, NULL, &r, &e) != VOUCH_OK)
            bench_die(e.message);
        for (size_t i = 0; i < PIPELINE; i++) {
            bench_check(vouch_limit_read(vouch_results_at(r, i)->reply, &d), "no decision");
            admitted += d.all.allowed;
        }
        vouch_results_free(r);
    }
    return admitted;
}

/* The words of our call, by which hiredis calls the same script. */
static redisReply *call(redisContext *c, const char *digest)
{
    redisReply *r = redisCommand(c, "EVALSHA %s 1 %s take %s g %d %" PRId64 " %d 1", digest,
                                 keys[1], "", LIMIT, HOUR, LIMIT);
    bench_check(r && r->type == REDIS_REPLY_ARRAY && r->elements == 5,
                r ? r->str : "hiredis: lost");
    return r;
}

static long theirs(redisContext *c, const char *digest)
{
    long admitted = 0;
    for (int i = 0; i < DECISIONS; i++) {
        redisReply *r = call(c, digest);
        admitted += r->element[0]->integer == 1;
        freeReplyObject(r);
    }
    return admitted;
}

int main(void)
{
    double a[ROUNDS], b[ROUNDS];
    vouch_client *client = bench_vouch();
    redisContext *c = bench_hiredis();
    vouch_limiter *l = limiter_new();
    vouch_batch *batch = vouch_batch_new();
    long admitted[2] = {0, 0};
    const char *digest = vouch_script_digest(vouch_limiter_script(l));
    (void)ours(client, l, batch); /* loads it */
    freeReplyObject(redisCommand(c, "DEL %s %s", keys[0], keys[1]));
    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_now_s();
        admitted[0] += ours(client, l, batch);
        a[i] = DECISIONS / (bench_now_s() - start);
        start = bench_now_s();
        admitted[1] += theirs(c, digest);
        b[i] = DECISIONS / (bench_now_s() - start);
    }
    for (int i = 0; i < 2; i++)
        bench_check(admitted[i] == (long)ROUNDS * DECISIONS, "not all were admitted");
    printf("%.0f %.0f\n", bench_median(a, ROUNDS), bench_median(b, ROUNDS));
    vouch_batch_free(batch);
    vouch_limiter_free(l);
    vouch_client_close(client);
    redisFree(c);
    return 0;
}
