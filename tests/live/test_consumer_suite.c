/* What happens to streams and groups at servers, as far as a consumer can notice it: the cases of the servers' own
 * suites about consumer groups, told from this side. Here, what becomes of key, group and ids; most of it happens while
 * the consumer waits in the server. */
#include "grouped.h"

#include <string.h>

#define LAST "18446744073709551615-18446744073709551615"

static struct grouped g;

/* ---- while it waits in the server ------------------------------------------------------------ */

static void destroy_group(void)
{
    ts_do(g.rig.server, "XGROUP", "DESTROY", GROUPED_STREAM, "g", NULL);
}

static void delete_key(void)
{
    ts_do(g.rig.server, "DEL", GROUPED_STREAM, NULL);
}

static void flush_all(void)
{
    ts_do(g.rig.server, "FLUSHALL", NULL);
}

static void flush_db(void)
{
    ts_do(g.rig.server, "FLUSHDB", "ASYNC", NULL);
}

static void rename_away(void)
{
    ts_do(g.rig.server, "RENAME", GROUPED_STREAM, "{s}elsewhere", NULL);
}

static void rename_over(void)
{
    ts_do(g.rig.server, "XADD", "{s}other", "7-7", "n", "7", NULL);
    ts_do(g.rig.server, "RENAME", "{s}other", GROUPED_STREAM, NULL);
    ts_do(g.rig.server, "XDEL", GROUPED_STREAM, "7-7", NULL);
}

static void swap(void)
{
    ts_do(g.rig.server, "SWAPDB", "0", "1", NULL);
}

static const struct {
    const char *name;
    void (*happens)(void);
    bool again;      /* entries that were settled come again where they are not exactly once */
    bool all_is_new; /* the ledger is gone as well */
} losses[] = {
    {"the group is destroyed", destroy_group, true, false},
    {"the key is deleted", delete_key, false, false},
    {"everything is flushed", flush_all, false, true},
    {"the database is flushed", flush_db, false, true},
    {"the stream is renamed", rename_away, false, false},
    {"another is renamed to it", rename_over, false, false},
    {"databases are swapped", swap, false, true},
};

#define LOSSES (4 * (int)(sizeof losses / sizeof *losses)) /* each of them in each way */

/* The group is made again, and what comes then is handled: under new ids, since the old ones are settled. */
START_TEST(a_lost_group_is_made_again)
{
    grouped_begin(&g, _i % 4);
    size_t which = (size_t)_i / 4;
    grouped_add(&g, "1", "3");
    vouch_consumer *c = grouped_open(&g);
    grouped_handle(&g, c, 3);
    grouped_wait_in_server(&g, c);
    losses[which].happens();
    grouped_add(&g, "11", "12");
    grouped_handle(&g, c, losses[which].again && !g.exact ? 5 : 2);
    vouch_consumer_stats stats = VOUCH_CONSUMER_STATS_INIT;
    ck_assert_int_eq(vouch_consumer_stats_read(c, &stats), VOUCH_OK);
    ck_assert_msg(stats.groups_lost == 1, "%s: not told", losses[which].name);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_check_ledger(&g, losses[which].all_is_new ? 2 : 5);
    grouped_end(&g);
}
END_TEST

/* With lost_group FAIL, and what is no stream any more in any case. */
START_TEST(what_cannot_go_on_says_so)
{
    grouped_begin(&g, _i % 4);
    vouch_consumer_options o = grouped_options(&g);
    vouch_delivery *d = NULL;
    bool typed = _i / 4;
    vouch_status status = VOUCH_OK;
    o.lost_group = VOUCH_LOST_FAIL;
    grouped_add(&g, "1", "1");
    vouch_consumer *c = grouped_open_with(&g, &o);
    grouped_handle(&g, c, 1);
    grouped_wait_in_server(&g, c);
    delete_key();
    if (typed)
        ts_do(g.rig.server, "SADD", GROUPED_STREAM, "a", NULL);
    if (typed || !g.exact) {
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !status;) {
            ck_assert_msg(!ts_passed(limit), "it is not told");
            status = vouch_consumer_poll(c, 100, &d, &g.error);
            ck_assert_ptr_null(d);
        }
        grouped_expect(&g, status, VOUCH_ESERVER);
        ck_assert_uint_eq(g.error.retriable, 0);
    }
    (void)!vouch_consumer_close(c, 100, &g.error);
    grouped_end(&g);
}
END_TEST

/* ---- ids ------------------------------------------------------------------------------------ */

/* Set back, all of it is delivered again; with exactly once it is found settled. */
START_TEST(a_group_that_is_set_back)
{
    grouped_begin(&g, _i);
    grouped_add(&g, "1", "5");
    vouch_consumer *c = grouped_open(&g);
    grouped_handle(&g, c, 5);
    grouped_settle(&g, c);
    ts_do(g.rig.server, "XGROUP", "SETID", GROUPED_STREAM, "g", "2-1", NULL);
    for (size_t n = 0; n < 3;)
        n += grouped_commit(&g, grouped_poll(&g, c),
                            g.exact ? VOUCH_VERDICT_ALREADY : VOUCH_VERDICT_DONE);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_check_ledger(&g, 5);
    grouped_end(&g);
}
END_TEST

/* Set forward, what was passed over is delivered to nobody; with exactly once the next who opens finds it. */
START_TEST(a_group_that_is_set_forward)
{
    grouped_begin(&g, _i);
    grouped_add(&g, "1", "2");
    vouch_consumer *c = grouped_open(&g);
    grouped_handle(&g, c, 2);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_add(&g, "3", "6");
    ts_do(g.rig.server, "XGROUP", "SETID", GROUPED_STREAM, "g", "5-1", NULL);
    c = grouped_open(&g);
    grouped_handle(&g, c, g.exact ? 4 : 1);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_check_ledger(&g, 6);
    grouped_end(&g);
}
END_TEST

/* The last id there is: nothing is behind it, not even an interval. */
START_TEST(the_last_id)
{
    grouped_begin(&g, _i);
    vouch_consumer_options o = grouped_options(&g);
    o.batch = o.in_flight = 1;
    o.block_ms = 5;
    o.claim_ms = 1;
    o.claim_every_ms = 1;
    ts_do(g.rig.server, "XADD", GROUPED_STREAM, LAST, "n", "1", NULL);
    ts_do(g.rig.server, "XGROUP", "CREATE", GROUPED_STREAM, "g", "0", NULL);
    ts_do(g.rig.server, "XREADGROUP", "GROUP", "g", "dead", "STREAMS", GROUPED_STREAM, ">", NULL);
    vouch_consumer *c = grouped_open_with(&g, &o);
    vouch_delivery *d = grouped_poll(&g, c);
    ck_assert_int_eq(memcmp(vouch_delivery_entry(d, 0)->id.data, LAST, sizeof LAST - 1), 0);
    grouped_expect(&g, vouch_delivery_extend(d, &g.error), VOUCH_OK);
    grouped_expect(&g, vouch_consumer_flush(c, RIG_PATIENCE_MS, &g.error), VOUCH_OK);
    vouch_delivery_free(d); /* given back */
    grouped_close(&g, c);
    c = grouped_open_with(&g, &o);
    d = grouped_poll(&g, c);
    grouped_close(&g, c); /* leaves with it */
    vouch_delivery_free(d);
    c = grouped_open_with(&g, &o);
    grouped_handle(&g, c, 1);
    grouped_settle(&g, c);
    if (g.exact) {
        destroy_group();
        for (int i = 0; i < 5; i++) {
            grouped_expect(&g, vouch_consumer_poll(c, 20, &d, &g.error), VOUCH_OK);
            ck_assert_ptr_null(d);
        }
    }
    grouped_close(&g, c);
    grouped_check_ledger(&g, 1);
    grouped_end(&g);
}
END_TEST

/* Everything at once, as one transaction of somebody else's. */
START_TEST(what_happens_in_one_transaction)
{
    static const char script[] =
        "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], 'x') redis.call('DEL', KEYS[1]) "
        "redis.call('XADD', KEYS[1], '20-1', 'n', '20') redis.call('XADD', KEYS[1], '21-1', 'n', "
        "'21')";
    grouped_begin(&g, _i);
    grouped_add(&g, "1", "3");
    vouch_consumer *c = grouped_open(&g);
    grouped_handle(&g, c, 3);
    grouped_wait_in_server(&g, c);
    ts_do(g.rig.server, "EVAL", script, "1", GROUPED_STREAM, NULL);
    grouped_handle(&g, c, 2);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_check_ledger(&g, 5);
    grouped_end(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer suite");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, a_lost_group_is_made_again, 0, LOSSES);
    tcase_add_loop_test(c, what_cannot_go_on_says_so, 0, 8);
    tcase_add_loop_test(c, a_group_that_is_set_back, 0, 4);
    tcase_add_loop_test(c, a_group_that_is_set_forward, 0, 4);
    tcase_add_loop_test(c, the_last_id, 0, 4);
    tcase_add_loop_test(c, what_happens_in_one_transaction, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
