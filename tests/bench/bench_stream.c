/* Streams: bench_stream WHAT.
 *
 *   produce_rate     prints ours alone: entries a second by XADD, 4 fields of 8 bytes, as one stream of commands;
 *                    the median of its rounds
 *   once             prints entries that are added once a second, and plain ones
 *
 * That each entry had an id of its own, above the one before, is checked by the way. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 21, ROUND_ENTRIES = 50 * BENCH_BATCH, KEPT = 10000 };

static const char stream[] = "bench:entries", value[] = "12345678";

struct flow {
    const vouch_producer *producer; /* NULL: plain */
    int64_t sequence;               /* of the last one given */
    vouch_entry_options options;
    long given, taken;
    char last[VOUCH_ENTRY_ID_MAX];
};

static bool give(vouch_batch *into, void *user)
{
    struct flow *f = user;
    vouch_args fields = VOUCH_ARGS("f1", value, "f2", value, "f3", value, "f4", value);
    if (f->producer)
        (void)vouch_batch_add_once(into, f->producer, ++f->sequence, fields);
    else
        (void)vouch_batch_add_entry(into, stream, fields, &f->options);
    return ++f->given < ROUND_ENTRIES;
}

/* Ids of one length, as those of this century are: their text is in order where they are, but for what is
 * behind the dash. */
static bool is_above(const char *id, const char *last)
{
    size_t n = strlen(id), m = strlen(last), ms = strcspn(id, "-");
    int order = m ? strncmp(id, last, ms) : 1;
    return order > 0 || (order == 0 && (n > m || (n == m && strcmp(id, last) > 0)));
}

static bool take(uint64_t index, const vouch_result *result, void *user)
{
    struct flow *f = user;
    vouch_added added;
    (void)index;
    bench_check(vouch_added_read(result->reply, &added) && added.how == VOUCH_ADDED_NEW,
                "was not added");
    bench_check(is_above(added.id, f->last), "ids are out of order");
    memcpy(f->last, added.id, sizeof f->last);
    f->taken++;
    return true;
}

static double rate(vouch_client *client, struct flow *f)
{
    vouch_error e;
    double start = bench_now_s();
    f->given = f->taken = 0;
    if (vouch_pipeline_stream(client, give, take, f, NULL, NULL, &e) != VOUCH_OK)
        bench_die(e.message);
    bench_check(f->taken == ROUND_ENTRIES, "entries were lost");
    return ROUND_ENTRIES / (bench_now_s() - start);
}

static struct flow plain(void)
{
    struct flow f = {.options = VOUCH_ENTRY_OPTIONS_INIT};
    f.options.keep.max_len = KEPT;
    return f;
}

static void produce_rate(vouch_client *client)
{
    struct flow f = plain();
    double rates[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        rates[i] = rate(client, &f);
    printf("%.0f\n", bench_median(rates, ROUNDS));
}

static void once(vouch_client *client)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_producer *p = NULL;
    double ours[ROUNDS], theirs[ROUNDS];
    struct flow f = plain(), g = plain();
    o.keep.max_len = KEPT;
    bench_check(vouch_producer_new(stream, "bench", &o, &p, NULL) == VOUCH_OK, "no producer");
    f.producer = p;
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = rate(client, &f);
        memcpy(g.last, f.last, sizeof g.last);
        theirs[i] = rate(client, &g);
        memcpy(f.last, g.last, sizeof f.last);
    }
    printf("%.0f %.0f\n", bench_median(ours, ROUNDS), bench_median(theirs, ROUNDS));
    vouch_producer_free(p);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    vouch_client *client = bench_vouch();
    if (strcmp(what, "produce_rate") == 0)
        produce_rate(client);
    else if (strcmp(what, "once") == 0)
        once(client);
    else
        bench_die("unknown work");
    vouch_client_close(client);
    return 0;
}
