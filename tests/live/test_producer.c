/* What producers promise: each sequence once, in order, whatever is sent again; what is told of the rest; the
 * state, its end, and that nothing is added that could not be written down. */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin_redis(void)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 0);
}

static void begin_valkey(void)
{
    rig = rig_start(TS_VALKEY, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 2, 0);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

/* ---- sequences ------------------------------------------------------------------------------ */

/* Around every place where a comparison as text or as doubles goes wrong. */
static const int64_t sequences[] = {0,
                                    1,
                                    9,
                                    10,
                                    11,
                                    99,
                                    100,
                                    899999999,
                                    999999998,
                                    999999999,
                                    1000000000,
                                    1000000001,
                                    1999999999,
                                    2000000000,
                                    9999999999,
                                    10000000000,
                                    9007199254740991,
                                    9007199254740992,
                                    9007199254740993,
                                    999999999999999999,
                                    1000000000000000000,
                                    9223372035999999999,
                                    9223372036000000000,
                                    INT64_MAX - 1,
                                    INT64_MAX};

enum { SEQUENCES = sizeof sequences / sizeof *sequences };

START_TEST(sequences_are_exact_up_to_the_highest)
{
    vouch_producer *p = feed_producer("s", "p", NULL);
    char ids[SEQUENCES][VOUCH_ENTRY_ID_MAX];
    rig_flush(&rig);
    for (size_t i = 0; i < SEQUENCES; i++) {
        vouch_added a = feed_once(client, p, sequences[i]);
        ck_assert_msg(a.how == VOUCH_ADDED_NEW && a.last == -1, "%lld", (long long)sequences[i]);
        memcpy(ids[i], a.id, sizeof a.id);
        for (size_t j = 0; j <= i; j++) {
            a = feed_once(client, p, sequences[j]);
            ck_assert_msg(a.how == VOUCH_ADDED_AGAIN, "%lld after %lld", (long long)sequences[j],
                          (long long)sequences[i]);
            ck_assert_str_eq(a.id, ids[j]);
            ck_assert_int_eq(a.last, sequences[i]);
        }
    }
    for (size_t i = 0; i + 1 < SEQUENCES; i++)
        if (sequences[i] + 1 < sequences[i + 1])
            feed_expect(client, p, sequences[i] + 1, VOUCH_ADDED_PASSED, INT64_MAX);
    feed_is(rig.server, "s", sequences, SEQUENCES);
    vouch_producer_free(p);
}
END_TEST

/* What is below the window is one of two things, and nobody knows which. */
START_TEST(what_is_not_remembered_is_not_guessed)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    o.window = 3;
    vouch_producer *p = feed_producer("s", "p", &o);
    rig_flush(&rig);
    for (int64_t i = 2; i <= 6; i += 2)
        feed_expect(client, p, i * 10, VOUCH_ADDED_NEW, -1);
    feed_expect(client, p, 5, VOUCH_ADDED_PASSED, 60); /* none was dropped: so it is known */
    for (int64_t i = 8; i <= 10; i += 2)
        feed_expect(client, p, i * 10, VOUCH_ADDED_NEW, -1);
    feed_expect(client, p, 100, VOUCH_ADDED_AGAIN, 100);
    feed_expect(client, p, 80, VOUCH_ADDED_AGAIN, 100);
    feed_expect(client, p, 60, VOUCH_ADDED_AGAIN, 100);
    feed_expect(client, p, 99, VOUCH_ADDED_PASSED, 100);
    feed_expect(client, p, 61, VOUCH_ADDED_PASSED, 100);
    feed_expect(client, p, 59, VOUCH_ADDED_FORGOTTEN, 100);
    feed_expect(client, p, 40, VOUCH_ADDED_FORGOTTEN, 100);
    feed_expect(client, p, 0, VOUCH_ADDED_FORGOTTEN, 100);
    feed_is(rig.server, "s", (const int64_t[]){20, 40, 60, 80, 100}, 5);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", vouch_producer_state(p).data, NULL), 4);
    vouch_producer_free(p);
}
END_TEST

START_TEST(a_window_may_change)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    o.window = 100;
    vouch_producer *wide = feed_producer("s", "p", &o);
    o.window = 1;
    vouch_producer *narrow = feed_producer("s", "p", &o);
    const char *state = vouch_producer_state(wide).data;
    rig_flush(&rig);
    for (int64_t i = 1; i <= 50; i++)
        feed_expect(client, wide, i, VOUCH_ADDED_NEW, -1);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", state, NULL), 51);
    for (int64_t i = 51; i <= 60; i++)
        feed_expect(client, narrow, i, VOUCH_ADDED_NEW, -1);
    ck_assert_int_eq(ts_int(rig.server, "HLEN", state, NULL), 2);
    feed_expect(client, narrow, 60, VOUCH_ADDED_AGAIN, 60);
    feed_expect(client, wide, 59, VOUCH_ADDED_FORGOTTEN, 60);
    feed_expect(client, wide, 61, VOUCH_ADDED_NEW, -1);
    feed_expect(client, narrow, 60, VOUCH_ADDED_AGAIN, 61);
    feed_counts(rig.server, "s", 1, 61, "window", 0);
    vouch_producer_free(wide);
    vouch_producer_free(narrow);
}
END_TEST

START_TEST(a_dense_producer_leaves_no_gap)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    o.dense = 1;
    vouch_producer *p = feed_producer("s", "p", &o);
    rig_flush(&rig);
    feed_expect(client, p, 7, VOUCH_ADDED_NEW, -1); /* it begins anywhere */
    feed_expect(client, p, 9, VOUCH_ADDED_GAP, 7);
    feed_expect(client, p, 8, VOUCH_ADDED_NEW, -1);
    feed_expect(client, p, 9, VOUCH_ADDED_NEW, -1);
    feed_expect(client, p, 8, VOUCH_ADDED_AGAIN, 9);
    feed_expect(client, p, 6, VOUCH_ADDED_PASSED, 9);
    feed_expect(client, p, INT64_MAX, VOUCH_ADDED_GAP, 9);
    feed_counts(rig.server, "s", 7, 9, "dense", 0);
    vouch_producer_free(p);
}
END_TEST

/* ---- who it is ------------------------------------------------------------------------------ */

START_TEST(a_zombie_adds_nothing_that_was_added_since)
{
    vouch_producer *old = feed_producer("s", "p", NULL), *young = feed_producer("s", "p", NULL);
    rig_flush(&rig);
    for (int64_t i = 1; i <= 5; i++)
        feed_expect(client, old, i, VOUCH_ADDED_NEW, -1);
    for (int64_t i = 5; i <= 9; i++)
        feed_expect(client, young, i, i == 5 ? VOUCH_ADDED_AGAIN : VOUCH_ADDED_NEW, -1);
    for (int64_t i = 1; i <= 9; i++)
        feed_expect(client, old, i, VOUCH_ADDED_AGAIN, 9);
    feed_counts(rig.server, "s", 1, 9, "zombie", 0);
    vouch_producer_free(old);
    vouch_producer_free(young);
}
END_TEST

/* Names that could be taken for each other, in one state that all were given. */
START_TEST(names_and_streams_are_kept_apart)
{
    static const char *const names[][2] = {{"{s}", "a"},  {"{s}", "a:{s}"}, {"{s}a", "a"},
                                           {"{s}", "1:"}, {"{s}:", "a"},    {"{s}", "last:a"},
                                           {"a{s}", ""},  {"{s}", "1:a"},   {"b{s}", "a"},
                                           {"{s}", "ab"}, {"b:{s}", "a"},   {"{s}", "a:b"}};
    enum { ALL = sizeof names / sizeof *names };
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_producer *p[ALL];
    o.state = "{s}state";
    rig_flush(&rig);
    for (size_t i = 0; i < ALL; i++) {
        vouch_producer_options own = o;
        own.name_size = i == 6 ? 1 : 0; /* a NUL as its name */
        p[i] = feed_producer(names[i][0], names[i][1], &own);
        for (int64_t n = 1; n <= 3; n++)
            feed_expect(client, p[i], n, VOUCH_ADDED_NEW, -1);
    }
    for (size_t i = 0; i < ALL; i++) {
        for (int64_t n = 1; n <= 3; n++)
            feed_expect(client, p[i], n, VOUCH_ADDED_AGAIN, 3);
        vouch_producer_free(p[i]);
    }
    ck_assert_int_eq(ts_int(rig.server, "HLEN", "{s}state", NULL), 4 * (int64_t)ALL);
}
END_TEST

START_TEST(what_is_sent_without_a_stream_is_not_used_up)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    o.no_mkstream = 1;
    vouch_producer *p = feed_producer("s", "p", &o);
    rig_flush(&rig);
    feed_expect(client, p, 5, VOUCH_ADDED_NO_STREAM, -1);
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 0);
    ts_do(rig.server, "XGROUP", "CREATE", "s", "g", "$", "MKSTREAM", NULL);
    feed_expect(client, p, 5, VOUCH_ADDED_NEW, -1);
    vouch_producer_free(p);
}
END_TEST

START_TEST(what_is_kept_is_kept_by_producers_too)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    o.keep.max_len = 3;
    o.keep.exact = 1;
    vouch_producer *p = feed_producer("s", "p", &o);
    rig_flush(&rig);
    for (int64_t i = 1; i <= 9; i++)
        feed_expect(client, p, i, VOUCH_ADDED_NEW, -1);
    feed_counts(rig.server, "s", 7, 9, "length", 0);
    feed_expect(client, p, 1, VOUCH_ADDED_AGAIN, 9); /* though it is gone */
    vouch_producer_free(p);
    o.keep.max_len = 0;
    o.keep.max_age_ms = 3600000;
    o.no_mkstream = 1;
    p = feed_producer("aged", "p", &o);
    ts_do(rig.server, "XADD", "aged", "1000-0", "n", "0", NULL);
    feed_expect(client, p, 1, VOUCH_ADDED_NEW, -1);
    feed_is(rig.server, "aged", (const int64_t[]){1}, 1);
    vouch_producer_free(p);
}
END_TEST

/* ---- the state ------------------------------------------------------------------------------ */

START_TEST(the_state_ends_when_it_is_told_to)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_producer *p = feed_producer("s", "p", &o);
    const char *state = vouch_producer_state(p).data;
    rig_flush(&rig);
    feed_expect(client, p, 1, VOUCH_ADDED_NEW, -1);
    ck_assert_int_eq(ts_int(rig.server, "PTTL", state, NULL), -1);
    vouch_producer_free(p);
    o.state_ms = 3600000;
    p = feed_producer("s", "p", &o);
    state = vouch_producer_state(p).data;
    feed_expect(client, p, 2, VOUCH_ADDED_NEW, -1);
    ck_assert_int_gt(ts_int(rig.server, "PTTL", state, NULL), 3500000);
    ck_assert_int_le(ts_int(rig.server, "PTTL", state, NULL), 3600000);
    ck_assert_int_eq(ts_int(rig.server, "PTTL", "s", NULL), -1);
    vouch_producer_free(p);
    o.state_ms = 1;
    p = feed_producer("s", "p", &o);
    state = vouch_producer_state(p).data;
    feed_expect(client, p, 3, VOUCH_ADDED_NEW, -1);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); ts_int(rig.server, "EXISTS", state, NULL);)
        ck_assert(!ts_passed(limit));
    feed_expect(client, p, 3, VOUCH_ADDED_NEW, -1); /* nobody knows of it any more */
    feed_is(rig.server, "s", (const int64_t[]){1, 2, 3, 3}, 4);
    vouch_producer_free(p);
}
END_TEST

/* ---- refused before anything is written ------------------------------------------------------ */

static void refused(const vouch_producer *p, int64_t sequence, vouch_effect effect,
                    const char *says)
{
    vouch_pipeline_options po = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_batch *b = vouch_batch_new();
    vouch_results *r = NULL;
    po.outages = 1;
    (void)vouch_batch_add_once(b, p, sequence, VOUCH_ARGS("n", sequence));
    ck_assert_int_ne(vouch_pipeline_run(client, b, &po, &r, &error), VOUCH_OK);
    vouch_results_free(r);
    ck_assert_msg(strstr(error.message, says), "'%s' lacks '%s'", error.message, says);
    ck_assert_int_eq(error.effect, effect);
    vouch_batch_free(b);
}

START_TEST(another_type_of_key_is_refused)
{
    vouch_producer *p = feed_producer("s", "p", NULL);
    const char *state = vouch_producer_state(p).data;
    rig_flush(&rig);
    ts_do(rig.server, "SET", "s", "text", NULL);
    refused(p, 1, VOUCH_MAYBE_APPLIED, "WRONGTYPE");
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 1);
    ts_do(rig.server, "FLUSHALL", NULL);
    ts_do(rig.server, "SET", state, "text", NULL);
    refused(p, 1, VOUCH_MAYBE_APPLIED, "WRONGTYPE");
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 1);
    ts_do(rig.server, "FLUSHALL", NULL);
    ts_do(rig.server, "HSET", state, "last:1:ps", "rubbish", NULL);
    refused(p, 1, VOUCH_MAYBE_APPLIED, "something else than what producers remember");
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 1);
    vouch_producer_free(p);
}
END_TEST

START_TEST(without_memory_it_is_refused_whole)
{
    vouch_producer *p = feed_producer("s", "p", NULL);
    rig_flush(&rig);
    feed_expect(client, p, 1, VOUCH_ADDED_NEW, -1);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    refused(p, 2, VOUCH_NOT_APPLIED, "OOM");
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    feed_counts(rig.server, "s", 1, 1, "memory", 0);
    feed_expect(client, p, 2, VOUCH_ADDED_NEW, -1);
    vouch_producer_free(p);
}
END_TEST

/* An entry that is added and cannot be written down would be added again. */
START_TEST(without_a_right_nothing_is_added)
{
    static const struct {
        const char *denied, *says; /* of the script, or of the server about a script */
    } rights[] = {{"-hget", "cript"},
                  {"-hset", "may not HSET key 2"},
                  {"-hdel", "may not HDEL key 2"},
                  {"-pexpire", "may not PEXPIRE key 2"},
                  {"-xadd", "cript"},
                  {"-time", "cript"}};
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    o.window = 1;
    o.state_ms = 3600000;
    o.keep.max_age_ms = 3600000;
    vouch_producer *p = feed_producer("s", "p", &o);
    rig_flush(&rig);
    feed_expect(client, p, 1, VOUCH_ADDED_NEW, -1);
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        ts_do(rig.server, "ACL", "SETUSER", "default", rights[i].denied, NULL);
        refused(p, 2, VOUCH_MAYBE_APPLIED, rights[i].says);
        ts_do(rig.server, "ACL", "SETUSER", "default", "+@all", NULL);
        feed_counts(rig.server, "s", 1, 1, rights[i].denied, 0);
        feed_expect(client, p, 1, VOUCH_ADDED_AGAIN, 1);
    }
    feed_expect(client, p, 2, VOUCH_ADDED_NEW, -1);
    vouch_producer_free(p);
}
END_TEST

int main(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("producer");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 120);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, sequences_are_exact_up_to_the_highest);
        tcase_add_test(c, what_is_not_remembered_is_not_guessed);
        tcase_add_test(c, a_window_may_change);
        tcase_add_test(c, a_dense_producer_leaves_no_gap);
        tcase_add_test(c, a_zombie_adds_nothing_that_was_added_since);
        tcase_add_test(c, names_and_streams_are_kept_apart);
        tcase_add_test(c, what_is_sent_without_a_stream_is_not_used_up);
        tcase_add_test(c, what_is_kept_is_kept_by_producers_too);
        tcase_add_test(c, the_state_ends_when_it_is_told_to);
        tcase_add_test(c, another_type_of_key_is_refused);
        tcase_add_test(c, without_memory_it_is_refused_whole);
        tcase_add_test(c, without_a_right_nothing_is_added);
        suite_add_tcase(s, c);
    }
    return rig_main(s);
}
