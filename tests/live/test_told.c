/* Events: what is told when servers die, refuse and load, and when calls end early. */
#include "account.h"
#include "script.h"
#include "told.h"

#include <string.h>

#define COMMANDS 12

static struct rig rig;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

/* Turns until so many bytes were handed over. */
static void turn_until_out(vouch_client *client, uint64_t bytes)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (told_stats(client).bytes_out < bytes) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
}

/* What would go again, but has no outage left, is not told to. */
START_TEST(what_does_not_go_again_is_not_told_to)
{
    struct work w = account_get(COMMANDS, 3);
    vouch_client_options o = told_options(0);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    o.outages = 1;
    o.on_event = NULL;
    account_measure(&rig, &w, &o);
    o.on_event = told_take;
    ts_plan plan = ts_plan_cut(TS_TO_CLIENT, w.hello_in + 1);
    ts_proxy_plan(rig.proxy, TS_EVERY, &plan);
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = account_batch(&w);
    ck_assert_uint_eq(told_run(client, b, NULL, VOUCH_ENOTSENT).not_applied, COMMANDS);
    vouch_stats n = told_stats(client);
    ck_assert_uint_eq(n.not_applied, COMMANDS);
    ck_assert_uint_eq(n.retries, COMMANDS);
    ck_assert_uint_eq(n.lost, 2);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)told_next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, COMMANDS);
    (void)told_next(VOUCH_EVENT_RETRIED, VOUCH_CAUSE_LOST, COMMANDS);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert_int_eq(told_next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, COMMANDS)->wait_ms, -1);
    told_no_more();
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- a server that dies --------------------------------------------------------------------- */

static vouch_client *open_direct(const vouch_client_options *o)
{
    char url[TS_URL_MAX];
    vouch_client *client = NULL;
    vouch_error e;
    ck_assert_msg(!vouch_client_open(ts_server_url(rig.server, url, sizeof url), o, &client, &e),
                  "%s", e.message);
    return client;
}

/* Killed with a batch in flight, then away, then back. */
START_TEST(a_killed_server_is_told_step_by_step)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = told_options(0);
    o.lazy = 0;
    o.outages = 1000000;
    vouch_client *client = open_direct(&o);
    vouch_batch *b = rig_counters(COMMANDS);
    struct work w = account_incr(COMMANDS);
    ck_assert(ts_server_pause(rig.server));
    vouch_op *op = told_start(client, b, NULL);
    turn_until_out(client, (uint64_t)(w.out * COMMANDS));
    ts_server_kill(rig.server);
    ck_assert_uint_eq(told_finish(op, VOUCH_EUNKNOWN).maybe, COMMANDS);
    const struct told *e = told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert(strncmp(e->server, "unix:/", 6) == 0);
    const char *server = e->server;
    e = told_next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, COMMANDS);
    ck_assert_str_eq(e->server, server);
    ck_assert(strstr(e->message, "closed the connection") || strstr(e->message, "reset"));
    ck_assert(e->wait_ms >= 0 && e->wait_ms <= o.retry_max_ms);
    e = told_next(VOUCH_EVENT_MAYBE, VOUCH_CAUSE_LOST, COMMANDS);
    ck_assert_str_eq(e->server, server);

    op = told_start(client, b, NULL);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (told_stats(client).connect_failures < 3) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
    uint64_t failures = told_stats(client).connect_failures;
    ck_assert(ts_server_restart(rig.server));
    for (uint64_t i = 0; i < failures; i++) {
        e = told_next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_CONNECT, 0);
        ck_assert(strstr(e->message, server) && strcmp(e->server, server) == 0);
        ck_assert(e->wait_ms >= -1 && e->wait_ms <= o.retry_max_ms);
    }
    told_no_more();
    ck_assert_uint_eq(told_finish(op, VOUCH_OK).applied, COMMANDS);
    vouch_stats n = told_stats(client);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    told_no_more();
    ck_assert_uint_eq(n.lost, 1);
    ck_assert_uint_eq(n.lost_idle, 0);
    ck_assert_uint_eq(n.connects, 2);
    ck_assert_uint_eq(n.waits, n.connect_failures + 1);
    ck_assert_uint_eq(n.maybe, COMMANDS);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

START_TEST(an_idle_connection_is_lost_without_doubt)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = told_options(0);
    o.lazy = 0;
    vouch_client *client = open_direct(&o);
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert(ts_server_restart(rig.server));
    ck_assert_uint_eq(told_run(client, b, NULL, VOUCH_OK).applied, COMMANDS);
    vouch_stats n = told_stats(client);
    ck_assert_uint_eq(n.lost_idle, 1);
    ck_assert_uint_eq(n.lost, 0);
    ck_assert_uint_eq(n.waits, 0);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert_int_eq(told_next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, 0)->wait_ms, 0);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    told_no_more();
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- refusals ------------------------------------------------------------------------------- */

START_TEST(a_wrong_password_is_told_and_not_shown)
{
    static const char password[] = "hunter2";
    ts_server_options so = {.kind = kind_of(_i), .password = "right"};
    rig = (struct rig){.server = ts_server_start(&so)};
    ck_assert_ptr_nonnull(rig.server);
    vouch_client_options o = told_options(0);
    o.password = password;
    vouch_client *client = open_direct(&o);
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert_uint_eq(told_run(client, b, NULL, VOUCH_ENOTSENT).not_applied, COMMANDS);
    const struct told *e = told_next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_AUTH, 0);
    ck_assert_str_eq(e->code, "WRONGPASS");
    ck_assert_int_eq(e->wait_ms, VOUCH_NO_DEADLINE); /* nobody waits for it any more */
    ck_assert(strstr(e->message, "WRONGPASS") || strstr(e->message, "password"));
    told_no_more();
    ck_assert(!told_mentions(password));
    vouch_stats n = told_stats(client);
    ck_assert_uint_eq(n.connect_failures, 1);
    ck_assert_uint_eq(n.connects + n.round_trips + n.errors, 0);
    ck_assert_uint_eq(n.not_applied, COMMANDS);
    vouch_batch_free(b);
    vouch_client_close(client);

    o = told_options(0);
    o.password = password;
    o.lazy = 0; /* told before there is a client */
    char url[TS_URL_MAX];
    ck_assert_int_eq(
        vouch_client_open(ts_server_url(rig.server, url, sizeof url), &o, &client, NULL),
        VOUCH_ECONNECT);
    (void)told_next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_AUTH, 0);
    told_no_more();
    ck_assert(!told_mentions(password));
    rig_stop(&rig);
}
END_TEST

/* Refuses the first so many INCRs. */
static bool load(ts_responder_state *state, const ts_request *request, ts_buffer *reply)
{
    int *left = state->user;
    if (!ts_request_is(request, 0, "INCR"))
        return false;
    if (*left > 0)
        ts_buffer_print(reply, "-LOADING Redis is loading the dataset in memory\r\n");
    else
        ts_buffer_print(reply, ":1\r\n");
    --*left;
    return true;
}

START_TEST(a_server_that_loads_is_waited_for)
{
    int left = 2 * COMMANDS;
    ts_script_options so = {.respond = true, .responder = load, .user = &left};
    ts_script *script = ts_script_start(&so);
    char url[TS_URL_MAX];
    vouch_client *client = NULL;
    vouch_error error;
    vouch_client_options o = told_options(0);
    ck_assert_msg(!vouch_client_open(ts_script_url(script, url, sizeof url), &o, &client, &error),
                  "%s", error.message);
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert_uint_eq(told_run(client, b, NULL, VOUCH_OK).applied, COMMANDS);
    vouch_stats n = told_stats(client);
    ck_assert_uint_eq(n.retries, (uint64_t)2 * COMMANDS);
    ck_assert_uint_eq(n.waits, 2);
    ck_assert_uint_eq(n.round_trips, 3);
    ck_assert_uint_eq(n.errors, 0); /* of final results */
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    for (int i = 0; i < 2; i++) {
        const struct told *e = told_next(VOUCH_EVENT_WAITED, VOUCH_CAUSE_REFUSED, COMMANDS);
        ck_assert_str_eq(e->code, "LOADING");
        ck_assert_str_eq(e->message, "LOADING Redis is loading the dataset in memory");
        ck_assert(e->wait_ms >= 0 && e->wait_ms <= o.retry_max_ms);
        ck_assert(strncmp(e->server, "unix:/", 6) == 0);
    }
    told_no_more();

    /* Without the budget to wait it stays refused, and nothing is told to go again. */
    o.outages = 1;
    left = 1000;
    vouch_client_close(client);
    (void)told_options(0); /* forgets */
    ck_assert(!vouch_client_open(url, &o, &client, &error));
    ck_assert_uint_eq(told_run(client, b, NULL, VOUCH_EPARTIAL).errors, COMMANDS);
    n = told_stats(client);
    ck_assert_uint_eq(n.errors, COMMANDS);
    ck_assert_uint_eq(n.not_applied, COMMANDS);
    ck_assert_uint_eq(n.retries, COMMANDS);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)told_next(VOUCH_EVENT_WAITED, VOUCH_CAUSE_REFUSED, COMMANDS);
    told_no_more();
    vouch_batch_free(b);
    vouch_client_close(client);
    ts_script_free(script);
}
END_TEST

/* Scripts that fail after a write: told once, when the batch has ended. */
START_TEST(failed_scripts_are_told_once)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = told_options(1);
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(2);
    for (int i = 0; i < 5; i++)
        vouch_batch_add(b, "EVAL", "redis.call('INCR', KEYS[1]) return redis.error_reply('NO')", 1,
                        "k");
    ck_assert_uint_eq(told_run(client, b, NULL, VOUCH_EUNKNOWN).maybe, 5);
    vouch_stats n = told_stats(client);
    ck_assert_uint_eq(n.maybe, 5);
    ck_assert_uint_eq(n.errors, 5);
    ck_assert_uint_eq(n.applied, 2);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)told_next(VOUCH_EVENT_MAYBE, VOUCH_CAUSE_REFUSED, 5);
    told_no_more();
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- calls that end early ------------------------------------------------------------------- */

enum way { BY_DEADLINE, BY_CANCEL, BY_INTERRUPT, BY_CLOSE, WAYS };

/* A batch whose answers are held back, ended in some way: told once, with that cause. */
START_TEST(what_a_call_leaves_in_doubt_is_told_once)
{
    static const vouch_cause causes[WAYS] = {VOUCH_CAUSE_DEADLINE, VOUCH_CAUSE_CANCELLED,
                                             VOUCH_CAUSE_INTERRUPTED, VOUCH_CAUSE_CANCELLED};
    enum way way = (enum way)(_i / 2);
    vouch_client_options o = told_options(5);
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    po.deadline_ms = way == BY_DEADLINE ? 30 : VOUCH_NO_DEADLINE;
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(COMMANDS);
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    vouch_op *op = told_start(client, b, &po);
    ck_assert_uint_eq(told_stats(client).round_trips, 1);
    if (way == BY_INTERRUPT)
        vouch_client_interrupt(client);
    if (way == BY_CANCEL)
        vouch_op_cancel(op);
    if (way == BY_CLOSE)
        vouch_client_close(client);
    vouch_totals t = told_finish(op, VOUCH_EUNKNOWN);
    ck_assert_uint_eq(t.maybe, 5);
    (void)told_next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    const struct told *e = told_next(VOUCH_EVENT_MAYBE, causes[way], 5);
    ck_assert(*e->server);
    ck_assert_str_eq(e->message, vouch_cause_sentence(causes[way]));
    told_no_more();
    if (way != BY_CLOSE) {
        rig_turn(client, 0);
        vouch_stats n = told_stats(client);
        ck_assert_uint_eq(n.commands, COMMANDS);
        ck_assert_uint_eq(n.not_applied, COMMANDS - 5);
        ck_assert_uint_eq(n.given_up, 1);
        ck_assert_uint_eq(n.connections, 0);
        ck_assert_uint_eq(told_answered(&n), 0);
        vouch_client_close(client);
    }
    told_no_more();
    vouch_batch_free(b);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("told");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, what_does_not_go_again_is_not_told_to, 0, 2);
    tcase_add_loop_test(c, a_killed_server_is_told_step_by_step, 0, 2);
    tcase_add_loop_test(c, an_idle_connection_is_lost_without_doubt, 0, 2);
    tcase_add_loop_test(c, a_wrong_password_is_told_and_not_shown, 0, 2);
    tcase_add_test(c, a_server_that_loads_is_waited_for);
    tcase_add_loop_test(c, failed_scripts_are_told_once, 0, 2);
    tcase_add_loop_test(c, what_a_call_leaves_in_doubt_is_told_once, 0, 2 * WAYS);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
