/* Limits of scripts and of calls, on both sides. */
#include "callee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;

static void begin(int i)
{
    rig = rig_start(i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    client = NULL;
    rig_stop(&rig);
}

/* ---- scripts -------------------------------------------------------------------------------- */

static void expect_new(const char *source, size_t size, const vouch_script_options *o,
                       vouch_status want)
{
    vouch_script *s = (vouch_script *)&rig;
    vouch_status status = vouch_script_new(source, size, o, &s, &error);
    ck_assert_msg(status == want, "%s: %s", vouch_status_name(status), error.message);
    ck_assert((s != NULL) == (want == VOUCH_OK));
    if (want != VOUCH_OK)
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    vouch_script_free(s);
}

START_TEST(sources_and_names_have_limits_on_both_sides)
{
    char name[VOUCH_SCRIPT_NAME_MAX + 1];
    char *source = malloc(VOUCH_SCRIPT_MAX_BYTES + 2);
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT, sizeless = {.honest = 1};
    ck_assert_ptr_nonnull(source);
    memset(source, ' ', VOUCH_SCRIPT_MAX_BYTES + 1);
    source[VOUCH_SCRIPT_MAX_BYTES + 1] = 0;
    expect_new(source, VOUCH_SCRIPT_MAX_BYTES, NULL, VOUCH_OK);
    expect_new(source, VOUCH_SCRIPT_MAX_BYTES + 1, NULL, VOUCH_ELIMIT);
    expect_new(source, 0, NULL, VOUCH_ELIMIT);
    expect_new(source, 1, NULL, VOUCH_OK);
    expect_new("", 0, NULL, VOUCH_EINVAL);
    expect_new(NULL, 0, NULL, VOUCH_EINVAL);
    expect_new(NULL, 5, NULL, VOUCH_EINVAL);
    expect_new("return 1", 0, &sizeless, VOUCH_EINVAL);
    ck_assert_int_eq(vouch_script_new("return 1", 0, NULL, NULL, &error), VOUCH_EINVAL);
    memset(name, 'n', sizeof name);
    o.name = name;
    name[VOUCH_SCRIPT_NAME_MAX - 1] = 0;
    expect_new("return 1", 0, &o, VOUCH_OK);
    name[VOUCH_SCRIPT_NAME_MAX - 1] = 'n';
    name[VOUCH_SCRIPT_NAME_MAX] = 0;
    expect_new("return 1", 0, &o, VOUCH_ELIMIT);
    free(source);
}
END_TEST

START_TEST(a_digest_is_the_servers)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    begin(_i);
    o.as_is = 1;
    struct callee known = callee_of("return 1", &o), own = callee_of("return 1", NULL);
    ck_assert_str_eq(vouch_script_digest(known.script), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    ck_assert_str_ne(vouch_script_digest(own.script), vouch_script_digest(known.script));
    ck_assert_int_eq(strncmp(vouch_script_name(known.script), "e0e1f9fa", 9), 0);
    for (int i = 0; i < 2; i++) {
        const struct callee *c = i ? &own : &known;
        vouch_call *call = NULL;
        int64_t n = 0;
        ck_assert_int_eq(callee_call(client, c, VOUCH_NO_ARGS, VOUCH_NO_ARGS, NULL, &call, &error),
                         VOUCH_OK);
        ck_assert(vouch_reply_int64(vouch_call_reply(call), &n) && n == 1);
        ck_assert(callee_is_there(rig.server, c));
        vouch_call_free(call);
    }
    callee_free(&known);
    callee_free(&own);
    end();
}
END_TEST

/* The longest source, with bytes of every kind, arrives as it is. */
START_TEST(the_longest_source_runs)
{
    static const char code[] = "return 'that is all' --";
    char *source = malloc(VOUCH_SCRIPT_MAX_BYTES);
    vouch_script *s = NULL;
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    ck_assert_ptr_nonnull(source);
    begin(_i);
    for (size_t i = 0; i < VOUCH_SCRIPT_MAX_BYTES; i++)
        source[i] = (char)(i % 255 == '\n' || i % 255 == '\r' || i % 255 == 0 ? 'x' : i % 255);
    memcpy(source, code, sizeof code - 1);
    ck_assert_int_eq(vouch_script_new(source, VOUCH_SCRIPT_MAX_BYTES, NULL, &s, &error), VOUCH_OK);
    for (o.strict = 0; o.strict < 2; o.strict++) {
        vouch_call *call = NULL;
        vouch_status status =
            vouch_script_call(client, s, VOUCH_NO_ARGS, VOUCH_NO_ARGS, &o, &call, &error);
        ck_assert_msg(status == VOUCH_OK, "%s", error.message);
        ck_assert_str_eq(vouch_reply_string(vouch_call_reply(call)).data, "that is all");
        vouch_call_free(call);
    }
    vouch_script_free(s);
    free(source);
    end();
}
END_TEST

/* ---- calls ---------------------------------------------------------------------------------- */

static void count(const struct callee *c, size_t keys, size_t args, vouch_status want)
{
    vouch_arg *words = calloc(keys + args + 1, sizeof *words);
    vouch_call *call = NULL;
    ck_assert_ptr_nonnull(words);
    for (size_t i = 0; i < keys + args; i++)
        words[i] = i < keys ? vouch_text("k") : vouch_uint(i);
    vouch_status status = callee_call(client, c, vouch_args_of(words, keys),
                                      vouch_args_of(words + keys, args), NULL, &call, &error);
    ck_assert_msg(status == want, "%zu, %zu: %s: %s", keys, args, vouch_status_name(status),
                  error.message);
    if (want == VOUCH_OK) {
        const vouch_reply *r = vouch_call_reply(call);
        int64_t k = -1, a = -1;
        ck_assert(vouch_reply_int64(vouch_reply_at(r, 0), &k) && k == (int64_t)keys);
        ck_assert(vouch_reply_int64(vouch_reply_at(r, 1), &a) && a == (int64_t)args);
    }
    ck_assert((call != NULL) == (want == VOUCH_OK));
    vouch_call_free(call);
    free(words);
}

START_TEST(keys_and_arguments_have_a_limit_together)
{
    static const size_t some[] = {0, 1, 2, 30, 31, 60, 61, 62, 63, 64, 65, 128, 1000};
    size_t n = sizeof some / sizeof *some, most = VOUCH_BATCH_MAX_ARGUMENTS - 3;
    begin(_i);
    struct callee c = callee_of("return {#KEYS, #ARGV}", NULL);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            count(&c, some[i], some[k], VOUCH_OK);
    count(&c, most / 2, most - most / 2, VOUCH_OK);
    count(&c, 0, most, VOUCH_OK);
    count(&c, most, 0, VOUCH_OK);
    count(&c, most / 2, most - most / 2 + 1, VOUCH_ELIMIT);
    count(&c, 0, most + 1, VOUCH_ELIMIT);
    count(&c, most + 1, 0, VOUCH_ELIMIT);
    callee_free(&c);
    end();
}
END_TEST

static void expect_refused(const vouch_call_options *o, const char *words)
{
    static const char source[] = "return 1";
    struct callee c = callee_of(source, NULL);
    vouch_call *call = NULL;
    vouch_status status = callee_call(client, &c, VOUCH_NO_ARGS, VOUCH_NO_ARGS, o, &call, &error);
    ck_assert_msg(status == VOUCH_EINVAL || status == VOUCH_ELIMIT, "%s: %s", words,
                  vouch_status_name(status));
    ck_assert_msg(strstr(error.message, words), "%s", error.message);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_ptr_null(call);
    callee_free(&c);
}

START_TEST(options_have_limits)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT, good = o;
    char long_token[VOUCH_TOKEN_MAX + 2];
    begin(_i);
    memset(long_token, 't', sizeof long_token - 1);
    long_token[sizeof long_token - 1] = 0;
    o.size = 0;
    expect_refused(&o, "size");
    o = good;
    o.deadline_ms = -2;
    expect_refused(&o, "deadline_ms");
    o.deadline_ms = INT64_MAX;
    expect_refused(&o, "deadline_ms");
    o = good;
    o.token_size = 3;
    expect_refused(&o, "token_size");
    o = good;
    o.marker_ms = 5000;
    expect_refused(&o, "marker_ms");
    o = good;
    o.token = long_token;
    expect_refused(&o, "token");
    o = good;
    o.resolve = 1;
    o.marker_ms = 1;
    expect_refused(&o, "marker_ms");
    ck_assert_int_eq(
        vouch_script_call(client, NULL, VOUCH_NO_ARGS, VOUCH_NO_ARGS, NULL, NULL, &error),
        VOUCH_EINVAL);
    ck_assert_int_eq(
        vouch_script_call(NULL, NULL, VOUCH_NO_ARGS, VOUCH_NO_ARGS, NULL, NULL, &error),
        VOUCH_EINVAL);
    ck_assert_uint_eq(callee_trips(client), 0);
    end();
}
END_TEST

#define MANY 600

/* More different scripts than a lane loads at once, and than a connection remembers; and as many as a
 * transaction may have. */
START_TEST(different_scripts_of_one_batch)
{
    struct callee *callees = calloc(MANY, sizeof *callees);
    vouch_results *r = NULL;
    begin(_i);
    ck_assert_ptr_nonnull(callees);
    for (int i = 0; i < MANY; i++)
        callees[i] = callee_counter((enum callee_kind)(i % 2), i);
    vouch_batch *b = vouch_batch_new(), *t = vouch_batch_new();
    for (int i = 0; i < 2 * MANY; i++)
        callee_add(b, &callees[i % MANY], VOUCH_ARGS("k"), VOUCH_NO_ARGS);
    for (int turn = 0; turn < 3; turn++) {
        ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &r, &error), "%s", error.message);
        ck_assert_int_eq(ts_int(rig.server, "GET", "k", NULL), INT64_C(2) * MANY * (turn + 1));
        vouch_results_free(r);
    }
    for (int i = 0; i <= VOUCH_TX_MAX_SCRIPTS; i++) {
        vouch_tx_result *result = NULL;
        callee_add(t, &callees[i], VOUCH_ARGS("t"), VOUCH_NO_ARGS);
        if (i + 2 < VOUCH_TX_MAX_SCRIPTS)
            continue;
        callee_lose_all(rig.server);
        vouch_status status = vouch_transaction_exec(client, t, NULL, &result, &error);
        ck_assert_msg(status == (i < VOUCH_TX_MAX_SCRIPTS ? VOUCH_OK : VOUCH_ELIMIT), "%d: %s", i,
                      error.message);
        vouch_tx_result_free(result);
    }
    ck_assert_int_eq(ts_int(rig.server, "GET", "t", NULL), 2 * VOUCH_TX_MAX_SCRIPTS - 1);
    vouch_batch_free(b);
    vouch_batch_free(t);
    for (int i = 0; i < MANY; i++)
        callee_free(&callees[i]);
    free(callees);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script limits");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, sources_and_names_have_limits_on_both_sides);
    tcase_add_loop_test(c, a_digest_is_the_servers, 0, 2);
    tcase_add_loop_test(c, the_longest_source_runs, 0, 2);
    tcase_add_loop_test(c, keys_and_arguments_have_a_limit_together, 0, 2);
    tcase_add_loop_test(c, options_have_limits, 0, 2);
    tcase_add_loop_test(c, different_scripts_of_one_batch, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
