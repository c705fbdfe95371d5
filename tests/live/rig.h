/* What the live tests share: a server behind a fault proxy, counters on it, and the comparison of what
 * was reported with what the server holds. */
#ifndef LIVE_RIG_H
#define LIVE_RIG_H

#include "clock.h"
#include "proxy.h"
#include "server.h"
#include "truth.h"

#include <check.h>
#include <vouch/vouch.h>

struct rig {
    ts_server *server;
    ts_proxy *proxy;
};

/* Starts both, on Unix sockets. The test fails if there is no such server. */
struct rig rig_start(ts_server_kind kind, ts_persistence persistence);
void rig_stop(struct rig *rig);

/* A client through the proxy that has not connected yet, quick to reconnect. */
vouch_client *rig_client(const struct rig *rig, uint32_t protocol, uint32_t window);
/* The number that the proxy will give to the next connection. */
int rig_next_connection(const struct rig *rig);
/* Waits until the server has run all that reached it, and nobody is connected. */
void rig_settle(const struct rig *rig);
/* Removes all data. */
void rig_flush(const struct rig *rig);

/* A batch of INCR c0 … c<n-1>. */
vouch_batch *rig_counters(size_t n);

struct rig_tally {
    unsigned long cases, applied, not_applied, maybe;
};

/* Each counter against its result: APPLIED is 1, NOT_APPLIED is 0, MAYBE is 0 or 1. Adds to the
 * tally; `what` and `n` name the case. */
void rig_compare(const struct rig *rig, const vouch_results *results, struct rig_tally *tally,
                 const char *what, long long n);

/* Runs a suite in this process; what main returns. */
int rig_main(Suite *suite);

#endif
