/* Pipelines against hiredis by hand: bench_pipeline WHAT [SIDE ROUNDS].
 *
 *   setget, nested   SIDE (ours, theirs) ROUNDS: does the work so often and nothing else; what it costs
 *                    is counted from outside, as the difference of two counts of rounds
 *   throughput, stream_throughput, large, single   prints ours and theirs, medians of rounds that take turns
 *   mix              prints ours only, commands a second over twenty batches' rounds
 *   stream COMMANDS  prints the peak of its memory in MiB */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ROUNDS = 15 };

static struct bench_mix mix;

/* ---- counted from outside ------------------------------------------------------------------- */

static void count_mix(int ours, long rounds)
{
    size_t bytes = 0;
    bench_mix_init(&mix);
    if (ours) {
        vouch_client *client = bench_vouch();
        vouch_batch *batch = vouch_batch_new();
        for (long i = 0; i < rounds; i++)
            bytes += bench_mix_vouch(&mix, client, batch);
        vouch_batch_free(batch);
        vouch_client_close(client);
    } else {
        redisContext *c = bench_hiredis();
        for (long i = 0; i < rounds; i++)
            bytes += bench_mix_hiredis(&mix, c);
        redisFree(c);
    }
    bench_check(bytes == (size_t)rounds * BENCH_MIX_BYTES, "the replies are not what they must be");
}

static void count_nested(int ours, long rounds)
{
    redisContext *c = bench_hiredis();
    bench_nested_prepare(c);
    size_t once = bench_nested_hiredis(c), bytes = 0;
    if (ours) {
        vouch_client *client = bench_vouch();
        vouch_batch *batch = vouch_batch_new();
        for (long i = 0; i < rounds; i++)
            bytes += bench_nested_vouch(client, batch);
        vouch_batch_free(batch);
        vouch_client_close(client);
    } else {
        for (long i = 0; i < rounds; i++)
            bytes += bench_nested_hiredis(c);
    }
    bench_check(once > 0 && bytes == (size_t)rounds * once, "the replies are not the same");
    redisFree(c);
}

/* ---- timed, taking turns -------------------------------------------------------------------- */

static void print_both(double *ours, double *theirs, size_t n)
{
    printf("%.6g %.6g\n", bench_median(ours, n), bench_median(theirs, n));
}

static double mix_rate_vouch(vouch_client *client, vouch_batch *batch, int batches)
{
    double start = bench_now_s();
    for (int i = 0; i < batches; i++)
        bench_check(bench_mix_vouch(&mix, client, batch) == BENCH_MIX_BYTES, "wrong replies");
    return batches * BENCH_BATCH / (bench_now_s() - start);
}

static double mix_rate_hiredis(redisContext *c, int batches)
{
    double start = bench_now_s();
    for (int i = 0; i < batches; i++)
        bench_check(bench_mix_hiredis(&mix, c) == BENCH_MIX_BYTES, "wrong replies");
    return batches * BENCH_BATCH / (bench_now_s() - start);
}

static void throughput(void)
{
    double ours[ROUNDS], theirs[ROUNDS];
    vouch_client *client = bench_vouch();
    vouch_batch *batch = vouch_batch_new();
    redisContext *c = bench_hiredis();
    bench_mix_init(&mix);
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = mix_rate_vouch(client, batch, 100);
        theirs[i] = mix_rate_hiredis(c, 100);
    }
    print_both(ours, theirs, ROUNDS);
    redisFree(c);
    vouch_batch_free(batch);
    vouch_client_close(client);
}

/* The mix as a stream: the pipeline never runs dry, as redis-benchmark's does. */
struct flow {
    uint64_t given, want, bytes;
};

static bool give(vouch_batch *into, void *user)
{
    struct flow *f = user;
    size_t i = f->given++ % BENCH_BATCH;
    vouch_batch_argv(into, mix.counts[i], mix.words[i], mix.lengths[i]);
    return f->given < f->want;
}

static bool take(uint64_t index, const vouch_result *result, void *user)
{
    (void)index;
    ((struct flow *)user)->bytes += vouch_reply_string(result->reply).size;
    return true;
}

static double stream_rate(vouch_client *client, uint64_t commands)
{
    struct flow f = {.want = commands};
    vouch_error e;
    double start = bench_now_s();
    if (vouch_pipeline_stream(client, give, take, &f, NULL, NULL, &e) != VOUCH_OK)
        bench_die(e.message);
    bench_check(f.bytes == commands / BENCH_BATCH * BENCH_MIX_BYTES, "wrong replies");
    return (double)commands / (bench_now_s() - start);
}

/* The stream against the same batches by hand. */
static void stream_throughput(void)
{
    double ours[ROUNDS], theirs[ROUNDS];
    vouch_client *client = bench_vouch();
    redisContext *c = bench_hiredis();
    bench_mix_init(&mix);
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = stream_rate(client, 100000);
        theirs[i] = mix_rate_hiredis(c, 100);
    }
    print_both(ours, theirs, ROUNDS);
    redisFree(c);
    vouch_client_close(client);
}

static void mix_alone(void)
{
    double rates[5];
    vouch_client *client = bench_vouch();
    vouch_batch *batch = vouch_batch_new();
    bench_mix_init(&mix);
    for (int i = 0; i < 5; i++)
        rates[i] = stream_rate(client, 200000);
    printf("%.6g\n", bench_median(rates, 5));
    vouch_batch_free(batch);
    vouch_client_close(client);
}

static void stream_memory(uint64_t commands)
{
    struct rusage usage;
    vouch_client *client = bench_vouch();
    bench_mix_init(&mix);
    (void)stream_rate(client, commands);
    vouch_client_close(client);
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("%.6g\n", (double)usage.ru_maxrss / 1024);
}

static void single(void)
{
    enum { CALLS = 20000 };
    static double ours[CALLS], theirs[CALLS];
    vouch_client *client = bench_vouch();
    vouch_batch *batch = vouch_batch_new();
    redisContext *c = bench_hiredis();
    vouch_batch_add(batch, "GET", "key:000001");
    for (int i = 0; i < CALLS; i++) {
        vouch_results *results = NULL;
        double start = bench_now_s();
        bench_check(vouch_pipeline_run(client, batch, NULL, &results, NULL) == VOUCH_OK, "run");
        vouch_results_free(results);
        ours[i] = (bench_now_s() - start) * 1e6;
        start = bench_now_s();
        freeReplyObject(redisCommand(c, "GET key:000001"));
        theirs[i] = (bench_now_s() - start) * 1e6;
    }
    print_both(ours, theirs, CALLS);
    redisFree(c);
    vouch_batch_free(batch);
    vouch_client_close(client);
}

/* Ten SETs and ten GETs of 1 MiB, MiB a second. */
static void large(void)
{
    enum { VALUE = 1 << 20, PAIRS = 10 };
    double ours[ROUNDS], theirs[ROUNDS];
    char *value = calloc(1, VALUE);
    vouch_client *client = bench_vouch();
    vouch_batch *batch = vouch_batch_new();
    redisContext *c = bench_hiredis();
    bench_check(value != NULL, "memory");
    memset(value, 'x', VALUE);
    for (int i = 0; i < ROUNDS; i++) {
        vouch_results *results = NULL;
        size_t bytes = 0;
        double start = bench_now_s();
        vouch_batch_clear(batch);
        for (int k = 0; k < PAIRS; k++) {
            vouch_batch_add(batch, "SET", "large", vouch_bytes(value, VALUE));
            vouch_batch_add(batch, "GET", "large");
        }
        bench_check(vouch_pipeline_run(client, batch, NULL, &results, NULL) == VOUCH_OK, "run");
        for (size_t k = 0; k < vouch_results_count(results); k++)
            bytes += vouch_reply_string(vouch_results_at(results, k)->reply).size;
        vouch_results_free(results);
        ours[i] = 2.0 * PAIRS / (bench_now_s() - start);
        bench_check(bytes == (size_t)PAIRS * (VALUE + 2), "wrong replies");
        start = bench_now_s();
        for (int k = 0; k < PAIRS; k++) {
            redisAppendCommand(c, "SET large %b", value, (size_t)VALUE);
            redisAppendCommand(c, "GET large");
        }
        for (int k = 0; k < 2 * PAIRS; k++) {
            void *reply = NULL;
            bench_check(redisGetReply(c, &reply) == REDIS_OK, "hiredis");
            freeReplyObject(reply);
        }
        theirs[i] = 2.0 * PAIRS / (bench_now_s() - start);
    }
    print_both(ours, theirs, ROUNDS);
    free(value);
    redisFree(c);
    vouch_batch_free(batch);
    vouch_client_close(client);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int ours = argc > 2 && strcmp(argv[2], "ours") == 0;
    long n = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    if (strcmp(what, "setget") == 0)
        count_mix(ours, n);
    else if (strcmp(what, "nested") == 0)
        count_nested(ours, n);
    else if (strcmp(what, "throughput") == 0)
        throughput();
    else if (strcmp(what, "stream_throughput") == 0)
        stream_throughput();
    else if (strcmp(what, "mix") == 0)
        mix_alone();
    else if (strcmp(what, "single") == 0)
        single();
    else if (strcmp(what, "large") == 0)
        large();
    else if (strcmp(what, "stream") == 0 && argc > 2)
        stream_memory(strtoull(argv[2], NULL, 10));
    else
        bench_die("what?");
    return 0;
}
