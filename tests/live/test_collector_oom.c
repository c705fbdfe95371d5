/* Every allocation of a collector's life fails once, alone and with all after it, against a real
 * server: no callback is lost or called twice, and none is told a wrong effect. The linker wraps the
 * library's allocation functions (--wrap). */
#include "clock.h"
#include "heap.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vouch/vouch.h>

/* ---- one life of a collector ---------------------------------------------------------------- */

/* The first COMMANDS are added by the program, each of the others by the callback of one of them. */
enum { COMMANDS = 40, ALL = 2 * COMMANDS };

struct ear {
    size_t i;
    bool added;
    unsigned calls;
    vouch_effect effect;
};

static struct ear ears[ALL];
static vouch_collector *collector;

static void hear(const vouch_result *result, int64_t server_us, void *user)
{
    struct ear *ear = user;
    (void)server_us;
    ear->calls++;
    ear->effect = result->effect;
    if (ear->i < COMMANDS) {
        struct ear *other = &ears[ear->i + COMMANDS];
        char key[16];
        (void)snprintf(key, sizeof key, "k%zu", other->i);
        other->added = vouch_collector_add(collector, hear, other, "INCR", key) == VOUCH_OK;
    }
}

static void live(vouch_client *client)
{
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    vouch_error e;
    char key[16];
    o.max_commands = 15;
    o.server_time = 1;
    o.deadline_ms = 100;
    if (vouch_collector_open(client, &o, &collector, &e) != VOUCH_OK) {
        ck_assert_int_eq(e.status, VOUCH_ENOMEM);
        return;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        (void)snprintf(key, sizeof key, "k%zu", i);
        ears[i].added = vouch_collector_add(collector, hear, &ears[i], "INCR", key) == VOUCH_OK;
        if (i == COMMANDS / 2)
            (void)!vouch_collector_flush(collector, &e);
    }
    (void)!vouch_collector_service(collector, &e);
    (void)!vouch_collector_flush(collector, &e);
    (void)vouch_collector_close(collector, &e);
}

static void check(const ts_server *server, unsigned long n)
{
    for (size_t i = 0; i < ALL; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%zu", i);
        int64_t held = ts_int(server, "GET", key, NULL);
        int64_t times = held == TS_NIL ? 0 : held;
        ck_assert_msg(ears[i].calls == ears[i].added, "allocation %lu fails: %zu was told %u times",
                      n, i, ears[i].calls);
        bool maybe = ears[i].added && ears[i].effect == VOUCH_MAYBE_APPLIED;
        bool applied = ears[i].added && ears[i].effect == VOUCH_APPLIED;
        ck_assert_msg(maybe ? times <= 1 : times == applied,
                      "allocation %lu fails: %zu is said to be %s, and is %lld", n, i,
                      vouch_effect_name(ears[i].effect), (long long)times);
    }
}

/* False once no allocation is left to fail. */
static bool run_case(const ts_server *server, unsigned long n, unsigned long more)
{
    char url[TS_URL_MAX];
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    memset(ears, 0, sizeof ears);
    heap_forget();
    for (size_t i = 0; i < ALL; i++)
        ears[i].i = i;
    o.lazy = 1;
    o.retry_min_ms = o.retry_max_ms = 1;
    ck_assert_int_eq(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &client, NULL),
                     VOUCH_OK);
    heap_fail(n, more);
    live(client);
    bool reached = heap_recover() > n;
    vouch_client_close(client);
    ck_assert(ts_server_wait_clients((ts_server *)server, 0, ts_deadline(20000)));
    ck_assert_msg(heap_live() == 0, "allocation %lu fails: %ld blocks are left", n, heap_live());
    check(server, n);
    ts_do(server, "FLUSHALL", NULL);
    return reached;
}

START_TEST(no_callback_is_lost_when_memory_is_short)
{
    ts_server *server = ts_server_start(NULL);
    unsigned long cases = 0;
    ck_assert_ptr_nonnull(server);
    while (run_case(server, cases, _i ? ULONG_MAX / 2 : 0))
        cases++;
    printf("%lu allocations failed%s\n", cases, _i ? ", with all after them" : "");
    ck_assert_uint_gt(cases, 30);
    for (size_t i = 0; i < ALL; i++) /* the last case had all the memory it wanted */
        ck_assert(ears[i].added || i >= COMMANDS);
    ts_server_free(server);
}
END_TEST

/* ---- a forked child ------------------------------------------------------------------------- */

static bool closes_all(vouch_client *client, vouch_collector *c, bool client_first)
{
    vouch_error e;
    if (client_first)
        vouch_client_close(client);
    bool refused = vouch_collector_close(c, &e) == VOUCH_EFORKED;
    if (!client_first)
        vouch_client_close(client);
    return refused && heap_live() == 0 && ears[0].calls == 0;
}

/* With a flush under way and more gathered: all memory is given back, nobody is told. */
START_TEST(a_child_frees_what_it_cannot_use)
{
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_collector_options co = VOUCH_COLLECTOR_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_error e;
    int status = 0;
    memset(ears, 0, sizeof ears);
    ears[0].i = COMMANDS; /* its callback adds nothing */
    heap_forget();
    o.lazy = 1;
    o.outages = 1;
    co.max_commands = 2;
    ck_assert_int_eq(vouch_client_open("unix:///nonexistent", &o, &client, NULL), VOUCH_OK);
    ck_assert_int_eq(vouch_collector_open(client, &co, &collector, &e), VOUCH_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(vouch_collector_add(collector, hear, &ears[0], "PING"), VOUCH_OK);
    pid_t child = fork();
    if (child == 0)
        _exit(closes_all(client, collector, _i) ? EXIT_SUCCESS : EXIT_FAILURE);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    ck_assert_int_eq(vouch_collector_close(collector, &e), VOUCH_ENOTSENT);
    vouch_client_close(client);
    ck_assert_uint_eq(ears[0].calls, 3);
    ck_assert_int_eq(heap_live(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collector, short of memory");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, no_callback_is_lost_when_memory_is_short, 0, 2);
    tcase_add_loop_test(c, a_child_frees_what_it_cannot_use, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
