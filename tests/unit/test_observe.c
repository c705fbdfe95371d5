/* Counters and events without servers: what a caller may pass, the latencies, and a forked child. */
#include "client/core.h"
#include "suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vouch/vouch.h>

/* ---- the struct ----------------------------------------------------------------------------- */

static void count_event(const vouch_event *event, void *user)
{
    ck_assert_uint_eq(event->size, sizeof *event);
    ++*(size_t *)user;
}

static vouch_client *lazy_client(size_t *events)
{
    vouch_client_options options = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    options.lazy = 1;
    options.outages = 1;
    options.on_event = count_event;
    options.event_user = events;
    ck_assert_int_eq(vouch_client_open("unix:///nonexistent", &options, &client, NULL), VOUCH_OK);
    return client;
}

/* One command that nobody takes; two tries to connect. */
static void run_in_vain(vouch_client *client)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_batch_add(batch, "PING");
    ck_assert_int_eq(vouch_pipeline_run(client, batch, NULL, &results, NULL), VOUCH_ENOTSENT);
    vouch_results_free(results);
    vouch_batch_free(batch);
}

START_TEST(wrong_arguments_are_refused)
{
    size_t events = 0;
    vouch_client *client = lazy_client(&events);
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(NULL, &stats), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_client_stats(client, NULL), VOUCH_EINVAL);
    for (uint32_t size = 0; size < sizeof stats.size; size++) {
        stats.size = size;
        ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_EINVAL);
    }
    vouch_client_close(client);
}
END_TEST

/* A program with a shorter or a longer struct than the library: exactly its bytes are filled in. */
START_TEST(a_struct_is_filled_as_far_as_it_goes)
{
    size_t events = 0;
    vouch_client *client = lazy_client(&events);
    vouch_stats whole = VOUCH_STATS_INIT;
    struct {
        vouch_stats stats;
        char more[64];
    } s;
    run_in_vain(client);
    ck_assert_int_eq(vouch_client_stats(client, &whole), VOUCH_OK);
    ck_assert_uint_eq(whole.size, sizeof whole);
    ck_assert_uint_eq(whole.commands, 1);
    for (uint32_t size = sizeof s.stats.size; size <= sizeof s; size++) {
        memset(&s, 0xa5, sizeof s);
        s.stats.size = size;
        ck_assert_int_eq(vouch_client_stats(client, &s.stats), VOUCH_OK);
        ck_assert_uint_eq(s.stats.size, size);
        for (size_t i = sizeof s.stats.size; i < sizeof s; i++) {
            unsigned char due = i >= size           ? 0xa5
                                : i >= sizeof whole ? 0
                                                    : ((unsigned char *)&whole)[i];
            ck_assert_uint_eq(((unsigned char *)&s)[i], due);
        }
    }
    vouch_client_close(client);
}
END_TEST

START_TEST(what_cannot_be_reached_is_counted)
{
    size_t events = 0;
    vouch_client *client = lazy_client(&events);
    vouch_stats stats = VOUCH_STATS_INIT, none = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    ck_assert_mem_eq(&stats, &none, sizeof stats);
    run_in_vain(client);
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    vouch_stats due = VOUCH_STATS_INIT;
    due.commands = due.not_applied = 1;
    due.connect_failures = due.waits = 2;
    ck_assert_mem_eq(&stats, &due, sizeof stats);
    ck_assert_uint_eq(events, 2);
    vouch_client_close(client);
    ck_assert_uint_eq(events, 2);
}
END_TEST

/* Over the limit of operations a batch is not started: none of its commands is counted. */
START_TEST(what_is_not_started_is_not_counted)
{
    static vouch_op *ops[VOUCH_CLIENT_MAX_OPERATIONS];
    static vouch_batch *batches[VOUCH_CLIENT_MAX_OPERATIONS];
    size_t events = 0;
    vouch_client *client = lazy_client(&events);
    vouch_batch *batch = vouch_batch_new();
    vouch_stats stats = VOUCH_STATS_INIT;
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_batch_add(batch, "PING");
    for (size_t i = 0; i < VOUCH_CLIENT_MAX_OPERATIONS; i++) {
        batches[i] = vouch_batch_new();
        vouch_batch_add(batches[i], "PING");
        ck_assert_int_eq(vouch_pipeline_start(client, batches[i], NULL, &ops[i], NULL), VOUCH_OK);
    }
    size_t done = 0;
    for (size_t i = 0; i < VOUCH_CLIENT_MAX_OPERATIONS; i++)
        done += vouch_op_done(ops[i]);
    ck_assert_int_eq(vouch_pipeline_start(client, batch, NULL, &op, NULL), VOUCH_ELIMIT);
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    ck_assert_uint_eq(stats.commands, done);
    for (size_t i = 0; i < VOUCH_CLIENT_MAX_OPERATIONS; i++) {
        vouch_op_cancel(ops[i]);
        ck_assert_int_ne(vouch_pipeline_finish(ops[i], &results, NULL), VOUCH_OK);
        vouch_results_free(results);
        vouch_batch_free(batches[i]);
    }
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    ck_assert_uint_eq(stats.commands, VOUCH_CLIENT_MAX_OPERATIONS);
    ck_assert_uint_eq(stats.not_applied, VOUCH_CLIENT_MAX_OPERATIONS);
    vouch_batch_free(batch);
    vouch_client_close(client);
}
END_TEST

START_TEST(a_forked_child_counts_and_tells_nothing)
{
    size_t events = 0;
    vouch_client *client = lazy_client(&events);
    run_in_vain(client);
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        vouch_stats stats = VOUCH_STATS_INIT;
        bool good = vouch_client_stats(client, &stats) == VOUCH_EFORKED && stats.commands == 0;
        vouch_client_close(client);
        _exit(good && events == 2 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    vouch_client_close(client);
}
END_TEST

/* ---- latencies ------------------------------------------------------------------------------ */

/* One command a pull, for ever. */
static bool pull(struct exchange *x, size_t commands, struct run *out)
{
    static const size_t end = 4;
    (void)x;
    *out = (struct run){"PING", &end, 0, 1, true};
    return commands > 0;
}

static void on_reply(struct exchange *x, const struct vouch_reply *reply, enum reader_fate fate)
{
    (void)x;
    (void)reply;
    (void)fate;
}

static void on_lost(struct exchange *x, size_t maybe, size_t unsent, vouch_cause cause)
{
    (void)x;
    (void)unsent;
    ck_assert_uint_eq(maybe, 1);
    ck_assert_int_eq(cause, VOUCH_CAUSE_LOST);
}

static struct core core;
static struct link *l;
static struct arena arena;
static struct exchange x = {
    .pull = pull, .on_reply = on_reply, .on_lost = on_lost, .arena = &arena};

/* A connection that is ready; `core` has it. */
static void begin(void)
{
    struct settings set;
    vouch_error e;
    ck_assert_int_eq(settings_read(&set, "redis://h", NULL, &e), VOUCH_OK);
    core_init(&core, &set, 1);
    l = core.links[core.link_count++] = link_new(&core, 0);
    ck_assert_ptr_nonnull(l);
    core.now = 1;
    l->state = LINK_READY;
    conn_restart(&l->conn);
}

static void end(void)
{
    core_free(&core);
    arena_free(&arena);
}

static void send_one(void)
{
    struct span span;
    conn_offer(&l->conn, &x);
    ck_assert_uint_eq(conn_output(&l->conn, &span, 1), 1);
    conn_taken(&l->conn, span.size);
    link_handed(l, span.size);
}

static void receive(const char *text)
{
    link_received(l, text, strlen(text));
}

static size_t bucket_of(int64_t us)
{
    vouch_stats s = VOUCH_STATS_INIT;
    size_t i = 0;
    begin();
    send_one();
    core.now += us;
    receive("+PONG\r\n");
    observe_stats(&core, &s);
    while (i < VOUCH_LATENCY_BUCKETS - 1 && !s.latency[i])
        i++;
    ck_assert_uint_eq(s.latency[i], 1);
    ck_assert_uint_eq(s.round_trips, 1);
    ck_assert_uint_eq(s.bytes_out, 4);
    ck_assert_uint_eq(s.bytes_in, 7);
    ck_assert_uint_eq(s.connections, 1);
    end();
    return i;
}

START_TEST(buckets_begin_and_end_where_the_header_says)
{
    ck_assert_uint_eq(bucket_of(0), 0);
    for (size_t i = 1; i < VOUCH_LATENCY_BUCKETS; i++) {
        ck_assert_uint_eq(bucket_of(INT64_C(1) << (i - 1)), i);
        if (i < VOUCH_LATENCY_BUCKETS - 1)
            ck_assert_uint_eq(bucket_of((INT64_C(1) << i) - 1), i);
    }
    ck_assert_uint_eq(bucket_of(INT64_C(1) << 60), VOUCH_LATENCY_BUCKETS - 1);
}
END_TEST

START_TEST(a_latency_ends_with_the_first_byte_of_the_answer)
{
    vouch_stats s = VOUCH_STATS_INIT;
    begin();
    send_one();
    send_one();
    core.now += 100; /* bucket 7: below 128 */
    receive("$");
    core.now += 100000;
    receive("1\r\nx\r\n");
    core.now += 100000;
    receive("+PONG\r\n"); /* of the same round trip */
    send_one();
    core.now += 1000; /* bucket 10 */
    receive("+PONG\r\n");
    observe_stats(&core, &s);
    ck_assert_uint_eq(s.round_trips, 2);
    ck_assert_uint_eq(s.latency[7], 1);
    ck_assert_uint_eq(s.latency[10], 1);
    end();
}
END_TEST

/* Answers to what went before are not the answer. */
START_TEST(a_latency_is_that_of_its_own_round_trip)
{
    vouch_stats s = VOUCH_STATS_INIT;
    begin();
    send_one();
    send_one();
    receive("+PONG\r\n"); /* at once */
    send_one();
    core.now += 5;
    receive("+PO");
    core.now += 5;
    receive("NG\r\n");
    core.now += 1000;
    receive("+PONG\r\n"); /* bucket 10: 1,010 */
    observe_stats(&core, &s);
    ck_assert_uint_eq(s.round_trips, 2);
    ck_assert_uint_eq(s.latency[0], 1);
    ck_assert_uint_eq(s.latency[10], 1);
    end();
}
END_TEST

START_TEST(handshakes_are_bytes_and_no_round_trips)
{
    vouch_stats s = VOUCH_STATS_INIT;
    begin();
    l->state = LINK_GREETING;
    l->handshake.state = HANDSHAKE_RUNNING;
    send_one();
    receive("+PONG\r\n");
    observe_stats(&core, &s);
    ck_assert_uint_eq(s.round_trips, 0);
    ck_assert_uint_eq(s.connections, 0);
    ck_assert_uint_eq(s.bytes_out, 4);
    ck_assert_uint_eq(s.bytes_in, 7);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0.5), -1);
    end();
}
END_TEST

/* The next connection's handshake, answered. */
static void greet_again(vouch_stats *s)
{
    l->state = LINK_GREETING;
    l->handshake.state = HANDSHAKE_RUNNING;
    conn_restart(&l->conn);
    core.now += 1000;
    send_one();
    receive("+PONG\r\n");
    observe_stats(&core, s);
    ck_assert_int_eq(vouch_stats_latency_us(s, 1), -1);
    ck_assert_uint_eq(s->round_trips, 1);
}

START_TEST(what_was_lost_has_no_latency)
{
    vouch_stats s = VOUCH_STATS_INIT;
    begin();
    send_one();
    link_broken(l, VOUCH_CAUSE_LOST, false, "gone");
    greet_again(&s);
    ck_assert_uint_eq(s.lost, 1);
    end();
}
END_TEST

START_TEST(what_was_given_up_has_no_latency)
{
    vouch_stats s = VOUCH_STATS_INIT;
    size_t maybe, unsent;
    begin();
    send_one();
    conn_abandon(&l->conn, &x, &maybe, &unsent);
    l->state = LINK_RETIRING;
    link_advance(l, core.now);
    greet_again(&s);
    ck_assert_uint_eq(s.given_up, 1);
    end();
}
END_TEST

/* Made anew because the probe did harm: it was no connection yet, and nothing has failed. */
START_TEST(a_handshake_made_anew_is_no_failure)
{
    vouch_stats s = VOUCH_STATS_INIT;
    begin();
    l->state = LINK_GREETING;
    l->handshake.state = HANDSHAKE_NO_PROBE;
    send_one();
    receive("+PONG\r\n");
    observe_stats(&core, &s);
    ck_assert_uint_eq(s.given_up + s.connect_failures + s.connects + s.lost + s.lost_idle, 0);
    end();
}
END_TEST

static void see_busy(const vouch_event *event, void *user)
{
    ck_assert_str_eq(event->server, "");
    ck_assert_str_eq(event->code, "");
    ck_assert_str_eq(event->message, "");
    *(bool *)user = core.busy;
}

START_TEST(the_client_is_busy_while_the_hook_runs)
{
    begin();
    for (int busy = 0; busy <= 1; busy++) {
        bool seen = false;
        core.settings.on_event = see_busy;
        core.settings.event_user = &seen;
        core.busy = busy;
        observe_tell(&core, (vouch_event){.kind = VOUCH_EVENT_MAYBE});
        ck_assert(seen);
        ck_assert(core.busy == (busy == 1)); /* as it was */
    }
    end();
}
END_TEST

START_TEST(durations_are_rounded_up)
{
    ck_assert_int_eq(observe_ms(-1), 0);
    ck_assert_int_eq(observe_ms(0), 0);
    ck_assert_int_eq(observe_ms(1), 1);
    ck_assert_int_eq(observe_ms(1000), 1);
    ck_assert_int_eq(observe_ms(1001), 2);
    ck_assert_int_eq(observe_ms(INT64_MAX), INT64_MAX / 1000 + 1);
}
END_TEST

START_TEST(quantiles_are_bounds)
{
    vouch_stats s = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_stats_latency_us(NULL, 0.5), -1);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0.5), -1); /* nothing yet */
    s.latency[0] = 1;
    s.latency[5] = 98;
    s.latency[20] = 1;
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0), 1);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0.01), 1);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0.011), 32);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0.5), 32);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0.99), 32);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 0.991), 1 << 20);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 1), 1 << 20);
    s.latency[VOUCH_LATENCY_BUCKETS - 1] = 1;
    ck_assert_int_eq(vouch_stats_latency_us(&s, 1), INT64_MAX);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 1.001), -1);
    ck_assert_int_eq(vouch_stats_latency_us(&s, -0.001), -1);
    ck_assert_int_eq(vouch_stats_latency_us(&s, (double)NAN), -1);
    s.size = offsetof(vouch_stats, latency);
    ck_assert_int_eq(vouch_stats_latency_us(&s, 1), -1);
}
END_TEST

START_TEST(events_have_names)
{
    ck_assert_str_eq(vouch_event_name(VOUCH_EVENT_CONNECTED), "CONNECTED");
    ck_assert_str_eq(vouch_event_name(VOUCH_EVENT_LOST), "LOST");
    ck_assert_str_eq(vouch_event_name(VOUCH_EVENT_UNREACHABLE), "UNREACHABLE");
    ck_assert_str_eq(vouch_event_name(VOUCH_EVENT_RETRIED), "RETRIED");
    ck_assert_str_eq(vouch_event_name(VOUCH_EVENT_WAITED), "WAITED");
    ck_assert_str_eq(vouch_event_name(VOUCH_EVENT_MAYBE), "MAYBE");
    ck_assert_str_eq(vouch_event_name((vouch_event_kind)0), "?");
    ck_assert_str_eq(vouch_event_name(VOUCH_EVENT_LAST_), "?");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("observe");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, wrong_arguments_are_refused);
    tcase_add_test(t, a_struct_is_filled_as_far_as_it_goes);
    tcase_add_test(t, what_cannot_be_reached_is_counted);
    tcase_add_test(t, what_is_not_started_is_not_counted);
    tcase_add_test(t, a_forked_child_counts_and_tells_nothing);
    tcase_add_test(t, buckets_begin_and_end_where_the_header_says);
    tcase_add_test(t, a_latency_ends_with_the_first_byte_of_the_answer);
    tcase_add_test(t, a_latency_is_that_of_its_own_round_trip);
    tcase_add_test(t, handshakes_are_bytes_and_no_round_trips);
    tcase_add_test(t, what_was_lost_has_no_latency);
    tcase_add_test(t, what_was_given_up_has_no_latency);
    tcase_add_test(t, a_handshake_made_anew_is_no_failure);
    tcase_add_test(t, the_client_is_busy_while_the_hook_runs);
    tcase_add_test(t, durations_are_rounded_up);
    tcase_add_test(t, quantiles_are_bounds);
    tcase_add_test(t, events_have_names);
    suite_add_tcase(suite, t);
    return suite_run(suite, CK_NOFORK);
}
