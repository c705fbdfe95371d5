/* A long stream of entries that are added once, over connections of which none lives for long: far more is in
 * doubt at a time than a producer remembers. Afterwards each sequence is there once and in order; and whoever has
 * the client's window remembered learns every id. */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 12000, CONNECTIONS = 3000 };

static struct rig rig;

/* Each connection ends somewhere, in one of these manners; the first bytes are the greeting and the script. */
static void plan_all(unsigned seed)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        seed = seed * 1103515245u + 12345u;
        bool to_client = seed >> 16 & 1;
        ts_plan plan = to_client ? ts_plan_cut(TS_TO_CLIENT, 2000 + (seed >> 8) % 12000)
                                 : ts_plan_cut(TS_TO_SERVER, 10000 + (seed >> 8) % 90000);
        plan.mode = !to_client         ? TS_CUT_ANSWER
                    : (seed >> 20) % 3 ? TS_CUT_HELD
                    : (seed >> 24) % 2 ? TS_CUT_ABRUPT
                                       : TS_CUT_SETTLE;
        ts_proxy_plan(rig.proxy, i, &plan);
    }
}

struct flow {
    const vouch_producer *producer;
    int64_t given;
    size_t taken, counts[VOUCH_ADDED_NO_STREAM + 1];
    char (*ids)[VOUCH_ENTRY_ID_MAX];
};

static bool give(vouch_batch *into, void *user)
{
    struct flow *f = user;
    f->given++;
    (void)vouch_batch_add_once(into, f->producer, f->given, VOUCH_ARGS("n", f->given));
    return f->given < ENTRIES;
}

static bool take(uint64_t index, const vouch_result *result, void *user)
{
    struct flow *f = user;
    vouch_added a;
    ck_assert_uint_eq(index, f->taken);
    ck_assert_msg(vouch_added_read(result->reply, &a), "entry %zu is %s", f->taken,
                  vouch_effect_name(result->effect));
    f->counts[a.how]++;
    memcpy(f->ids[f->taken++], a.id, sizeof a.id);
    return true;
}

/* Which are told by an id have the right one. */
static void check(const struct flow *f)
{
    struct feed all = feed_of(rig.server, "s");
    ck_assert_uint_eq(f->taken, ENTRIES);
    ck_assert_uint_eq(all.n, ENTRIES);
    for (size_t i = 0; i < all.n; i++) {
        ck_assert_int_eq(all.numbers[i], (int64_t)i + 1);
        if (f->ids[i][0])
            ck_assert_str_eq(f->ids[i], all.ids[i]);
    }
    feed_free(&all);
}

START_TEST(many_outages_double_nothing_and_lose_nothing)
{
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_client_options co = rig_options(3, 1000);
    bool wide = _i / 2;
    struct flow f = {.given = 0};
    vouch_error e;
    rig = rig_start(_i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    plan_all((unsigned)_i + 1);
    o.window = wide ? 1000 : 0;
    o.dense = 1;
    vouch_producer *p = feed_producer("s", "p", &o);
    f.producer = p;
    f.ids = calloc(ENTRIES, sizeof *f.ids);
    ck_assert_ptr_nonnull(f.ids);
    vouch_client *client = rig_open(&rig, &co);
    po.idempotent = 1;
    po.outages = CONNECTIONS;
    vouch_status status = vouch_pipeline_stream(client, give, take, &f, &po, NULL, &e);
    ck_assert_msg(status == VOUCH_OK, "%s", e.message);
    int connections = rig_next_connection(&rig);
    vouch_client_close(client);
    rig_settle(&rig);
    check(&f);
    printf("%d connections: %zu added, %zu again, %zu forgotten\n", connections,
           f.counts[VOUCH_ADDED_NEW], f.counts[VOUCH_ADDED_AGAIN], f.counts[VOUCH_ADDED_FORGOTTEN]);
    ck_assert_int_gt(connections, 20);
    ck_assert_uint_gt(f.counts[VOUCH_ADDED_AGAIN], 0);
    ck_assert((f.counts[VOUCH_ADDED_FORGOTTEN] > 0) == !wide);
    ck_assert_uint_eq(f.counts[VOUCH_ADDED_PASSED] + f.counts[VOUCH_ADDED_GAP], 0);
    vouch_producer_free(p);
    free(f.ids);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("producer flow");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, many_outages_double_nothing_and_lose_nothing, 0, 4);
    suite_add_tcase(s, c);
    return rig_main(s);
}
