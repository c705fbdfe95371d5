/* One consumer of one group, on a server of either kind: what the tests of its smaller duties begin with. */
#ifndef LIVE_LONE_H
#define LIVE_LONE_H

#include "rig.h"

extern struct rig lone_rig;
extern vouch_client *lone_client;
extern vouch_error lone_error; /* of the last call */

#define lone_expect(status, want)                                                                  \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), lone_error.message);        \
    } while (0)

/* Even: Redis, and RESP3; odd: Valkey, and RESP2. */
void lone_begin(int kind);
void lone_end(void);
vouch_consumer_options lone_options(vouch_ack ack);
vouch_consumer *lone_open(const vouch_consumer_options *o);
/* So many entries. */
void lone_add(int n);
/* A delivery. */
vouch_delivery *lone_poll(vouch_consumer *c);

/* Entries pending in the group; -1 if there is none. */
int64_t lone_pending(void);
/* How many consumers the group knows. */
size_t lone_consumers(void);
vouch_consumer_stats lone_stats(const vouch_consumer *c);

#endif
