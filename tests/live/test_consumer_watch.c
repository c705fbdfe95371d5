/* Consumers watched by a hook; how long what they have is surely theirs. */
#include "lone.h"

/* ---- watched -------------------------------------------------------------------------------- */

struct watcher {
    vouch_consumer *consumer;
    vouch_consumer_stats sum, last;
    unsigned calls, busy;
};

static void watch(const vouch_consumer_stats *change, const vouch_consumer_stats *now, void *user)
{
    struct watcher *w = user;
    w->calls++;
    w->sum.delivered += change->delivered;
    w->sum.done += change->done;
    w->sum.commits += change->commits;
    w->sum.commit_us += change->commit_us;
    w->sum.given_back += change->given_back;
    w->last = *now;
    ck_assert(change->delivered || change->done || change->commits || change->given_back);
    if (w->consumer) {
        vouch_delivery *d = NULL;
        vouch_error e;
        w->busy += vouch_consumer_poll(w->consumer, 0, &d, &e) == VOUCH_EBUSY;
        w->busy += vouch_consumer_close(w->consumer, 0, &e) == VOUCH_EBUSY;
    }
}

START_TEST(a_hook_hears_of_all_of_it)
{
    struct watcher w = {.consumer = NULL};
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_EXACTLY_ONCE);
    o.on_change = watch;
    o.change_user = &w;
    o.batch = 2;
    lone_add(6);
    vouch_consumer *c = lone_open(&o);
    w.consumer = c;
    for (int i = 0; i < 2; i++) {
        vouch_delivery *d = lone_poll(c);
        lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
        vouch_delivery_free(d);
    }
    vouch_delivery *d = lone_poll(c);
    lone_expect(vouch_consumer_leave(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    vouch_consumer_stats s = lone_stats(c);
    ck_assert_uint_ge(w.calls, 2);
    ck_assert_uint_eq(w.busy, w.calls + w.calls);
    ck_assert_uint_eq(w.sum.delivered, s.delivered);
    ck_assert_uint_eq(w.sum.done, s.done);
    ck_assert_uint_ge(s.done, 2);
    ck_assert_uint_eq(s.commits, 2);
    ck_assert_uint_eq(w.sum.commits, 2);
    ck_assert_uint_eq(w.sum.commit_us, s.commit_us);
    ck_assert_uint_ge(s.commit_us, s.commit_us_max);
    ck_assert_uint_gt(s.commit_us_max, 0);
    ck_assert_uint_eq(w.sum.given_back, s.given_back);
    ck_assert_uint_eq(w.last.given_back, s.given_back);
    w.consumer = NULL;
    lone_expect(vouch_consumer_close(c, 0, &lone_error), VOUCH_OK);
    ck_assert_int_eq(vouch_delivery_left_ms(d), 0);
    vouch_delivery_free(d);
    lone_end();
}
END_TEST

START_TEST(a_delivery_knows_how_long_it_is_ours)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_AFTER);
    o.claim_ms = 40;
    lone_add(1);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c), *none = NULL;
    ck_assert_int_le(vouch_delivery_left_ms(d), 40);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); vouch_delivery_left_ms(d) > 0;)
        ck_assert(!ts_passed(limit));
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); vouch_delivery_left_ms(d) == 0;) {
        ck_assert(!ts_passed(limit));
        lone_expect(vouch_delivery_extend(d, &lone_error), VOUCH_OK);
        lone_expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    }
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_UNKNOWN); /* still ours */
    lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    o.claim_ms = VOUCH_NO_DEADLINE;
    lone_add(1);
    c = lone_open(&o);
    d = lone_poll(c);
    ck_assert_int_eq(vouch_delivery_left_ms(d), VOUCH_NO_DEADLINE);
    ck_assert_int_eq(vouch_delivery_left_ms(NULL), VOUCH_NO_DEADLINE);
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    (void)none;
    lone_end();
}
END_TEST

START_TEST(what_cannot_be_asked)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_AFTER);
    vouch_consumer *c = lone_open(&o);
    lone_expect(vouch_consumer_flush(NULL, 0, &lone_error), VOUCH_EINVAL);
    lone_expect(vouch_consumer_leave(NULL, 0, &lone_error), VOUCH_EINVAL);
    lone_expect(vouch_consumer_flush(c, -2, &lone_error), VOUCH_EINVAL);
    lone_expect(vouch_consumer_leave(c, -2, &lone_error), VOUCH_EINVAL);
    lone_expect(vouch_consumer_close(NULL, 0, NULL), VOUCH_OK);
    lone_expect(vouch_consumer_close(c, VOUCH_NO_DEADLINE, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer watch");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_hook_hears_of_all_of_it, 0, 2);
    tcase_add_loop_test(tests, a_delivery_knows_how_long_it_is_ours, 0, 2);
    tcase_add_loop_test(tests, what_cannot_be_asked, 0, 2);
    suite_add_tcase(suite, tests);
    return rig_main(suite);
}
