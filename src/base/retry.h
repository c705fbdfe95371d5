/*
 * How long to wait before trying again. Pure arithmetic: the caller brings the randomness and does
 * the waiting.
 */
#ifndef VOUCH_BASE_RETRY_H
#define VOUCH_BASE_RETRY_H

#include <stdint.h>

enum retry_jitter {
    RETRY_JITTER_FULL,         /* anywhere from 0 to the ceiling */
    RETRY_JITTER_EQUAL,        /* anywhere in the upper half of it */
    RETRY_JITTER_DECORRELATED, /* from base to three times the previous delay, at most cap */
    RETRY_JITTER_NONE,         /* the ceiling itself */
};

/* The ceiling of attempt n is base * 2^(n-1), at most cap. Negative counts as 0; a base above
 * cap is cap. */
struct retry_policy {
    int64_t base_ms;
    int64_t cap_ms;
    enum retry_jitter jitter;
};

/*
 * The delay after failed attempt number `attempt` (from 1; 0 counts as 1), in microseconds: 0 to
 * cap. Of the same arguments always the same. Only decorrelated jitter looks at previous_us, the
 * delay returned last; not above base, as before the first, it counts as base. No value of any
 * argument overflows: what exceeds INT64_MAX us is INT64_MAX.
 */
int64_t retry_delay_us(const struct retry_policy *policy, unsigned attempt, int64_t previous_us,
                       uint64_t random);

/* A stream of 64-bit values, uniform, not for secrets. Any state is a good seed; equal seeds
 * give equal streams. */
struct retry_random {
    uint64_t state;
};

uint64_t retry_random_next(struct retry_random *random);

/* Maps a uniform 64-bit value to [0, below), each with the same chance to within below / 2^64; 0
 * if below is 0. */
uint64_t retry_uniform(uint64_t random, uint64_t below);

#endif
