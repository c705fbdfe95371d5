/* Out of descriptors, out of memory: opening and running with a real server. Each allocation of the
 * library fails in turn, alone and with all after it. */
#include "clock.h"
#include "heap.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vouch/vouch.h>

#define COMMANDS 4

/* ---- memory --------------------------------------------------------------------------------- */

static bool source(vouch_batch *into, void *user)
{
    int *left = user;
    vouch_batch_add(into, "INCR", "s");
    return --*left > 0;
}

struct tally {
    int64_t least, most; /* INCRs that the reports allow */
};

static void count(struct tally *t, const vouch_totals *totals)
{
    t->least += (int64_t)totals->applied;
    t->most += (int64_t)(totals->applied + totals->maybe);
}

static void use(vouch_client *client, struct tally *t)
{
    vouch_results *results = NULL;
    vouch_totals totals;
    vouch_error e;
    int left = COMMANDS;
    vouch_batch *b = vouch_batch_new();
    for (int i = 0; b && i < COMMANDS; i++)
        vouch_batch_add(b, "INCR", "s");
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    if (results) {
        totals = vouch_results_totals(results);
        count(t, &totals);
    } else {
        ck_assert(status == VOUCH_ENOMEM || status == VOUCH_EINVAL); /* a batch that is NULL */
        t->most += e.effect == VOUCH_NOT_APPLIED ? 0 : COMMANDS;
    }
    vouch_results_free(results);
    vouch_batch_free(b);
    status = vouch_pipeline_stream(client, source, NULL, &left, NULL, &totals, &e);
    ck_assert_msg(status != VOUCH_OK || totals.applied == COMMANDS, "%s", e.message);
    count(t, &totals);
}

/* False once there was no allocation left to fail. */
static bool one_life(ts_server *server, const char *url, long n, unsigned long more)
{
    vouch_client *client = NULL;
    struct tally t = {0, 0};
    vouch_error e;
    heap_fail((unsigned long)n, more);
    vouch_status status = vouch_client_open(url, NULL, &client, &e);
    if (status == VOUCH_OK) {
        use(client, &t);
    } else {
        ck_assert_ptr_null(client);
        ck_assert_msg(status == VOUCH_ENOMEM || status == VOUCH_ECONNECT, "%ld: %s", n, e.message);
        ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(strstr(e.message, "memory"), "%ld: %s", n, e.message);
    }
    vouch_client_close(client);
    unsigned long asked = heap_recover();
    int64_t held = ts_int(server, "INCRBY", "s", "0", NULL);
    ck_assert_msg(held >= t.least && held <= t.most, "%ld: %lld, not %lld to %lld", n,
                  (long long)held, (long long)t.least, (long long)t.most);
    ts_do(server, "DEL", "s", NULL);
    return asked > (unsigned long)n;
}

START_TEST(no_missing_memory_costs_an_account)
{
    char base[TS_URL_MAX], url[TS_URL_MAX + 64];
    ts_server_options so = {.transport = _i / 2 ? TS_TCP : TS_UNIX, .password = "secret"};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    (void)ts_server_url(server, base, sizeof base);
    size_t scheme = (size_t)(strstr(base, "//") - base) + 2;
    (void)snprintf(url, sizeof url, "%.*s:secret@%s?name=me&db=0&connect_ms=2000", (int)scheme,
                   base, base + scheme);
    unsigned long more = _i % 2 ? 1000000 : 0;
    long n = 0;
    while (one_life(server, url, n, more))
        n++;
    ck_assert_int_gt(n, 20);
    printf("%ld allocations failed, %s\n", n, more ? "with all after each" : "one at a time");
    ts_server_free(server);
}
END_TEST

/* ---- descriptors ---------------------------------------------------------------------------- */

#define DESCRIPTORS 64

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

struct shortage {
    struct rlimit before;
    int fillers[DESCRIPTORS];
    int count;
};

/* Leaves so many descriptors to be had. */
static void begin_shortage(struct shortage *s, int left)
{
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &s->before), 0);
    struct rlimit small = {DESCRIPTORS, s->before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
    s->count = 0;
    for (int fd; (fd = dup(STDOUT_FILENO)) >= 0;)
        s->fillers[s->count++] = fd;
    for (; left; left--)
        (void)close(s->fillers[--s->count]);
}

static void end_shortage(struct shortage *s)
{
    while (s->count)
        (void)close(s->fillers[--s->count]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &s->before), 0);
}

START_TEST(no_descriptor_is_a_clear_error_and_leaks_none)
{
    char url[TS_URL_MAX];
    ts_server_options so = {.transport = _i ? TS_TCP : TS_UNIX};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    (void)ts_server_url(server, url, sizeof url);
    int before = open_descriptors(), left = 0;
    for (bool opened = false; !opened; left++) {
        struct shortage s;
        vouch_client *client = NULL;
        vouch_error e;
        begin_shortage(&s, left);
        vouch_status status = vouch_client_open(url, NULL, &client, &e);
        opened = status == VOUCH_OK;
        end_shortage(&s);
        if (!opened) {
            ck_assert_ptr_null(client);
            ck_assert_msg(status == (left ? VOUCH_ECONNECT : VOUCH_ENOMEM), "%s", e.message);
            ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
            ck_assert_msg(strstr(e.message, left ? "Too many open files" : "descriptor"), "%s",
                          e.message);
        }
        vouch_client_close(client);
        ck_assert_int_eq(open_descriptors(), before);
    }
    ck_assert_int_gt(left, 2);
    ts_server_free(server);
}
END_TEST

/* The client was there before; when there are descriptors again it goes on. */
START_TEST(a_call_without_descriptors_sends_nothing)
{
    char url[TS_URL_MAX];
    ts_server_options so = {.transport = _i ? TS_TCP : TS_UNIX};
    ts_server *server = ts_server_start(&so);
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_results *results = NULL;
    vouch_error e;
    struct shortage s;
    ck_assert_ptr_nonnull(server);
    o.lazy = 1;
    o.outages = 2;
    ck_assert_int_eq(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &client, &e),
                     VOUCH_OK);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "INCR", "s");
    begin_shortage(&s, 0);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    end_shortage(&s);
    ck_assert_int_eq(status, VOUCH_ENOTSENT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_CONNECT);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_msg(strstr(e.message, "cannot connect: Too many open files"), "%s", e.message);
    vouch_results_free(results);
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    ck_assert_int_eq(ts_int(server, "GET", "s", NULL), 1);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("starved");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 250);
    tcase_add_loop_test(c, no_missing_memory_costs_an_account, 0, 4);
    tcase_add_loop_test(c, no_descriptor_is_a_clear_error_and_leaks_none, 0, 2);
    tcase_add_loop_test(c, a_call_without_descriptors_sends_nothing, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
