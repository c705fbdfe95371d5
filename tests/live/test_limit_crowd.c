/* Eight processes that want more than there is, on the server's own clock: together they never get more than
 * the definition of the limit allows between the first moment and the last, and over an hour no less. */
#include "children.h"
#include "rig.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

static struct rig rig;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
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
    rig_stop(&rig);
}

static vouch_limiter *limiter_of(int kind, int64_t limit, int64_t period)
{
    vouch_limit_spec s = VOUCH_LIMIT_SPEC_INIT;
    vouch_limiter *l = NULL;
    s.kind = (vouch_limit_kind)kind;
    s.limit = limit;
    s.period_us = period;
    expect(vouch_limiter_new(&s, 1, NULL, &l, &error), VOUCH_OK);
    return l;
}

enum { PROCESSES = 8, CALLS = 150, LIMIT = 300, SLOTS = 3 };

struct hammer {
    char url[TS_URL_MAX];
    const vouch_limiter *limiter;
    int kind, calls;
    atomic_int_fast64_t admitted, refused, number, holders, most_holders;
};

static void hold(struct hammer *h, vouch_client *own, vouch_limit_options *o)
{
    vouch_decision d;
    int_fast64_t now = atomic_fetch_add(&h->holders, 1) + 1, most = atomic_load(&h->most_holders);
    while (now > most && !atomic_compare_exchange_weak(&h->most_holders, &most, now))
        ;
    atomic_fetch_sub(&h->holders, 1);
    vouch_status status =
        vouch_limit_call(own, h->limiter, VOUCH_LIMIT_RELEASE, VOUCH_ARGS("k"), 1, o, &d, NULL);
    if (status || !d.all.allowed)
        _exit(3);
}

static int strike(void *user)
{
    struct hammer *h = user;
    vouch_client *own = NULL;
    int number = (int)atomic_fetch_add(&h->number, 1);
    if (vouch_client_open(h->url, NULL, &own, NULL))
        return 1;
    for (int i = 0; i < h->calls; i++) {
        char lease[32];
        vouch_limit_options o = VOUCH_LIMIT_OPTIONS_INIT;
        vouch_decision d;
        int64_t cost = h->kind == VOUCH_LIMIT_CONCURRENCY ? 1 : 1 + (i + number) % 3;
        (void)snprintf(lease, sizeof lease, "%d:%d", number, i);
        o.deadline_ms = RIG_PATIENCE_MS;
        o.lease = h->kind == VOUCH_LIMIT_CONCURRENCY ? lease : NULL;
        if (vouch_limit_call(own, h->limiter, VOUCH_LIMIT_TAKE, VOUCH_ARGS("k"), cost, &o, &d,
                             NULL))
            return 2;
        if (d.all.allowed)
            atomic_fetch_add(&h->admitted, cost);
        else
            atomic_fetch_add(&h->refused, cost);
        if (d.all.allowed && o.lease)
            hold(h, own, &o);
    }
    vouch_client_close(own);
    return 0;
}

static int64_t server_time(void)
{
    static const char *const words[] = {"TIME"};
    ts_reply *r = rig_ask(&rig, 1, words);
    int64_t now =
        strtoll(r->elements[0]->text, NULL, 10) * SECOND + strtoll(r->elements[1]->text, NULL, 10);
    ts_reply_free(r);
    return now;
}

/* Of the key, in milliseconds; -1: it does not end; -2: there is none. */
static int64_t key_ends(void)
{
    static const char *const words[] = {"PTTL", "k"};
    ts_reply *r = rig_ask(&rig, 2, words);
    int64_t ms = r->integer;
    ck_assert_int_eq(r->type, TS_REPLY_INTEGER);
    ts_reply_free(r);
    return ms;
}

static void strike_all(struct hammer *h)
{
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = ts_child_run(strike, h);
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        ck_assert(ts_child_wait(children[i], ts_deadline((int64_t)3 * RIG_PATIENCE_MS), &status));
        ck_assert_int_eq(status, 0);
    }
}

/* The most that can be admitted between two moments. */
static int64_t bound(int kind, int64_t limit, int64_t period, int64_t from, int64_t to)
{
    int64_t windows = to / period - from / period + 1, whole = (to - from) / period,
            rest = (to - from) % period;
    switch (kind) {
    case VOUCH_LIMIT_FIXED_WINDOW:
    case VOUCH_LIMIT_SLIDING_WINDOW:
        return windows * limit;
    case VOUCH_LIMIT_SLIDING_LOG:
        return (whole + 1) * limit;
    default:
        return limit + whole * limit + rest * limit / period;
    }
}

/* What was admitted is never more than could be; over an hour, no less either. */
static void hammer(int kind, int64_t limit, int64_t period, int calls)
{
    struct hammer *h;
    /* cppcheck-suppress invalidFunctionArg ; no file: -1 */
    h = mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(h != MAP_FAILED);
    vouch_limiter *l = limiter_of(kind, limit, period);
    rig_flush(&rig);
    (void)ts_server_url(rig.server, h->url, sizeof h->url);
    h->limiter = l;
    h->kind = kind;
    h->calls = calls;
    int64_t from = server_time();
    strike_all(h);
    int64_t to = server_time(), most = bound(kind, limit, period, from, to);
    printf("kind %d, %" PRId64 " each %" PRId64 " us: %d admitted of %d in %" PRId64
           " us, at most %" PRId64 "\n",
           kind, limit, period, (int)h->admitted, (int)(h->admitted + h->refused), to - from, most);
    if (kind == VOUCH_LIMIT_CONCURRENCY) {
        ck_assert_int_le(h->most_holders, limit);
        ck_assert_int_ge(h->admitted, limit);
        ck_assert_int_eq(key_ends(), -2); /* all are released, and nothing is left */
    } else {
        ck_assert_int_ne(key_ends(), -1);
        ck_assert_int_le(h->admitted, most);
        ck_assert_int_gt(h->refused, 0);
        if (period == HOUR)
            ck_assert_int_ge(h->admitted, limit - 2); /* the next cost may not have fitted */
    }
    vouch_limiter_free(l);
    (void)munmap(h, sizeof *h);
}

START_TEST(eight_processes_never_get_more_than_there_is)
{
    hammer(_i, _i == VOUCH_LIMIT_CONCURRENCY ? SLOTS : LIMIT, HOUR, CALLS);
    if (_i != VOUCH_LIMIT_CONCURRENCY)
        hammer(_i, LIMIT / 10, 20000, 2 * CALLS);
}
END_TEST

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("limit_crowd");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, servers[i].begin, end);
        tcase_add_loop_test(c, eight_processes_never_get_more_than_there_is,
                            VOUCH_LIMIT_FIXED_WINDOW, VOUCH_LIMIT_CONCURRENCY + 1);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return rig_main(suite());
}
