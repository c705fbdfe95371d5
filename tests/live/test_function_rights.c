/* Users who may not load functions, or not even list them: they call what others loaded, and what is said of
 * a call that is refused is so. */
#include "shelf.h"

#include <stdio.h>
#include <string.h>

static struct rig rig;
static vouch_error error;

static void begin_redis(void)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
}

static void begin_valkey(void)
{
    rig = rig_start(TS_VALKEY, TS_NO_PERSISTENCE);
}

static void end(void)
{
    rig_stop(&rig);
}

static const char plain[] = "#!lua name=bank\n"
                            "redis.register_function('deposit', function(keys, args)\n"
                            "  return redis.call('INCRBY', keys[1], args[1])\n"
                            "end)\n";

static vouch_library *bank(bool honest)
{
    vouch_library_options o = VOUCH_LIBRARY_OPTIONS_INIT;
    o.honest = honest;
    return shelf_library(plain, &o);
}

static int64_t held(const char *key)
{
    int64_t n = ts_int(rig.server, "GET", key, NULL);
    return n == TS_NIL ? 0 : n;
}

enum way { SINGLE, TOKEN, PIPELINE, EXEC, EXEC_INSIDE, WAYS };

static vouch_status run_in(enum way way, vouch_client *c, const vouch_library *l)
{
    static unsigned tokens;
    char token[24];
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_tx_options t = VOUCH_TX_OPTIONS_INIT;
    vouch_batch *b = vouch_batch_new();
    vouch_status status = VOUCH_EINVAL;
    vouch_results *results = NULL;
    (void)snprintf(token, sizeof token, "token %u", tokens++);
    o.token = way == TOKEN ? token : NULL;
    t.load_inside = way == EXEC_INSIDE;
    vouch_batch_add_function(b, l, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(1));
    if (way <= TOKEN)
        status =
            vouch_function_call(c, l, "deposit", VOUCH_ARGS("k"), VOUCH_ARGS(1), &o, NULL, &error);
    else if (way == PIPELINE)
        status = vouch_pipeline_run(c, b, NULL, &results, &error);
    else
        status = vouch_transaction_exec(c, b, &t, NULL, &error);
    vouch_results_free(results);
    vouch_batch_free(b);
    return status;
}

static void check_rights(vouch_client *c, bool honest, bool there, bool may_list, enum way way)
{
    vouch_library *l = bank(honest);
    shelf_clear(rig.server);
    ts_do(rig.server, "FLUSHALL", NULL);
    if (there)
        shelf_put(rig.server, plain);
    vouch_status status = run_in(way, c, l);
    int64_t ran = held("k");
    ck_assert_msg(ran == (status == VOUCH_OK), "way %d: %s", way, error.message);
    if (status != VOUCH_OK)
        ck_assert_msg(strstr(error.message, "NOPERM"), "way %d: %s", way, error.message);
    if (there && (may_list ? way != EXEC_INSIDE : way == SINGLE || way == PIPELINE))
        ck_assert_msg(status == VOUCH_OK, "way %d: %s", way, error.message);
    if (status != VOUCH_OK && (may_list || honest))
        ck_assert_msg(error.effect == VOUCH_NOT_APPLIED, "way %d: %s", way, error.message);
    vouch_library_free(l);
}

START_TEST(who_may_not_load_calls_what_others_loaded)
{
    for (int i = 0; i < 8; i++) {
        bool may_list = i & 1, honest = i & 2, there = i & 4;
        ts_do(rig.server, "ACL", "SETUSER", "few", "reset", "on", "nopass", "+@all", "~*",
              "-function|load", may_list ? "+ping" : "-function|list", NULL);
        vouch_client_options o = rig_options(3, 1000);
        o.username = "few";
        o.password = "x";
        for (int way = 0; way < WAYS; way++) {
            vouch_client *c = rig_open(&rig, &o);
            check_rights(c, honest, there, may_list, (enum way)way);
            vouch_client_close(c);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("function rights");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, who_may_not_load_calls_what_others_loaded);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
