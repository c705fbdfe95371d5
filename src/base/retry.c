/*
 * The mathematics of backoff and jitter. Calls nothing.
 *
 * Invariants:
 *  1. Every delay is within [0, max(cap, 0)], whatever the arguments.
 *  2. The ceiling never falls from one attempt to the next.
 *  3. No signed operation overflows: milliseconds become microseconds by saturation, doubling stops
 *     at the cap.
 */
#include "base/retry.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Multiplies, factor > 0; what is below 0 is 0 and what is too much is INT64_MAX. */
static int64_t times(int64_t v, int64_t factor)
{
    if (v <= 0)
        return 0;
    return v > INT64_MAX / factor ? INT64_MAX : v * factor;
}

static int64_t ceiling_us(int64_t base, int64_t cap, unsigned attempt)
{
    unsigned doublings = attempt > 0 ? attempt - 1 : 0;
    /* base << 63 is more than any cap unless base is 0: more doublings than that change nothing. */
    if (doublings > 62)
        return base > 0 ? cap : 0;
    return base > cap >> doublings ? cap : base << doublings;
}

/* Uniform over both ends. The span of two non-negative values is below 2^63, so that one more
 * still fits. */
static int64_t between(int64_t low, int64_t high, uint64_t random)
{
    return low + (int64_t)retry_uniform(random, (uint64_t)(high - low) + 1);
}

int64_t retry_delay_us(const struct retry_policy *policy, unsigned attempt, int64_t previous_us,
                       uint64_t random)
{
    int64_t cap = times(policy->cap_ms, 1000);
    int64_t base = smaller(times(policy->base_ms, 1000), cap);
    int64_t ceiling = ceiling_us(base, cap, attempt);

    switch (policy->jitter) {
    case RETRY_JITTER_FULL:
        return between(0, ceiling, random);
    case RETRY_JITTER_EQUAL:
        return between(ceiling - ceiling / 2, ceiling, random);
    case RETRY_JITTER_DECORRELATED: {
        int64_t previous = previous_us > base ? previous_us : base;
        return between(base, smaller(cap, times(previous, 3)), random);
    }
    case RETRY_JITTER_NONE:
        return ceiling;
    }
    return ceiling;
}

uint64_t retry_random_next(struct retry_random *random)
{
    /* SplitMix64: a counter that steps by the golden ratio, stirred. */
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t v = random->state;
    v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
    return v ^ (v >> 31);
}

/* The upper 64 bits of random * below, by halves since C11 has no type for the product. */
uint64_t retry_uniform(uint64_t random, uint64_t below)
{
    const uint64_t mask = UINT32_MAX;
    uint64_t low = (random & mask) * (below & mask);
    uint64_t cross = (random >> 32) * (below & mask) + (low >> 32);
    uint64_t other = (random & mask) * (below >> 32) + (cross & mask);
    return (random >> 32) * (below >> 32) + (cross >> 32) + (other >> 32);
}
