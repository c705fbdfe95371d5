/* What comes later: entries given back with a delay, losses, incarnations that ended without leaving. */
#include "lone.h"

#include <string.h>

/* ---- late ----------------------------------------------------------------------------------- */

/* Longer than what others are claimed after. */
START_TEST(what_is_given_back_until_later_comes_later)
{
    enum { DELAY_MS = 60 };
    lone_begin(_i);
    vouch_consumer_options o = lone_options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.claim_ms = 10;
    lone_add(1);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c);
    int64_t began = ts_now_ns();
    lone_expect(vouch_delivery_nack(d, 0, DELAY_MS, &lone_error), VOUCH_OK);
    lone_expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_RETURNED);
    ck_assert_uint_eq(lone_consumers(), 2); /* it is with vouch:until-… */
    vouch_delivery_free(d);
    d = lone_poll(c);
    /* The server's clock has milliseconds, and need not run exactly as ours does. */
    ck_assert_int_ge(ts_now_ns() - began, (DELAY_MS - 2) * INT64_C(1000000));
    ck_assert_uint_eq(vouch_delivery_entry(d, 0)->deliveries, 2);
    ck_assert_uint_eq(lone_consumers(), 1); /* and that is gone */
    lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_int_eq(lone_pending(), 0);
    lone_end();
}
END_TEST

START_TEST(what_is_given_back_for_very_long_stays)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_AFTER);
    o.claim_ms = 1;
    lone_add(2);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c), *more = NULL;
    size_t n = vouch_delivery_count(d);
    for (size_t i = 0; i < n; i++)
        lone_expect(vouch_delivery_nack(d, i, i ? 0 : VOUCH_NACK_MAX_MS, &lone_error), VOUCH_OK);
    for (size_t again = n; again < 6;
         again += vouch_delivery_count(more)) { /* the other one, if any */
        lone_expect(vouch_consumer_poll(c, 20, &more, &lone_error), VOUCH_OK);
        ck_assert_int_ge(lone_pending(), 1);
        for (size_t i = 0; i < vouch_delivery_count(more); i++)
            ck_assert_str_ne(vouch_delivery_entry(more, i)->id.data,
                             vouch_delivery_entry(d, 0)->id.data);
        again += !more;
        vouch_delivery_free(more);
        more = NULL;
    }
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

/* Who was told first crashes with it. */
START_TEST(a_loss_is_told_until_somebody_has_heard_of_it)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.claim_ms = 5;
    lone_add(3);
    ts_do(lone_rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", NULL);
    ts_do(lone_rig.server, "XREADGROUP", "GROUP", "g", "other", "STREAMS", "{s}in", ">", NULL);
    ts_do(lone_rig.server, "XTRIM", "{s}in", "MAXLEN", "0", NULL);
    vouch_client *first = rig_client(&lone_rig, 3, 1000);
    vouch_consumer *crashes = NULL;
    lone_expect(vouch_consumer_open(first, &o, &crashes, &lone_error), VOUCH_OK);
    vouch_delivery *d = lone_poll(crashes), *told = NULL;
    ck_assert_uint_eq(vouch_delivery_entry(d, 0)->lost, 1);
    vouch_client_close(first);
    ck_assert_int_eq(lone_pending(), 3);
    vouch_consumer *c = lone_open(&o);
    for (size_t n = 0; n < 3; n += vouch_delivery_count(told)) {
        vouch_delivery_free(told);
        told = lone_poll(c);
        for (size_t i = 0; i < vouch_delivery_count(told); i++)
            ck_assert_uint_eq(vouch_delivery_entry(told, i)->lost, 1);
    }
    ck_assert_uint_eq(lone_stats(c).lost, 3);
    vouch_delivery_free(told);
    lone_expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_int_eq(lone_pending(), 0);
    lone_expect(vouch_consumer_poll(c, 20, &told, &lone_error), VOUCH_OK);
    ck_assert_ptr_null(told);
    ck_assert_uint_eq(lone_stats(c).lost, 3); /* not again */
    vouch_delivery_free(d);
    (void)!vouch_consumer_close(crashes, 0, &lone_error);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

/* ---- swept ---------------------------------------------------------------------------------- */

static bool has_consumer(const char *name)
{
    ts_reply *r = ts_command(lone_rig.server, "XINFO", "CONSUMERS", "{s}in", "g", NULL);
    bool found = false;
    for (size_t i = 0; i < r->count; i++)
        found = found || strcmp(r->elements[i]->elements[1]->text, name) == 0;
    ts_reply_free(r);
    return found;
}

static bool has_record(const char *field)
{
    ts_reply *r = ts_command(lone_rig.server, "HEXISTS", "{s}in:group:g", field, NULL);
    bool found = r->integer == 1;
    ts_reply_free(r);
    return found;
}

/* Waits for the one that goes last. */
static void wait_for_sweep(vouch_consumer *c)
{
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
         has_consumer("w:ab0-1.1") || has_record("c:w:ab0-1.1");) {
        vouch_delivery *d = NULL;
        ck_assert(!ts_passed(limit));
        lone_expect(vouch_consumer_poll(c, 1, &d, &lone_error), VOUCH_OK);
        vouch_delivery_free(d);
    }
}

START_TEST(incarnations_that_ended_are_swept)
{
    static const char *const others[] = {"w:ab0-1.1",
                                         "w:ab0-1.2",
                                         "w:ab0",
                                         "w",
                                         "a:b:ab0-1.1",
                                         "vouch:until-1",
                                         "vouch:until-99999999999999"};
    lone_begin(_i);
    bool exact = _i / 2 == 1;
    vouch_consumer_options o = lone_options(exact ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.forget_ms = 1;
    vouch_consumer_options first = o;
    first.forget_ms = VOUCH_NO_DEADLINE;
    vouch_consumer *c = lone_open(&first); /* makes group and state */
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ts_do(lone_rig.server, "XGROUP", "CREATECONSUMER", "{s}in", "g", others[i], NULL);
    lone_add(1);
    ts_do(lone_rig.server, "XREADGROUP", "GROUP", "g", "w:ab0-1.2", "COUNT", "1", "STREAMS",
          "{s}in", ">", NULL);
    if (exact) {
        ts_do(lone_rig.server, "HSET", "{s}in:group:g", "c:w:ab0-1.1", "5 ddd 1000000000", NULL);
        ts_do(lone_rig.server, "HSET", "{s}in:group:g", "c:w:ab0-1.2", "5 ddd 99999999999", NULL);
        ts_do(lone_rig.server, "HSET", "{s}in:group:g", "c:w:ab0-1.3", "5 ddd", NULL);
    }
    c = lone_open(&o);
    wait_for_sweep(c);
    ck_assert(has_consumer("w:ab0-1.2")); /* it has an entry */
    ck_assert(has_consumer("w:ab0"));
    ck_assert(has_consumer("w"));
    ck_assert(has_consumer("a:b:ab0-1.1"));
    ck_assert(!has_consumer("vouch:until-1"));
    ck_assert(has_consumer("vouch:until-99999999999999"));
    ck_assert_int_eq(has_record("c:w:ab0-1.2"), exact);
    ck_assert_int_eq(has_record("c:w:ab0-1.3"), exact);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

/* By default nobody is forgotten so soon; and what leaves leaves nothing. */
START_TEST(who_was_heard_of_lately_is_not_swept)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_EXACTLY_ONCE);
    lone_add(1);
    ts_do(lone_rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", NULL);
    ts_do(lone_rig.server, "XGROUP", "CREATECONSUMER", "{s}in", "g", "w:ab0-1.1", NULL);
    ts_do(lone_rig.server, "XGROUP", "CREATECONSUMER", "{s}in", "g", "vouch:until-1", NULL);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c);
    lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
    vouch_delivery_free(d);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); has_consumer("vouch:until-1");) {
        ck_assert(!ts_passed(limit));
        lone_expect(vouch_consumer_poll(c, 1, &d, &lone_error), VOUCH_OK);
    }
    ck_assert(has_consumer("w:ab0-1.1"));
    ts_reply *r = ts_command(lone_rig.server, "HLEN", "{s}in:group:g", NULL);
    int64_t with = r->integer;
    ts_reply_free(r);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    r = ts_command(lone_rig.server, "HLEN", "{s}in:group:g", NULL);
    ck_assert_int_eq(r->integer, with - 1);
    ts_reply_free(r);
    lone_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer late");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, what_is_given_back_until_later_comes_later, 0, 4);
    tcase_add_loop_test(tests, what_is_given_back_for_very_long_stays, 0, 2);
    tcase_add_loop_test(tests, a_loss_is_told_until_somebody_has_heard_of_it, 0, 4);
    tcase_add_loop_test(tests, incarnations_that_ended_are_swept, 0, 4);
    tcase_add_loop_test(tests, who_was_heard_of_lately_is_not_swept, 0, 2);
    suite_add_tcase(suite, tests);
    return rig_main(suite);
}
