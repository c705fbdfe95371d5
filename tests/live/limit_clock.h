/* Limiters whose clock is in a key. */
#ifndef LIVE_LIMIT_CLOCK_H
#define LIVE_LIMIT_CLOCK_H

#include "server.h"

#include <vouch/ratelimit.h>

/* A server, and a client of it. */
struct limit_stage {
    ts_server *server;
    vouch_client *client;
};

struct limit_stage limit_stage_open(ts_server_kind kind);
void limit_stage_close(struct limit_stage *stage);
/* What the limiters below take for now. */
void limit_set_clock(const struct limit_stage *stage, int64_t now);

/* A limit without a burst of its own. */
vouch_limit_spec limit_spec(int kind, int64_t limit, int64_t period);

/* The script that is shipped for these limits, but for the call of TIME, instead of which it reads the keys
 * "s" (seconds) and "u" (microseconds). In fresh memory, freed with free(). */
char *limit_source_by_key(const vouch_limit_spec *specs, size_t n, size_t *size);
/* A limiter with that script; NULL if vouch_limiter_new does not take the limits. */
vouch_limiter *limit_by_key(const vouch_limit_spec *specs, size_t n);

#endif
