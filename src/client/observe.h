/* client/observe.h: what a client counts, and what it tells the caller's hook.
 *
 * The counters stand in struct core. Each is raised in one place, where the fact is known; what can be
 * told from others (commands, connections) is not counted at all. */
#ifndef CLIENT_OBSERVE_H
#define CLIENT_OBSERVE_H

#include <vouch/observe.h>

#include <stdbool.h>
#include <stddef.h>

struct core;
struct link;
struct lane_failure;

/* Calls the hook, if there is one, with the client marked as busy. Texts that are NULL become "". */
void observe_tell(struct core *c, vouch_event e);
/* What vouch_client_stats gives. */
void observe_stats(const struct core *c, vouch_stats *out);
/* A duration for an event: milliseconds, rounded up. */
int64_t observe_ms(int64_t us);

/* ---- used by links -------------------------------------------------------------------------- */

/* n bytes were handed over; `turned`: with them a round trip began. */
void observe_handed(struct link *l, size_t n, bool turned);
/* n bytes were received and have been read, as far as they could be. */
void observe_received(struct link *l, size_t n);
void observe_connected(struct link *l);
/* The client ends the connection itself; it has not been dropped yet. */
void observe_given_up(struct link *l);
/* The connection is about to be dropped: counts that, and says what it is to be called. */
vouch_event_kind observe_failed(struct link *l);
/* It was dropped, and its lanes know. */
void observe_down(struct link *l, vouch_event_kind kind, const struct lane_failure *why);

#endif
