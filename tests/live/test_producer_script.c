/* The scripts of producers by themselves: arguments that no program of ours gives are refused before anything
 * is written; and what is removed by age, with a clock that is in a key. */
#include "base.h"
#include "server.h"
#include "stream/producer.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

static ts_server *server;
static vouch_client *client;
static vouch_error error;

static void begin(ts_server_kind kind)
{
    char url[TS_URL_MAX];
    ts_server_options o = {.kind = kind};
    vouch_client_options co = VOUCH_CLIENT_OPTIONS_INIT;
    server = ts_server_start(&o);
    ck_assert_ptr_nonnull(server);
    co.deadline_ms = 60000;
    ck_assert_int_eq(
        vouch_client_open(ts_server_url(server, url, sizeof url), &co, &client, &error), VOUCH_OK);
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
    vouch_client_close(client);
    ts_server_free(server);
}

/* ---- arguments ------------------------------------------------------------------------------ */

enum { WORDS = 12 };

static const char *const good[WORDS] = {"p",     "7", "6", "128", "1000", "1000",
                                        "MINID", "~", "",  "*",   "f",    "v"};

/* Not taken by the script in place `at`, from 0. */
static const struct {
    size_t at;
    const char *word, *says;
} bad[] = {
    {0, "", "without a name"},
    {1, "", "argument 2"},
    {1, "-1", "argument 2"},
    {1, "07", "argument 2"},
    {1, "00", "argument 2"},
    {1, "7.0", "argument 2"},
    {1, "1e3", "argument 2"},
    {1, " 7", "argument 2"},
    {1, "7\n", "argument 2"},
    {1, "x", "argument 2"},
    {1, "10000000000000000000", "argument 2"},
    {2, "x", "argument 3"},
    {2, "--1", "argument 3"},
    {2, "-", "argument 3"},
    {2, "10000000000000000000", "argument 3"},
    {3, "", "argument 4"},
    {3, "0", "argument 4"},
    {3, "-1", "argument 4"},
    {3, "1.5", "argument 4"},
    {3, "nan", "argument 4"},
    {3, "65537", "argument 4"},
    {3, "inf", "argument 4"},
    {4, "", "argument 5"},
    {4, "-1", "argument 5"},
    {4, "0.5", "argument 5"},
    {4, "1e300", "argument 5"},
    {4, "nan", "argument 5"},
    {4, "1125899906842625", "argument 5"},
    {5, "", "argument 6"},
    {5, "-1", "argument 6"},
    {5, "0.5", "argument 6"},
    {5, "inf", "argument 6"},
    {5, "1125899906842625", "argument 6"},
    {6, "MAXLEN", "MINID"},
    {6, "NOMKSTREAM", "MINID"},
    {7, "?", ""},
    {9, "x", ""},
};

static vouch_status call(vouch_string source, size_t keys, const char *const *words, size_t n)
{
    static const char *const names[] = {"{k}s", "{k}state", "{k}x"};
    vouch_arg k[3], v[WORDS + 1];
    vouch_script *s = NULL;
    ck_assert_int_eq(vouch_script_new(source.data, source.size, NULL, &s, &error), VOUCH_OK);
    for (size_t i = 0; i < keys; i++)
        k[i] = vouch_text(names[i]);
    for (size_t i = 0; i < n; i++)
        v[i] = vouch_text(words[i]);
    vouch_status status = vouch_script_call(client, s, vouch_args_of(k, keys), vouch_args_of(v, n),
                                            NULL, NULL, &error);
    vouch_script_free(s);
    return status;
}

static void refused(vouch_status status, const char *word, const char *says)
{
    ck_assert_msg(status == VOUCH_ESERVER, "'%s' is taken", word);
    ck_assert_msg(strstr(error.message, says), "'%s': '%s' lacks '%s'", word, error.message, says);
    ck_assert_msg(!strstr(error.message, "attempt to"), "%s", error.message);
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 0);
}

START_TEST(bad_arguments_are_refused_before_anything_is_written)
{
    const char *words[WORDS + 1];
    ts_do(server, "FLUSHALL", NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(words, good, sizeof good);
        words[bad[i].at] = bad[i].word;
        refused(call(producer_source(), 2, words, WORDS), bad[i].word, bad[i].says);
    }
    memcpy(words, good, sizeof good);
    words[WORDS] = "odd";
    refused(call(producer_source(), 2, words, WORDS + 1), "one more", "");
    refused(call(producer_source(), 2, words, WORDS - 1), "one less", "");
    refused(call(producer_source(), 2, words, 8), "few", "nine arguments");
    refused(call(producer_source(), 2, words, 0), "none", "nine arguments");
    refused(call(producer_source(), 1, words, WORDS), "a key less", "two keys");
    refused(call(producer_source(), 3, words, WORDS), "a key more", "two keys");
    refused(call(producer_source(), 0, words, WORDS), "no key", "two keys");
    ck_assert_msg(call(producer_source(), 2, good, WORDS) == VOUCH_OK, "%s", error.message);
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 2);
}
END_TEST

START_TEST(a_bad_trim_is_refused)
{
    static const char *const wrong[][3] = {
        {"", "~", ""},    {"0", "~", ""},   {"-1", "~", ""},  {"1.5", "~", ""},
        {"nan", "~", ""}, {"inf", "~", ""}, {"5", "", ""},    {"5", "?", ""},
        {"x", "~", ""},   {"5", "~", "x"},  {"5", "=", "10"}, {"1125899906842625", "~", ""}};
    static const char *const fine[] = {"5", "~", "10"};
    ts_do(server, "FLUSHALL", NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bool by_xtrim = i == 9 || i == 10; /* which needs a stream to look at its words */
        if (!by_xtrim)
            refused(call(trim_source(), 1, wrong[i], 3), wrong[i][0], "vouch trim: ");
        else
            ck_assert_int_eq(call(trim_source(), 1, wrong[i], 3), VOUCH_ESERVER);
    }
    refused(call(trim_source(), 1, fine, 2), "one less", "vouch trim: ");
    refused(call(trim_source(), 2, fine, 3), "a key more", "vouch trim: ");
    refused(call(trim_source(), 0, fine, 3), "no key", "vouch trim: ");
    ck_assert_int_eq(call(trim_source(), 1, fine, 3), VOUCH_OK);
}
END_TEST

/* ---- age, with a clock of its own ----------------------------------------------------------- */

#define NOW INT64_C(1000000000123) /* milliseconds: in 2001, before what the server gives as ids */

/* The shipped source, but that its clock is in "s" and "u". Freed with free(). */
static char *by_key(vouch_string source, size_t *size)
{
    static const char ours[] = "redis.call('TIME')", other[] = "redis.call('MGET', 's', 'u')";
    size_t cut = sizeof ours - 1, put = sizeof other - 1;
    const char *at = memmem(source.data, source.size, ours, cut);
    ck_assert_msg(at != NULL, "the script does not ask for the server's time");
    size_t before = (size_t)(at - source.data), after = source.size - before - cut;
    ck_assert_msg(!memmem(at + cut, after, "TIME", 4), "the script asks for the time twice");
    char *changed = ts_alloc(before + put + after + 1);
    memcpy(changed, source.data, before);
    memcpy(changed + before, other, put);
    memcpy(changed + before + put, at + cut, after);
    *size = before + put + after;
    return changed;
}

static void set_clock(int64_t us)
{
    char s[24], u[24];
    (void)snprintf(s, sizeof s, "%" PRId64, us / 1000000);
    (void)snprintf(u, sizeof u, "%" PRId64, us % 1000000);
    ts_do(server, "MSET", "s", s, "u", u, NULL);
}

/* A stream with entries at these milliseconds. */
static void lay(const char *stream, const int64_t *ms, size_t n)
{
    ts_do(server, "DEL", stream, NULL);
    for (size_t i = 0; i < n; i++) {
        char id[48];
        (void)snprintf(id, sizeof id, "%" PRId64 "-0", ms[i]);
        ts_do(server, "XADD", stream, id, "n", "1", NULL);
    }
}

static const int64_t times[] = {1, 5, NOW - 60001, NOW - 60000, NOW - 59999, NOW, NOW + 60000};

/* What is left of them. */
static const struct {
    int64_t now_us, age;
    int64_t left;
} ages[] = {
    {NOW * 1000, 60000, 4},
    {NOW * 1000 + 999, 60000, 4}, /* whole milliseconds count */
    {NOW * 1000 - 1, 60000, 5},
    {NOW * 1000 + 1000, 60000, 3},
    {NOW * 1000, NOW - 5, 6},
    {NOW * 1000, NOW - 1, 7},
    {NOW * 1000, NOW, 7},
    {NOW * 1000, NOW + 1, 7}, /* before 1970 */
    {NOW * 1000, VOUCH_RETENTION_MAX_MS, 7},
    {0, 1, 7},
    {NOW * 1000, 1, 2},
    {(NOW - 3600000) * 1000, 60000, 5}, /* the clock went back: nothing more goes */
    {INT64_C(8000000000000000000), 60000, 0},
};

START_TEST(a_trim_by_age_goes_by_the_servers_clock)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    size_t size = 0, n = sizeof times / sizeof *times;
    char *source = by_key(trim_source(), &size);
    vouch_script *script = NULL;
    int64_t removed = -1;
    ck_assert_int_eq(vouch_script_new(source, size, NULL, &script, &error), VOUCH_OK);
    o.script = script;
    o.keep.exact = 1;
    o.keep.max_age_ms = ages[_i].age;
    set_clock(ages[_i].now_us);
    lay("stream", times, n);
    ck_assert_msg(!vouch_stream_trim(client, "stream", &o, &removed, &error), "%s", error.message);
    ck_assert_int_eq(ts_int(server, "XLEN", "stream", NULL), ages[_i].left);
    ck_assert_int_eq(removed, (int64_t)n - ages[_i].left);
    vouch_script_free(script);
    free(source);
}
END_TEST

START_TEST(a_producer_keeps_by_age_likewise)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    size_t size = 0, n = sizeof times / sizeof *times;
    char *source = by_key(producer_source(), &size);
    vouch_producer *p = NULL;
    vouch_results *r = NULL;
    vouch_batch *b = vouch_batch_new();
    bool beyond = ages[_i].left == 0; /* the new one is older than that too */
    o.keep.exact = 1;
    o.keep.max_age_ms = ages[_i].age;
    ts_do(server, "FLUSHALL", NULL);
    set_clock(ages[_i].now_us);
    lay("stream", times, n);
    ck_assert_int_eq(producer_new_with(source, size, "stream", "p", &o, &p, &error), VOUCH_OK);
    (void)vouch_batch_add_once(b, p, 1, VOUCH_ARGS("n", 1));
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &r, &error), "%s", error.message);
    ck_assert_int_eq(ts_int(server, "XLEN", "stream", NULL), ages[_i].left + !beyond);
    vouch_results_free(r);
    vouch_batch_free(b);
    vouch_producer_free(p);
    free(source);
}
END_TEST

/* Whole nodes of 100, and no more entries looked at than the limit says. */
START_TEST(about_an_age_is_kept)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    size_t size = 0;
    char *source = by_key(trim_source(), &size);
    vouch_script *script = NULL;
    int64_t removed = -1, ms[1000];
    for (int64_t i = 0; i < 1000; i++)
        ms[i] = NOW - 1000 + i;
    ck_assert_int_eq(vouch_script_new(source, size, NULL, &script, &error), VOUCH_OK);
    o.script = script;
    o.keep.max_age_ms = 450;
    set_clock(NOW * 1000);
    lay("stream", ms, 1000);
    o.keep.limit = 200;
    ck_assert_msg(!vouch_stream_trim(client, "stream", &o, &removed, &error), "%s", error.message);
    ck_assert_int_eq(removed, 200);
    o.keep.limit = VOUCH_NO_TRIM_LIMIT;
    ck_assert_msg(!vouch_stream_trim(client, "stream", &o, &removed, &error), "%s", error.message);
    ck_assert_int_eq(removed, 300);
    vouch_script_free(script);
    free(source);
}
END_TEST

int main(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("producer_script");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, bad_arguments_are_refused_before_anything_is_written);
        tcase_add_test(c, a_bad_trim_is_refused);
        tcase_add_loop_test(c, a_trim_by_age_goes_by_the_servers_clock, 0,
                            (int)(sizeof ages / sizeof *ages));
        tcase_add_loop_test(c, a_producer_keeps_by_age_likewise, 0,
                            (int)(sizeof ages / sizeof *ages));
        tcase_add_test(c, about_an_age_is_kept);
        suite_add_tcase(s, c);
    }
    return suite_run(s, CK_NOFORK);
}
