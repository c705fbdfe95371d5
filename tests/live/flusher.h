/* Another client that makes the server forget its scripts, or functions, at random moments, from a thread of its own. */
#ifndef LIVE_FLUSHER_H
#define LIVE_FLUSHER_H

#include "server.h"

struct flusher;

struct flusher_options {
    const ts_server *server;
    bool functions; /* instead of scripts */
    uint64_t seed;
    unsigned pause; /* between two deeds so many round trips of its own, at most */
    const char
        *source; /* copied: now and then it loads this, as another user of it would; or NULL */
};

struct flusher_counts {
    unsigned long flushes, loads;
};

struct flusher *flusher_begin(const struct flusher_options *options);
struct flusher_counts flusher_so_far(struct flusher *f);
/* Ends the thread and releases it. */
struct flusher_counts flusher_end(struct flusher *f);

#endif
