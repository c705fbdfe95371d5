/* Arguments that no program of ours gives: the scripts of the rate limiters refuse them by themselves, before
 * anything is written. */
#include "base.h"
#include "limit_clock.h"
#include "server.h"
#include "suite.h"
#include "truth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

enum { KINDS = 6, LIMIT = 10 };

#define SECOND INT64_C(1000000)
#define NOW    INT64_C(4102444800123456) /* in 2100, so that no key comes to its end */

static struct limit_stage stage;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin_redis(void)
{
    stage = limit_stage_open(TS_REDIS);
}

static void begin_valkey(void)
{
    stage = limit_stage_open(TS_VALKEY);
}

static void end(void)
{
    limit_stage_close(&stage);
}

static void forget(void)
{
    ts_do(stage.server, "FLUSHALL", NULL);
}

enum { WORDS = 2 + 5 * KINDS };

static const char *const keys[] = {"{k}0", "{k}1", "{k}2", "{k}3", "{k}4", "{k}5", "{k}5"};
static const char *const good[WORDS] = {
    "take", "me",                       /* */
    "f",    "10", "1000000", "10", "1", /* */
    "w",    "10", "1000000", "10", "1", /* */
    "l",    "10", "1000000", "10", "1", /* */
    "b",    "10", "1000000", "5",  "1", /* */
    "g",    "10", "1000000", "5",  "1", /* */
    "c",    "10", "1000000", "10", "1",
};

/* Of all kinds, or of one by itself. */
static vouch_script *script_of(int kind)
{
    vouch_limit_spec s[KINDS];
    vouch_script *script = NULL;
    size_t size = 0;
    for (int i = 0; i < KINDS; i++)
        s[i] = limit_spec(kind ? kind : i + 1, LIMIT, SECOND);
    char *source = limit_source_by_key(s, kind ? 1 : KINDS, &size);
    expect(vouch_script_new(source, size, NULL, &script, &error), VOUCH_OK);
    free(source);
    return script;
}

static vouch_status call(const vouch_script *s, size_t key_count, const char *const *words,
                         size_t n)
{
    vouch_arg k[7], v[WORDS + 1];
    for (size_t i = 0; i < key_count; i++)
        k[i] = vouch_text(keys[i]);
    for (size_t i = 0; i < n; i++)
        v[i] = vouch_text(words[i]);
    return vouch_script_call(stage.client, s, vouch_args_of(k, key_count), vouch_args_of(v, n),
                             NULL, NULL, &error);
}

/* Refused by the script's own words, and there is nothing but the clock. */
static void refused(vouch_status status, const char *what)
{
    ck_assert_msg(status == VOUCH_ESERVER, "%s is taken", what);
    ck_assert_msg(strstr(error.message, "vouch rate limiter: "), "%s: %s", what, error.message);
    ck_assert_int_eq(ts_int(stage.server, "DBSIZE", NULL), 2);
}

START_TEST(bad_arguments_are_refused_before_anything_is_written)
{
    static const char *const bad[] = {"",     "x",        "-1", "0.5", "1e300",         "nan",
                                      "-inf", "67108865", " ",  "1 2", "31622400000001"};
    vouch_script *s = script_of(0);
    const char *words[WORDS + 1];
    char what[80];
    forget();
    limit_set_clock(&stage, NOW);
    for (size_t i = 0; i < WORDS; i++)
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            memcpy(words, good, sizeof good);
            words[i] = bad[j];
            bool fine = (i == 1 && j > 0) ||                   /* any lease will do but none */
                        (i > 1 && (i - 2) % 5 == 2 && j == 7); /* so long a period is one */
            (void)snprintf(what, sizeof what, "argument %zu '%s'", i + 1, bad[j]);
            if (!fine)
                refused(call(s, KINDS, words, WORDS), what);
        }
    memcpy(words, good, sizeof good);
    words[WORDS] = "1";
    refused(call(s, KINDS, words, WORDS + 1), "one more");
    refused(call(s, KINDS, words, WORDS - 1), "one less");
    refused(call(s, KINDS - 1, words, WORDS), "a key less");
    refused(call(s, KINDS + 1, words, WORDS), "a key more");
    refused(call(s, 0, words, 2), "no key at all");
    words[27] = "f"; /* the sixth limit has the key of the fifth */
    memcpy(words + 27, good + 22, 5 * sizeof *good);
    expect(call(s, KINDS, good, WORDS), VOUCH_OK);
    vouch_script_free(s);
}
END_TEST

/* The one that is a script of its own too. */
START_TEST(each_kind_by_itself_refuses_them_as_well)
{
    static const char *const bad[] = {"", "x", "-1", "0.5", "1e300", "nan", "inf", "67108865"};
    vouch_script *s = script_of(_i);
    const char *words[8];
    char what[80];
    forget();
    limit_set_clock(&stage, NOW);
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            memcpy(words, good, 2 * sizeof *good);
            memcpy(words + 2, good + 2 + 5 * (_i - 1), 5 * sizeof *good);
            words[i] = bad[j];
            bool lease = i == 1 && (j > 0 || _i != VOUCH_LIMIT_CONCURRENCY);
            (void)snprintf(what, sizeof what, "argument %zu '%s'", i + 1, bad[j]);
            if (!lease && !(i == 4 && j == 7)) /* so long a period is one */
                refused(call(s, 1, words, 7), what);
        }
    memcpy(words + 2, good + 2 + 5 * (_i - 1), 5 * sizeof *good);
    words[0] = "take";
    words[1] = "me";
    words[7] = "1";
    refused(call(s, 1, words, 8), "one more");
    refused(call(s, 1, words, 6), "one less");
    refused(call(s, 2, words, 7), "a key more");
    refused(call(s, 0, words, 7), "no key");
    expect(call(s, 1, words, 7), VOUCH_OK);
    vouch_script_free(s);
}
END_TEST

START_TEST(the_ranges_of_each_kind_hold_in_the_script_too)
{
    /* Limit, period, burst, cost; what is one less is taken. */
    static const struct {
        const char *kind, *limit, *period, *burst, *cost;
    } bad[] = {
        {"f", "0", "1000", "0", "1"},
        {"f", "1", "999", "1", "1"},
        {"f", "67108865", "1000", "67108865", "1"},
        {"w", "5", "1000", "6", "1"},
        {"l", "1000001", "31622400000000", "1000001", "1"},
        {"l", "1001", "1000", "1001", "1"},
        {"b", "1001", "1000", "1001", "1"},
        {"b", "1", "31622400000000", "2", "1"},
        {"g", "1001", "1000", "1001", "1"},
        {"g", "67108863", "31622400000000", "67108864", "1"},
        {"g", "10", "1000", "67108865", "1"},
        {"g", "10", "1000", "10", "67108865"},
        {"c", "100001", "1000", "100001", "1"},
        {"c", "1000", "1000", "1000", "1001"},
    };
    vouch_script *s = script_of(0), *alone = script_of(VOUCH_LIMIT_GCRA);
    forget();
    limit_set_clock(&stage, NOW);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *words[] = {"take",        "me",         bad[i].kind, bad[i].limit,
                               bad[i].period, bad[i].burst, bad[i].cost};
        refused(call(s, 1, words, 7), bad[i].kind);
        if (bad[i].kind[0] == 'g')
            refused(call(alone, 1, words, 7), "alone");
    }
    for (int i = 0; i < 2; i++) {
        const char *words[] = {"take",           "me",       i ? "g" : "b", "67108864",
                               "31622400000000", "67108864", "67108864"};
        forget();
        limit_set_clock(&stage, NOW);
        expect(call(s, 1, words, 7), VOUCH_OK);
    }
    vouch_script_free(s);
    vouch_script_free(alone);
}
END_TEST

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("limit_args");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 240);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, bad_arguments_are_refused_before_anything_is_written);
        tcase_add_test(c, the_ranges_of_each_kind_hold_in_the_script_too);
        tcase_add_loop_test(c, each_kind_by_itself_refuses_them_as_well, VOUCH_LIMIT_FIXED_WINDOW,
                            VOUCH_LIMIT_CONCURRENCY + 1);
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return suite_run(suite(), CK_NOFORK);
}
