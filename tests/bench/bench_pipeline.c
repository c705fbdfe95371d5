/* Pipelines against hiredis by hand: bench_pipeline WHAT [ARGUMENT…].
 *
 *   argv, add, nested   SIDE ROUNDS (ours or theirs): does the work so often and nothing else; what it
 *                       costs is counted from outside, as the difference of two numbers of rounds
 *   throughput, stream_throughput, large, single
 *                       prints ours and theirs, medians of rounds that take turns
 *   stream_rate         prints ours alone: commands a second, the median of its rounds
 *   stream_memory COMMANDS   prints the peak of its memory in MiB
 *
 * Whoever did not do the work, whole and with the right replies, ends with an error instead. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 81, ROUND_BATCHES = 50 };

/* Both sides, connected. */
struct sides {
    vouch_client *client;
    vouch_batch *batch;
    redisContext *hiredis;
    struct bench_mix mix;
};

static struct sides *begin(void)
{
    static struct sides s;
    s.client = bench_vouch();
    s.batch = vouch_batch_new();
    s.hiredis = bench_hiredis();
    bench_check(s.batch != NULL, "memory");
    bench_mix_init(&s.mix);
    return &s;
}

static void end(struct sides *s)
{
    redisFree(s->hiredis);
    vouch_batch_free(s->batch);
    vouch_client_close(s->client);
}

/* ---- counted from outside ------------------------------------------------------------------- */

typedef size_t mix_work(const struct bench_mix *mix, vouch_client *client, vouch_batch *batch);

static void count_mix(struct sides *s, mix_work *ours, long rounds)
{
    size_t bytes = 0;
    for (long i = 0; i < rounds; i++)
        bytes += ours ? ours(&s->mix, s->client, s->batch) : bench_mix_hiredis(&s->mix, s->hiredis);
    bench_check(bytes == (size_t)rounds * BENCH_MIX_BYTES, "the replies are not what they must be");
}

static void count_nested(struct sides *s, bool ours, long rounds)
{
    bench_nested_prepare(s->hiredis);
    size_t once = bench_nested_hiredis(s->hiredis), bytes = 0;
    for (long i = 0; i < rounds; i++)
        bytes += ours ? bench_nested_vouch(s->client, s->batch) : bench_nested_hiredis(s->hiredis);
    bench_check(once > 0 && bytes == (size_t)rounds * once, "the replies are not the same");
}

/* ---- timed, taking turns -------------------------------------------------------------------- */

static void print_both(double *ours, double *theirs, size_t n)
{
    printf("%.2f %.2f\n", bench_median(ours, n), bench_median(theirs, n));
}

static double batches_rate(struct sides *s, bool ours)
{
    size_t bytes = 0;
    double start = bench_now_s();
    for (int i = 0; i < ROUND_BATCHES; i++)
        bytes += ours ? bench_mix_argv(&s->mix, s->client, s->batch)
                      : bench_mix_hiredis(&s->mix, s->hiredis);
    double took = bench_now_s() - start;
    bench_check(bytes == (size_t)ROUND_BATCHES * BENCH_MIX_BYTES, "wrong replies");
    return ROUND_BATCHES * BENCH_BATCH / took;
}

/* The mix as a stream. */
struct flow {
    const struct bench_mix *mix;
    uint64_t given, want, taken, bytes;
    bool right; /* the last reply was the value */
};

static bool give(vouch_batch *into, void *user)
{
    struct flow *f = user;
    size_t i = f->given++ % BENCH_BATCH;
    vouch_batch_argv(into, f->mix->counts[i], f->mix->words[i], f->mix->lengths[i]);
    return f->given < f->want;
}

static bool take(uint64_t index, const vouch_result *result, void *user)
{
    struct flow *f = user;
    vouch_string text = vouch_reply_string(result->reply);
    f->taken++;
    f->bytes += text.size;
    if (index == f->want - 1)
        f->right = bench_mix_is_value(f->mix, text.data, text.size);
    return true;
}

/* `commands` is a multiple of a batch's. */
static double stream_rate(struct sides *s, uint64_t commands)
{
    struct flow f = {.mix = &s->mix, .want = commands};
    vouch_error e;
    double start = bench_now_s();
    if (vouch_pipeline_stream(s->client, give, take, &f, NULL, NULL, &e) != VOUCH_OK)
        bench_die(e.message);
    double took = bench_now_s() - start;
    bench_check(f.taken == commands && f.right &&
                    f.bytes == commands / BENCH_BATCH * BENCH_MIX_BYTES,
                "wrong replies");
    return (double)commands / took;
}

static void throughput(struct sides *s, bool stream)
{
    double ours[ROUNDS], theirs[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] =
            stream ? stream_rate(s, (uint64_t)ROUND_BATCHES * BENCH_BATCH) : batches_rate(s, true);
        theirs[i] = batches_rate(s, false);
    }
    print_both(ours, theirs, ROUNDS);
}

static void stream_alone(struct sides *s)
{
    double rates[ROUNDS];
    (void)batches_rate(s, false); /* so that every key is there, as redis-benchmark's are */
    for (int i = 0; i < ROUNDS; i++)
        rates[i] = stream_rate(s, (uint64_t)ROUND_BATCHES * BENCH_BATCH);
    printf("%.0f\n", bench_median(rates, ROUNDS));
}

/* The kernel's own peak of this program; getrusage would count what it was before exec. */
static double peak_mib(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    bench_check(f != NULL, "/proc/self/status cannot be read");
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoull(line + 6, NULL, 10);
    (void)fclose(f);
    bench_check(kib > 0, "the kernel does not tell VmHWM");
    return (double)kib / 1024;
}

static void stream_memory(struct sides *s, uint64_t commands)
{
    bench_check(commands % BENCH_BATCH == 0, "not a multiple of a batch");
    (void)stream_rate(s, commands);
    printf("%.2f\n", peak_mib());
}

static void single(struct sides *s)
{
    enum { CALLS = 30000 };
    static double ours[CALLS], theirs[CALLS];
    (void)batches_rate(s, false); /* so that the key is there */
    for (int i = 0; i < CALLS; i++) {
        double start = bench_now_s();
        bench_check(bench_single_vouch(&s->mix, s->client, s->batch), "wrong reply");
        ours[i] = (bench_now_s() - start) * 1e6;
        start = bench_now_s();
        bench_check(bench_single_hiredis(&s->mix, s->hiredis), "wrong reply");
        theirs[i] = (bench_now_s() - start) * 1e6;
    }
    print_both(ours, theirs, CALLS);
}

static void large(struct sides *s)
{
    double ours[ROUNDS], theirs[ROUNDS];
    char *value = malloc(BENCH_LARGE);
    bench_check(value != NULL, "memory");
    memset(value, 'x', BENCH_LARGE);
    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_now_s();
        bench_check(bench_large_vouch(value, s->client, s->batch), "wrong replies");
        ours[i] = 2 * BENCH_LARGE_PAIRS / (bench_now_s() - start);
        start = bench_now_s();
        bench_check(bench_large_hiredis(value, s->hiredis), "wrong replies");
        theirs[i] = 2 * BENCH_LARGE_PAIRS / (bench_now_s() - start);
    }
    print_both(ours, theirs, ROUNDS);
    free(value);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *side = argc > 2 ? argv[2] : "";
    bool ours = strcmp(side, "ours") == 0;
    long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    struct sides *s = begin();
    if (strcmp(what, "argv") == 0)
        count_mix(s, ours ? bench_mix_argv : NULL, rounds);
    else if (strcmp(what, "add") == 0)
        count_mix(s, ours ? bench_mix_add : NULL, rounds);
    else if (strcmp(what, "nested") == 0)
        count_nested(s, ours, rounds);
    else if (strcmp(what, "throughput") == 0)
        throughput(s, false);
    else if (strcmp(what, "stream_throughput") == 0)
        throughput(s, true);
    else if (strcmp(what, "stream_rate") == 0)
        stream_alone(s);
    else if (strcmp(what, "single") == 0)
        single(s);
    else if (strcmp(what, "large") == 0)
        large(s);
    else if (strcmp(what, "stream_memory") == 0)
        stream_memory(s, strtoull(side, NULL, 10));
    else
        bench_die("what?");
    end(s);
    return 0;
}
