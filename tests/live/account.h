/* One connection through the proxy, told in commands: how many the client handed over on it, and how
 * many answers it was given.
 *
 *     0          answered          handed          count
 *     | APPLIED  |  MAYBE_APPLIED  |  was not sent |
 *
 * From these two numbers follows what must be reported of every command, whatever happened to the
 * connection: MAYBE where nobody can know, and nowhere else. The client's kernel decides what was
 * handed over: the proxy counts every byte that it took, also those it then threw away. */
#ifndef LIVE_ACCOUNT_H
#define LIVE_ACCOUNT_H

#include "rig.h"

/* A batch of equal commands, each on its own counter; sizes in bytes on the wire. */
struct work {
    const char *command; /* INCR, GET, or APPEND of `value` bytes */
    size_t count, value;
    int64_t out, in;             /* one command, one reply */
    int64_t hello_out, hello_in; /* before the first: see account_measure */
};

struct work account_incr(size_t count);
struct work account_get(size_t count, uint32_t protocol);
struct work account_append(size_t count, size_t value);
vouch_batch *account_batch(const struct work *w);

/* Runs the batch undisturbed, which must succeed, and takes the handshake's size from the bytes
 * that passed. Then removes the data. */
void account_measure(struct rig *rig, struct work *w, const vouch_client_options *options);
int64_t account_all_out(const struct work *w);
int64_t account_all_in(const struct work *w);

struct seen {
    size_t answered, handed;
};

/* What passed on the connection. Exact once it is gone, if nothing ended it but TS_END_EOF. */
struct seen account_seen(const struct rig *rig, int connection, const struct work *w);

/* What may happen to commands after an outage. */
enum rule {
    IN_ORDER,   /* the default */
    REORDERED,  /* reorder_ok */
    REPEATABLE, /* idempotent, or all of them only read */
    ENDED       /* none: the call was ended by this outage */
};

/* How many commands, of `one` byte each behind `hello` bytes, are whole among so many bytes. */
size_t account_whole(int64_t bytes, int64_t hello, int64_t one);

/* Fails unless every effect, status, number of attempts and moved is what must be reported. */
void account_check(const vouch_results *results, const struct seen *seen, enum rule rule,
                   const char *what, long long n);

/* The same against the server's data, and counts the case. Of counters that may have been repeated:
 * what was sent twice is 1 or 2. Of APPENDs of `value` bytes: each ran once, not at all, or maybe. */
void account_compare_repeated(struct rig *rig, const vouch_results *results,
                              struct rig_tally *tally, long long n);
void account_compare_appended(struct rig *rig, const vouch_results *results, size_t value,
                              struct rig_tally *tally, long long n);

/* Runs the batch on a client of its own, whatever is done to its connection: each command gets to an
 * end, by this rule. */
vouch_results *account_run(const struct rig *rig, const struct work *w, uint32_t protocol,
                           uint32_t window, enum rule rule);
/* Checks what was reported against what passed and against the data; then releases the results and
 * removes the data. */
void account_settle(struct rig *rig, vouch_results *results, const struct seen *seen,
                    enum rule rule, struct rig_tally *tally, const char *what, long long n);

#endif
