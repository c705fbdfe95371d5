/* Dead letters listed and removed, on real servers in both protocols. */
#include "letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- listing -------------------------------------------------------------------------------- */

/* As consumers write them: what is read is what the scripts said. */
START_TEST(a_page_says_what_became_of_each)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_consumer *c = NULL;
    vouch_delivery *d = NULL;
    letters_begin(_i);
    o.ack = VOUCH_ACK_EXACTLY_ONCE;
    o.stream = "{s}in";
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 10;
    ts_do(letters_rig.server, "SET", "{s}text", "t", NULL);
    for (int i = 0; i < 2; i++)
        ts_do(letters_rig.server, "XADD", "{s}in", i ? "2-0" : "1-0", "field", "value", NULL);
    letters_expect(vouch_consumer_open(letters_client, &o, &c, &letters_error), VOUCH_OK);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d; ck_assert(!ts_passed(limit)))
        letters_expect(vouch_consumer_poll(c, 100, &d, &letters_error), VOUCH_OK);
    ck_assert_uint_eq(vouch_delivery_count(d), 2);
    vouch_batch_add(vouch_delivery_effects(d, 0), "INCR", "{s}sum");
    vouch_batch_add(vouch_delivery_effects(d, 0), "HSET", "{s}text", "f", "v");
    letters_expect(vouch_delivery_reject(d, 1, "no such customer", &letters_error), VOUCH_OK);
    letters_expect(vouch_delivery_commit(d, &letters_error), VOUCH_OK);
    vouch_delivery_free(d);
    letters_expect(vouch_consumer_close(c, 5000, &letters_error), VOUCH_OK);
    letters_add_foreign("*");

    vouch_dead_letters *page = letters_list(NULL, 0);
    ck_assert_uint_eq(vouch_dead_letters_count(page), 3);
    ck_assert_int_eq(vouch_dead_letters_total(page), 3);
    ck_assert_ptr_null(vouch_dead_letters_next(page));
    const vouch_dead_letter *failed = vouch_dead_letters_at(page, 0);
    ck_assert_str_eq(failed->stream.data, "{s}in");
    ck_assert_str_eq(failed->group.data, "g");
    ck_assert_str_eq(failed->original.data, "1-0");
    ck_assert_str_eq(failed->reason.data, "effect");
    ck_assert_int_eq(failed->deliveries, 1);
    ck_assert_int_eq(strncmp(failed->consumer.data, "w:", 2), 0);
    ck_assert_int_eq(failed->ran, 1);
    ck_assert_str_eq(failed->failed.data, "HSET {s}text f v");
    ck_assert_int_eq(strncmp(failed->error.data, "WRONGTYPE", 9), 0);
    ck_assert_str_eq(vouch_reply_string(vouch_reply_get(failed->fields, "field")).data, "value");
    const vouch_dead_letter *rejected = vouch_dead_letters_at(page, 1);
    ck_assert_str_eq(rejected->reason.data, "no such customer");
    ck_assert_str_eq(rejected->original.data, "2-0");
    ck_assert_int_eq(rejected->ran, -1);
    ck_assert_ptr_null(rejected->failed.data);
    ck_assert_uint_eq(vouch_reply_pairs(rejected->fields), 1);
    ck_assert_uint_eq(vouch_dead_letters_at(page, 2)->foreign, 1);
    ck_assert_ptr_null(vouch_dead_letters_at(page, 3));
    vouch_dead_letters_free(page);
    letters_end();
}
END_TEST

START_TEST(pages_follow_each_other)
{
    letters_begin(_i);
    vouch_dead_letters *page = letters_list(NULL, 3); /* there is no such stream */
    ck_assert_uint_eq(vouch_dead_letters_count(page), 0);
    ck_assert_int_eq(vouch_dead_letters_total(page), 0);
    ck_assert_ptr_null(vouch_dead_letters_next(page));
    vouch_dead_letters_free(page);
    for (int i = 1; i <= 7; i++)
        letters_add("{s}in", i);
    char from[64] = "-";
    int seen = 0;
    for (size_t pages = 0; *from; pages++) {
        ck_assert_uint_lt(pages, 4);
        page = letters_list(pages ? from : NULL, 3);
        for (size_t i = 0; i < vouch_dead_letters_count(page); i++)
            ck_assert_int_eq(strtol(vouch_dead_letters_at(page, i)->id.data, NULL, 10), ++seen);
        const char *next = vouch_dead_letters_next(page);
        ck_assert_int_eq(vouch_dead_letters_total(page), 7);
        ck_assert_int_eq(next == NULL, seen == 7);
        (void)snprintf(from, sizeof from, "%s", next ? next : "");
        vouch_dead_letters_free(page);
    }
    ck_assert_int_eq(seen, 7);
    page = letters_list("7-5", VOUCH_DEAD_LETTERS_MAX);
    ck_assert_uint_eq(vouch_dead_letters_count(page), 1);
    vouch_dead_letters_free(page);
    ts_do(letters_rig.server, "DEL", LETTERS_DEAD, NULL);
    ts_do(letters_rig.server, "SET", LETTERS_DEAD, "t", NULL);
    letters_expect(
        vouch_dead_letters_list(letters_client, LETTERS_DEAD, NULL, &page, &letters_error),
        VOUCH_ESERVER);
    ck_assert_str_eq(letters_error.code, "WRONGTYPE");
    ck_assert_ptr_null(page);
    letters_end();
}
END_TEST

/* ---- removing ------------------------------------------------------------------------------- */

START_TEST(what_is_removed_is_gone)
{
    static const char *const ids[] = {"1-5", "3-5", "9-9"};
    int64_t removed = -1;
    letters_begin(_i);
    for (int i = 1; i <= 3; i++)
        letters_add("{s}in", i);
    letters_expect(
        vouch_dead_letters_remove(letters_client, LETTERS_DEAD, ids, 3, &removed, &letters_error),
        VOUCH_OK);
    ck_assert_int_eq(removed, 2);
    ck_assert_int_eq(letters_length(LETTERS_DEAD), 1);
    letters_expect(
        vouch_dead_letters_remove(letters_client, LETTERS_DEAD, ids, 3, &removed, &letters_error),
        VOUCH_OK);
    ck_assert_int_eq(removed, 0);
    letters_expect(
        vouch_dead_letters_remove(letters_client, "{s}none", ids, 3, NULL, &letters_error),
        VOUCH_OK);
    ts_do(letters_rig.server, "SET", "{s}text", "t", NULL);
    letters_expect(
        vouch_dead_letters_remove(letters_client, "{s}text", ids, 3, &removed, &letters_error),
        VOUCH_ESERVER);
    ck_assert_int_eq(letters_error.effect, VOUCH_NOT_APPLIED);
    letters_end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_page_says_what_became_of_each, pages_follow_each_other,
                                  what_is_removed_is_gone, NULL};
    Suite *suite = suite_create("dead letter pages");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    for (size_t i = 0; tests[i]; i++)
        tcase_add_loop_test(c, tests[i], 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
