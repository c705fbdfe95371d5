/* Counters and events against what passed, what was reported, and what happened to the server. */
#include "account.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS 12

static struct rig rig;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

/* ---- what the hook is told ------------------------------------------------------------------ */

#define TOLD_MAX 64

struct told {
    vouch_event_kind kind;
    vouch_cause cause;
    uint64_t commands;
    int64_t wait_ms;
    char server[128], code[VOUCH_CODE_MAX], message[VOUCH_MESSAGE_MAX];
};

static struct {
    struct told v[TOLD_MAX];
    size_t n, checked;
} told;

static void take(const vouch_event *e, void *user)
{
    (void)user;
    ck_assert_uint_eq(e->size, sizeof *e);
    ck_assert_uint_lt(told.n, TOLD_MAX);
    struct told *t = &told.v[told.n++];
    *t = (struct told){e->kind, e->cause, e->commands, e->wait_ms, "", "", ""};
    (void)snprintf(t->server, sizeof t->server, "%s", e->server);
    (void)snprintf(t->code, sizeof t->code, "%s", e->code);
    (void)snprintf(t->message, sizeof t->message, "%s", e->message);
}

/* The next event in order; the test fails if it is of another kind or cause, or there is none. */
static const struct told *next(vouch_event_kind kind, vouch_cause cause, uint64_t commands)
{
    ck_assert_msg(told.checked < told.n, "no event, but %s was to come", vouch_event_name(kind));
    const struct told *t = &told.v[told.checked++];
    ck_assert_msg(t->kind == kind && t->cause == cause && t->commands == commands,
                  "%s, cause %d, %llu commands (%s) in place of %s, cause %d, %llu",
                  vouch_event_name(t->kind), (int)t->cause, (unsigned long long)t->commands,
                  t->message, vouch_event_name(kind), (int)cause, (unsigned long long)commands);
    return t;
}

static void no_more_events(void)
{
    ck_assert_msg(told.checked == told.n, "%s was told, and nothing was to come",
                  vouch_event_name(told.v[told.checked].kind));
}

static vouch_client_options hooked(uint32_t window)
{
    vouch_client_options o = rig_options(3, window);
    memset(&told, 0, sizeof told);
    o.on_event = take;
    return o;
}

static vouch_stats stats_of(const vouch_client *client)
{
    vouch_stats n = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &n), VOUCH_OK);
    ck_assert_uint_eq(n.commands, n.applied + n.not_applied + n.maybe);
    ck_assert_uint_eq(n.connects, n.connections + n.lost + n.lost_idle + n.given_up);
    return n;
}

/* Runs it, and wants this status; the totals of the results. */
static vouch_totals run(vouch_client *client, vouch_batch *b, const vouch_pipeline_options *o,
                        vouch_status want)
{
    vouch_results *results = NULL;
    vouch_error e;
    vouch_status status = vouch_pipeline_run(client, b, o, &results, &e);
    ck_assert_msg(status == want, "%s: %s", vouch_status_name(status), e.message);
    vouch_totals t = vouch_results_totals(results);
    vouch_results_free(results);
    return t;
}

static vouch_op *start(vouch_client *client, vouch_batch *b, const vouch_pipeline_options *o)
{
    vouch_op *op = NULL;
    vouch_error e;
    ck_assert_msg(!vouch_pipeline_start(client, b, o, &op, &e), "%s", e.message);
    return op;
}

static vouch_totals finish(vouch_op *op, vouch_status want)
{
    vouch_results *results = NULL;
    vouch_error e;
    vouch_status status = vouch_pipeline_finish(op, &results, &e);
    ck_assert_msg(status == want, "%s: %s", vouch_status_name(status), e.message);
    vouch_totals t = vouch_results_totals(results);
    vouch_results_free(results);
    return t;
}

/* Turns until so many bytes were handed over. */
static void turn_until_out(vouch_client *client, uint64_t bytes)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (stats_of(client).bytes_out < bytes) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
}

/* ---- counters ------------------------------------------------------------------------------- */

static uint64_t answered(const vouch_stats *n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < VOUCH_LATENCY_BUCKETS; i++)
        all += n->latency[i];
    return all;
}

static void same_bytes(const vouch_stats *n)
{
    ts_proxy_counts c = ts_proxy_count(rig.proxy, TS_EVERY);
    ck_assert_int_eq((int64_t)n->bytes_out, c.from_client);
    ck_assert_int_eq((int64_t)n->bytes_in, c.to_client);
}

/* So many batches one after the other; each is one round trip, for the proxy as well. */
START_TEST(calm_work_is_counted_exactly)
{
    rig = _i < 2 ? rig_start(kind_of(_i), TS_NO_PERSISTENCE) : rig_start_tcp(kind_of(_i));
    vouch_client_options o = hooked(0);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_stats n = stats_of(client);
    same_bytes(&n);
    ck_assert_uint_eq(n.connections, 1);
    ck_assert_uint_eq(n.connects, 1);
    ck_assert_uint_eq(n.commands + n.round_trips + answered(&n), 0);
    int64_t hello = ts_proxy_count(rig.proxy, TS_EVERY).round_trips;
    vouch_batch *good = rig_counters(100), *bad = rig_counters(3);
    vouch_batch_add(bad, "LPUSH", "c0000", "x");
    for (uint64_t i = 1; i <= 10; i++) {
        (void)run(client, good, NULL, VOUCH_OK);
        ck_assert_uint_eq(stats_of(client).round_trips, i);
    }
    vouch_totals t = run(client, bad, NULL, VOUCH_EPARTIAL);
    ck_assert_uint_eq(t.errors, 1);
    n = stats_of(client);
    ck_assert_uint_eq(n.commands, 1004);
    ck_assert_uint_eq(n.applied, 1003);
    ck_assert_uint_eq(n.not_applied, 1);
    ck_assert_uint_eq(n.errors, 1);
    ck_assert_uint_eq(n.round_trips, 11);
    ck_assert_uint_eq(answered(&n), 11);
    ck_assert_int_eq(ts_proxy_count(rig.proxy, TS_EVERY).round_trips - hello, 11);
    ck_assert_uint_eq(n.retries + n.waits + n.lost + n.lost_idle + n.given_up, 0);
    ck_assert_int_gt(vouch_stats_latency_us(&n, 0.5), 0);
    ck_assert_int_le(vouch_stats_latency_us(&n, 0.5), vouch_stats_latency_us(&n, 1));
    same_bytes(&n);
    const struct told *e = next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert(*e->server && !*e->code && !*e->message && e->wait_ms == 0);
    no_more_events();
    vouch_batch_free(good);
    vouch_batch_free(bad);
    vouch_client_close(client);
    rig_stop(&rig);
    no_more_events();
}
END_TEST

struct course {
    size_t commands, value;
    uint32_t window;
    uint64_t round_trips;
};

/* What the window holds is one, whatever its size and however many writes it takes. The server
 * answers what it reads at once, so the answers to a small window come together. */
static const struct course courses[] = {{1, 0, 0, 1},    {12, 0, 12, 1},     {12, 0, 6, 2},
                                        {12, 0, 5, 3},   {12, 0, 1, 12},     {13, 0, 12, 2},
                                        {1000, 0, 0, 1}, {1000, 0, 1000, 1}, {60, 8, 20, 3},
                                        {3, 8, 2, 2},    {400, 16384, 0, 1}};

START_TEST(round_trips_are_exact)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
        vouch_client_options o = hooked(courses[i].window);
        o.window_bytes = (size_t)64 << 20;
        vouch_client *client = rig_open(&rig, &o);
        struct work w = courses[i].value ? account_append(courses[i].commands, courses[i].value)
                                         : account_incr(courses[i].commands);
        vouch_batch *b = account_batch(&w);
        for (uint64_t k = 1; k <= 3; k++) {
            (void)run(client, b, NULL, VOUCH_OK);
            vouch_stats n = stats_of(client);
            ck_assert_msg(n.round_trips == k * courses[i].round_trips &&
                              answered(&n) == n.round_trips,
                          "%zu commands, window %u, run %llu: %llu round trips, %llu answered",
                          courses[i].commands, courses[i].window, (unsigned long long)k,
                          (unsigned long long)n.round_trips, (unsigned long long)answered(&n));
        }
        vouch_batch_free(b);
        vouch_client_close(client);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(batches_started_together_share_a_round_trip)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = hooked(0);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b[2] = {rig_counters(20), rig_counters(30)};
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    vouch_op *ops[2] = {start(client, b[0], NULL), start(client, b[1], NULL)};
    ck_assert_uint_eq(stats_of(client).round_trips, 1);
    ck_assert_uint_eq(stats_of(client).commands, 0);
    ts_proxy_release(rig.proxy, 0);
    for (int i = 0; i < 2; i++) {
        (void)finish(ops[i], VOUCH_OK);
        vouch_batch_free(b[i]);
    }
    vouch_stats n = stats_of(client);
    ck_assert_uint_eq(n.round_trips, 1);
    ck_assert_uint_eq(n.commands, 50);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- cut at every byte ---------------------------------------------------------------------- */

/* What must have been told of a batch cut off: the loss and what became of those in doubt. */
static void check_told(const struct seen *seen, bool handshaken, enum rule rule)
{
    uint64_t doubt = seen->handed - seen->answered;
    if (handshaken) {
        (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
        const struct told *e = next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, doubt);
        ck_assert(strstr(e->message, e->server) && e->wait_ms >= 0);
        if (doubt) {
            e = next(rule == IN_ORDER ? VOUCH_EVENT_MAYBE : VOUCH_EVENT_RETRIED, VOUCH_CAUSE_LOST,
                     doubt);
            ck_assert(*e->server && strstr(e->message, e->server));
        }
    } else {
        const struct told *e = next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_CONNECT, 0);
        ck_assert(strstr(e->message, e->server) && e->wait_ms >= 0);
    }
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    no_more_events();
}

static void one_cut(const struct work *w, ts_direction direction, int64_t at, enum rule rule)
{
    struct rig fresh = {.server = rig.server};
    ts_proxy_options po = {.upstream = ts_server_address(rig.server)};
    fresh.proxy = rig.proxy = ts_proxy_start(&po); /* counts from 0 */
    ts_plan plan = ts_plan_cut(direction, at);
    ts_proxy_plan(rig.proxy, 0, &plan);
    vouch_client_options o = hooked(0);
    vouch_pipeline_options options = VOUCH_PIPELINE_OPTIONS_INIT;
    options.idempotent = rule == REPEATABLE;
    vouch_client *client = rig_open(&fresh, &o);
    vouch_batch *b = account_batch(w);
    vouch_results *results = NULL;
    vouch_error e;
    vouch_status status = vouch_pipeline_run(client, b, &options, &results, &e);
    vouch_totals t = vouch_results_totals(results);
    ck_assert_int_eq(status, t.maybe ? VOUCH_EUNKNOWN : VOUCH_OK);
    (void)rig_connection_id(client); /* whether it was connecting again or not: now it has */
    vouch_stats n = stats_of(client);
    ck_assert_uint_eq(n.commands, COMMANDS + 1);
    ck_assert(n.applied == t.applied + 1 && n.not_applied == t.not_applied && n.maybe == t.maybe);
    ck_assert(n.errors == t.errors && n.connections == n.connects - n.lost - n.lost_idle);
    vouch_client_close(client);
    ck_assert(ts_proxy_wait_gone(rig.proxy, 0, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    struct seen seen = account_seen(&rig, 0, w);
    ck_assert_uint_eq(n.retries, rule == REPEATABLE ? seen.handed - seen.answered : 0);
    ck_assert_uint_eq(n.lost + n.lost_idle + n.connect_failures, 1);
    ck_assert_uint_eq(n.connects, n.lost + n.lost_idle + 1);
    ck_assert_uint_le(answered(&n), n.round_trips);
    same_bytes(&n);
    check_told(&seen, n.connect_failures == 0, rule);
    vouch_results_free(results);
    vouch_batch_free(b);
    ts_proxy_free(rig.proxy);
    rig_flush(&rig); /* answers keep their size */
}

/* In the handshake and in the batch, each way. */
START_TEST(counters_agree_with_the_results_of_every_cut)
{
    enum rule rule = _i / 2 ? REPEATABLE : IN_ORDER;
    struct work w = account_incr(COMMANDS);
    vouch_client_options o = rig_options(3, 0);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    ts_proxy *first = rig.proxy;
    for (int64_t at = 0; at < account_all_out(&w); at++)
        one_cut(&w, TS_TO_SERVER, at, rule);
    for (int64_t at = 0; at < account_all_in(&w); at++)
        one_cut(&w, TS_TO_CLIENT, at, rule);
    rig.proxy = first;
    rig_stop(&rig);
}
END_TEST

/* What would go again, but has no outage left, is not told to. */
START_TEST(what_does_not_go_again_is_not_told_to)
{
    struct work w = account_get(COMMANDS, 3);
    vouch_client_options o = hooked(0);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    o.outages = 1;
    o.on_event = NULL;
    account_measure(&rig, &w, &o);
    o.on_event = take;
    ts_plan plan = ts_plan_cut(TS_TO_CLIENT, w.hello_in + 1);
    ts_proxy_plan(rig.proxy, TS_EVERY, &plan);
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = account_batch(&w);
    ck_assert_uint_eq(run(client, b, NULL, VOUCH_ENOTSENT).not_applied, COMMANDS);
    vouch_stats n = stats_of(client);
    ck_assert_uint_eq(n.not_applied, COMMANDS);
    ck_assert_uint_eq(n.retries, COMMANDS);
    ck_assert_uint_eq(n.lost, 2);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, COMMANDS);
    (void)next(VOUCH_EVENT_RETRIED, VOUCH_CAUSE_LOST, COMMANDS);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert_int_eq(next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, COMMANDS)->wait_ms, -1);
    no_more_events();
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
    vouch_client_options o = hooked(0);
    o.lazy = 0;
    o.outages = 1000000;
    vouch_client *client = open_direct(&o);
    vouch_batch *b = rig_counters(COMMANDS);
    struct work w = account_incr(COMMANDS);
    ck_assert(ts_server_pause(rig.server));
    vouch_op *op = start(client, b, NULL);
    turn_until_out(client, (uint64_t)(w.out * COMMANDS));
    ts_server_kill(rig.server);
    ck_assert_uint_eq(finish(op, VOUCH_EUNKNOWN).maybe, COMMANDS);
    const struct told *e = next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert(strncmp(e->server, "unix:/", 6) == 0);
    const char *server = e->server;
    e = next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, COMMANDS);
    ck_assert_str_eq(e->server, server);
    ck_assert(strstr(e->message, "closed the connection") || strstr(e->message, "reset"));
    ck_assert(e->wait_ms >= 0 && e->wait_ms <= o.retry_max_ms);
    e = next(VOUCH_EVENT_MAYBE, VOUCH_CAUSE_LOST, COMMANDS);
    ck_assert_str_eq(e->server, server);

    op = start(client, b, NULL);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (stats_of(client).connect_failures < 3) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    }
    uint64_t failures = stats_of(client).connect_failures;
    ck_assert(ts_server_restart(rig.server));
    for (uint64_t i = 0; i < failures; i++) {
        e = next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_CONNECT, 0);
        ck_assert(strstr(e->message, server) && strcmp(e->server, server) == 0);
        ck_assert(e->wait_ms >= -1 && e->wait_ms <= o.retry_max_ms);
    }
    no_more_events();
    ck_assert_uint_eq(finish(op, VOUCH_OK).applied, COMMANDS);
    vouch_stats n = stats_of(client);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    no_more_events();
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
    vouch_client_options o = hooked(0);
    o.lazy = 0;
    vouch_client *client = open_direct(&o);
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert(ts_server_restart(rig.server));
    ck_assert_uint_eq(run(client, b, NULL, VOUCH_OK).applied, COMMANDS);
    vouch_stats n = stats_of(client);
    ck_assert_uint_eq(n.lost_idle, 1);
    ck_assert_uint_eq(n.lost, 0);
    ck_assert_uint_eq(n.waits, 0);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    ck_assert_int_eq(next(VOUCH_EVENT_LOST, VOUCH_CAUSE_LOST, 0)->wait_ms, 0);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    no_more_events();
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- refusals ------------------------------------------------------------------------------- */

static void no_password_was_told(const char *password)
{
    for (size_t i = 0; i < told.n; i++)
        ck_assert(!strstr(told.v[i].message, password) && !strstr(told.v[i].server, password) &&
                  !strstr(told.v[i].code, password));
}

START_TEST(a_wrong_password_is_told_and_not_shown)
{
    static const char password[] = "hunter2";
    ts_server_options so = {.kind = kind_of(_i), .password = "right"};
    rig = (struct rig){.server = ts_server_start(&so)};
    ck_assert_ptr_nonnull(rig.server);
    vouch_client_options o = hooked(0);
    o.password = password;
    vouch_client *client = open_direct(&o);
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert_uint_eq(run(client, b, NULL, VOUCH_ENOTSENT).not_applied, COMMANDS);
    const struct told *e = next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_AUTH, 0);
    ck_assert_str_eq(e->code, "WRONGPASS");
    ck_assert_int_eq(e->wait_ms, VOUCH_NO_DEADLINE); /* nobody waits for it any more */
    ck_assert(strstr(e->message, "WRONGPASS") || strstr(e->message, "password"));
    no_more_events();
    no_password_was_told(password);
    vouch_stats n = stats_of(client);
    ck_assert_uint_eq(n.connect_failures, 1);
    ck_assert_uint_eq(n.connects + n.round_trips + n.errors, 0);
    ck_assert_uint_eq(n.not_applied, COMMANDS);
    vouch_batch_free(b);
    vouch_client_close(client);

    o = hooked(0);
    o.password = password;
    o.lazy = 0; /* told before there is a client */
    char url[TS_URL_MAX];
    ck_assert_int_eq(
        vouch_client_open(ts_server_url(rig.server, url, sizeof url), &o, &client, NULL),
        VOUCH_ECONNECT);
    (void)next(VOUCH_EVENT_UNREACHABLE, VOUCH_CAUSE_AUTH, 0);
    no_more_events();
    no_password_was_told(password);
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
    vouch_client_options o = hooked(0);
    ck_assert_msg(!vouch_client_open(ts_script_url(script, url, sizeof url), &o, &client, &error),
                  "%s", error.message);
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert_uint_eq(run(client, b, NULL, VOUCH_OK).applied, COMMANDS);
    vouch_stats n = stats_of(client);
    ck_assert_uint_eq(n.retries, (uint64_t)2 * COMMANDS);
    ck_assert_uint_eq(n.waits, 2);
    ck_assert_uint_eq(n.round_trips, 3);
    ck_assert_uint_eq(n.errors, 0); /* of final results */
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    for (int i = 0; i < 2; i++) {
        const struct told *e = next(VOUCH_EVENT_WAITED, VOUCH_CAUSE_REFUSED, COMMANDS);
        ck_assert_str_eq(e->code, "LOADING");
        ck_assert_str_eq(e->message, "LOADING Redis is loading the dataset in memory");
        ck_assert(e->wait_ms >= 0 && e->wait_ms <= o.retry_max_ms);
        ck_assert(strncmp(e->server, "unix:/", 6) == 0);
    }
    no_more_events();

    /* Without the budget to wait it stays refused, and nothing is told to go again. */
    o.outages = 1;
    left = 1000;
    vouch_client_close(client);
    memset(&told, 0, sizeof told);
    ck_assert(!vouch_client_open(url, &o, &client, &error));
    ck_assert_uint_eq(run(client, b, NULL, VOUCH_EPARTIAL).errors, COMMANDS);
    n = stats_of(client);
    ck_assert_uint_eq(n.errors, COMMANDS);
    ck_assert_uint_eq(n.not_applied, COMMANDS);
    ck_assert_uint_eq(n.retries, COMMANDS);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)next(VOUCH_EVENT_WAITED, VOUCH_CAUSE_REFUSED, COMMANDS);
    no_more_events();
    vouch_batch_free(b);
    vouch_client_close(client);
    ts_script_free(script);
}
END_TEST

/* Scripts that fail after a write: told once, when the batch has ended. */
START_TEST(failed_scripts_are_told_once)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = hooked(1);
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(2);
    for (int i = 0; i < 5; i++)
        vouch_batch_add(b, "EVAL", "redis.call('INCR', KEYS[1]) return redis.error_reply('NO')", 1,
                        "k");
    ck_assert_uint_eq(run(client, b, NULL, VOUCH_EUNKNOWN).maybe, 5);
    vouch_stats n = stats_of(client);
    ck_assert_uint_eq(n.maybe, 5);
    ck_assert_uint_eq(n.errors, 5);
    ck_assert_uint_eq(n.applied, 2);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    (void)next(VOUCH_EVENT_MAYBE, VOUCH_CAUSE_REFUSED, 5);
    no_more_events();
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
    vouch_client_options o = hooked(5);
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    po.deadline_ms = way == BY_DEADLINE ? 30 : VOUCH_NO_DEADLINE;
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(COMMANDS);
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    vouch_op *op = start(client, b, &po);
    ck_assert_uint_eq(stats_of(client).round_trips, 1);
    if (way == BY_INTERRUPT)
        vouch_client_interrupt(client);
    if (way == BY_CANCEL)
        vouch_op_cancel(op);
    if (way == BY_CLOSE)
        vouch_client_close(client);
    vouch_totals t = finish(op, VOUCH_EUNKNOWN);
    ck_assert_uint_eq(t.maybe, 5);
    (void)next(VOUCH_EVENT_CONNECTED, VOUCH_CAUSE_NONE, 0);
    const struct told *e = next(VOUCH_EVENT_MAYBE, causes[way], 5);
    ck_assert(*e->server);
    ck_assert_str_eq(e->message, vouch_cause_sentence(causes[way]));
    no_more_events();
    if (way != BY_CLOSE) {
        rig_turn(client, 0);
        vouch_stats n = stats_of(client);
        ck_assert_uint_eq(n.commands, COMMANDS);
        ck_assert_uint_eq(n.not_applied, COMMANDS - 5);
        ck_assert_uint_eq(n.given_up, 1);
        ck_assert_uint_eq(n.connections, 0);
        ck_assert_uint_eq(answered(&n), 0);
        vouch_client_close(client);
    }
    no_more_events();
    vouch_batch_free(b);
    rig_stop(&rig);
}
END_TEST

/* ---- a stream ------------------------------------------------------------------------------- */

struct watched {
    vouch_client *client;
    uint64_t given;
};

static bool source(vouch_batch *into, void *user)
{
    struct watched *w = user;
    vouch_batch_add(into, "INCR", "n");
    return ++w->given < 20000;
}

/* Counters can be read while it runs. */
static bool progress(const vouch_totals *so_far, void *user)
{
    const struct watched *w = user;
    vouch_stats n = stats_of(w->client);
    ck_assert_uint_ge(n.commands, so_far->commands);
    ck_assert_uint_le(n.commands, w->given);
    ck_assert_uint_gt(n.bytes_out, n.bytes_in);
    return true;
}

START_TEST(a_stream_is_counted_while_it_runs)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = hooked(100);
    struct watched w = {.client = rig_open(&rig, &o)};
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_totals t;
    vouch_error e;
    po.progress = progress;
    po.progress_every = 1000;
    ck_assert_msg(!vouch_pipeline_stream(w.client, source, NULL, &w, &po, &t, &e), "%s", e.message);
    vouch_stats n = stats_of(w.client);
    ck_assert_uint_eq(n.commands, 20000);
    ck_assert_uint_eq(n.applied, t.applied);
    ck_assert_uint_ge(n.round_trips, 200);
    ck_assert_uint_eq(answered(&n), n.round_trips);
    same_bytes(&n);
    vouch_client_close(w.client);
    rig_stop(&rig);
}
END_TEST

/* ---- the hook ------------------------------------------------------------------------------- */

struct meddler {
    vouch_client *client;
    vouch_batch *batch;
    vouch_op *op; /* in progress */
    unsigned kinds;
};

/* Tries everything that a program might; all but the counters is refused. */
static void meddle(const vouch_event *e, void *user)
{
    struct meddler *m = user;
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error error;
    m->kinds |= 1U << e->kind;
    if (!m->client)
        return; /* inside open */
    ck_assert_int_eq(vouch_pipeline_run(m->client, m->batch, NULL, &results, &error), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_pipeline_start(m->client, m->batch, NULL, &op, &error), VOUCH_EBUSY);
    ck_assert_int_eq(vouch_pipeline_stream(m->client, source, NULL, m, NULL, NULL, &error),
                     VOUCH_EBUSY);
    if (m->op) {
        bool done = vouch_op_done(m->op);
        vouch_op_cancel(m->op);
        ck_assert(vouch_op_done(m->op) == done);
        ck_assert_int_eq(vouch_pipeline_finish(m->op, &results, &error), VOUCH_EBUSY);
    }
    vouch_client_ready(m->client, NULL, 0);
    (void)stats_of(m->client);
    ck_assert(!results && !op);
}

/* Starts the batch while no answer comes back, and cuts the connection. */
static void cut_while(struct meddler *m, vouch_batch *b)
{
    (void)rig_connection_id(m->client);
    int connection = rig_next_connection(&rig) - 1;
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    m->op = start(m->client, b, NULL);
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
}

/* Refuses writes until that was told. */
static void refuse_while(struct meddler *m, vouch_batch *b)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    m->op = start(m->client, b, NULL);
    while (!(m->kinds & 1U << VOUCH_EVENT_WAITED)) {
        ck_assert(!ts_passed(limit));
        rig_turn(m->client, 2);
    }
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
}

/* Listens again once it was told that nobody does. */
static void away_while(struct meddler *m, vouch_batch *b)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    ck_assert(ts_proxy_listen(rig.proxy, false));
    ts_proxy_cut(rig.proxy, TS_EVERY, TS_END_EOF, TS_CUT_SETTLE);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    m->op = start(m->client, b, NULL);
    while (!(m->kinds & 1U << VOUCH_EVENT_UNREACHABLE)) {
        ck_assert(!ts_passed(limit));
        rig_turn(m->client, 2);
    }
    ck_assert(ts_proxy_listen(rig.proxy, true));
}

static vouch_totals end_meddled(struct meddler *m, vouch_status want)
{
    rig_drive(m->client, m->op);
    vouch_op *op = m->op;
    m->op = NULL;
    return finish(op, want);
}

START_TEST(the_hook_cannot_call_its_client)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = hooked(0);
    struct meddler m = {.batch = rig_counters(1)};
    o.on_event = meddle;
    o.event_user = &m;
    o.outages = 1000000;
    vouch_batch *writes = rig_counters(COMMANDS), *reads = vouch_batch_new();
    char key[RIG_KEY_MAX];
    for (size_t i = 0; i < COMMANDS; i++)
        vouch_batch_add(reads, "GET", rig_key(i, key));
    m.client = rig_open(&rig, &o);
    cut_while(&m, writes);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_EUNKNOWN).maybe, COMMANDS);
    cut_while(&m, reads);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_OK).applied, COMMANDS);
    refuse_while(&m, writes);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_OK).applied, COMMANDS);
    away_while(&m, writes);
    ck_assert_uint_eq(end_meddled(&m, VOUCH_OK).applied, COMMANDS);
    for (int kind = VOUCH_EVENT_CONNECTED; kind <= VOUCH_EVENT_MAYBE; kind++)
        ck_assert_msg(m.kinds & 1U << kind, "%s did not come",
                      vouch_event_name((vouch_event_kind)kind));
    vouch_batch_free(writes);
    vouch_batch_free(reads);
    vouch_batch_free(m.batch);
    vouch_client_close(m.client);
    rig_stop(&rig);
}
END_TEST

/* The child may let go of what is in flight: its parent's commands are not its own. */
START_TEST(a_forked_child_is_told_nothing)
{
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = hooked(0);
    o.lazy = 0;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(COMMANDS);
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    vouch_op *op = start(client, b, NULL);
    ck_assert_uint_eq(stats_of(client).round_trips, 1);
    size_t before = told.n;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        vouch_stats n = VOUCH_STATS_INIT;
        vouch_op_cancel(op);
        bool good = !vouch_op_done(op) && vouch_client_stats(client, &n) == VOUCH_EFORKED;
        vouch_client_close(client);
        _exit(good && told.n == before ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    ts_proxy_release(rig.proxy, 0);
    ck_assert_uint_eq(finish(op, VOUCH_OK).applied, COMMANDS);
    ck_assert_uint_eq(stats_of(client).applied, COMMANDS);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("told");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, calm_work_is_counted_exactly, 0, 4);
    tcase_add_loop_test(c, round_trips_are_exact, 0, 2);
    tcase_add_loop_test(c, batches_started_together_share_a_round_trip, 0, 2);
    tcase_add_loop_test(c, counters_agree_with_the_results_of_every_cut, 0, 4);
    tcase_add_loop_test(c, what_does_not_go_again_is_not_told_to, 0, 2);
    tcase_add_loop_test(c, a_killed_server_is_told_step_by_step, 0, 2);
    tcase_add_loop_test(c, an_idle_connection_is_lost_without_doubt, 0, 2);
    tcase_add_loop_test(c, a_wrong_password_is_told_and_not_shown, 0, 2);
    tcase_add_test(c, a_server_that_loads_is_waited_for);
    tcase_add_loop_test(c, failed_scripts_are_told_once, 0, 2);
    tcase_add_loop_test(c, what_a_call_leaves_in_doubt_is_told_once, 0, 2 * WAYS);
    tcase_add_loop_test(c, a_stream_is_counted_while_it_runs, 0, 2);
    tcase_add_loop_test(c, the_hook_cannot_call_its_client, 0, 2);
    tcase_add_loop_test(c, a_forked_child_is_told_nothing, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
