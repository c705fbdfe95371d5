/* Producers and what is in their streams. */
#include "feed.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>

struct feed feed_of(const ts_server *server, const char *stream)
{
    ts_reply *r = ts_command(server, "XRANGE", stream, "-", "+", NULL);
    ck_assert_msg(r->type == TS_REPLY_ARRAY, "XRANGE: %s", r->text);
    struct feed f = {.n = r->count};
    f.numbers = ts_alloc((r->count + 1) * sizeof *f.numbers);
    f.ids = ts_alloc((r->count + 1) * sizeof *f.ids);
    for (size_t i = 0; i < r->count; i++) {
        const ts_reply *fields = r->elements[i]->elements[1];
        ck_assert_uint_ge(fields->count, 2);
        f.numbers[i] = strtoll(fields->elements[1]->text, NULL, 10);
        (void)strncpy(f.ids[i], r->elements[i]->elements[0]->text, sizeof *f.ids - 1);
    }
    ts_reply_free(r);
    return f;
}

void feed_free(struct feed *f)
{
    free(f->numbers);
    free(f->ids);
}

void feed_is(const ts_server *server, const char *stream, const int64_t *numbers, size_t n)
{
    struct feed f = feed_of(server, stream);
    ck_assert_uint_eq(f.n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(f.numbers[i], numbers[i]);
    feed_free(&f);
}

void feed_counts(const ts_server *server, const char *stream, int64_t low, int64_t high,
                 const char *what, long long at)
{
    struct feed f = feed_of(server, stream);
    for (size_t i = 0; i < f.n; i++)
        ck_assert_msg(f.numbers[i] == low + (int64_t)i, "%s %lld: entry %zu is %lld", what, at, i,
                      (long long)f.numbers[i]);
    ck_assert_msg((int64_t)f.n == high - low + 1, "%s %lld: %zu entries", what, at, f.n);
    feed_free(&f);
}

vouch_producer *feed_producer(const char *stream, const char *name,
                              const vouch_producer_options *options)
{
    vouch_producer *p = NULL;
    vouch_error e;
    ck_assert_msg(!vouch_producer_new(stream, name, options, &p, &e), "%s", e.message);
    return p;
}

vouch_added feed_once(vouch_client *client, const vouch_producer *producer, int64_t sequence)
{
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    vouch_added added;
    vouch_error e;
    ck_assert_uint_eq(vouch_batch_add_once(b, producer, sequence, VOUCH_ARGS("n", sequence)), 0);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &r, &e);
    ck_assert_msg(status == VOUCH_OK, "%lld: %s", (long long)sequence, e.message);
    ck_assert(vouch_added_read(vouch_results_at(r, 0)->reply, &added));
    vouch_results_free(r);
    vouch_batch_free(b);
    return added;
}

void feed_expect(vouch_client *client, const vouch_producer *producer, int64_t sequence, int how,
                 int64_t last)
{
    vouch_added a = feed_once(client, producer, sequence);
    ck_assert_msg((int)a.how == how, "sequence %lld: %d instead of %d", (long long)sequence,
                  (int)a.how, how);
    if (last >= 0)
        ck_assert_int_eq(a.last, last);
    ck_assert((a.id[0] != 0) == (how == VOUCH_ADDED_NEW || how == VOUCH_ADDED_AGAIN));
}
