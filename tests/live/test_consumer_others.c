/* Others who use a consumer's group beside it, as the servers' own suites do, and entries of every shape. */
#include "base.h"
#include "grouped.h"

#include <stdlib.h>
#include <string.h>

static struct grouped g;

/* ---- others in the same group ---------------------------------------------------------------- */

static void ask(const char *const *words)
{
    size_t n = 0;
    while (words[n])
        n++;
    ts_reply *r = rig_ask(&g.rig, n, words);
    ck_assert_msg(r->type != TS_REPLY_ERROR && r->type != TS_REPLY_LOST, "%s: %s", words[0],
                  r->text);
    ts_reply_free(r);
}

/* An XAUTOCLAIM by somebody else drops what was deleted from all pending lists, and tells only him. */
START_TEST(somebody_else_claims_what_was_deleted)
{
    grouped_begin(&g, _i);
    grouped_add(&g, "1", "3");
    vouch_consumer *c = grouped_open(&g);
    vouch_delivery *d = grouped_poll(&g, c);
    ck_assert_uint_eq(vouch_delivery_count(d), 3);
    ts_do(g.rig.server, "XDEL", GROUPED_STREAM, "2-1", NULL);
    ask((const char *const[]){"XAUTOCLAIM", GROUPED_STREAM, "g", "thief", "0", "0", NULL});
    grouped_expect(&g, vouch_delivery_commit(d, &g.error), VOUCH_OK);
    if (g.exact) {
        ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_FENCED);
        ck_assert_int_eq(vouch_delivery_verdict(d, 1), VOUCH_VERDICT_GONE);
        ck_assert_int_eq(vouch_delivery_verdict(d, 2), VOUCH_VERDICT_FENCED);
    }
    vouch_delivery_free(d);
    grouped_expect(&g, vouch_consumer_flush(c, RIG_PATIENCE_MS, &g.error), VOUCH_OK);
    ck_assert_int_eq(grouped_pending(&g), g.exact ? 2 : 0); /* XACK takes no consumer */
    grouped_close(&g, c);
    grouped_check_ledger(&g, 0);
    grouped_end(&g);
}
END_TEST

/* Its history is read by a tool in its name: that counts as deliveries, and changes nothing else. */
START_TEST(its_history_is_read_by_another)
{
    grouped_begin(&g, _i);
    grouped_add(&g, "1", "3");
    vouch_consumer *c = grouped_open(&g);
    vouch_delivery *d = grouped_poll(&g, c);
    ts_reply *r = ts_command(g.rig.server, "XINFO", "CONSUMERS", GROUPED_STREAM, "g", NULL);
    ck_assert_uint_eq(r->count, 1);
    ask((const char *const[]){"XREADGROUP", "GROUP", "g", r->elements[0]->elements[1]->text,
                              "STREAMS", GROUPED_STREAM, "0", NULL});
    ts_reply_free(r);
    ck_assert_uint_eq(grouped_commit(&g, d, VOUCH_VERDICT_DONE), 3);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_check_ledger(&g, 3);
    grouped_end(&g);
}
END_TEST

/* One that waits and never had anything may not be there yet. */
static void drop_consumers(void)
{
    ts_reply *r = ts_command(g.rig.server, "XINFO", "CONSUMERS", GROUPED_STREAM, "g", NULL);
    for (size_t i = 0; i < r->count; i++)
        ask((const char *const[]){"XGROUP", "DELCONSUMER", GROUPED_STREAM, "g",
                                  r->elements[i]->elements[1]->text, NULL});
    ts_reply_free(r);
}

/* Its consumer is deleted while it waits, and while it works: it goes on. */
START_TEST(its_consumer_is_deleted)
{
    grouped_begin(&g, _i);
    vouch_consumer *c = grouped_open(&g);
    grouped_wait_in_server(&g, c);
    drop_consumers();
    grouped_add(&g, "1", "2");
    vouch_delivery *d = grouped_poll(&g, c);
    drop_consumers();
    (void)grouped_commit(&g, d, g.exact ? VOUCH_VERDICT_GONE : VOUCH_VERDICT_DONE);
    grouped_handle(&g, c, g.exact ? 2 : 0); /* found again: nobody had settled them */
    grouped_add(&g, "3", "4");
    grouped_handle(&g, c, 2);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_check_ledger(&g, 4);
    grouped_end(&g);
}
END_TEST

/* ---- what entries may be -------------------------------------------------------------------- */

static bool is_text(const vouch_reply *r, const char *bytes, size_t n)
{
    vouch_string s = vouch_reply_string(r);
    return s.data && s.size == n && memcmp(s.data, bytes, n) == 0;
}

START_TEST(entries_of_all_sizes)
{
    enum { LARGE = 3000000, FIELDS = 1500 };
    static const char many[] =
        "local w = {'XADD', KEYS[1], '3-1'} for i = 1, 1500 do w[#w + 1] = 'f' .. i w[#w + 1] = i "
        "end return redis.call(unpack(w))";
    grouped_begin(&g, _i);
    char *large = ts_alloc(LARGE + 1);
    memset(large, 'L', LARGE);
    ts_do(g.rig.server, "XADD", GROUPED_STREAM, "1-1", "", "", "a\r\nb", "$-1\r\n", NULL);
    ts_do(g.rig.server, "XADD", GROUPED_STREAM, "2-1", "large", large, NULL);
    ts_do(g.rig.server, "EVAL", many, "1", GROUPED_STREAM, NULL);
    ts_do(g.rig.server, "XADD", GROUPED_STREAM, "4-1", "same", "1", "same", "2", NULL);
    vouch_consumer *c = grouped_open(&g);
    vouch_delivery *d = grouped_poll(&g, c);
    ck_assert_uint_eq(vouch_delivery_count(d), 4);
    const vouch_reply *fields = vouch_delivery_entry(d, 0)->fields;
    ck_assert(is_text(vouch_reply_get(fields, ""), "", 0));
    ck_assert(is_text(vouch_reply_get(fields, "a\r\nb"), "$-1\r\n", 5));
    ck_assert(is_text(vouch_reply_get(vouch_delivery_entry(d, 1)->fields, "large"), large, LARGE));
    fields = vouch_delivery_entry(d, 2)->fields;
    ck_assert_uint_eq(vouch_reply_count(fields), 2 * (size_t)FIELDS);
    ck_assert(is_text(vouch_reply_get(fields, "f1500"), "1500", 4));
    fields = vouch_delivery_entry(d, 3)->fields;
    ck_assert(is_text(vouch_reply_at(fields, 1), "1", 1));
    ck_assert(is_text(vouch_reply_at(fields, 3), "2", 1));
    (void)grouped_commit(&g, d, VOUCH_VERDICT_DONE);
    grouped_settle(&g, c);
    grouped_close(&g, c);
    grouped_check_ledger(&g, 4);
    free(large);
    grouped_end(&g);
}
END_TEST

/* What is acknowledged as it is delivered is pending with nobody. */
START_TEST(without_acknowledgement)
{
    grouped_begin(&g, _i % 2);
    vouch_consumer_options o = grouped_options(&g);
    o.ack = VOUCH_ACK_BEFORE;
    grouped_add(&g, "1", "3");
    vouch_consumer *c = grouped_open_with(&g, &o);
    vouch_delivery *d = grouped_poll(&g, c);
    ck_assert_uint_eq(vouch_delivery_count(d), 3);
    ck_assert_int_eq(grouped_pending(&g), 0);
    ck_assert_uint_eq(grouped_commit(&g, d, VOUCH_VERDICT_DONE), 3);
    grouped_close(&g, c);
    grouped_end(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer others");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, somebody_else_claims_what_was_deleted, 0, 4);
    tcase_add_loop_test(c, its_history_is_read_by_another, 0, 4);
    tcase_add_loop_test(c, its_consumer_is_deleted, 0, 4);
    tcase_add_loop_test(c, entries_of_all_sizes, 0, 4);
    tcase_add_loop_test(c, without_acknowledgement, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
