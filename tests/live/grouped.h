/* A consumer of one group, on a server of either kind, with effects applied exactly once or not: what the cases of the
 * servers' own suites about consumer groups are told with. */
#ifndef LIVE_GROUPED_H
#define LIVE_GROUPED_H

#include "rig.h"

#define GROUPED_STREAM "{s}in"
#define GROUPED_LEDGER "{s}ledger"

struct grouped {
    struct rig rig;
    vouch_client *client;
    vouch_error error; /* of the last call */
    bool exact;
};

#define grouped_expect(g, status, want)                                                            \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), (g)->error.message);        \
    } while (0)

/* i: kind of server, and with it the protocol; then whether it is exactly once. */
void grouped_begin(struct grouped *g, int i);
void grouped_end(struct grouped *g);

/* A group that is lost is made again, with all there is. */
vouch_consumer_options grouped_options(const struct grouped *g);
vouch_consumer *grouped_open(struct grouped *g);
vouch_consumer *grouped_open_with(struct grouped *g, const vouch_consumer_options *o);
void grouped_close(struct grouped *g, vouch_consumer *c);

/* Entries from-1 … to-1, all at once. */
void grouped_add(struct grouped *g, const char *from, const char *to);
/* Until it does. */
void grouped_wait_in_server(struct grouped *g, vouch_consumer *c);
/* A delivery; exactly once, each entry of it has an effect. */
vouch_delivery *grouped_poll(struct grouped *g, vouch_consumer *c);
/* All of its entries get this verdict; how many that were. Frees it. */
size_t grouped_commit(struct grouped *g, vouch_delivery *d, vouch_verdict want);
/* So many entries come, and are done. */
void grouped_handle(struct grouped *g, vouch_consumer *c, size_t n);

/* Entries pending in the group; -1 if there is none. */
int64_t grouped_pending(const struct grouped *g);
/* What waits goes out, and nothing is pending any more. */
void grouped_settle(struct grouped *g, vouch_consumer *c);
/* Exactly once: n entries had their effect, each once. */
void grouped_check_ledger(const struct grouped *g, int64_t n);

#endif
