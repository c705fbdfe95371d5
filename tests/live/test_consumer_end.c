/* Consumers flushed, and at their end. */
#include "lone.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- flushed -------------------------------------------------------------------------------- */

START_TEST(acknowledgements_go_out_when_they_are_asked_to)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(_i / 2 ? VOUCH_ACK_MANUAL : VOUCH_ACK_AFTER);
    lone_add(4);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c);
    size_t n = vouch_delivery_count(d);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(vouch_delivery_mark(d, i), VOUCH_OK);
    int64_t before = lone_pending();
    lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
    ck_assert_int_eq(lone_pending(), before);
    lone_expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_int_eq(lone_pending(), before - (int64_t)n);
    lone_expect(vouch_consumer_flush(c, 0, &lone_error), VOUCH_OK); /* nothing to do */
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

/* With prefetch a read waits in the server meanwhile. */
START_TEST(they_do_not_wait_for_a_read)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_AFTER);
    o.prefetch = 1;
    o.block_ms = 600000;
    vouch_consumer *c = lone_open(&o);
    for (int i = 0; i < 3; i++) {
        lone_add(1);
        vouch_delivery *d = lone_poll(c);
        ck_assert_uint_eq(vouch_delivery_count(d), 1);
        vouch_delivery *none = NULL;
        lone_expect(vouch_consumer_poll(c, 0, &none, &lone_error),
                    VOUCH_OK); /* the next read goes out */
        ck_assert_ptr_null(none);
        lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
        lone_expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
        ck_assert_int_eq(lone_pending(), 0);
        vouch_delivery_free(d);
    }
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

START_TEST(what_is_not_answered_in_time_goes_out_again)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_AFTER);
    lone_add(3);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c);
    int64_t before = lone_pending(), n = (int64_t)vouch_delivery_count(d);
    ts_server_pause(lone_rig.server);
    lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
    lone_expect(vouch_consumer_flush(c, 5, &lone_error), VOUCH_ENOTSENT);
    ck_assert_int_eq(lone_error.cause, VOUCH_CAUSE_DEADLINE);
    ts_server_resume(lone_rig.server);
    lone_expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_int_eq(lone_pending(), before - n);
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

/* ---- leaving -------------------------------------------------------------------------------- */

START_TEST(leaving_tells_what_was_given_back)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    lone_add(5);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c), *none = NULL;
    ck_assert_uint_eq(lone_stats(c).in_flight, (uint64_t)lone_pending());
    lone_expect(vouch_consumer_leave(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_int_eq(lone_pending(), (int64_t)lone_stats(c).given_back);
    ck_assert_uint_ge(lone_stats(c).given_back, vouch_delivery_count(d));
    lone_expect(vouch_consumer_poll(c, 0, &none, &lone_error), VOUCH_EINTERRUPTED);
    ck_assert_uint_eq(lone_consumers(), 1); /* vouch:free, who has them */
    lone_expect(vouch_consumer_leave(c, 0, &lone_error), VOUCH_OK);
    lone_expect(vouch_consumer_close(c, 0, &lone_error), VOUCH_OK);
    vouch_delivery_free(d);
    lone_end();
}
END_TEST

START_TEST(leaving_takes_as_many_calls_as_it_wants)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_AFTER);
    lone_add(5);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery_free(lone_poll(c));
    ts_server_pause(lone_rig.server);
    lone_expect(vouch_consumer_leave(c, 5, &lone_error), VOUCH_ENOTSENT);
    ck_assert_int_eq(lone_error.cause, VOUCH_CAUSE_DEADLINE);
    ts_server_resume(lone_rig.server);
    vouch_status status = VOUCH_ENOTSENT;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); status; rig_turn(lone_client, 5)) {
        ck_assert(!ts_passed(limit));
        status = vouch_consumer_leave(c, 0, &lone_error);
    }
    ck_assert_uint_eq(lone_consumers(), 1);
    ck_assert_uint_eq(lone_stats(c).given_back, (uint64_t)lone_pending());
    lone_expect(vouch_consumer_close(c, 0, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

/* Ten minutes, if it waited for it; and what comes later is not handed to who has left. */
START_TEST(leaving_does_not_wait_for_a_read)
{
    lone_begin(_i);
    char url[TS_URL_MAX];
    vouch_consumer_options o = lone_options(_i / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER);
    o.prefetch = 1;
    o.block_ms = 600000;
    vouch_client *direct = NULL;
    vouch_consumer *c = NULL;
    lone_expect(vouch_client_open(ts_server_url(lone_rig.server, url, sizeof url), NULL, &direct,
                                  &lone_error),
                VOUCH_OK);
    lone_expect(vouch_consumer_open(direct, &o, &c, &lone_error), VOUCH_OK);
    lone_add(1);
    vouch_delivery *d = lone_poll(c), *none = NULL;
    lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_poll(c, 1, &none, &lone_error),
                VOUCH_OK); /* it waits in the server again */
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_uint_eq(lone_consumers(), 0);
    lone_add(1);
    ck_assert_int_eq(lone_pending(), 0);
    vouch_client_close(direct);
    lone_end();
}
END_TEST

START_TEST(a_forked_child_closes_its_own_copy)
{
    lone_begin(_i);
    vouch_consumer_options o = lone_options(VOUCH_ACK_AFTER);
    o.prefetch = 1;
    lone_add(1);
    vouch_consumer *c = lone_open(&o);
    vouch_delivery *d = lone_poll(c);
    pid_t child = fork();
    if (child == 0) {
        vouch_status used = vouch_consumer_flush(c, 0, &lone_error);
        vouch_status closed = vouch_consumer_close(c, 1000, &lone_error);
        vouch_client_close(lone_client);
        _exit(used == VOUCH_EFORKED && closed == VOUCH_EFORKED ? 0 : 1);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    lone_expect(vouch_delivery_commit(d, &lone_error), VOUCH_OK);
    lone_expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    ck_assert_int_eq(lone_pending(), 0);
    vouch_delivery_free(d);
    lone_expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &lone_error), VOUCH_OK);
    lone_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer end");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, acknowledgements_go_out_when_they_are_asked_to, 0, 4);
    tcase_add_loop_test(tests, they_do_not_wait_for_a_read, 0, 2);
    tcase_add_loop_test(tests, what_is_not_answered_in_time_goes_out_again, 0, 2);
    tcase_add_loop_test(tests, leaving_tells_what_was_given_back, 0, 4);
    tcase_add_loop_test(tests, leaving_takes_as_many_calls_as_it_wants, 0, 2);
    tcase_add_loop_test(tests, leaving_does_not_wait_for_a_read, 0, 4);
    tcase_add_loop_test(tests, a_forked_child_closes_its_own_copy, 0, 2);
    suite_add_tcase(suite, tests);
    return rig_main(suite);
}
