/* Functions that a server does not run: because of their flags, for want of memory, on a replica, or since
 * another one holds it and may be killed, or not. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static ts_server_kind kind;
static vouch_client *clients[2]; /* RESP2, RESP3 */
static vouch_error error;
static vouch_call *call;

static void begin(void)
{
    static const char *const config[] = {"busy-reply-threshold 1", NULL};
    ts_server_options so = {.kind = kind, .config = config};
    rig = rig_start_with(&so);
    for (uint32_t i = 0; i < 2; i++)
        clients[i] = rig_client(&rig, 2 + i, 1000);
}

static void begin_redis(void)
{
    kind = TS_REDIS;
    begin();
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
    begin();
}

static void end(void)
{
    vouch_call_free(call);
    call = NULL;
    for (int i = 0; i < 2; i++)
        vouch_client_close(clients[i]);
    rig_stop(&rig);
}

static vouch_library *honest(const char *source)
{
    vouch_library_options o = VOUCH_LIBRARY_OPTIONS_INIT;
    o.honest = 1;
    return shelf_library(source, &o);
}

/* A library `one` of one function `f`, with these flags and this body. */
static vouch_library *one(const char *flags, const char *body)
{
    char source[SHELF_SOURCE_MAX];
    (void)snprintf(source, sizeof source,
                   "#!lua name=one\n"
                   "redis.register_function{function_name = 'f', flags = {%s},\n"
                   "callback = function(keys, args)\n"
                   "%s\n"
                   "end}\n",
                   flags, body);
    shelf_clear(rig.server);
    return honest(source);
}

static vouch_status run_with(vouch_client *c, const vouch_library *l, const vouch_call_options *o)
{
    vouch_call_free(call);
    call = NULL;
    return vouch_function_call(c, l, "f", VOUCH_ARGS("k"), VOUCH_ARGS("a"), o, &call, &error);
}

static vouch_status run(vouch_client *c, const vouch_library *l)
{
    return run_with(c, l, NULL);
}

/* ---- flags ---------------------------------------------------------------------------------- */

START_TEST(who_says_no_writes_writes_nothing)
{
    vouch_library *l = one("'no-writes'", "return redis.call('SET', keys[1], 'v')");
    shelf_expect(run(clients[0], l), VOUCH_ESERVER, error);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_msg(strstr(error.message, "Write commands are not allowed"), "%s", error.message);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "k", NULL), 0);
    vouch_library_free(l);
}
END_TEST

static vouch_client *impatient(const ts_server *server)
{
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(3, 1000);
    vouch_client *c = NULL;
    o.outages = 2;
    shelf_expect(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &c, &error),
                 VOUCH_OK, error);
    return c;
}

START_TEST(without_memory_only_what_may_run_does)
{
    static const struct {
        const char *flags;
        bool may;
    } flags[] = {{"", false}, {"'no-writes'", true}, {"'allow-oom'", true}};
    vouch_client *c = impatient(rig.server);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        vouch_library *l = one(flags[i].flags, "return redis.call('GET', keys[1])");
        shelf_expect(run(c, l), VOUCH_OK, error);
        ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
        vouch_status status = run(c, l);
        ck_assert_msg(status == (flags[i].may ? VOUCH_OK : VOUCH_ESERVER), "%s: %s", flags[i].flags,
                      error.message);
        ck_assert_int_eq(error.effect, flags[i].may ? VOUCH_APPLIED : VOUCH_NOT_APPLIED);
        /* It cannot be loaded either, whatever it may do. */
        shelf_clear(rig.server);
        shelf_expect(run(c, l), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
        vouch_library_free(l);
    }
    vouch_client_close(c);
}
END_TEST

START_TEST(on_a_replica_only_reading_functions_run)
{
    ts_server_options po = {.kind = kind, .transport = TS_TCP};
    ts_server *primary = ts_server_start(&po);
    ts_server_options ro = {.kind = kind, .transport = TS_TCP, .replica_of = primary};
    ts_server *replica = ts_server_start(&ro);
    ck_assert(primary && replica);
    vouch_client *c = impatient(replica), *p = impatient(primary);
    for (int writes = 0; writes < 2; writes++) {
        vouch_library *l = one(writes ? "" : "'no-writes'", "return redis.call('EXISTS', keys[1])");
        shelf_expect(run(c, l), VOUCH_ESERVER, error); /* it cannot be loaded here */
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(strstr(error.message, "READONLY"), "%s", error.message);
        shelf_expect(run(p, l), VOUCH_OK, error);
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !shelf_has(replica, "one");)
            ck_assert(ts_look_again(limit));
        vouch_status status = run(c, l);
        ck_assert_msg(status == (writes ? VOUCH_ESERVER : VOUCH_OK), "%d: %s", writes,
                      error.message);
        ck_assert_int_ne(error.effect, VOUCH_MAYBE_APPLIED);
        shelf_clear(primary);
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); shelf_has(replica, "one");)
            ck_assert(ts_look_again(limit));
        vouch_library_free(l);
    }
    vouch_client_close(c);
    vouch_client_close(p);
    ts_server_free(replica);
    ts_server_free(primary);
}
END_TEST

/* ---- one that holds the server -------------------------------------------------------------- */

/* Another's, that does not end by itself; returns once the server is BUSY. */
static ts_conn *hold_server(const char *first, bool function)
{
    char source[200];
    size_t length;
    ts_conn *holder = ts_truth_open(rig.server);
    (void)snprintf(source, sizeof source,
                   "#!lua name=hold\nredis.register_function('hold', function(keys, args) %s while "
                   "true do end end)\n",
                   first);
    if (function)
        shelf_put(rig.server, source);
    char *bytes = function ? ts_encode(&length, "FCALL", "hold", "1", "held", NULL)
                           : ts_encode(&length, "EVAL", "while true do end", "0", NULL);
    ck_assert(ts_conn_send(holder, bytes, length, ts_deadline(RIG_PATIENCE_MS)));
    free(bytes);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);;) {
        ts_reply *r = ts_command(rig.server, "PING", NULL);
        bool busy = r->type == TS_REPLY_ERROR && strncmp(r->text, "BUSY", 4) == 0;
        ts_reply_free(r);
        if (busy)
            return holder;
        ck_assert(ts_look_again(limit));
    }
}

START_TEST(what_holds_the_server_can_be_killed)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_library *l = one("", "return redis.call('INCR', keys[1])");
    o.kill_busy = 1;
    for (int function = 0; function < 2; function++) {
        shelf_expect(run(clients[1], l), VOUCH_OK, error);
        ts_conn *holder = hold_server("", function);
        shelf_expect(run_with(clients[1], l, &o), VOUCH_OK, error);
        ts_reply *r = ts_conn_read(holder, ts_deadline(RIG_PATIENCE_MS));
        ck_assert_msg(r->type == TS_REPLY_ERROR && strstr(r->text, "illed"), "%s", r->text);
        ts_reply_free(r);
        ts_conn_close(holder);
        ck_assert_int_eq(ts_int(rig.server, "GET", "k", NULL), 2 * function + 2);
    }
    vouch_library_free(l);
}
END_TEST

START_TEST(one_that_wrote_cannot_be_killed)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_library *l = one("", "return redis.call('INCR', keys[1])");
    o.outages = 4;
    shelf_expect(run(clients[1], l), VOUCH_OK, error);
    ts_conn *holder = hold_server("redis.call('SET', keys[1], 1)", true);
    for (uint32_t kills = 0; kills < 2; kills++) {
        o.kill_busy = kills;
        shelf_expect(run_with(clients[1], l, &o), VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_str_eq(error.code, "BUSY");
        ck_assert_int_eq(strstr(error.message, "cannot be killed") != NULL, kills);
    }
    ts_conn_close(holder);
    vouch_library_free(l);
}
END_TEST

/* Nobody vouches for this library: what may be its own words is not believed. */
START_TEST(busy_is_not_believed_of_everybody)
{
    vouch_library *l = shelf_library("#!lua name=two\n"
                                     "redis.register_function('f', function(keys)\n"
                                     "  return redis.call('INCR', keys[1])\n"
                                     "end)\n",
                                     NULL);
    shelf_expect(run(clients[0], l), VOUCH_OK, error);
    ts_conn *holder = hold_server("", true);
    shelf_expect(run(clients[0], l), VOUCH_ESERVER, error);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ts_do(rig.server, "FUNCTION", "KILL", NULL);
    ts_reply_free(ts_conn_read(holder, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert_int_eq(ts_int(rig.server, "GET", "k", NULL), 1);
    ts_conn_close(holder);
    vouch_library_free(l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("function refused");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, who_says_no_writes_writes_nothing);
        tcase_add_test(c, without_memory_only_what_may_run_does);
        tcase_add_test(c, on_a_replica_only_reading_functions_run);
        tcase_add_test(c, what_holds_the_server_can_be_killed);
        tcase_add_test(c, one_that_wrote_cannot_be_killed);
        tcase_add_test(c, busy_is_not_believed_of_everybody);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
