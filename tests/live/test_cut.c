/* A batch cut at every byte, either way, in front of real servers: every reported effect against the
 * server's data, and MAYBE exactly where nobody could know. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMANDS 8
#define REPLY    4 /* ":1\r\n" */

/* The bytes of an uncut run, each way: all of them, and without the batch. */
struct sizes {
    int64_t out, in, hello_out, hello_in;
};

struct variant {
    ts_server_kind kind;
    uint32_t protocol, window;
    bool reorder_ok;
    size_t split; /* the proxy forwards so many bytes at once; 0: as they come */
};

static const struct variant variants[] = {
    {TS_REDIS, 3, 0, false, 0},  {TS_REDIS, 2, 0, false, 0},  {TS_VALKEY, 3, 0, false, 0},
    {TS_VALKEY, 2, 0, false, 0}, {TS_REDIS, 3, 3, false, 0},  {TS_VALKEY, 3, 3, true, 0},
    {TS_REDIS, 2, 3, true, 0},   {TS_VALKEY, 3, 0, false, 1},
};

static struct rig rig;
static struct rig_tally tally;

static void stop_rig(void)
{
    rig_stop(&rig);
    printf("%lu cuts: %lu effects APPLIED, %lu NOT_APPLIED, %lu MAYBE_APPLIED\n", tally.cases,
           tally.applied, tally.not_applied, tally.maybe);
}

/* The answer to HELLO has the connection's number in it: while that has four digits, all answers have
 * one size. */
static void use_up_short_numbers(void)
{
    while (ts_int(rig.server, "CLIENT", "ID", NULL) < 1000)
        ;
}

static vouch_results *run(const struct variant *v)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    vouch_error e;
    o.reorder_ok = v->reorder_ok;
    vouch_client *client = rig_client(&rig, v->protocol, v->window);
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_status status = vouch_pipeline_run(client, b, &o, &results, &e);
    ck_assert_msg(status == VOUCH_OK || status == VOUCH_EUNKNOWN, "%s: %s",
                  vouch_status_name(status), e.message);
    vouch_batch_free(b);
    vouch_client_close(client);
    return results;
}

static struct sizes measure(const struct variant *v)
{
    struct sizes s;
    int connection = rig_next_connection(&rig);
    vouch_results *results = run(v);
    ck_assert_uint_eq(vouch_results_totals(results).applied, COMMANDS);
    vouch_results_free(results);
    ck_assert(ts_proxy_wait_closed(rig.proxy, connection, ts_deadline(10000)));
    ts_proxy_counts c = ts_proxy_count(rig.proxy, connection);
    s.out = c.to_server;
    s.in = c.to_client;
    s.hello_out =
        s.out - (int64_t)COMMANDS * (int64_t)(sizeof "*2\r\n$4\r\nINCR\r\n$5\r\nc0000\r\n" - 1);
    s.hello_in = s.in - (int64_t)COMMANDS * REPLY;
    ck_assert_int_gt(s.hello_out, 0);
    rig_flush(&rig);
    return s;
}

/* What of the batch is MAYBE must be what the client had handed over and got no answer to. */
static void only_the_unknowable(const struct variant *v, const vouch_results *results,
                                int64_t answered, int64_t window, int64_t at)
{
    for (int64_t i = 0; i < COMMANDS; i++) {
        const vouch_result *r = vouch_results_at(results, (size_t)i);
        bool maybe = r->effect == VOUCH_MAYBE_APPLIED;
        if (i < answered)
            ck_assert_msg(!maybe, "cut at %lld: %lld was answered", (long long)at, (long long)i);
        if (i >= answered + window)
            ck_assert_msg(!maybe, "cut at %lld: %lld was not sent", (long long)at, (long long)i);
        if (v->reorder_ok)
            ck_assert_msg(maybe || r->effect == VOUCH_APPLIED, "cut at %lld: %lld not sent again",
                          (long long)at, (long long)i);
    }
}

static void cut_to_client(const struct variant *v, const struct sizes *s)
{
    int64_t window = v->window ? v->window : COMMANDS;
    for (int64_t at = 0; at <= s->in; at++) {
        int connection = rig_next_connection(&rig);
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, at);
        plan.to_client.split = v->split;
        ts_proxy_plan(rig.proxy, connection, &plan);
        vouch_results *results = run(v);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
        rig_compare(&rig, results, &tally, "cut to the client", at);
        int64_t answered = at < s->hello_in ? 0 : (at - s->hello_in) / REPLY;
        /* The handshake unanswered: nothing of the batch was sent, so nothing is in doubt. */
        only_the_unknowable(v, results, answered, at < s->hello_in ? 0 : window, at);
        vouch_results_free(results);
        rig_flush(&rig);
    }
}

static void cut_to_server(const struct variant *v, const struct sizes *s, ts_cut_mode mode)
{
    int64_t command = (s->out - s->hello_out) / COMMANDS;
    int64_t window = v->window ? v->window : COMMANDS;
    for (int64_t at = 0; at <= s->out; at++) {
        int connection = rig_next_connection(&rig);
        ts_plan plan = ts_plan_cut(TS_TO_SERVER, at);
        plan.mode = mode;
        plan.to_server.split = v->split;
        ts_proxy_plan(rig.proxy, connection, &plan);
        vouch_results *results = run(v);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
        rig_compare(&rig, results, &tally, "cut to the server", at);
        int64_t ran = at < s->hello_out ? 0 : (at - s->hello_out) / command;
        /* Answers are shown only in that mode, or while the window makes the client wait for them. */
        int64_t answered = mode == TS_CUT_ANSWER ? ran : 0;
        int64_t open = mode == TS_CUT_ANSWER ? window : COMMANDS;
        only_the_unknowable(v, results, answered, at < s->hello_out ? 0 : open, at);
        vouch_results_free(results);
        rig_flush(&rig);
    }
}

START_TEST(every_cut_is_accounted_for)
{
    const struct variant *v = &variants[_i];
    rig = rig_start(v->kind, TS_NO_PERSISTENCE);
    use_up_short_numbers();
    struct sizes s = measure(v);
    cut_to_client(v, &s);
    cut_to_server(v, &s, TS_CUT_SETTLE);
    cut_to_server(v, &s, TS_CUT_ANSWER);
    ck_assert_int_lt(ts_int(rig.server, "CLIENT", "ID", NULL), 10000);
    stop_rig();
}
END_TEST

/* Commands that only read are asked again: none is ever in doubt. */
START_TEST(reads_are_never_in_doubt)
{
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    for (int64_t at = 0; at <= 500; at += 7) {
        vouch_results *results = NULL;
        vouch_error e;
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, at);
        ts_proxy_plan(rig.proxy, rig_next_connection(&rig), &plan);
        vouch_client *client = rig_client(&rig, 3, 0);
        vouch_batch *b = vouch_batch_new();
        for (int i = 0; i < COMMANDS; i++)
            vouch_batch_add(b, "GET", "c");
        ck_assert_msg(vouch_pipeline_run(client, b, NULL, &results, &e) == VOUCH_OK, "%s",
                      e.message);
        vouch_results_free(results);
        vouch_batch_free(b);
        vouch_client_close(client);
    }
    rig_stop(&rig);
}
END_TEST

/* Bytes that are held up, and reach the server when the call has long returned. */
START_TEST(what_arrives_late_was_called_maybe)
{
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    const struct variant v = {_i ? TS_VALKEY : TS_REDIS, 3, 3, false, 0};
    struct sizes s = measure(&v);
    for (int64_t at = s.hello_out; at <= s.out; at++) {
        vouch_results *results = NULL;
        vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
        vouch_error e;
        ts_plan plan = ts_plan_none();
        plan.to_server.stall_after = at;
        ts_proxy_plan(rig.proxy, rig_next_connection(&rig), &plan);
        vouch_client *client = rig_client(&rig, 3, v.window);
        vouch_batch *b = rig_counters(COMMANDS);
        o.deadline_ms = 30;
        vouch_status status = vouch_pipeline_run(client, b, &o, &results, &e);
        ck_assert(status == VOUCH_EUNKNOWN || status == VOUCH_OK || status == VOUCH_ENOTSENT);
        vouch_client_close(client);
        ts_proxy_release(rig.proxy, TS_EVERY);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
        rig_settle(&rig);
        rig_compare(&rig, results, &tally, "late", at);
        vouch_results_free(results);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    stop_rig();
}
END_TEST

/* One bit of an answer wrong: it may be a wrong number, but never a wrong effect. */
START_TEST(a_garbled_answer_spoils_no_account)
{
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    const struct variant v = {_i ? TS_VALKEY : TS_REDIS, 2, 0, false, 0};
    struct sizes s = measure(&v);
    for (int64_t at = s.hello_in; at < s.in; at++)
        for (unsigned char mask = 1; mask; mask = (unsigned char)(mask << 1)) {
            vouch_results *results = NULL;
            vouch_error e;
            ts_plan plan = ts_plan_none();
            plan.to_client.garble_at = at;
            plan.to_client.garble_mask = mask;
            ts_proxy_plan(rig.proxy, rig_next_connection(&rig), &plan);
            vouch_client *client = rig_client(&rig, v.protocol, v.window);
            vouch_batch *b = rig_counters(COMMANDS);
            vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
            o.deadline_ms = 20; /* ':' may have become '$': then more is waited for */
            (void)!vouch_pipeline_run(client, b, &o, &results, &e);
            vouch_client_close(client);
            ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
            bool became_error = mask == (':' ^ '-') || vouch_results_totals(results).errors;
            if (!became_error)
                rig_compare(&rig, results, &tally, "garbled", at);
            vouch_results_free(results);
            vouch_batch_free(b);
            rig_flush(&rig);
        }
    stop_rig();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cut");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, every_cut_is_accounted_for, 0,
                        (int)(sizeof variants / sizeof *variants));
    tcase_add_loop_test(c, reads_are_never_in_doubt, 0, 2);
    tcase_add_loop_test(c, what_arrives_late_was_called_maybe, 0, 2);
    tcase_add_loop_test(c, a_garbled_answer_spoils_no_account, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
