/* Limiters whose clock is in a key. */
#ifndef LIVE_LIMIT_CLOCK_H
#define LIVE_LIMIT_CLOCK_H

#include <vouch/ratelimit.h>

/* The script that is shipped for these limits, but for the call of TIME, instead of which it reads the keys
 * "s" (seconds) and "u" (microseconds). In fresh memory, freed with free(). */
char *limit_source_by_key(const vouch_limit_spec *specs, size_t n, size_t *size);
/* A limiter with that script; NULL if vouch_limiter_new does not take the limits. */
vouch_limiter *limit_by_key(const vouch_limit_spec *specs, size_t n);

#endif
