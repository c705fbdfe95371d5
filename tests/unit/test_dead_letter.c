/* How an entry among the dead letters is taken apart, and what is none; and what the calls refuse before anything is
 * sent. */
#include "stream/dead_letter.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

static struct vouch_reply own;
static vouch_dead_letter letter;

static struct vouch_reply text_reply(const char *s)
{
    return (struct vouch_reply){.type = VOUCH_TYPE_STRING, .n = (uint32_t)strlen(s), .as.text = s};
}

/* An entry with these words, NULL at the end. */
static const vouch_reply *entry(const char *id, const char *const *list)
{
    static struct vouch_reply words[40], parts[2], all;
    size_t n = 0;
    for (; list[n]; n++)
        words[n] = text_reply(list[n]);
    parts[0] = text_reply(id);
    parts[1] =
        (struct vouch_reply){.type = VOUCH_TYPE_ARRAY, .n = (uint32_t)n, .as.elements = words};
    all = (struct vouch_reply){.type = VOUCH_TYPE_ARRAY, .n = 2, .as.elements = parts};
    return &all;
}

#define HEAD "vouch:stream", "s", "vouch:group", "g", "vouch:id", "5-6", "vouch:reason", "r"
#define READ(...)                                                                                  \
    dead_letter_read(entry("7-8", (const char *const[]){__VA_ARGS__, NULL}), &letter, &own)
#define says(got, want) ck_assert_str_eq((got).data ? (got).data : "absent", want)

START_TEST(all_that_is_said_is_read)
{
    ck_assert(READ(HEAD, "vouch:deliveries", "3", "vouch:consumer", "w:1", "vouch:ran", "2",
                   "vouch:failed", "INCR x", "vouch:error", "ERR no", "vouch:fields", "2", "a", "1",
                   "b", "2"));
    ck_assert_uint_eq(letter.foreign, 0);
    says(letter.id, "7-8");
    says(letter.stream, "s");
    says(letter.group, "g");
    says(letter.original, "5-6");
    says(letter.reason, "r");
    says(letter.consumer, "w:1");
    says(letter.failed, "INCR x");
    says(letter.error, "ERR no");
    ck_assert_int_eq(letter.deliveries, 3);
    ck_assert_int_eq(letter.ran, 2);
    ck_assert_int_eq(letter.field_count, 2);
    ck_assert_uint_eq(vouch_reply_pairs(letter.fields), 2);
    says(vouch_reply_string(vouch_reply_get(letter.fields, "b")), "2");
    ck_assert_ptr_null(vouch_reply_get(letter.fields, "vouch:stream"));
}
END_TEST

START_TEST(what_no_effect_did_is_absent)
{
    ck_assert(READ(HEAD, "vouch:deliveries", "3", "vouch:consumer", "w:1", "vouch:later", "more",
                   "vouch:fields", "1", "a", "1"));
    says(letter.failed, "absent");
    says(letter.error, "absent");
    ck_assert_int_eq(letter.ran, -1);
    ck_assert_uint_eq(vouch_reply_pairs(letter.fields), 1);
}
END_TEST

/* A dead letter of the dead letters, one that was replayed: what the entry itself had is its own, whatever it is called. */
START_TEST(fields_of_its_own_may_have_our_names)
{
    ck_assert(READ(HEAD, "vouch:deliveries", "3", "vouch:consumer", "w:1", "vouch:fields", "3",
                   "vouch:stream", "t", "vouch:ran", "9", "vouch:fields", "8"));
    says(letter.stream, "s");
    ck_assert_int_eq(letter.ran, -1);
    ck_assert_int_eq(letter.field_count, 3);
    ck_assert_uint_eq(vouch_reply_pairs(letter.fields), 3);
    says(vouch_reply_string(vouch_reply_get(letter.fields, "vouch:stream")), "t");
}
END_TEST

START_TEST(what_was_not_copied_is_counted)
{
    ck_assert(READ(HEAD, "vouch:deliveries", "3", "vouch:fields", "10000"));
    ck_assert_int_eq(letter.field_count, 10000);
    ck_assert_ptr_null(letter.fields);
    ck_assert_uint_eq(letter.foreign, 0);
    ck_assert(READ(HEAD, "vouch:deliveries", "3", "vouch:fields", "0"));
    ck_assert_int_eq(letter.field_count, 0);
    ck_assert_ptr_null(letter.fields);
}
END_TEST

START_TEST(others_entries_are_shown_as_they_are)
{
    static const char *const foreign[][12] = {
        {"a", "b"},
        {HEAD},                                /* not to its end */
        {HEAD, "vouch:fields", "2", "a", "b"}, /* counted wrong */
        {HEAD, "vouch:fields", "0", "a", "b"},
        {HEAD, "vouch:fields", "many"},
        {HEAD, "vouch:fields", "-1"},
        {HEAD, "a", "b"},
        {"vouch:group", "g", "vouch:stream", "s", "vouch:id", "5-6", "vouch:reason", "r",
         "vouch:fields", "0"},
        {"vouch:stream", "s", "vouch:fields", "0"},
    };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        ck_assert(dead_letter_read(entry("7-8", foreign[i]), &letter, &own));
        ck_assert_msg(letter.foreign == 1, "%zu", i);
        says(letter.stream, "absent");
        says(letter.reason, "absent");
        ck_assert_int_eq(letter.field_count, -1);
        ck_assert_int_eq(letter.deliveries, -1);
        ck_assert_str_eq(vouch_reply_string(vouch_reply_at(letter.fields, 0)).data, foreign[i][0]);
        says(letter.id, "7-8");
    }
}
END_TEST

START_TEST(what_is_no_entry_is_refused)
{
    const vouch_reply number = {.type = VOUCH_TYPE_INTEGER, .as.integer = 3};
    const vouch_reply pair[] = {text_reply("7-8"), {.type = VOUCH_TYPE_NIL}};
    const vouch_reply deleted = {.type = VOUCH_TYPE_ARRAY, .n = 2, .as.elements = pair};
    ck_assert(!dead_letter_read(NULL, &letter, &own));
    ck_assert(!dead_letter_read(&number, &letter, &own));
    ck_assert(!dead_letter_read(&deleted, &letter, &own));
    ck_assert(!dead_letter_read(entry("7", (const char *const[]){"a", "b", NULL}), &letter, &own));
    ck_assert(!READ("a", "b", "c"));
}
END_TEST

/* ---- refused here --------------------------------------------------------------------------- */

static vouch_error error;

static void refuses(vouch_status got, vouch_status want, const char *words)
{
    ck_assert_msg(got == want, "%s: %s", vouch_status_name(got), error.message);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
}

#define replay(dead, list, n, options)                                                             \
    vouch_dead_letters_replay(NULL, dead, list, n, options, &replayed, &error)

START_TEST(replays_are_refused_before_anything_is_sent)
{
    static const char *ids[VOUCH_DEAD_LETTERS_MAX + 1];
    vouch_replay *replayed = NULL;
    for (size_t i = 0; i <= VOUCH_DEAD_LETTERS_MAX; i++)
        ids[i] = "1-1";
    refuses(replay(NULL, ids, 1, NULL), VOUCH_EINVAL, "dead_letter is NULL");
    refuses(replay("", ids, 1, NULL), VOUCH_EINVAL, "dead_letter");
    refuses(replay("d", NULL, 1, NULL), VOUCH_EINVAL, "no ids");
    refuses(replay("d", ids, 0, NULL), VOUCH_EINVAL, "no ids");
    refuses(replay("d", ids, VOUCH_DEAD_LETTERS_MAX + 1, NULL), VOUCH_ELIMIT,
            "VOUCH_DEAD_LETTERS_MAX");
    for (size_t i = 0; i < 7; i++) {
        static const char *const bad[] = {"1", "", "-", "1-", "x-1", "1-1 ", "(1-1"};
        ids[1] = bad[i];
        refuses(replay("d", ids, 2, NULL), VOUCH_EINVAL, "ids[1]");
    }
    ids[1] = NULL;
    refuses(replay("d", ids, 2, NULL), VOUCH_EINVAL, "ids[1]");
    ids[1] = "1-1";
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    o.stream = "elsewhere";
    refuses(replay("{s}d", ids, 1, &o), VOUCH_EINVAL,
            "'elsewhere' is not in the slot of the dead letters '{s}d'");
    o.stream = "{s}d";
    refuses(replay("{s}d", ids, 1, &o), VOUCH_EINVAL, "the dead letters themselves");
    o.stream = "";
    refuses(replay("{s}d", ids, 1, &o), VOUCH_EINVAL, "stream");
    o.size = 0;
    refuses(replay("{s}d", ids, 1, &o), VOUCH_EINVAL, "VOUCH_REPLAY_OPTIONS_INIT");
    ck_assert_ptr_null(replayed);
    ck_assert_int_eq(vouch_dead_letters_replay(NULL, "d", ids, 1, NULL, NULL, NULL), VOUCH_EINVAL);
    ck_assert_int_eq(
        vouch_dead_letters_replay(NULL, "d", ids, VOUCH_DEAD_LETTERS_MAX, NULL, &replayed, NULL),
        VOUCH_EINVAL); /* no client */
    ck_assert_uint_eq(vouch_replay_count(NULL) + vouch_replay_moved(NULL), 0);
    ck_assert_ptr_null(vouch_replay_at(NULL, 0));
    vouch_replay_free(NULL);
}
END_TEST

START_TEST(lists_and_removals_are_refused_before_anything_is_sent)
{
    static const char *ids[VOUCH_DEAD_LETTERS_MAX + 1];
    vouch_dead_letters *page = NULL;
    int64_t removed = 7;
    vouch_dead_letters_options o = VOUCH_DEAD_LETTERS_OPTIONS_INIT;
    refuses(vouch_dead_letters_list(NULL, "", NULL, &page, &error), VOUCH_EINVAL, "dead_letter");
    refuses(vouch_dead_letters_list(NULL, "d", NULL, NULL, &error), VOUCH_EINVAL, "out is NULL");
    o.count = VOUCH_DEAD_LETTERS_MAX + 1;
    refuses(vouch_dead_letters_list(NULL, "d", &o, &page, &error), VOUCH_ELIMIT,
            "VOUCH_DEAD_LETTERS_MAX");
    o.count = VOUCH_DEAD_LETTERS_MAX;
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = {"", "-", "((1-1", "x"};
        o.from = bad[i];
        refuses(vouch_dead_letters_list(NULL, "d", &o, &page, &error), VOUCH_EINVAL, "from");
    }
    o.from = "(1-1";
    ck_assert_int_eq(vouch_dead_letters_list(NULL, "d", &o, &page, &error), VOUCH_EINVAL);
    o.size = 0;
    refuses(vouch_dead_letters_list(NULL, "d", &o, &page, &error), VOUCH_EINVAL,
            "VOUCH_DEAD_LETTERS_OPTIONS_INIT");
    ck_assert_ptr_null(page);
    ck_assert_uint_eq(vouch_dead_letters_count(NULL), 0);
    ck_assert_int_eq(vouch_dead_letters_total(NULL), 0);
    ck_assert_ptr_null(vouch_dead_letters_next(NULL));
    ck_assert_ptr_null(vouch_dead_letters_at(NULL, 0));
    vouch_dead_letters_free(NULL);
    for (size_t i = 0; i <= VOUCH_DEAD_LETTERS_MAX; i++)
        ids[i] = "1-1";
    refuses(vouch_dead_letters_remove(NULL, "d", ids, VOUCH_DEAD_LETTERS_MAX + 1, &removed, &error),
            VOUCH_ELIMIT, "VOUCH_DEAD_LETTERS_MAX");
    ck_assert_int_eq(removed, 0);
    ids[0] = "1";
    refuses(vouch_dead_letters_remove(NULL, "d", ids, 1, NULL, &error), VOUCH_EINVAL, "ids[0]");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_that_is_said_is_read,
                                  what_no_effect_did_is_absent,
                                  fields_of_its_own_may_have_our_names,
                                  what_was_not_copied_is_counted,
                                  others_entries_are_shown_as_they_are,
                                  what_is_no_entry_is_refused,
                                  replays_are_refused_before_anything_is_sent,
                                  lists_and_removals_are_refused_before_anything_is_sent,
                                  NULL};
    Suite *s = suite_create("dead_letter");
    TCase *c = tcase_create("all");
    for (size_t i = 0; tests[i]; i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return suite_run(s, CK_NOFORK);
}
