/* What the benchmarks share. Each measures ours and a peer's way of the same work in the same run;
 * what a program prints is read by scripts/bench. */
#ifndef BENCH_H
#define BENCH_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vouch/vouch.h>

enum { BENCH_BATCH = 1000, BENCH_VALUE = 32 };

/* The server of $VOUCH_URL; over TLS, $VOUCH_TLS_CA is whom to trust. Failures end the program, saying why. */
vouch_client *bench_vouch(void);
redisContext *bench_hiredis(void);
_Noreturn void bench_die(const char *what);
static inline void bench_check(bool ok, const char *what)
{
    if (!ok)
        bench_die(what);
}

double bench_now_s(void);
double bench_median(double *values, size_t n);

/* SET and GET by turns, with redis-benchmark's keys and value sizes; words and lengths are made before
 * anything is measured. */
struct bench_mix {
    char keys[BENCH_BATCH][20];
    char value[BENCH_VALUE + 1];
    const char *words[BENCH_BATCH][3];
    size_t lengths[BENCH_BATCH][3];
    size_t counts[BENCH_BATCH];
};
void bench_mix_init(struct bench_mix *mix);

/* One batch of the mix, every reply read; returns the bytes of text in them. That the last one is
 * the value is checked inside. */
size_t bench_mix_argv(const struct bench_mix *mix, vouch_client *client, vouch_batch *batch);
size_t bench_mix_add(const struct bench_mix *mix, vouch_client *client, vouch_batch *batch);
size_t bench_mix_hiredis(struct bench_mix *mix, redisContext *context);
/* What a batch of the mix returns. */
enum { BENCH_MIX_BYTES = BENCH_BATCH / 2 * (2 + BENCH_VALUE) };
/* Whether it is the mix's value. */
bool bench_mix_is_value(const struct bench_mix *mix, const char *text, size_t size);

/* A stream of 100 entries of four fields, and ten times XRANGE of them all; returns the bytes of all
 * fields. */
void bench_nested_prepare(redisContext *context);
size_t bench_nested_vouch(vouch_client *client, vouch_batch *batch);
size_t bench_nested_hiredis(redisContext *context);

/* SETs and GETs of a value of 1 MiB by turns; false if a reply is not what it must be. */
enum { BENCH_LARGE = 1 << 20, BENCH_LARGE_PAIRS = 10 };
bool bench_large_vouch(const char *value, vouch_client *client, vouch_batch *batch);
bool bench_large_hiredis(const char *value, redisContext *context);

/* A GET by itself, checked likewise. */
bool bench_single_vouch(const struct bench_mix *mix, vouch_client *client, vouch_batch *batch);
bool bench_single_hiredis(const struct bench_mix *mix, redisContext *context);

#endif
