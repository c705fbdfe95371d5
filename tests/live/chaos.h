/* Faults at random moments: connections through a proxy are stalled, cut, and what was held of them is
 * let go when their clients have long been elsewhere. What happens to connection n is drawn from the
 * seed; when it happens, as far as time decides, is not the same in two runs. */
#ifndef LIVE_CHAOS_H
#define LIVE_CHAOS_H

#include "proxy.h"

/* A generator that gives the same numbers for the same seed. */
uint64_t chaos_random(uint64_t *state);
/* One number of 0 … n - 1. */
uint64_t chaos_below(uint64_t *state, uint64_t n);
/* A generator of its own for item i of something. */
uint64_t chaos_seed(uint64_t seed, uint64_t something, uint64_t i);

struct chaos;

/* From now on the proxy's next connections have faults. */
struct chaos *chaos_begin(ts_proxy *proxy, uint64_t seed);
/* Looks once what is due. */
void chaos_turn(struct chaos *chaos);

struct chaos_counts {
    unsigned long connections;
    unsigned long stalled; /* held back, on the way to the server or from it */
    unsigned long late;    /* of these: let go after the client was shown their end */
    int64_t late_bytes;    /* that came to the server then */
};

/* Lets go whatever is held, and releases `chaos`; connections to come have no faults. */
struct chaos_counts chaos_end(struct chaos *chaos);

#endif
