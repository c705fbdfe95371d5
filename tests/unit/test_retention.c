/* What is kept of a stream: in the words of XADD, of XTRIM and of a producer's script, or refused in words. */
#include "stream_words.h"

#include <stdio.h>

static const struct {
    vouch_retention keep;
    vouch_status want;
    const char *says; /* its words, or what the refusal names */
} retentions[] = {
    {VOUCH_RETENTION_INIT, VOUCH_OK, ""},
    {{1000, NULL, 0, 0, 0, 0}, VOUCH_OK, "MAXLEN ~ 1000 "},
    {{1000, NULL, 0, 0, 1, 0}, VOUCH_OK, "MAXLEN = 1000 "},
    {{VOUCH_KEEP_NONE, NULL, 0, 0, 1, 0}, VOUCH_OK, "MAXLEN = 0 "},
    {{INT64_MAX, NULL, 0, 7, 0, 0}, VOUCH_OK, "MAXLEN ~ 9223372036854775807 LIMIT 7 "},
    {{0, "5-1", 0, 0, 0, 0}, VOUCH_OK, "MINID ~ 5-1 "},
    {{0, "18446744073709551615-18446744073709551615", 0, 0, 1, 0},
     VOUCH_OK,
     "MINID = 18446744073709551615-18446744073709551615 "},
    {{0, "5", 0, VOUCH_NO_TRIM_LIMIT, 0, 0}, VOUCH_OK, "MINID ~ 5 LIMIT 0 "},
    {{1, "5", 0, 0, 0, 0}, VOUCH_EINVAL, "max_len and min_id"},
    {{1, NULL, 1, 0, 0, 0}, VOUCH_EINVAL, "max_len and max_age_ms"},
    {{0, "5", 1, 0, 0, 0}, VOUCH_EINVAL, "min_id and max_age_ms"},
    {{-2, NULL, 0, 0, 0, 0}, VOUCH_EINVAL, "keep.max_len:"},
    {{INT64_MIN, NULL, 0, 0, 0, 0}, VOUCH_EINVAL, "keep.max_len:"},
    {{0, "", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, "x", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, "5-", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, "-5", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, "5-5-5", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, "5-*", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, "*", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, "18446744073709551616", 0, 0, 0, 0}, VOUCH_EINVAL, "keep.min_id:"},
    {{0, NULL, -1, 0, 0, 0}, VOUCH_EINVAL, "keep.max_age_ms:"},
    {{0, NULL, VOUCH_RETENTION_MAX_MS + 1, 0, 0, 0}, VOUCH_ELIMIT, "keep.max_age_ms:"},
    {{0, NULL, 0, 0, 1, 0}, VOUCH_EINVAL, "keep.exact:"},
    {{0, NULL, 0, 5, 0, 0}, VOUCH_EINVAL, "keep.limit:"},
    {{5, NULL, 0, 5, 1, 0}, VOUCH_EINVAL, "keep.limit and keep.exact"},
    {{5, NULL, 0, -2, 0, 0}, VOUCH_EINVAL, "keep.limit:"},
    {{5, NULL, 0, 0, 0, 1}, VOUCH_EINVAL, "keep.reserved:"},
};

enum { RETENTIONS = sizeof retentions / sizeof *retentions };

START_TEST(retention_is_said_in_words_or_refused)
{
    vouch_batch *b = vouch_batch_new();
    vouch_entry_options o = VOUCH_ENTRY_OPTIONS_INIT;
    char want[128];
    o.keep = retentions[_i].keep;
    (void)vouch_batch_add_entry(b, "s", VOUCH_ARGS("f", "v"), &o);
    if (retentions[_i].want) {
        if (o.keep.max_age_ms == 0)
            refuses(b, retentions[_i].want, retentions[_i].says);
        else
            refuses(b, VOUCH_EINVAL, "max_age_ms");
        return;
    }
    (void)snprintf(want, sizeof want, "XADD s %s* f v", retentions[_i].says);
    is(b, want);
}
END_TEST

/* Of a producer all of it is checked when it is made, and an age is taken. */
START_TEST(retention_of_producers)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_producer *p = NULL;
    char want[256];
    o.keep = retentions[_i].keep;
    o.state = "k{s}";
    vouch_status status = vouch_producer_new("s", "p", &o, &p, &error);
    ck_assert_msg(status == retentions[_i].want, "%s", error.message);
    ck_assert((p != NULL) == (status == VOUCH_OK));
    if (status) {
        ck_assert_msg(strstr(error.message, retentions[_i].says), "%s", error.message);
        return;
    }
    vouch_batch *b = vouch_batch_new();
    ck_assert_uint_eq(vouch_batch_add_once(b, p, 7, VOUCH_ARGS("f", "v")), 0);
    (void)snprintf(want, sizeof want, "EVALSHA SHA 2 s k{s} p 7  128 0 0 %s* f v",
                   retentions[_i].says);
    is(b, want);
    vouch_producer_free(p);
}
END_TEST

START_TEST(retention_of_trims)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    vouch_batch *b = vouch_batch_new();
    char want[128];
    o.keep = retentions[_i].keep;
    (void)vouch_batch_add_trim(b, "s", &o);
    if (retentions[_i].want || !*retentions[_i].says) {
        refuses(b, retentions[_i].want ? retentions[_i].want : VOUCH_EINVAL,
                retentions[_i].want ? retentions[_i].says : "neither max_len nor min_id");
        return;
    }
    (void)snprintf(want, sizeof want, "XTRIM s %s", retentions[_i].says);
    want[strlen(want) - 1] = 0;
    is(b, want);
}
END_TEST

START_TEST(by_age_a_trim_is_a_script)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    vouch_script *s = NULL;
    o.keep.max_age_ms = 60000;
    vouch_batch *b = vouch_batch_new();
    (void)vouch_batch_add_trim(b, "s", &o);
    refuses(b, VOUCH_EINVAL, "options->script");
    ck_assert_int_eq(vouch_trim_script_new(NULL, &error), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_trim_script_new(&s, &error), VOUCH_OK);
    o.script = s;
    b = vouch_batch_new();
    (void)vouch_batch_add_trim(b, "s", &o);
    is(b, "EVALSHA SHA 1 s 60000 ~ ");
    o.keep.limit = VOUCH_NO_TRIM_LIMIT;
    b = vouch_batch_new();
    (void)vouch_batch_add_trim(b, "s", &o);
    is(b, "EVALSHA SHA 1 s 60000 ~ 0");
    o.keep.limit = 0;
    o.keep.exact = 1;
    b = vouch_batch_new();
    (void)vouch_batch_add_trim(b, "s", &o);
    is(b, "EVALSHA SHA 1 s 60000 = ");
    vouch_script_free(s);
}
END_TEST

START_TEST(what_is_no_trim_is_refused)
{
    vouch_trim_options o = VOUCH_TRIM_OPTIONS_INIT;
    int64_t removed = 5;
    o.keep.max_len = 5;
    vouch_batch *b = vouch_batch_new();
    (void)vouch_batch_add_trim(b, "s", NULL);
    refuses(b, VOUCH_EINVAL, "options are NULL");
    b = vouch_batch_new();
    (void)vouch_batch_add_trim(b, "", &o);
    refuses(b, VOUCH_EINVAL, "the stream has no name");
    o.size = 0;
    b = vouch_batch_new();
    (void)vouch_batch_add_trim(b, "s", &o);
    refuses(b, VOUCH_EINVAL, "options->size:");
    ck_assert_int_eq(vouch_stream_trim(NULL, "s", &o, &removed, &error), VOUCH_EINVAL);
    ck_assert_int_eq(removed, 0);
    ck_assert_int_eq(vouch_stream_trim(NULL, "s", NULL, NULL, NULL), VOUCH_EINVAL);
    o.size = sizeof o;
    ck_assert_int_eq(vouch_stream_trim(NULL, "s", &o, &removed, &error), VOUCH_EINVAL);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("retention");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, retention_is_said_in_words_or_refused, 0, RETENTIONS);
    tcase_add_loop_test(c, retention_of_producers, 0, RETENTIONS);
    tcase_add_loop_test(c, retention_of_trims, 0, RETENTIONS);
    tcase_add_test(c, by_age_a_trim_is_a_script);
    tcase_add_test(c, what_is_no_trim_is_refused);
    suite_add_tcase(s, c);
    return suite_run(s, CK_FORK_GETENV);
}
