/* What every user does first: open, run, read; and what they are told when something is wrong. */
#include "rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static vouch_results *must_run(vouch_client *client, vouch_batch *b, vouch_status want)
{
    vouch_results *results = NULL;
    vouch_error e;
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    ck_assert_msg(status == want, "%s: %s", vouch_status_name(status), e.message);
    ck_assert_int_eq(e.status, want);
    return results;
}

static vouch_client *open_at(const char *url, const vouch_client_options *options)
{
    vouch_client *client = NULL;
    vouch_error e;
    vouch_status status = vouch_client_open(url, options, &client, &e);
    ck_assert_msg(status == VOUCH_OK, "%s: %s", url, e.message);
    return client;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void ping(vouch_client *client)
{
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "PING");
    vouch_results *r = must_run(client, b, VOUCH_OK);
    ck_assert_str_eq(vouch_reply_string(vouch_results_at(r, 0)->reply).data, "PONG");
    vouch_results_free(r);
    vouch_batch_free(b);
}

START_TEST(every_kind_of_address_opens)
{
    static const ts_transport transports[] = {TS_UNIX, TS_TCP};
    for (int i = 0; i < 2; i++) {
        char url[TS_URL_MAX], other[TS_URL_MAX + 32];
        ts_server_options so = {.kind = _i ? TS_VALKEY : TS_REDIS, .transport = transports[i]};
        ts_server *server = ts_server_start(&so);
        ck_assert_ptr_nonnull(server);
        vouch_client *client = open_at(ts_server_url(server, url, sizeof url), NULL);
        ping(client);
        vouch_client_close(client);
        int port = ts_server_address(server).port;
        if (transports[i] == TS_TCP && ts_have_ipv6()) {
            (void)snprintf(other, sizeof other, "redis://[::1]:%d", port);
            client = open_at(other, NULL);
            ping(client);
            vouch_client_close(client);
        }
        if (transports[i] == TS_TCP) {
            (void)snprintf(other, sizeof other, "redis://localhost:%d", port);
            client = open_at(other, NULL);
            ping(client);
            vouch_client_close(client);
        }
        ts_server_free(server);
    }
}
END_TEST

START_TEST(user_database_name_and_protocol_are_set_up)
{
    static const char *const users[] = {"ann on >s:e@t ~* +@all", NULL};
    ts_server_options so = {.kind = _i ? TS_VALKEY : TS_REDIS, .password = "boss", .users = users};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        char base[TS_URL_MAX], url[TS_URL_MAX + 100];
        (void)ts_server_url(server, base, sizeof base);
        (void)snprintf(url, sizeof url, "unix://ann:s%%3ae%%40t@%s?db=3&name=me&protocol=%u",
                       base + strlen("unix://"), protocol);
        vouch_client *client = open_at(url, NULL);
        vouch_batch *b = vouch_batch_new();
        vouch_batch_add(b, "CLIENT", "GETNAME");
        vouch_batch_add(b, "ACL", "WHOAMI");
        vouch_batch_add(b, "SET", "where", protocol);
        vouch_batch_add(b, "HGETALL", "none");
        vouch_results *r = must_run(client, b, VOUCH_OK);
        ck_assert_str_eq(vouch_reply_string(vouch_results_at(r, 0)->reply).data, "me");
        ck_assert_str_eq(vouch_reply_string(vouch_results_at(r, 1)->reply).data, "ann");
        ck_assert_int_eq(vouch_reply_type(vouch_results_at(r, 3)->reply),
                         protocol == 3 ? VOUCH_TYPE_MAP : VOUCH_TYPE_ARRAY);
        char *keyspace = ts_info(server, "keyspace", "db3");
        ck_assert_ptr_nonnull(keyspace);
        free(keyspace);
        vouch_results_free(r);
        vouch_batch_free(b);
        vouch_client_close(client);
    }
    ts_server_free(server);
}
END_TEST

static void refused(const char *url, vouch_cause cause, const char *words)
{
    vouch_client *client = (vouch_client *)1;
    vouch_error e;
    int64_t before = ts_now_ms();
    ck_assert_int_eq(vouch_client_open(url, NULL, &client, &e), VOUCH_ECONNECT);
    ck_assert_ptr_null(client);
    ck_assert_msg(e.cause == cause, "%s: cause %d, %s", url, (int)e.cause, e.message);
    ck_assert_msg(strstr(e.message, words), "%s", e.message);
    ck_assert_ptr_null(strstr(e.message, "hunter2"));
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_lt(ts_now_ms() - before, 10000);
}

START_TEST(what_cannot_be_opened_says_why)
{
    char url[TS_URL_MAX], other[TS_URL_MAX + 32];
    ts_server_options so = {.kind = _i ? TS_VALKEY : TS_REDIS, .password = "boss"};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    (void)ts_server_url(server, url, sizeof url);
    refused(url, VOUCH_CAUSE_AUTH, "wants a password, in the URL or the options: NOAUTH");
    (void)snprintf(other, sizeof other, "%s?protocol=2", url);
    refused(other, VOUCH_CAUSE_AUTH, "wants a password, in the URL or the options: NOAUTH");
    (void)snprintf(other, sizeof other, "unix://:hunter2@%s", url + strlen("unix://"));
    refused(other, VOUCH_CAUSE_AUTH, "refused user or password: WRONGPASS");
    (void)snprintf(other, sizeof other, "unix://nobody:hunter2@%s", url + strlen("unix://"));
    refused(other, VOUCH_CAUSE_AUTH, "refused user or password: WRONGPASS");
    (void)snprintf(other, sizeof other, "unix://:boss@%s?db=99", url + strlen("unix://"));
    refused(other, VOUCH_CAUSE_HANDSHAKE, "SELECT was refused: ERR DB index is out of range");
    ts_server_free(server);
    refused(url, VOUCH_CAUSE_CONNECT, "cannot connect: No such file");
    (void)snprintf(other, sizeof other, "redis://127.0.0.1:%d", ts_free_port());
    refused(other, VOUCH_CAUSE_CONNECT, "cannot connect: Connection refused");
    refused("redis://no-such-host.invalid", VOUCH_CAUSE_ADDRESS,
            "no-such-host.invalid:6379: the host has no address: ");
}
END_TEST

START_TEST(a_silent_server_is_given_up_in_time)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    ts_plan plan = ts_plan_none();
    char url[TS_URL_MAX];
    vouch_client *client = NULL;
    vouch_error e;
    plan.mute = true;
    ts_proxy_plan(rig.proxy, TS_EVERY, &plan);
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    o.connect_ms = 50;
    ck_assert_int_eq(vouch_client_open(ts_proxy_url(rig.proxy, url, sizeof url), &o, &client, &e),
                     VOUCH_ECONNECT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_DEADLINE);
    ck_assert_ptr_nonnull(strstr(e.message, "connect_ms"));
    rig_stop(&rig);
}
END_TEST

/* ---- replies -------------------------------------------------------------------------------- */

static void fill(vouch_batch *b)
{
    vouch_batch_add(b, "SET", "s", "12");
    vouch_batch_add(b, "GET", "s");
    vouch_batch_add(b, "GET", "absent");
    vouch_batch_add(b, "LPUSH", "s", "x"); /* the one that fails */
    vouch_batch_add(b, "INCRBYFLOAT", "f", 1.5);
    vouch_batch_add(b, "HSET", "h", "a", 1, "b", 2);
    vouch_batch_add(b, "HGETALL", "h");
    vouch_batch_add(b, "ZADD", "z", 1.5, "m", 2.5, "n");
    vouch_batch_add(b, "ZRANGE", "z", 0, -1, "WITHSCORES");
    vouch_batch_add(b, "ZSCORE", "z", "n");
    vouch_batch_add(b, "SADD", "t", "x");
    vouch_batch_add(b, "SMEMBERS", "t");
    vouch_batch_add(b, "CONFIG", "GET", "maxmemory");
    vouch_batch_add(b, "XADD", "x", "1-1", "k", "v");
    vouch_batch_add(b, "XRANGE", "x", "-", "+");
    vouch_batch_add(b, "EVAL", "return {1, 'two', {3, false}}", 0);
    vouch_batch_add(b, "MGET", "s", "absent");
    vouch_batch_add(b, "SET", "bin", vouch_bytes("a\0b\r\n", 5));
    vouch_batch_add(b, "GET", "bin");
}

static const vouch_reply *reply(const vouch_results *r, size_t i)
{
    return vouch_results_at(r, i)->reply;
}

static int64_t number(const vouch_reply *r)
{
    int64_t n = INT64_MIN;
    ck_assert(vouch_reply_int64(r, &n));
    return n;
}

static double real(const vouch_reply *r)
{
    double d = 0;
    ck_assert(vouch_reply_double(r, &d));
    return d;
}

START_TEST(replies_read_alike_in_both_protocols)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        rig_flush(&rig);
        vouch_client *client = rig_client(&rig, protocol, 0);
        vouch_batch *b = vouch_batch_new();
        fill(b);
        vouch_results *r = must_run(client, b, VOUCH_EPARTIAL);
        ck_assert_uint_eq(vouch_results_next_failed(r, 0), 3);
        ck_assert_uint_eq(vouch_results_next_failed(r, 4), VOUCH_NO_COMMAND);
        ck_assert_int_eq(vouch_results_at(r, 3)->effect, VOUCH_NOT_APPLIED);
        ck_assert(vouch_reply_is_error(reply(r, 3)));
        ck_assert_int_eq(number(reply(r, 1)), 12);
        ck_assert(vouch_reply_is_nil(reply(r, 2)));
        ck_assert(real(reply(r, 4)) == 1.5);
        ck_assert_uint_eq(vouch_reply_pairs(reply(r, 6)), 2);
        ck_assert_int_eq(number(vouch_reply_get(reply(r, 6), "b")), 2);
        ck_assert_uint_eq(vouch_reply_pairs(reply(r, 8)), 2);
        ck_assert(real(vouch_reply_get(reply(r, 8), "m")) == 1.5);
        ck_assert(real(reply(r, 9)) == 2.5);
        ck_assert_uint_eq(vouch_reply_count(reply(r, 11)), 1);
        ck_assert_int_eq(number(vouch_reply_get(reply(r, 12), "maxmemory")), 0);
        const vouch_reply *fields = vouch_reply_get(reply(r, 14), "1-1");
        ck_assert_str_eq(vouch_reply_string(vouch_reply_get(fields, "k")).data, "v");
        ck_assert_int_eq(number(vouch_reply_at(vouch_reply_at(reply(r, 15), 2), 0)), 3);
        ck_assert(vouch_reply_is_nil(vouch_reply_at(reply(r, 16), 1)));
        ck_assert_uint_eq(vouch_reply_string(reply(r, 18)).size, 5);
        ck_assert(memcmp(vouch_reply_string(reply(r, 18)).data, "a\0b\r\n", 5) == 0);
        vouch_results_free(r);
        vouch_batch_free(b);
        vouch_client_close(client);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_reply_over_the_limit_harms_nobody)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client_options o = rig_options(3, 0);
    o.reply_max_bytes = 1000;
    vouch_client *client = rig_open(&rig, &o);
    char *large = calloc(1, 1000001);
    memset(large, 'x', 1000000);
    vouch_batch *b = vouch_batch_new();
    int connection = rig_next_connection(&rig);
    vouch_batch_add(b, "SET", "k", large);
    vouch_batch_add(b, "GETSET", "k", "new");
    vouch_batch_add(b, "GET", "k");
    vouch_results *r = must_run(client, b, VOUCH_EPARTIAL);
    ck_assert_int_eq(vouch_results_at(r, 1)->status, VOUCH_ETOOLARGE);
    ck_assert_int_eq(vouch_results_at(r, 1)->effect, VOUCH_APPLIED);
    ck_assert_ptr_null(reply(r, 1));
    ck_assert_str_eq(vouch_reply_string(reply(r, 2)).data, "new");
    ck_assert_int_eq(rig_next_connection(&rig), connection + 1); /* kept */
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_client_close(client);
    free(large);
    rig_stop(&rig);
}
END_TEST

/* ---- size ----------------------------------------------------------------------------------- */

START_TEST(no_size_makes_both_sides_wait)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    char *value = calloc(1, 65537);
    memset(value, 'y', 65536);
    vouch_batch *b = vouch_batch_new();
    for (int i = 0; i < 300; i++) {
        vouch_batch_add(b, "SET", i, value);
        vouch_batch_add(b, "GET", i);
    }
    for (int i = 0; i < 100000; i++)
        vouch_batch_add(b, "INCR", "n");
    vouch_results *r = must_run(client, b, VOUCH_OK);
    ck_assert_uint_eq(vouch_reply_string(reply(r, 599)).size, 65536);
    ck_assert_int_eq(number(reply(r, 100599)), 100000);
    vouch_results_free(r);
    /* The same batch again. */
    r = must_run(client, b, VOUCH_OK);
    ck_assert_int_eq(number(reply(r, 100599)), 200000);
    vouch_results_free(r);
    vouch_batch_clear(b);
    r = must_run(client, b, VOUCH_OK);
    ck_assert_uint_eq(vouch_results_count(r), 0);
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_client_close(client);
    free(value);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_batch_is_one_round_trip)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    int connection = rig_next_connection(&rig);
    vouch_client *client = rig_client(&rig, 3, 0);
    ping(client);
    int64_t before = ts_proxy_count(rig.proxy, connection).round_trips;
    ck_assert_int_eq(before, 3); /* HELLO; what sets the connection up; PING */
    vouch_batch *b = rig_counters(500);
    vouch_results_free(must_run(client, b, VOUCH_OK));
    ck_assert_int_eq(ts_proxy_count(rig.proxy, connection).round_trips, before + 1);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* Answers that vanish, and answers that are slow. */
START_TEST(lost_answers_are_maybe_and_slow_ones_are_not)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    struct rig_tally tally = {0};
    vouch_results *results = NULL;
    vouch_error e;
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_batch *b = rig_counters(50);
    int connection = rig_next_connection(&rig);
    vouch_client *client = rig_client(&rig, 3, 0);
    ping(client);
    ts_plan plan = ts_plan_none();
    plan.to_client.delay_ms = 20;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    results = must_run(client, b, VOUCH_OK);
    rig_compare(&rig, results, &tally, "slow", 0);
    vouch_results_free(results);
    rig_flush(&rig);
    plan = ts_plan_none();
    plan.to_client.drop_after = 40; /* ten answers */
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    o.deadline_ms = 100;
    ck_assert_int_eq(vouch_pipeline_run(client, b, &o, &results, &e), VOUCH_EUNKNOWN);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_DEADLINE);
    ck_assert_uint_eq(e.command, 10);
    ck_assert_uint_eq(vouch_results_totals(results).applied, 10);
    ck_assert_uint_eq(vouch_results_totals(results).maybe, 40);
    rig_settle(&rig);
    rig_compare(&rig, results, &tally, "dropped", 0);
    vouch_results_free(results);
    ping(client); /* on a connection of its own: the old one is never used again */
    ck_assert_int_eq(rig_next_connection(&rig), connection + 2);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- misuse and interruption ---------------------------------------------------------------- */

START_TEST(a_bad_batch_sends_nothing)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_results *results = (vouch_results *)1;
    vouch_error e;
    vouch_batch_add(b, "SET", "k", 1);
    vouch_batch_add(b, "SELECT", 2);
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_EINVAL);
    ck_assert_ptr_null(results);
    ck_assert_uint_eq(e.command, 1);
    ck_assert_ptr_nonnull(strstr(e.message, "SELECT"));
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "k", NULL), 0);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

static vouch_client *inner;

static bool nosy(vouch_batch *into, void *user)
{
    vouch_results *results;
    vouch_error e;
    vouch_batch_add(into, "PING");
    *(vouch_status *)user = vouch_pipeline_run(inner, into, NULL, &results, &e);
    return false;
}

START_TEST(a_callback_cannot_call_back)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_status status = VOUCH_OK;
    vouch_error e;
    inner = rig_client(&rig, 3, 0);
    ck_assert_int_eq(vouch_pipeline_stream(inner, nosy, NULL, &status, NULL, NULL, &e), VOUCH_OK);
    ck_assert_int_eq(status, VOUCH_EBUSY);
    vouch_client_close(inner);
    rig_stop(&rig);
}
END_TEST

static void on_alarm(int signal)
{
    (void)signal;
    vouch_client_interrupt(inner);
}

START_TEST(a_signal_handler_ends_a_call)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    struct sigaction action = {.sa_handler = on_alarm}, before;
    vouch_results *results = NULL;
    vouch_error e;
    inner = rig_client(&rig, 3, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "BLPOP", "nothing", 0);
    ck_assert_int_eq(sigaction(SIGALRM, &action, &before), 0);
    (void)alarm(1);
    ck_assert_int_eq(vouch_pipeline_run(inner, b, NULL, &results, &e), VOUCH_EUNKNOWN);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_INTERRUPTED);
    vouch_results_free(results);
    ping(inner); /* it can be used on */
    ck_assert_int_eq(sigaction(SIGALRM, &before, NULL), 0);
    vouch_batch_free(b);
    vouch_client_close(inner);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_connection_closed_while_idle_is_not_noticed)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    for (int i = 0; i < 20; i++) {
        ping(client);
        ts_proxy_cut(rig.proxy, TS_EVERY, TS_END_CLOSE, TS_CUT_SETTLE);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
    }
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("basic");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, every_kind_of_address_opens, 0, 2);
    tcase_add_loop_test(c, user_database_name_and_protocol_are_set_up, 0, 2);
    tcase_add_loop_test(c, what_cannot_be_opened_says_why, 0, 2);
    tcase_add_test(c, a_silent_server_is_given_up_in_time);
    tcase_add_loop_test(c, replies_read_alike_in_both_protocols, 0, 2);
    tcase_add_loop_test(c, a_reply_over_the_limit_harms_nobody, 0, 2);
    tcase_add_loop_test(c, no_size_makes_both_sides_wait, 0, 2);
    tcase_add_loop_test(c, a_batch_is_one_round_trip, 0, 2);
    tcase_add_loop_test(c, lost_answers_are_maybe_and_slow_ones_are_not, 0, 2);
    tcase_add_test(c, a_bad_batch_sends_nothing);
    tcase_add_test(c, a_callback_cannot_call_back);
    tcase_add_test(c, a_signal_handler_ends_a_call);
    tcase_add_loop_test(c, a_connection_closed_while_idle_is_not_noticed, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
