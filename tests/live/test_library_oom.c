/* Every allocation of libraries, of installing and requiring them, and of their calls fails once, alone and
 * with all after it, against a real server: nothing leaks, no older version takes a newer one's place, and
 * none is told a wrong effect. The linker wraps the library's allocation functions (--wrap). */
#include "heap.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <vouch/vouch.h>

static ts_server *server;
static vouch_client *client;
static vouch_error error;

#define SOURCE_MAX 400

static const char *source_of(char out[static SOURCE_MAX], const char *version)
{
    (void)snprintf(out, SOURCE_MAX,
                   "#!lua name=bank\n-- version: %s\n"
                   "redis.register_function('deposit', function(keys, args)\n"
                   "  return {redis.call('INCRBY', keys[1], args[1]), string.rep('x', 500)}\n"
                   "end)\n"
                   "redis.register_function('draw', function(keys) return 1 end)\n",
                   version);
    return out;
}

/* "" if there is none. */
static const char *there(void)
{
    static const char *const versions[] = {"1", "2"};
    ts_reply *r = ts_command(server, "FUNCTION", "LIST", "WITHCODE", NULL);
    ck_assert_int_eq(r->type, TS_REPLY_ARRAY);
    const char *found = "";
    for (size_t i = 0; r->count && i < r->elements[0]->count; i++)
        for (size_t v = 0; v < 2; v++) {
            char line[32];
            const char *text = r->elements[0]->elements[i]->text;
            (void)snprintf(line, sizeof line, "-- version: %s\n", versions[v]);
            if (text && strstr(text, line))
                found = versions[v];
        }
    ts_reply_free(r);
    return found;
}

static void put(const char *version)
{
    char source[SOURCE_MAX];
    ts_do(server, "FUNCTION", "FLUSH", NULL);
    ts_do(server, "FLUSHALL", NULL);
    if (version[0])
        ts_do(server, "FUNCTION", "LOAD", source_of(source, version), NULL);
}

static vouch_library *library(const char *version)
{
    char source[SOURCE_MAX];
    vouch_library *l = NULL;
    vouch_status status = vouch_library_new(source_of(source, version), 0, NULL, &l, &error);
    ck_assert(status == VOUCH_OK || status == VOUCH_ENOMEM);
    ck_assert((l != NULL) == (status == VOUCH_OK));
    return l;
}

/* ---- lives ---------------------------------------------------------------------------------- */

/* Loads `mine` where `before` is; what is said fits what is there then. */
static void install(const char *before, const char *mine, vouch_install policy, const char *after)
{
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    put(before);
    vouch_library *l = library(mine);
    if (!l)
        return;
    vouch_status status = vouch_library_install(client, l, policy, 0, &r, &error);
    const char *now = there();
    bool done = strcmp(now, after) == 0;
    ck_assert_msg(done || strcmp(now, before) == 0, "there is %s", now);
    ck_assert_msg(done || error.effect != VOUCH_APPLIED, "%s: there is '%s'",
                  vouch_status_name(status), now);
    ck_assert_msg(strcmp(now, before) == 0 || error.effect != VOUCH_NOT_APPLIED,
                  "%s: there is '%s'", vouch_status_name(status), now);
    ck_assert(!r.installed || (status == VOUCH_OK && strcmp(now, mine) == 0));
    vouch_library_free(l);
}

static void install_newer(void)
{
    install("1", "2", VOUCH_INSTALL_NEWER, "2");
}

static void install_older(void)
{
    install("2", "1", VOUCH_INSTALL_NEWER, "2");
}

static void install_missing(void)
{
    install("", "1", VOUCH_INSTALL_MISSING, "1");
}

static void require(void)
{
    vouch_script *s = NULL;
    put("");
    ts_do(server, "SCRIPT", "FLUSH", NULL);
    vouch_library *l = library("1");
    if (l && vouch_script_new("return 1", 0, NULL, &s, &error) == VOUCH_OK) {
        const vouch_script *scripts[] = {s};
        const vouch_library *libraries[] = {l};
        vouch_status status = vouch_client_require(client, scripts, 1, libraries, 1, 0, &error);
        bool is_there = there()[0] != 0;
        ck_assert(status != VOUCH_OK || is_there);
        bool named = error.effect == VOUCH_NOT_APPLIED && error.command != 0;
        ck_assert_msg(!named || error.command == VOUCH_NO_COMMAND || !is_there, "%s: %s",
                      vouch_status_name(status), error.message);
    }
    vouch_script_free(s);
    vouch_library_free(l);
}

static int64_t held(const char *key)
{
    int64_t n = ts_int(server, "GET", key, NULL);
    return n == TS_NIL ? 0 : n;
}

static void fits(vouch_effect effect, const char *key)
{
    int64_t n = held(key);
    ck_assert_msg(effect == VOUCH_APPLIED       ? n == 1
                  : effect == VOUCH_NOT_APPLIED ? n == 0
                                                : n <= 1,
                  "%s is said to be %s, and ran %lld times", key, vouch_effect_name(effect),
                  (long long)n);
}

static void call(void)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *c = NULL;
    put("");
    vouch_library *l = library("1");
    for (int strict = 0; l && strict < 2; strict++) {
        const char *key = strict ? "b" : "a";
        o.strict = (uint32_t)strict;
        (void)!vouch_function_call(client, l, "deposit", VOUCH_ARGS(key), VOUCH_ARGS(1), &o, &c,
                                   &error);
        fits(error.effect, key);
        vouch_call_free(c);
    }
    vouch_library_free(l);
}

static void pipe_them(void)
{
    vouch_results *r = NULL;
    put("");
    vouch_library *l = library("1");
    vouch_batch *b = vouch_batch_new();
    if (l && b) {
        vouch_batch_add_function(b, l, "deposit", VOUCH_ARGS("a"), VOUCH_ARGS(1));
        vouch_batch_add_function(b, l, "deposit", VOUCH_ARGS("b"), VOUCH_ARGS(1));
        (void)!vouch_pipeline_run(client, b, NULL, &r, &error);
        fits(r ? vouch_results_at(r, 0)->effect : error.effect, "a");
        fits(r ? vouch_results_at(r, 1)->effect : error.effect, "b");
    }
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_library_free(l);
}

static void restore(void)
{
    vouch_call *dump = NULL;
    put("1");
    vouch_status status = vouch_functions_dump(client, 0, &dump, &error);
    vouch_string bytes = vouch_reply_string(vouch_call_reply(dump));
    if (status == VOUCH_OK && bytes.data) {
        put("2");
        status = vouch_functions_restore(client, bytes.data, bytes.size, VOUCH_RESTORE_REPLACE, 0,
                                         &error);
        const char *now = there();
        ck_assert(status != VOUCH_OK || strcmp(now, "1") == 0);
        ck_assert(error.effect != VOUCH_NOT_APPLIED || strcmp(now, "2") == 0);
    }
    vouch_call_free(dump);
}

static const struct {
    const char *name;
    void (*live)(void);
} lives[] = {
    {"a newer one", install_newer},
    {"an older one", install_older},
    {"a missing one", install_missing},
    {"require", require},
    {"calls", call},
    {"a pipeline", pipe_them},
    {"dump and restore", restore},
};

/* ---- all of them ---------------------------------------------------------------------------- */

static bool one_life(size_t i, unsigned long n, unsigned long more, const char *url)
{
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    o.retry_min_ms = 1;
    o.retry_max_ms = 2;
    o.deadline_ms = 100; /* where nothing can be had any more */
    heap_forget();
    ck_assert_int_eq(vouch_client_open(url, &o, &client, &error), VOUCH_OK);
    heap_fail(n, more);
    lives[i].live();
    vouch_client_close(client);
    unsigned long asked = heap_recover();
    ck_assert_msg(heap_live() == 0, "%s: %ld blocks leak when allocation %lu fails", lives[i].name,
                  heap_live(), n);
    return asked > n;
}

START_TEST(no_missing_memory_costs_the_truth)
{
    char url[TS_URL_MAX];
    ts_server_options so = {.kind = _i % 2 ? TS_VALKEY : TS_REDIS};
    unsigned long more = _i / 2 ? 1000000 : 0;
    server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    (void)ts_server_url(server, url, sizeof url);
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        unsigned long n = 0;
        while (one_life(i, n, more, url))
            n++;
        ck_assert_uint_gt(n, 2);
        printf("%s: %lu allocations failed, %s\n", lives[i].name, n,
               more ? "with all after each" : "one at a time");
    }
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library oom");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, no_missing_memory_costs_the_truth, 0, 4);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
