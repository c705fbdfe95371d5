/* How a group is doing: vouch_group_status_read. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;

static void begin(int kind)
{
    rig = rig_start(kind % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, kind / 2 ? 2 : 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_group_status status_of(const char *dead_letter)
{
    vouch_group_status s = VOUCH_GROUP_STATUS_INIT;
    vouch_status got = vouch_group_status_read(client, "{s}in", "g", dead_letter, &s, &error);
    ck_assert_msg(got == VOUCH_OK, "%s: %s", vouch_status_name(got), error.message);
    return s;
}

static void add(int first, int n)
{
    for (int i = 0; i < n; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "%d-1", first + i);
        ts_do(rig.server, "XADD", "{s}in", id, "f", "v", NULL);
    }
}

START_TEST(an_empty_group_has_nothing)
{
    begin(_i);
    ts_do(rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", "MKSTREAM", NULL);
    vouch_group_status s = status_of(NULL);
    ck_assert_int_eq(s.entries, 0);
    ck_assert_int_eq(s.lag, 0);
    ck_assert_uint_eq(s.lag_at_least, 0);
    ck_assert_int_eq(s.pending, 0);
    ck_assert_int_eq(s.waiting_ms, -1);
    ck_assert_int_eq(s.oldest_pending_ms, -1);
    ck_assert_int_eq(s.deliveries, 0);
    ck_assert_int_eq(s.consumers, 0);
    ck_assert_int_eq(s.dead_letters, -1);
    ck_assert_str_eq(s.last, "0-0");
    ck_assert_str_eq(s.waiting, "");
    ck_assert_str_eq(s.oldest_pending, "");
    ck_assert_int_eq(status_of("{s}dead").dead_letters, 0);
    end();
}
END_TEST

START_TEST(what_waits_and_what_is_pending_is_counted)
{
    begin(_i);
    add(1, 10);
    ts_do(rig.server, "XADD", "{s}dead", "*", "f", "v", NULL);
    ts_do(rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", NULL);
    ts_do(rig.server, "XREADGROUP", "GROUP", "g", "a", "COUNT", "3", "STREAMS", "{s}in", ">", NULL);
    ts_do(rig.server, "XACK", "{s}in", "g", "1-1", NULL);
    ts_do(rig.server, "XCLAIM", "{s}in", "g", "b", "0", "2-1", NULL);
    vouch_group_status s = status_of("{s}dead");
    ck_assert_int_eq(s.entries, 10);
    ck_assert_int_eq(s.lag, 7);
    ck_assert_int_eq(s.pending, 2);
    ck_assert_int_eq(s.consumers, 2);
    ck_assert_int_eq(s.deliveries, 2);
    ck_assert_int_eq(s.dead_letters, 1);
    ck_assert_str_eq(s.last, "3-1");
    ck_assert_str_eq(s.waiting, "4-1");
    ck_assert_str_eq(s.oldest_pending, "2-1");
    ck_assert_int_eq(s.waiting_ms, -1); /* their ids are no times */
    ck_assert_int_eq(s.oldest_pending_ms, -1);
    end();
}
END_TEST

/* Behind a deleted entry XINFO GROUPS says nil. */
START_TEST(where_the_server_has_no_number_it_is_counted)
{
    begin(_i);
    add(1, VOUCH_GROUP_COUNT_MAX + 2);
    ts_do(rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", NULL);
    ts_do(rig.server, "XDEL", "{s}in", "500-1", NULL);
    vouch_group_status s = status_of(NULL);
    ck_assert_int_eq(s.lag, VOUCH_GROUP_COUNT_MAX);
    ck_assert_uint_eq(s.lag_at_least, 1);
    ts_do(rig.server, "XDEL", "{s}in", "501-1", NULL);
    s = status_of(NULL);
    ck_assert_int_eq(s.lag, VOUCH_GROUP_COUNT_MAX);
    ck_assert_uint_eq(s.lag_at_least, 0);
    ts_do(rig.server, "XDEL", "{s}in", "502-1", NULL);
    ck_assert_int_eq(status_of(NULL).lag, VOUCH_GROUP_COUNT_MAX - 1);
    end();
}
END_TEST

START_TEST(ages_are_by_the_servers_clock)
{
    begin(_i);
    ts_do(rig.server, "XGROUP", "CREATE", "{s}in", "g", "0", "MKSTREAM", NULL);
    ts_do(rig.server, "XADD", "{s}in", "1000000000000-0", "f", "v", NULL); /* September 2001 */
    ts_do(rig.server, "XADD", "{s}in", "*", "f", "v", NULL);
    ts_do(rig.server, "XADD", "{s}in", "9000000000000-0", "f", "v", NULL); /* 2255 */
    ts_do(rig.server, "XREADGROUP", "GROUP", "g", "a", "COUNT", "1", "STREAMS", "{s}in", ">", NULL);
    vouch_group_status s = status_of(NULL);
    ck_assert_int_gt(s.oldest_pending_ms, INT64_C(1000) * 86400 * 365 * 20);
    ck_assert_int_ge(s.waiting_ms, 0);
    ck_assert_int_lt(s.waiting_ms, 86400000);
    ts_do(rig.server, "XREADGROUP", "GROUP", "g", "a", "COUNT", "1", "STREAMS", "{s}in", ">", NULL);
    ck_assert_int_eq(status_of(NULL).waiting_ms, 0); /* not before it was added */
    ts_do(rig.server, "XREADGROUP", "GROUP", "g", "a", "COUNT", "1", "STREAMS", "{s}in", ">", NULL);
    ck_assert_int_eq(status_of(NULL).waiting_ms, -1);
    ts_do(rig.server, "XADD", "{t}in", "999999999999-0", "f", "v", NULL);
    ts_do(rig.server, "XGROUP", "CREATE", "{t}in", "g", "0", NULL);
    ck_assert_int_eq(vouch_group_status_read(client, "{t}in", "g", NULL, &s, &error), VOUCH_OK);
    ck_assert_int_eq(s.waiting_ms, -1);
    end();
}
END_TEST

START_TEST(a_group_at_the_last_id_there_can_be)
{
    begin(_i);
    ts_do(rig.server, "XADD", "{s}in", "18446744073709551615-18446744073709551615", "f", "v", NULL);
    ts_do(rig.server, "XGROUP", "CREATE", "{s}in", "g", "$", NULL);
    vouch_group_status s = status_of(NULL);
    ck_assert_int_eq(s.lag, 0);
    ck_assert_str_eq(s.last, "18446744073709551615-18446744073709551615");
    ck_assert_str_eq(s.waiting, "");
    end();
}
END_TEST

static void refused(const char *stream, const char *group, const char *dead_letter,
                    vouch_status want, const char *code, const char *words)
{
    vouch_group_status s = VOUCH_GROUP_STATUS_INIT;
    s.lag = 77;
    vouch_status got = vouch_group_status_read(client, stream, group, dead_letter, &s, &error);
    ck_assert_msg(got == want, "%s: %s", vouch_status_name(got), error.message);
    ck_assert_str_eq(error.code, code);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
    ck_assert_int_eq(s.lag, 77); /* untouched */
}

START_TEST(what_cannot_be_said_is_refused)
{
    char name[VOUCH_STREAM_NAME_MAX + 2];
    begin(_i);
    add(1, 1);
    ts_do(rig.server, "SET", "{s}text", "x", NULL);
    refused("{s}in", "g", NULL, VOUCH_ESERVER, "NOGROUP", "{s}in has no group g");
    refused("{s}none", "g", NULL, VOUCH_ESERVER, "NOGROUP", "{s}none");
    refused("{s}text", "g", NULL, VOUCH_ESERVER, "WRONGTYPE", "WRONGTYPE");
    refused("{s}in", "g", "other", VOUCH_EINVAL, "", "{s}in and other");
    refused(NULL, "g", NULL, VOUCH_EINVAL, "", "stream");
    refused("{s}in", "", NULL, VOUCH_EINVAL, "", "group");
    memset(name, 'n', sizeof name);
    name[VOUCH_STREAM_NAME_MAX + 1] = 0;
    refused(name, "g", NULL, VOUCH_ELIMIT, "", "stream");
    name[VOUCH_STREAM_NAME_MAX] = 0;
    refused(name, "g", NULL, VOUCH_ESERVER, "NOGROUP", "nnn");
    vouch_group_status s = {.size = 1};
    ck_assert_int_eq(vouch_group_status_read(client, "{s}in", "g", NULL, &s, &error), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_group_status_read(client, "{s}in", "g", NULL, NULL, NULL), VOUCH_EINVAL);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group");
    TCase *tests = tcase_create("group");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, an_empty_group_has_nothing, 0, 4);
    tcase_add_loop_test(tests, what_waits_and_what_is_pending_is_counted, 0, 4);
    tcase_add_loop_test(tests, where_the_server_has_no_number_it_is_counted, 0, 4);
    tcase_add_loop_test(tests, ages_are_by_the_servers_clock, 0, 4);
    tcase_add_loop_test(tests, a_group_at_the_last_id_there_can_be, 0, 4);
    tcase_add_loop_test(tests, what_cannot_be_said_is_refused, 0, 4);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
