/* Libraries that go from server to server: each policy, payloads that are damaged, lost answers. What is
 * said is compared with the libraries that the server has. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static vouch_call *dumped;
static vouch_string bytes; /* of libraries bank (version 1) and other */

#define OTHER "#!lua name=other\nredis.register_function('other', function() return 1 end)\n"
#define THIRD "#!lua name=third\nredis.register_function('third', function() return 1 end)\n"
#define THIEF "#!lua name=thief\nredis.register_function('other', function() return 2 end)\n"

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
    shelf_put_version(rig.server, "1");
    shelf_put(rig.server, OTHER);
    shelf_expect(vouch_functions_dump(client, 0, &dumped, &error), VOUCH_OK, error);
    bytes = vouch_reply_string(vouch_call_reply(dumped));
    ck_assert(bytes.data && bytes.size > 100);
}

static void begin_redis(void)
{
    begin(TS_REDIS);
}

static void begin_valkey(void)
{
    begin(TS_VALKEY);
}

static void end(void)
{
    vouch_call_free(dumped);
    vouch_client_close(client);
    rig_stop(&rig);
}

/* Which libraries there are: bank's version, and a letter for each of the others. */
static const char *shelf(void)
{
    static char text[80];
    (void)snprintf(text, sizeof text, "%s%s%s%s", shelf_there(rig.server),
                   shelf_has(rig.server, "other") ? " other" : "",
                   shelf_has(rig.server, "third") ? " third" : "",
                   shelf_has(rig.server, "thief") ? " thief" : "");
    return text;
}

static vouch_status restore(const char *from, size_t size, vouch_restore how)
{
    return vouch_functions_restore(client, from, size, how, 0, &error);
}

/* What is there before, and with which policy what comes of it; NULL: refused. */
static const struct {
    const char *version, *more, *after[3]; /* by APPEND, REPLACE, FLUSH */
} cases[] = {
    {NULL, NULL, {"1 other", "1 other", "1 other"}},
    {NULL, THIRD, {"1 other third", "1 other third", "1 other"}},
    {"2", NULL, {NULL, "1 other", "1 other"}},
    {"2", THIRD, {NULL, "1 other third", "1 other"}},
    {"1", OTHER, {NULL, "1 other", "1 other"}},
    {NULL, THIEF, {NULL, NULL, "1 other"}}, /* a function's name is another library's */
};

START_TEST(every_policy_takes_effect_or_changes_nothing)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int how = VOUCH_RESTORE_APPEND; how <= VOUCH_RESTORE_FLUSH; how++) {
            char before[80];
            const char *after = cases[i].after[how];
            shelf_clear(rig.server);
            if (cases[i].version)
                shelf_put_version(rig.server, cases[i].version);
            if (cases[i].more)
                shelf_put(rig.server, cases[i].more);
            (void)snprintf(before, sizeof before, "%s", shelf());
            vouch_status status = restore(bytes.data, bytes.size, (vouch_restore)how);
            ck_assert_msg(status == (after ? VOUCH_OK : VOUCH_ESERVER), "%zu, %d: %s", i, how,
                          error.message);
            ck_assert_int_eq(error.effect, after ? VOUCH_APPLIED : VOUCH_NOT_APPLIED);
            ck_assert_msg(strcmp(shelf(), after ? after : before) == 0, "%zu, %d: %s", i, how,
                          shelf());
        }
}
END_TEST

START_TEST(a_damaged_payload_changes_nothing)
{
    char *copy = malloc(bytes.size + 1);
    ck_assert_ptr_nonnull(copy);
    shelf_put_version(rig.server, "2");
    for (size_t i = 0; i < bytes.size; i++) {
        memcpy(copy, bytes.data, bytes.size);
        copy[i] = (char)(copy[i] ^ (1 << (i % 8)));
        shelf_expect(restore(copy, bytes.size, (vouch_restore)(i % 3)), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        shelf_expect(restore(bytes.data, i, (vouch_restore)(i % 3)), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    }
    ck_assert_msg(strstr(error.message, "checksum"), "%s", error.message);
    ck_assert_str_eq(shelf(), "2 other");
    free(copy);
}
END_TEST

/* Cut at every byte of the answer, and of some of what was sent. */
START_TEST(an_answer_that_is_lost_denies_nothing)
{
    unsigned maybe = 0, fine = 0;
    for (int64_t n = 0; n <= 5 + 40; n++) {
        ts_plan plan = ts_plan_none();
        vouch_client_options o = rig_options(3, 1000);
        o.outages = 2;
        vouch_client_close(client);
        client = rig_open(&rig, &o);
        int connection = rig_next_connection(&rig);
        shelf_clear(rig.server);
        (void)rig_connection_id(client);
        if (n <= 5)
            plan.to_client.cut_after = n;
        else
            plan.to_server.cut_after = (n - 5) * (int64_t)bytes.size / 20;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        vouch_status status = restore(bytes.data, bytes.size, VOUCH_RESTORE_APPEND);
        if (status != VOUCH_OK)
            ck_assert(ts_proxy_wait_closed(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
        bool there = strcmp(shelf(), "1 other") == 0;
        if (status == VOUCH_OK) {
            ck_assert(there);
            fine++;
        } else {
            shelf_expect(status, VOUCH_EUNKNOWN, error);
            ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
            maybe++;
        }
    }
    printf("restored: %u fine, %u maybe\n", fine, maybe);
    ck_assert(maybe && fine);
}
END_TEST

START_TEST(a_dump_that_is_lost_is_asked_for_again)
{
    for (int64_t n = 0; n < 40; n += 3) {
        ts_plan plan = ts_plan_none();
        vouch_call *again = NULL;
        vouch_client_close(client);
        client = rig_client(&rig, 3, 1000);
        int connection = rig_next_connection(&rig);
        (void)rig_connection_id(client);
        plan.to_client.cut_after = n;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        shelf_expect(vouch_functions_dump(client, 0, &again, &error), VOUCH_OK, error);
        vouch_string got = vouch_reply_string(vouch_call_reply(again));
        ck_assert(got.size == bytes.size && memcmp(got.data, bytes.data, got.size) == 0);
        vouch_call_free(again);
    }
}
END_TEST

START_TEST(arguments_that_are_wrong)
{
    shelf_expect(vouch_functions_restore(client, NULL, 3, VOUCH_RESTORE_FLUSH, 0, &error),
                 VOUCH_EINVAL, error);
    shelf_expect(restore(bytes.data, bytes.size, (vouch_restore)3), VOUCH_EINVAL, error);
    shelf_expect(restore(bytes.data, bytes.size, (vouch_restore)-1), VOUCH_EINVAL, error);
    shelf_expect(
        vouch_functions_restore(client, bytes.data, bytes.size, VOUCH_RESTORE_FLUSH, -2, &error),
        VOUCH_EINVAL, error);
    shelf_expect(vouch_functions_dump(client, 0, NULL, &error), VOUCH_EINVAL, error);
    vouch_call *none = dumped;
    shelf_expect(vouch_functions_dump(NULL, 0, &none, &error), VOUCH_EINVAL, error);
    ck_assert_ptr_null(none);
    ck_assert_str_eq(shelf(), "1 other");
}
END_TEST

/* A user who may neither dump nor restore; a server without memory. */
START_TEST(what_a_server_refuses_it_does_not_do)
{
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    vouch_client_options o = rig_options(3, 1000);
    o.outages = 1;
    vouch_client_close(client);
    client = rig_open(&rig, &o);
    shelf_expect(restore(bytes.data, bytes.size, VOUCH_RESTORE_FLUSH), VOUCH_ESERVER, error);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_str_eq(error.code, "OOM");
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    ts_do(rig.server, "FUNCTION", "DELETE", "other", NULL);
    ts_do(rig.server, "ACL", "SETUSER", "default", "-function", NULL);
    shelf_expect(restore(bytes.data, bytes.size, VOUCH_RESTORE_REPLACE), VOUCH_ESERVER, error);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_str_eq(error.code, "NOPERM");
    vouch_call *call = NULL;
    shelf_expect(vouch_functions_dump(client, 0, &call, &error), VOUCH_ESERVER, error);
    ck_assert_str_eq(error.code, "NOPERM");
    vouch_call_free(call);
    ck_assert_str_eq(shelf(), "1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library dump");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, every_policy_takes_effect_or_changes_nothing);
        tcase_add_test(c, a_damaged_payload_changes_nothing);
        tcase_add_test(c, an_answer_that_is_lost_denies_nothing);
        tcase_add_test(c, a_dump_that_is_lost_is_asked_for_again);
        tcase_add_test(c, arguments_that_are_wrong);
        tcase_add_test(c, what_a_server_refuses_it_does_not_do);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
