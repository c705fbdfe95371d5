/* A caller's own event loop with epoll; streams; two clients in two threads. */
#include "rig.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One wait of an epoll loop: registers what the client says, waits, tells it. */
static void epoll_turn(vouch_client *client)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    struct epoll_event events[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    int64_t timeout;
    size_t n = vouch_client_watch(client, fds, sizeof fds / sizeof *fds, &timeout);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = (uint32_t)fds[i].events, .data = {.u64 = i}};
        ck_assert_int_eq(epoll_ctl(loop, EPOLL_CTL_ADD, fds[i].fd, &e), 0);
    }
    int got = epoll_wait(loop, events, (int)n, timeout < 0 ? 10000 : (int)timeout);
    for (int i = 0; i < got; i++)
        fds[events[i].data.u64].revents = (short)events[i].events;
    vouch_client_ready(client, fds, got > 0 ? n : 0);
    (void)close(loop);
}

START_TEST(two_pipelines_go_side_by_side_in_an_epoll_loop)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 64);
    vouch_batch *batches[2] = {rig_counters(5000), vouch_batch_new()};
    vouch_op *ops[2];
    vouch_error e;
    for (int i = 0; i < 3000; i++)
        vouch_batch_add(batches[1], "INCRBY", "other", 2);
    int connection = rig_next_connection(&rig);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(vouch_pipeline_start(client, batches[i], NULL, &ops[i], &e), VOUCH_OK);
    ck_assert_uint_eq(vouch_batch_add(batches[0], "PING"), VOUCH_NO_COMMAND); /* frozen */
    while (!vouch_op_done(ops[0]) || !vouch_op_done(ops[1]))
        epoll_turn(client);
    ck_assert_int_eq(rig_next_connection(&rig), connection + 1); /* shared */
    for (int i = 0; i < 2; i++) {
        vouch_results *results = NULL;
        ck_assert_int_eq(vouch_pipeline_finish(ops[i], &results, &e), VOUCH_OK);
        int64_t last = 0;
        size_t n = vouch_results_count(results);
        ck_assert(vouch_reply_int64(vouch_results_at(results, n - 1)->reply, &last));
        ck_assert_int_eq(last, i ? 6000 : 1);
        vouch_results_free(results);
        vouch_batch_free(batches[i]);
    }
    ck_assert_int_eq(ts_int(rig.server, "GET", "other", NULL), 6000);
    ck_assert_int_eq(ts_int(rig.server, "GET", "c4999", NULL), 1);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* One of two on the same connection is cancelled with answers outstanding. */
START_TEST(a_cancelled_neighbour_costs_nobody_a_reply)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 64);
    for (int i = 0; i < 30; i++) {
        vouch_batch *a = rig_counters(400), *b = vouch_batch_new();
        vouch_op *op_a, *op_b;
        vouch_results *results = NULL;
        vouch_error e;
        struct rig_tally tally = {0};
        for (int k = 0; k < 400; k++)
            vouch_batch_add(b, "GET", "x");
        ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op_b, &e), VOUCH_OK);
        ck_assert_int_eq(vouch_pipeline_start(client, a, NULL, &op_a, &e), VOUCH_OK);
        for (int k = 0; k < i && !(vouch_op_done(op_a) && vouch_op_done(op_b)); k++)
            epoll_turn(client);
        vouch_op_cancel(op_b);
        ck_assert(vouch_op_done(op_b));
        while (!vouch_op_done(op_a))
            epoll_turn(client);
        ck_assert_msg(vouch_pipeline_finish(op_a, &results, &e) == VOUCH_OK, "%s", e.message);
        rig_compare(&rig, results, &tally, "cancelled", i);
        vouch_results_free(results);
        vouch_status status = vouch_pipeline_finish(op_b, &results, &e);
        ck_assert(status == VOUCH_OK || status == VOUCH_EUNKNOWN || status == VOUCH_ECANCELLED);
        vouch_results_free(results);
        vouch_batch_free(a);
        vouch_batch_free(b);
        rig_flush(&rig);
    }
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- streams -------------------------------------------------------------------------------- */

struct flow {
    uint64_t given, want, taken, stop_at, progress_calls, bad_at;
    int64_t sum;
};

/* How many descriptors this process has, its proxy's among them. */
static int descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* A loop has to take a descriptor out before its number can be another's. */
START_TEST(a_descriptor_is_closed_only_after_watch_left_it_out)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    int64_t timeout;
    int before = descriptors();
    for (int i = 0; i < 20; i++) {
        int connection = rig_next_connection(&rig) - (i > 0);
        ck_assert_int_gt(rig_connection_id(client), 0);
        ck_assert_uint_eq(vouch_client_watch(client, fds, 2, &timeout), 2);
        int old = fds[1].fd;
        ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
        ck_assert_int_eq(poll(&fds[1], 1, RIG_PATIENCE_MS), 1);
        /* It sees the end. No call is in progress, so no other connection is made yet. */
        vouch_client_ready(client, fds, 2);
        ck_assert_int_ge(fcntl(old, F_GETFD), 0);
        vouch_batch *b = rig_counters(1);
        vouch_op *op = NULL;
        vouch_results *results = NULL;
        ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, NULL), VOUCH_OK);
        rig_push(client);
        /* One was begun, under another number. */
        size_t n = vouch_client_watch(client, fds, 2, &timeout);
        ck_assert_uint_eq(n, 2);
        ck_assert_int_ne(fds[1].fd, old);
        ck_assert_int_ge(fcntl(old, F_GETFD), 0);
        vouch_client_ready(client, fds, 0); /* from here on its number may be the proxy's */
        rig_drive(client, op);
        ck_assert_int_eq(vouch_pipeline_finish(op, &results, NULL), VOUCH_OK);
        vouch_results_free(results);
        vouch_batch_free(b);
    }
    /* One connection, and what the proxy has for it and for the one before. */
    ck_assert_int_le(descriptors(), before + 6);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

static bool source(vouch_batch *into, void *user)
{
    struct flow *f = user;
    if (f->given == f->bad_at)
        vouch_batch_add(into, "MULTI");
    else
        vouch_batch_add(into, "INCR", "s");
    return ++f->given < f->want;
}

static bool sink(uint64_t index, const vouch_result *result, void *user)
{
    struct flow *f = user;
    int64_t n = 0;
    ck_assert_uint_eq(index, f->taken);
    f->taken++;
    if (result->status == VOUCH_OK) {
        ck_assert(vouch_reply_int64(result->reply, &n));
        ck_assert_int_eq(n, (int64_t)index + 1);
        f->sum += n;
    }
    return f->taken != f->stop_at;
}

static bool progress(const vouch_totals *so_far, void *user)
{
    struct flow *f = user;
    ck_assert_uint_eq(so_far->commands, f->taken);
    f->progress_calls++;
    return true;
}

#define NEVER UINT64_MAX

START_TEST(a_stream_delivers_every_result_in_order)
{
    struct rig rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    struct flow f = {.want = 100000, .stop_at = NEVER, .bad_at = NEVER};
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_totals totals;
    vouch_error e;
    o.progress = progress;
    o.progress_every = 1000;
    ck_assert_msg(vouch_pipeline_stream(client, source, sink, &f, &o, &totals, &e) == VOUCH_OK,
                  "%s", e.message);
    ck_assert_uint_eq(totals.applied, 100000);
    ck_assert_uint_eq(f.taken, 100000);
    ck_assert_uint_eq(f.progress_calls, 100);
    ck_assert_int_eq(ts_int(rig.server, "GET", "s", NULL), 100000);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_stream_that_is_stopped_finishes_what_it_took)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    struct flow f = {.want = 100000, .stop_at = 777, .bad_at = NEVER};
    vouch_totals totals;
    vouch_error e;
    ck_assert_int_eq(vouch_pipeline_stream(client, source, sink, &f, NULL, &totals, &e),
                     VOUCH_ECANCELLED);
    ck_assert_uint_eq(totals.commands, f.given);
    ck_assert_uint_eq(totals.applied, f.given);
    ck_assert_uint_lt(f.given, 4000);
    ck_assert_int_eq(ts_int(rig.server, "GET", "s", NULL), (int64_t)f.given);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_bad_command_ends_a_stream_and_is_named)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    struct flow f = {.want = 100000, .stop_at = NEVER, .bad_at = 1234};
    vouch_totals totals;
    vouch_error e;
    ck_assert_int_eq(vouch_pipeline_stream(client, source, sink, &f, NULL, &totals, &e),
                     VOUCH_EINVAL);
    ck_assert_uint_eq(e.command, 1234);
    ck_assert_int_eq(e.effect, VOUCH_PARTLY_APPLIED);
    ck_assert_uint_eq(totals.applied, 1234);
    ck_assert_ptr_nonnull(strstr(e.message, "MULTI"));
    ck_assert_int_eq(ts_int(rig.server, "GET", "s", NULL), 1234);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_stream_that_stalls_ends_with_its_effects)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    struct flow f = {.want = 100000, .stop_at = NEVER, .bad_at = NEVER};
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_totals totals;
    vouch_error e;
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 50000;
    ts_proxy_plan(rig.proxy, rig_next_connection(&rig), &plan);
    o.stall_ms = 1000; /* connecting is within it */
    ck_assert_int_eq(vouch_pipeline_stream(client, source, sink, &f, &o, &totals, &e),
                     VOUCH_EUNKNOWN);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_STALLED);
    vouch_client_close(client);
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(10000)));
    rig_settle(&rig);
    int64_t held = ts_int(rig.server, "GET", "s", NULL);
    ck_assert_int_ge(held, (int64_t)totals.applied);
    ck_assert_int_le(held, (int64_t)(totals.applied + totals.maybe));
    ck_assert_uint_eq(totals.commands, f.given);
    rig_stop(&rig);
}
END_TEST

/* ---- threads -------------------------------------------------------------------------------- */

struct worker {
    const struct rig *rig;
    int number;
    bool ok;
};

static void *work(void *user)
{
    struct worker *w = user;
    char url[TS_URL_MAX], key[16];
    vouch_client *client = NULL;
    vouch_error e;
    w->ok = vouch_client_open(ts_server_url(w->rig->server, url, sizeof url), NULL, &client, &e) ==
            VOUCH_OK;
    (void)snprintf(key, sizeof key, "t%d", w->number);
    for (int i = 0; w->ok && i < 200; i++) {
        vouch_batch *b = vouch_batch_new();
        vouch_results *results = NULL;
        for (int k = 0; k < 100; k++)
            vouch_batch_add(b, "INCRBY", key, 1.0 * k > 50 ? 2 : 1);
        w->ok = vouch_pipeline_run(client, b, NULL, &results, &e) == VOUCH_OK;
        vouch_results_free(results);
        vouch_batch_free(b);
    }
    vouch_client_close(client);
    return NULL;
}

START_TEST(clients_in_two_threads_share_nothing)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    struct worker workers[2] = {{&rig, 0, false}, {&rig, 1, false}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(workers[i].ok);
    }
    ck_assert_int_eq(ts_int(rig.server, "GET", "t0", NULL), INT64_C(29800));
    ck_assert_int_eq(ts_int(rig.server, "GET", "t1", NULL), INT64_C(29800));
    rig_stop(&rig);
}
END_TEST

static void *interrupt(void *client)
{
    vouch_client_interrupt(client);
    return NULL;
}

START_TEST(an_interrupt_from_another_thread_ends_the_call)
{
    struct rig rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error e;
    pthread_t thread;
    vouch_batch_add(b, "BLPOP", "nothing", 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt, client), 0);
    /* Whether it comes before or during the call, the call ends by it. */
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    ck_assert(status == VOUCH_EUNKNOWN || status == VOUCH_EINTERRUPTED);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_INTERRUPTED);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loop");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, two_pipelines_go_side_by_side_in_an_epoll_loop, 0, 2);
    tcase_add_test(c, a_cancelled_neighbour_costs_nobody_a_reply);
    tcase_add_test(c, a_descriptor_is_closed_only_after_watch_left_it_out);
    tcase_add_loop_test(c, a_stream_delivers_every_result_in_order, 0, 2);
    tcase_add_test(c, a_stream_that_is_stopped_finishes_what_it_took);
    tcase_add_test(c, a_bad_command_ends_a_stream_and_is_named);
    tcase_add_test(c, a_stream_that_stalls_ends_with_its_effects);
    tcase_add_test(c, clients_in_two_threads_share_nothing);
    tcase_add_test(c, an_interrupt_from_another_thread_ends_the_call);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
