/* Producers and what is in their streams. */
#ifndef LIVE_FEED_H
#define LIVE_FEED_H

#include "rig.h"

/* What the first field of each entry says, in the stream's order; ids likewise if wanted. */
struct feed {
    size_t n;
    int64_t *numbers;
    char (*ids)[VOUCH_ENTRY_ID_MAX];
};

/* Of the server, asked beside vouch. Freed with feed_free. */
struct feed feed_of(const ts_server *server, const char *stream);
void feed_free(struct feed *feed);
/* The stream holds these numbers in this order, and nothing else. */
void feed_is(const ts_server *server, const char *stream, const int64_t *numbers, size_t n);
/* The stream holds low, low + 1, …, high. */
void feed_counts(const ts_server *server, const char *stream, int64_t low, int64_t high,
                 const char *what, long long at);

/* A producer with these options, or NULL. */
vouch_producer *feed_producer(const char *stream, const char *name,
                              const vouch_producer_options *options);
/* Adds it by itself, the sequence as its field "n"; what was answered. */
vouch_added feed_once(vouch_client *client, const vouch_producer *producer, int64_t sequence);
/* The same, and checks how and, unless it is negative, the highest sequence that is told. */
void feed_expect(vouch_client *client, const vouch_producer *producer, int64_t sequence, int how,
                 int64_t last);

#endif
