/* Every allocation of scripts and their calls fails once, alone and with all after it, against a real
 * server: nothing leaks, and none is told a wrong effect. The linker wraps the library's allocation
 * functions (--wrap). */
#include "clock.h"
#include "heap.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <vouch/vouch.h>

/* ---- one life ------------------------------------------------------------------------------- */

/* Commands, each with a key of its own, and what was said of it; in what order they are called. */
enum {
    SINGLE,
    FORGED,
    STRICT,
    TOKEN,
    RESOLVE,
    PIPED,
    PIPED_TOO,
    PIPED_PLAIN,
    IN_TX,
    IN_TX_PLAIN,
    ALL
};

static const char *const keys[ALL] = {"single", "forged", "strict", "token", "resolve",
                                      "piped",  "piped2", "piped3", "tx",    "tx2"};

static bool said[ALL]; /* something was */
static vouch_effect effects[ALL];

static void say(int i, vouch_effect effect)
{
    said[i] = true;
    effects[i] = effect;
}

static void call(vouch_client *client, const vouch_script *s, int i)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    vouch_error e;
    o.strict = i == STRICT;
    o.resolve = i == RESOLVE;
    o.token = i == TOKEN ? "t" : NULL;
    vouch_status status =
        vouch_script_call(client, s, VOUCH_ARGS(keys[i]), VOUCH_ARGS("x"), &o, &call, &e);
    say(i, status == VOUCH_OK ? VOUCH_APPLIED : e.effect);
    if (call && status != VOUCH_OK)
        ck_assert_int_eq(vouch_call_result(call)->effect, e.effect);
    vouch_call_free(call);
}

static void pipe_them(vouch_client *client, const vouch_script *s, const vouch_script *f)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *r = NULL;
    vouch_error e;
    vouch_batch *b = vouch_batch_new();
    if (!b)
        return;
    vouch_batch_add_script(b, s, VOUCH_ARGS(keys[PIPED]), VOUCH_ARGS("x"));
    vouch_batch_add_script(b, f, VOUCH_ARGS(keys[PIPED_TOO]), VOUCH_ARGS("x"));
    vouch_batch_add(b, "INCR", keys[PIPED_PLAIN]);
    o.reorder_ok = 1; /* flushed, they are overtaken by the one that is no script */
    (void)!vouch_pipeline_run(client, b, &o, &r, &e);
    for (int i = 0; i < 3; i++)
        say(PIPED + i, r ? vouch_results_at(r, (size_t)i)->effect : e.effect);
    vouch_results_free(r);
    vouch_batch_free(b);
}

static void transact(vouch_client *client, const vouch_script *s)
{
    vouch_tx_result *r = NULL;
    vouch_error e;
    vouch_batch *b = vouch_batch_new();
    if (!b)
        return;
    vouch_batch_add_script(b, s, VOUCH_ARGS(keys[IN_TX]), VOUCH_ARGS("x"));
    vouch_batch_add(b, "INCR", keys[IN_TX_PLAIN]);
    vouch_status status = vouch_transaction_exec(client, b, NULL, &r, &e);
    for (int i = 0; i < 2; i++)
        say(IN_TX + i, status == VOUCH_OK ? VOUCH_APPLIED : e.effect);
    vouch_tx_result_free(r);
    vouch_batch_free(b);
}

static vouch_script *script(int honest)
{
    static const char *const sources[] = {
        "if ARGV[1] == 'forge' then return {err = ARGV[2]} end "
        "return {redis.call('INCR', KEYS[1]), string.rep('x', 500)}",
        "return {redis.call('INCR', KEYS[1]), string.rep('y', 500)}"};
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    vouch_script *s = NULL;
    vouch_error e;
    o.honest = (uint32_t)honest;
    vouch_status status = vouch_script_new(sources[honest], 0, &o, &s, &e);
    ck_assert(status == VOUCH_OK || status == VOUCH_ENOMEM);
    ck_assert((s != NULL) == (status == VOUCH_OK));
    return s;
}

static void live(vouch_client *client, const ts_server *server)
{
    vouch_script *honest = script(1), *forger = script(0);
    if (honest && forger) {
        call(client, honest, SINGLE);
        ts_do(server, "SCRIPT", "FLUSH", NULL);
        call(client, forger, FORGED);
        call(client, forger, STRICT);
        call(client, honest, TOKEN);
        call(client, forger, RESOLVE);
        ts_do(server, "SCRIPT", "FLUSH", NULL);
        pipe_them(client, honest, forger);
        transact(client, honest);
    }
    vouch_script_free(honest);
    vouch_script_free(forger);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void check(const ts_server *server, unsigned long n)
{
    for (int i = 0; i < ALL; i++) {
        int64_t held = ts_int(server, "GET", keys[i], NULL), times = held == TS_NIL ? 0 : held;
        bool fits = !said[i]                             ? times == 0
                    : effects[i] == VOUCH_APPLIED        ? times == 1
                    : effects[i] == VOUCH_NOT_APPLIED    ? times == 0
                    : effects[i] == VOUCH_PARTLY_APPLIED ? i >= IN_TX && times <= 1
                                                         : times <= 1;
        ck_assert_msg(fits, "allocation %lu fails: %s is said to be %s, and is %lld", n, keys[i],
                      said[i] ? vouch_effect_name(effects[i]) : "nothing", (long long)times);
    }
}

/* False once no allocation is left to fail. */
static bool run_case(ts_server *server, unsigned long n, unsigned long more)
{
    char url[TS_URL_MAX];
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    memset(said, 0, sizeof said);
    heap_forget();
    o.lazy = 1;
    o.retry_min_ms = o.retry_max_ms = 1;
    ck_assert_int_eq(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &client, NULL),
                     VOUCH_OK);
    heap_fail(n, more);
    live(client, server);
    bool reached = heap_recover() > n;
    vouch_client_close(client);
    ck_assert(ts_server_wait_clients(server, 0, ts_deadline(20000)));
    ck_assert_msg(heap_live() == 0, "allocation %lu fails: %ld blocks are left", n, heap_live());
    check(server, n);
    ts_do(server, "FLUSHALL", NULL);
    ts_do(server, "SCRIPT", "FLUSH", NULL);
    return reached;
}

START_TEST(no_missing_memory_makes_a_report_wrong)
{
    ts_server_options so = {.kind = _i / 2 ? TS_VALKEY : TS_REDIS};
    ts_server *server = ts_server_start(&so);
    unsigned long cases = 0;
    ck_assert_ptr_nonnull(server);
    while (run_case(server, cases, _i % 2 ? ULONG_MAX / 2 : 0))
        cases++;
    printf("%lu allocations failed%s\n", cases, _i % 2 ? ", with all after them" : "");
    ck_assert_uint_gt(cases, 40);
    for (int i = 0; i < ALL; i++) /* the last case had all the memory it wanted */
        ck_assert(said[i] && effects[i] == VOUCH_APPLIED);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scripts, short of memory");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, no_missing_memory_makes_a_report_wrong, 0, 4);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
