/* Memory and messages: the arena, and what goes into a vouch_error. */
#include "base/arena.h"
#include "base/error.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(an_arena_gives_aligned_memory_that_stays)
{
    struct arena a = {0};
    char *blocks[600];
    for (size_t i = 0; i < 600; i++) {
        blocks[i] = arena_get(&a, i * 7 % 900 + 1);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % ARENA_ALIGN, 0);
        memset(blocks[i], (int)i, i * 7 % 900 + 1);
    }
    for (size_t i = 0; i < 600; i++)
        for (size_t k = 0; k < i * 7 % 900 + 1; k++)
            ck_assert_int_eq(blocks[i][k], (char)i);
    arena_free(&a);
    ck_assert_ptr_null(a.chunk);
}
END_TEST

START_TEST(an_arena_goes_back_to_a_mark)
{
    struct arena a = {0};
    struct arena_mark empty = arena_mark(&a);
    char *kept = arena_get(&a, 10);
    struct arena_mark mark = arena_mark(&a);
    char *next = arena_get(&a, 10);
    ck_assert_ptr_nonnull(arena_get(&a, 1000000));
    ck_assert_ptr_nonnull(arena_get(&a, 100000));
    memcpy(kept, "0123456789", 10);
    arena_rewind(&a, mark);
    ck_assert_ptr_eq(arena_get(&a, 10), next);
    ck_assert(memcmp(kept, "0123456789", 10) == 0);
    arena_reset(&a);
    ck_assert_ptr_eq(arena_get(&a, 10), kept);
    arena_rewind(&a, empty);
    ck_assert_ptr_null(a.chunk);
}
END_TEST

START_TEST(an_arena_refuses_what_no_machine_has)
{
    struct arena a = {0};
    ck_assert_ptr_null(arena_get(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_get(&a, SIZE_MAX - 20));
    ck_assert_ptr_nonnull(arena_get(&a, 1));
    arena_free(&a);
}
END_TEST

START_TEST(a_message_has_no_control_bytes)
{
    char out[64];
    error_escape(out, sizeof out, "a\nb\x01\x7f\0c", 7);
    ck_assert_str_eq(out, "a\\x0ab\\x01\\x7f\\x00c");
}
END_TEST

START_TEST(a_message_is_shortened_visibly_and_never_within_a_character)
{
    /* "éé…": two bytes each; room for every size. */
    const char *text = "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";
    for (size_t room = 4; room <= 11; room++) {
        char out[16];
        memset(out, 'z', sizeof out);
        error_escape(out, room, text, 10);
        size_t n = strlen(out);
        ck_assert_uint_lt(n, room);
        if (room > 10)
            ck_assert_str_eq(out, text);
        else {
            ck_assert_str_eq(out + n - 3, "\xe2\x80\xa6");
            ck_assert_uint_eq((n - 3) % 2, 0);
            ck_assert_uint_ge(n + 2, room - 1); /* as much as fits */
        }
        ck_assert_int_eq(out[room], 'z');
    }
}
END_TEST

START_TEST(a_code_word_ends_at_the_space)
{
    char out[VOUCH_CODE_MAX];
    error_code(out, "WRONGTYPE Operation", 19);
    ck_assert_str_eq(out, "WRONGTYPE");
    error_code(out, "LOADING", 7);
    ck_assert_str_eq(out, "LOADING");
    error_code(out, "", 0);
    ck_assert_str_eq(out, "");
    error_code(out, "AVERYVERYLONGCODEWORDTHATISCUT x", 32);
    ck_assert_uint_lt(strlen(out), VOUCH_CODE_MAX);
    ck_assert_ptr_nonnull(strstr(out, "\xe2\x80\xa6"));
}
END_TEST

START_TEST(an_error_is_set_whole)
{
    vouch_error e;
    memset(&e, 0xff, sizeof e);
    ck_assert_int_eq(error_set(&e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "%d\n", 5), VOUCH_ELIMIT);
    ck_assert(e.status == VOUCH_ELIMIT && e.cause == VOUCH_CAUSE_LIMIT);
    ck_assert(e.effect == VOUCH_NOT_APPLIED && e.retriable == 0 && e.command == VOUCH_NO_COMMAND);
    ck_assert_str_eq(e.message, "5\\x0a");
    ck_assert_str_eq(e.code, "");
    ck_assert_int_eq(error_set(NULL, VOUCH_EBUSY, VOUCH_CAUSE_NONE, "x"), VOUCH_EBUSY);
    error_clear(&e);
    ck_assert(e.status == VOUCH_OK && e.message[0] == 0);
    error_clear(NULL);
}
END_TEST

START_TEST(every_status_effect_and_cause_has_a_name)
{
    ck_assert_str_eq(vouch_status_name(VOUCH_EPARTIAL), "VOUCH_EPARTIAL");
    ck_assert_str_eq(vouch_status_name((vouch_status)999), "VOUCH_?");
    ck_assert_str_eq(vouch_effect_name(VOUCH_MAYBE_APPLIED), "MAYBE_APPLIED");
    ck_assert_str_eq(vouch_effect_name((vouch_effect)9), "?");
    for (int i = 0; i <= VOUCH_ELIMIT; i++)
        ck_assert_ptr_null(strstr(vouch_status_sentence((vouch_status)i), "does not know"));
    for (int i = 0; i <= VOUCH_CAUSE_LIMIT; i++)
        ck_assert_ptr_null(strstr(vouch_cause_sentence((vouch_cause)i), "does not know"));
    ck_assert_ptr_nonnull(strstr(vouch_cause_sentence((vouch_cause)99), "does not know"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *c = tcase_create("all");
    tcase_add_test(c, an_arena_gives_aligned_memory_that_stays);
    tcase_add_test(c, an_arena_goes_back_to_a_mark);
    tcase_add_test(c, an_arena_refuses_what_no_machine_has);
    tcase_add_test(c, a_message_has_no_control_bytes);
    tcase_add_test(c, a_message_is_shortened_visibly_and_never_within_a_character);
    tcase_add_test(c, a_code_word_ends_at_the_space);
    tcase_add_test(c, an_error_is_set_whole);
    tcase_add_test(c, every_status_effect_and_cause_has_a_name);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
