/* Scripts against EVALSHA by hand with hiredis: bench_script WHAT [ARGUMENT…].
 *
 *   call             prints ours and theirs, calls a second, one after the other
 *   pipelined        the same in batches of 1,000
 *   stream           the same as one stream, against batches of 1,000 by hand
 *   count            SIDE ROUNDS (ours or theirs): so many batches of 1,000 and nothing else; counted from
 *                    outside
 *   count_calls      the same of ROUNDS times 100 single calls
 *
 * The script counts, and that no call was lost is checked in the end. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 41, ROUND_CALLS = 1000, COUNT_CALLS = 100, STREAM_CALLS = 10 * BENCH_BATCH };

static const char key[] = "bench:calls";
static const char source[] = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

struct side {
    vouch_client *client;
    vouch_script *script;
    vouch_batch *batch;
    redisContext *c;
    char sha[41];
};

static void start(struct side *s, bool ours, bool theirs)
{
    vouch_error e;
    memset(s, 0, sizeof *s);
    if (ours) {
        s->client = bench_vouch();
        s->batch = vouch_batch_new();
        bench_check(vouch_script_new(source, 0, NULL, &s->script, &e) == VOUCH_OK, "no script");
    }
    if (theirs) {
        s->c = bench_hiredis();
        redisReply *r = redisCommand(s->c, "SCRIPT LOAD %s", source);
        bench_check(r && r->type == REDIS_REPLY_STRING && r->len == 40, "SCRIPT LOAD failed");
        memcpy(s->sha, r->str, sizeof s->sha);
        freeReplyObject(r);
    }
}

static void call_vouch(const struct side *s)
{
    vouch_call *call = NULL;
    vouch_error e;
    int64_t n = 0;
    if (vouch_script_call(s->client, s->script, VOUCH_ARGS(key), VOUCH_ARGS(1), NULL, &call, &e))
        bench_die(e.message);
    bench_check(vouch_reply_int64(vouch_call_reply(call), &n) && n > 0, "no count");
    vouch_call_free(call);
}

static void check_count(redisReply *r)
{
    bench_check(r && r->type == REDIS_REPLY_INTEGER && r->integer > 0, "no count");
    freeReplyObject(r);
}

static const char **words_of(const struct side *s, size_t *lengths)
{
    static const char *words[5];
    const char *w[5] = {"EVALSHA", s->sha, "1", key, "1"};
    for (size_t i = 0; i < 5; i++) {
        words[i] = w[i];
        lengths[i] = strlen(w[i]);
    }
    return words;
}

static void call_hiredis(const struct side *s)
{
    size_t lengths[5];
    const char **words = words_of(s, lengths);
    check_count(redisCommandArgv(s->c, 5, words, lengths));
}

static void batch_vouch(const struct side *s)
{
    vouch_results *r = NULL;
    vouch_error e;
    vouch_batch_clear(s->batch);
    for (int i = 0; i < BENCH_BATCH; i++)
        (void)vouch_batch_add_script(s->batch, s->script, VOUCH_ARGS(key), VOUCH_ARGS(1));
    if (vouch_pipeline_run(s->client, s->batch, NULL, &r, &e))
        bench_die(e.message);
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        int64_t n = 0;
        bench_check(vouch_reply_int64(vouch_results_at(r, i)->reply, &n) && n > 0, "no count");
    }
    vouch_results_free(r);
}

struct flow {
    const struct side *side;
    long given, taken;
};

static bool give(vouch_batch *into, void *user)
{
    struct flow *f = user;
    (void)vouch_batch_add_script(into, f->side->script, VOUCH_ARGS(key), VOUCH_ARGS(1));
    return ++f->given < STREAM_CALLS;
}

static bool take(uint64_t index, const vouch_result *result, void *user)
{
    struct flow *f = user;
    int64_t n = 0;
    (void)index;
    bench_check(vouch_reply_int64(result->reply, &n) && n > 0, "no count");
    f->taken++;
    return true;
}

static void stream_vouch(const struct side *s)
{
    struct flow f = {.side = s};
    vouch_error e;
    if (vouch_pipeline_stream(s->client, give, take, &f, NULL, NULL, &e))
        bench_die(e.message);
    bench_check(f.taken == STREAM_CALLS, "calls were lost");
}

static void batch_hiredis(const struct side *s)
{
    size_t lengths[5];
    const char **words = words_of(s, lengths);
    for (int i = 0; i < BENCH_BATCH; i++)
        bench_check(redisAppendCommandArgv(s->c, 5, words, lengths) == REDIS_OK, "cannot append");
    for (int i = 0; i < BENCH_BATCH; i++) {
        void *reply = NULL;
        bench_check(redisGetReply(s->c, &reply) == REDIS_OK, "hiredis lost the connection");
        check_count(reply);
    }
}

static long long counter(redisContext *c)
{
    redisReply *r = redisCommand(c, "GET %s", key);
    long long n = r && r->str ? strtoll(r->str, NULL, 10) : 0;
    freeReplyObject(r);
    return n;
}

/* A way to make calls, and how many of these calls a round has. */
struct way {
    void (*call)(const struct side *s);
    int calls, times;
};

/* Calls a second. */
static double rate(const struct side *s, const struct way *w)
{
    double begin = bench_now_s();
    for (int i = 0; i < w->times; i++)
        w->call(s);
    return w->calls * w->times / (bench_now_s() - begin);
}

static void compare(const struct way *ours, const struct way *theirs)
{
    double a[ROUNDS], b[ROUNDS];
    struct side s;
    start(&s, true, true);
    long long before = counter(s.c);
    long long calls = ours->calls * ours->times + theirs->calls * theirs->times;
    for (int i = 0; i < ROUNDS; i++) {
        a[i] = rate(&s, ours);
        b[i] = rate(&s, theirs);
    }
    bench_check(counter(s.c) - before == ROUNDS * calls, "calls were lost");
    printf("%.0f %.0f\n", bench_median(a, ROUNDS), bench_median(b, ROUNDS));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool ours = argc > 2 && strcmp(argv[2], "ours") == 0;
    long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    struct side s;
    if (strcmp(what, "call") == 0) {
        compare(&(struct way){call_vouch, 1, ROUND_CALLS},
                &(struct way){call_hiredis, 1, ROUND_CALLS});
    } else if (strcmp(what, "pipelined") == 0) {
        compare(&(struct way){batch_vouch, BENCH_BATCH, 1},
                &(struct way){batch_hiredis, BENCH_BATCH, 1});
    } else if (strcmp(what, "stream") == 0) {
        compare(&(struct way){stream_vouch, STREAM_CALLS, 1},
                &(struct way){batch_hiredis, BENCH_BATCH, 10});
    } else if (strcmp(what, "count") == 0) {
        start(&s, ours, !ours);
        for (long i = 0; i < rounds; i++)
            ours ? batch_vouch(&s) : batch_hiredis(&s);
    } else if (strcmp(what, "count_calls") == 0) {
        start(&s, ours, !ours);
        for (long i = 0; i < rounds * COUNT_CALLS; i++)
            ours ? call_vouch(&s) : call_hiredis(&s);
    } else {
        bench_die("unknown work");
    }
    return 0;
}
