/* What a process does around a client: signals at any moment, fork, exec, threads that interrupt. */
#include "account.h"
#include "base.h"
#include "children.h"
#include "hole.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS 12

static struct rig rig;
static struct rig_tally tally;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

static void mask(int how, int number)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    ck_assert_int_eq(pthread_sigmask(how, &set, NULL), 0);
}

/* ---- a storm of signals --------------------------------------------------------------------- */

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* Every millisecond a signal, whose handler does not restart what it interrupts. The harness' threads
 * must have been started before, with the signal blocked. */
static void storm(bool on)
{
    static struct sigaction old;
    struct sigaction action = {.sa_handler = count_signal};
    struct itimerval each = {{0, 1000}, {0, 1000}}, none = {{0, 0}, {0, 0}};
    if (on) {
        ck_assert_int_eq(sigaction(SIGALRM, &action, &old), 0);
        mask(SIG_UNBLOCK, SIGALRM);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &each, NULL), 0);
    } else {
        ck_assert_int_eq(setitimer(ITIMER_REAL, &none, NULL), 0);
        mask(SIG_BLOCK, SIGALRM);
        ck_assert_int_eq(sigaction(SIGALRM, &old, NULL), 0);
    }
}

static bool source(vouch_batch *into, void *user)
{
    int *left = user;
    vouch_batch_add(into, "INCR", "s");
    return --*left > 0;
}

/* Opens, runs, streams and closes; nothing of it may notice. */
static void one_life(const char *url, int life)
{
    vouch_client *client = NULL;
    vouch_results *results = NULL;
    vouch_totals totals;
    vouch_error e;
    int left = 3000;
    ck_assert_msg(!vouch_client_open(url, NULL, &client, &e), "%s", e.message);
    vouch_batch *b = rig_counters(COMMANDS);
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    for (size_t i = 0; i < COMMANDS; i++) {
        int64_t n = 0;
        ck_assert(vouch_reply_int64(vouch_results_at(results, i)->reply, &n));
        ck_assert_int_eq(n, life);
        ck_assert_uint_eq(vouch_results_at(results, i)->attempts, 1);
    }
    ck_assert_msg(!vouch_pipeline_stream(client, source, NULL, &left, NULL, &totals, &e), "%s",
                  e.message);
    ck_assert_uint_eq(totals.applied, 3000);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
}

START_TEST(signals_end_nothing)
{
    char url[TS_URL_MAX];
    ts_plan slow = ts_plan_none();
    int lives = 0;
    mask(SIG_BLOCK, SIGALRM);
    rig = _i < 2 ? rig_start(kind_of(_i), TS_NO_PERSISTENCE) : rig_start_tcp(kind_of(_i));
    slow.to_client.delay_ms = 3; /* so that every step of a call waits, and is interrupted */
    ts_proxy_plan(rig.proxy, TS_EVERY, &slow);
    (void)ts_proxy_url(rig.proxy, url, sizeof url);
    signals = 0;
    storm(true);
    while (lives < 10 || signals < 100)
        one_life(url, ++lives);
    storm(false);
    ck_assert_int_eq(rig_next_connection(&rig), lives); /* none was lost */
    ck_assert_int_eq(ts_int(rig.server, "GET", "s", NULL), INT64_C(3000) * lives);
    rig_stop(&rig);
}
END_TEST

/* Neither do they end a wait early, or put its end off. */
START_TEST(signals_do_not_move_a_deadline)
{
    mask(SIG_BLOCK, SIGALRM);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    (void)rig_connection_id(client);
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch *b = rig_counters(COMMANDS);
    o.deadline_ms = 200;
    ck_assert(ts_server_pause(rig.server));
    storm(true);
    int64_t begun = ts_now_ms();
    vouch_status status = vouch_pipeline_run(client, b, &o, &results, &e);
    int64_t took = ts_now_ms() - begun;
    storm(false);
    ck_assert(ts_server_resume(rig.server));
    ck_assert_int_eq(status, VOUCH_EUNKNOWN);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_DEADLINE);
    ck_assert_int_ge(took, o.deadline_ms - 1);
    ck_assert_int_lt(took, RIG_PATIENCE_MS);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* SIGPIPE is as the program left it, and is not raised where it writes to a closed connection. */
START_TEST(sigpipe_is_neither_raised_nor_touched)
{
    struct sigaction before = {.sa_handler = _i ? count_signal : SIG_DFL}, old, after;
    ck_assert_int_eq(sigaction(SIGPIPE, &before, &old), 0);
    signals = 0;
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    (void)rig_connection_id(client);
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_op *ops[2];
    vouch_error e;
    ts_plan plan = ts_plan_cut(TS_TO_CLIENT, INT64_C(4) * COMMANDS);
    plan.ending = TS_END_CLOSE;
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &ops[0], &e), VOUCH_OK);
    ck_assert(ts_proxy_wait_closed(rig.proxy, 0, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &ops[1], &e), VOUCH_OK); /* EPIPE */
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(!vouch_pipeline_finish(ops[i], &results, &e), "%s", e.message);
        vouch_results_free(results);
    }
    ck_assert_int_eq(rig_next_connection(&rig), 2);
    vouch_batch_free(b);
    vouch_client_close(client);
    ck_assert_int_eq(sigaction(SIGPIPE, &old, &after), 0);
    ck_assert(after.sa_handler == before.sa_handler);
    ck_assert_int_eq(signals, 0);
    rig_stop(&rig);
}
END_TEST

/* ---- interrupts at every stage -------------------------------------------------------------- */

enum stage { CONNECTING, GREETING, IN_FLIGHT, BACKOFF, STAGES };

static vouch_client *volatile interrupted;

static void on_signal(int number)
{
    (void)number;
    vouch_client_interrupt(interrupted);
}

struct interrupter {
    pthread_t caller;
    pid_t caller_id;
    int connection;
    bool accepted; /* it must have been */
    int64_t bytes; /* that must have come on it from the client; 0: none */
    bool by_signal;
    atomic_bool begun;
};

/* Acts once the caller has sent so much and sleeps: then there is one thing it can wait for. */
static void *interrupt(void *user)
{
    struct interrupter *i = user;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    if (i->accepted && !ts_proxy_wait_connections(rig.proxy, i->connection + 1, limit))
        ts_die("the caller does not connect");
    if (i->bytes &&
        !ts_proxy_wait_received(rig.proxy, i->connection, TS_TO_SERVER, i->bytes, limit))
        ts_die("the call does not begin");
    while (!atomic_load(&i->begun) || ts_process_state(i->caller_id) != 'S')
        if (!ts_look_again(limit))
            ts_die("the caller does not wait");
    if (i->by_signal)
        (void)pthread_kill(i->caller, SIGUSR1);
    else
        vouch_client_interrupt(interrupted);
    return NULL;
}

/* A client whose next call stands still there. */
static vouch_client *stand_still(enum stage stage, const struct work *w, const struct hole *hole)
{
    char url[TS_URL_MAX];
    ts_plan plan = ts_plan_none();
    vouch_client_options o = rig_options(3, 0);
    vouch_client *client = NULL;
    vouch_error e;
    plan.mute = stage == GREETING;
    plan.refuse = stage == BACKOFF;
    plan.to_client.stall_after = stage == IN_FLIGHT ? w->hello_in : TS_NEVER;
    ts_proxy_plan(rig.proxy, TS_EVERY, &plan);
    o.outages = 1000000;
    o.retry_min_ms = o.retry_max_ms = o.connect_ms = 3600000;
    if (stage != CONNECTING)
        return rig_open(&rig, &o);
    ck_assert_int_eq(
        vouch_client_open(ts_address_url(&hole->address, url, sizeof url), &o, &client, &e),
        VOUCH_OK);
    return client;
}

static vouch_status call(bool streams, vouch_totals *totals, vouch_error *e)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *results = NULL;
    int left = COMMANDS;
    o.deadline_ms = RIG_PATIENCE_MS;
    o.stall_ms = VOUCH_NO_DEADLINE;
    if (streams)
        return vouch_pipeline_stream(interrupted, source, NULL, &left, &o, totals, e);
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_status status = vouch_pipeline_run(interrupted, b, &o, &results, e);
    *totals = vouch_results_totals(results);
    vouch_results_free(results);
    vouch_batch_free(b);
    return status;
}

static void interrupt_at(enum stage stage, const struct work *w, const struct hole *hole,
                         bool by_signal, bool streams)
{
    bool flying = stage == IN_FLIGHT;
    struct interrupter i = {.caller = pthread_self(),
                            .caller_id = (pid_t)syscall(SYS_gettid),
                            .connection = rig_next_connection(&rig),
                            .accepted = stage != CONNECTING,
                            .bytes = flying ? w->hello_out + 1 : 0,
                            .by_signal = by_signal};
    vouch_totals totals;
    vouch_error e;
    pthread_t thread;
    interrupted = stand_still(stage, w, hole);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt, &i), 0);
    atomic_store(&i.begun, true);
    vouch_status status = call(streams, &totals, &e);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(status == (flying ? VOUCH_EUNKNOWN : VOUCH_EINTERRUPTED), "%d: %s", (int)stage,
                  e.message);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_INTERRUPTED);
    ck_assert_int_eq(e.effect, flying ? VOUCH_MAYBE_APPLIED : VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(totals.maybe, flying ? COMMANDS : 0);
    ck_assert_uint_eq(totals.not_applied, flying ? 0 : COMMANDS);
    vouch_client_close(interrupted);
    ts_proxy_release(rig.proxy, TS_EVERY);
}

/* From a handler and from a thread, of a run and of a stream. */
START_TEST(an_interrupt_ends_a_call_at_every_stage)
{
    struct sigaction action = {.sa_handler = on_signal}, old;
    struct hole hole = hole_dig(TS_TCP);
    struct work w = account_incr(1);
    vouch_client_options o = rig_options(3, 0);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, &old), 0);
    rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    account_measure(&rig, &w, &o);
    for (int stage = CONNECTING; stage < STAGES; stage++)
        for (int way = 0; way < 4; way++)
            interrupt_at((enum stage)stage, &w, &hole, way % 2, way / 2);
    rig_stop(&rig);
    hole_close(&hole);
    ck_assert_int_eq(sigaction(SIGUSR1, &old, NULL), 0);
}
END_TEST

/* ---- fork and exec -------------------------------------------------------------------------- */

struct copy {
    vouch_client *client;
    vouch_op *op;
    char url[TS_URL_MAX];
};

/* The child gives up its copies, and has a client of its own. 0 if all is well. */
static int in_child(void *user)
{
    struct copy *c = user;
    vouch_results *results = NULL;
    vouch_error e;
    if (vouch_pipeline_finish(c->op, &results, &e) != VOUCH_EFORKED || results)
        return 1;
    vouch_op_cancel(c->op);
    vouch_client_interrupt(c->client);
    vouch_client_ready(c->client, NULL, 0);
    vouch_client_close(c->client);
    if (!vouch_op_done(c->op) || !vouch_pipeline_finish(c->op, &results, &e))
        return 2;
    vouch_results_free(results);
    if (vouch_client_open(c->url, NULL, &c->client, &e))
        return 3;
    vouch_batch *b = vouch_batch_new();
    for (int i = 0; i < 100; i++)
        vouch_batch_add(b, "INCR", "child");
    vouch_status status = vouch_pipeline_run(c->client, b, NULL, &results, &e);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(c->client);
    return status ? 4 : 0;
}

/* In the middle of a call, with answers outstanding and commands that were not sent yet. */
START_TEST(after_a_fork_both_go_on)
{
    rig = _i < 2 ? rig_start(kind_of(_i), TS_NO_PERSISTENCE) : rig_start_tcp(kind_of(_i));
    struct copy c = {.client = rig_client(&rig, 3, 4)};
    vouch_batch *b = rig_counters(COMMANDS);
    vouch_results *results = NULL;
    vouch_error e;
    int status = -1;
    int64_t id = rig_connection_id(c.client);
    (void)ts_server_url(rig.server, c.url, sizeof c.url);
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 6; /* one answer and a half */
    ts_proxy_plan_from_here(rig.proxy, 0, &plan);
    ck_assert_int_eq(vouch_pipeline_start(c.client, b, NULL, &c.op, &e), VOUCH_OK);
    pid_t child = ts_child_run(in_child, &c);
    ck_assert(ts_child_wait(child, ts_deadline(RIG_PATIENCE_MS), &status));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    ck_assert(!vouch_op_done(c.op));
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert_msg(!vouch_pipeline_finish(c.op, &results, &e), "%s", e.message);
    rig_compare(&rig, results, &tally, "forked", _i);
    for (size_t i = 0; i < COMMANDS; i++)
        ck_assert_uint_eq(vouch_results_at(results, i)->attempts, 1);
    ck_assert_int_eq(rig_connection_id(c.client), id); /* the same connection */
    ck_assert_int_eq(ts_int(rig.server, "GET", "child", NULL), 100);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(c.client);
    rig_stop(&rig);
}
END_TEST

#define DESCRIPTORS_MAX 1024
#define CHECK_CLOSED    "--are-closed"

static void list_descriptors(bool open[static DESCRIPTORS_MAX])
{
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
        open[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* What main does in the program that the child has become. */
static int are_closed(int count, char **numbers)
{
    for (int i = 0; i < count; i++)
        if (fcntl((int)strtol(numbers[i], NULL, 10), F_GETFD) >= 0)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

static int execute(void *words)
{
    char **w = words;
    (void)execv(w[0], w);
    return EXIT_FAILURE;
}

START_TEST(a_program_that_is_executed_inherits_nothing)
{
    static bool before[DESCRIPTORS_MAX], after[DESCRIPTORS_MAX];
    char numbers[16][12], program[] = "/proc/self/exe", what[] = CHECK_CLOSED;
    char *words[20] = {program, what};
    size_t n = 0;
    int status = -1;
    ts_server_options so = {.kind = kind_of(_i), .transport = _i < 2 ? TS_UNIX : TS_TCP};
    ts_server *server = ts_server_start(&so);
    char url[TS_URL_MAX];
    vouch_client *client = NULL;
    vouch_error e;
    list_descriptors(before);
    ck_assert_msg(!vouch_client_open(ts_server_url(server, url, sizeof url), NULL, &client, &e),
                  "%s", e.message);
    list_descriptors(after);
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
        if (before[fd] || !after[fd])
            continue;
        ck_assert_uint_lt(n, 16);
        (void)snprintf(numbers[n], sizeof numbers[n], "%d", fd);
        words[n + 2] = numbers[n];
        n++;
    }
    ck_assert_uint_ge(n, 2); /* a socket, and what an interrupt is told by */
    pid_t child = ts_child_run(execute, words);
    ck_assert(ts_child_wait(child, ts_deadline(RIG_PATIENCE_MS), &status));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    (void)rig_connection_id(client); /* the parent's still are open */
    vouch_client_close(client);
    ts_server_free(server);
}
END_TEST

int main(int count, char **words)
{
    if (count > 1 && strcmp(words[1], CHECK_CLOSED) == 0)
        return are_closed(count - 2, words + 2);
    Suite *suite = suite_create("process");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, signals_end_nothing, 0, 4);
    tcase_add_loop_test(c, signals_do_not_move_a_deadline, 0, 2);
    tcase_add_loop_test(c, sigpipe_is_neither_raised_nor_touched, 0, 2);
    tcase_add_loop_test(c, an_interrupt_ends_a_call_at_every_stage, 0, 2);
    tcase_add_loop_test(c, after_a_fork_both_go_on, 0, 4);
    tcase_add_loop_test(c, a_program_that_is_executed_inherits_nothing, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
