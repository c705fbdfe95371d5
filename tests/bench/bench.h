/* What the benchmarks share. Each measures ours and a peer's way of the same work in the same run;
 * what a program prints is read by scripts/bench. */
#ifndef BENCH_H
#define BENCH_H

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>
#include <vouch/vouch.h>

enum { BENCH_BATCH = 1000, BENCH_VALUE = 32 };

/* The server of $VOUCH_URL. Failures end the program, saying why. */
vouch_client *bench_vouch(void);
redisContext *bench_hiredis(void);
_Noreturn void bench_die(const char *what);
void bench_check(int ok, const char *what);

double bench_now_s(void);
double bench_median(double *values, size_t n);

/* Keys and words of the SET/GET mix, made before anything is measured. */
struct bench_mix {
    char keys[BENCH_BATCH][16];
    char value[BENCH_VALUE + 1];
    const char *words[BENCH_BATCH][3];
    size_t lengths[BENCH_BATCH][3];
    size_t counts[BENCH_BATCH];
};
void bench_mix_init(struct bench_mix *mix);

/* One batch of the mix, replies read; returns the bytes of text in them. */
size_t bench_mix_vouch(const struct bench_mix *mix, vouch_client *client, vouch_batch *batch);
size_t bench_mix_hiredis(const struct bench_mix *mix, redisContext *context);
/* What a batch of the mix returns. */
enum { BENCH_MIX_BYTES = BENCH_BATCH / 2 * (2 + BENCH_VALUE) };

/* Entries of four fields in a stream, and XRANGE of 100 of them: the fields' bytes are summed. */
void bench_nested_prepare(redisContext *context);
size_t bench_nested_vouch(vouch_client *client, vouch_batch *batch);
size_t bench_nested_hiredis(redisContext *context);

#endif
