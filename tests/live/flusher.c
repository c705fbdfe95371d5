/* What makes the server forget. Time is counted in round trips, not slept away: so the moments are as
 * close together as the machine allows, and everywhere. */
#include "flusher.h"

#include "base.h"
#include "chaos.h"
#include "truth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct flusher {
    struct flusher_options options;
    atomic_ulong flushes, loads;
    char *source;
    pthread_t thread;
    atomic_bool stop;
};

static void say(ts_conn *conn, const char *const words[static 5])
{
    size_t n = 0;
    while (words[n])
        n++;
    ts_reply *r = ts_conn_command_words(conn, n, words, NULL);
    if (r->type == TS_REPLY_ERROR || r->type == TS_REPLY_LOST)
        ts_die("the flusher is told: %s", r->text);
    ts_reply_free(r);
}

static void load(ts_conn *conn, const struct flusher *f)
{
    if (f->options.functions)
        say(conn, (const char *[5]){"FUNCTION", "LOAD", "REPLACE", f->source});
    else
        say(conn, (const char *[5]){"SCRIPT", "LOAD", f->source});
}

static void *flush(void *user)
{
    struct flusher *f = user;
    const struct flusher_options *o = &f->options;
    uint64_t random = chaos_seed(o->seed, 5, 0);
    ts_conn *conn = ts_truth_open(o->server);
    if (!conn)
        ts_die("the flusher cannot connect");
    while (!atomic_load(&f->stop)) {
        for (uint64_t n = chaos_below(&random, o->pause + 1); n; n--)
            say(conn, (const char *[5]){"PING"});
        if (f->source && chaos_below(&random, 4) == 0) {
            load(conn, f);
            atomic_fetch_add(&f->loads, 1);
        } else {
            say(conn, (const char *[5]){o->functions ? "FUNCTION" : "SCRIPT", "FLUSH",
                                        chaos_below(&random, 2) ? "SYNC" : "ASYNC"});
            atomic_fetch_add(&f->flushes, 1);
        }
    }
    ts_conn_close(conn);
    return NULL;
}

struct flusher *flusher_begin(const struct flusher_options *options)
{
    struct flusher *f = ts_alloc(sizeof *f);
    f->options = *options;
    f->source = options->source ? ts_copy(options->source, strlen(options->source)) : NULL;
    if (pthread_create(&f->thread, NULL, flush, f) != 0)
        ts_die("no thread for the flusher");
    return f;
}

struct flusher_counts flusher_so_far(struct flusher *f)
{
    return (struct flusher_counts){atomic_load(&f->flushes), atomic_load(&f->loads)};
}

struct flusher_counts flusher_end(struct flusher *f)
{
    atomic_store(&f->stop, true);
    (void)pthread_join(f->thread, NULL);
    struct flusher_counts counts = flusher_so_far(f);
    free(f->source);
    free(f);
    return counts;
}
