/* Entries of a stream: added, read, and taken from it in both ways. Failures end the program. */
#ifndef BENCH_ENTRIES_H
#define BENCH_ENTRIES_H

#include "bench.h"

enum { ENTRIES_BATCH = 100, ENTRIES_ACCOUNTS = 1000 };

extern const char entries_stream[];

/* What was read: every field of every entry. */
struct tally {
    long entries;
    uint64_t sum; /* of all names and values, eight bytes as one number */
};

/* So many entries of four fields of eight bytes, with names of two; the first one is an account. */
void entries_fill(redisContext *c, long n);
/* What reading all of them comes to. */
struct tally entries_all(redisContext *c);
void entries_read(struct tally *t, const vouch_entry *e);

/* One read for group "theirs", every field, and an XACK for each entry, these pipelined. */
void entries_take_hiredis(redisContext *c, const char *count, struct tally *t);
/* Of a reply, which is released. */
long long entries_integer(redisReply *r);

/* A consumer in batches of ENTRIES_BATCH, else with all defaults. */
vouch_consumer *entries_consumer(vouch_client *client, const char *group, vouch_ack ack,
                                 const char *stream);
void entries_leave(vouch_consumer *consumer);
vouch_delivery *entries_next(vouch_consumer *consumer);
/* Commits it, checks that all is settled, and frees it. */
void entries_commit(vouch_delivery *d);

#endif
