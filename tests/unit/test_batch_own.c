/* Batches as the library itself uses them: commands put as they are, appended, cut off, read back. */
#include "command/batch.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static vouch_batch *b;

static void setup(void)
{
    b = vouch_batch_new();
    ck_assert_ptr_nonnull(b);
}

static void teardown(void)
{
    vouch_batch_free(b);
}

START_TEST(encoded_commands_are_put_as_they_are)
{
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n";
    for (int i = 0; i < 1000; i++)
        ck_assert(batch_put(b, multi, sizeof multi - 1)); /* which a caller could not add */
    ck_assert_uint_eq(vouch_batch_count(b), 1000);
    ck_assert_uint_eq(b->size, 1000 * (sizeof multi - 1));
    struct batch_words w = batch_words(b, 999);
    ck_assert(w.count == 1 && w.name_size == 5 && memcmp(w.name, "MULTI", 5) == 0);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 1000);
}
END_TEST

START_TEST(a_batch_is_appended_to_another)
{
    vouch_batch *more = vouch_batch_new(), *none = vouch_batch_new();
    vouch_batch_add(b, "SET", "a", 1);
    for (int i = 0; i < 500; i++)
        vouch_batch_add(more, "BLPOP", "k", i);
    ck_assert(batch_append(b, none));
    ck_assert(vouch_batch_count(b) == 1 && !b->blocking);
    ck_assert(batch_append(b, more) && batch_append(b, more));
    ck_assert_uint_eq(vouch_batch_count(b), 1001);
    ck_assert(b->blocking);
    for (size_t i = 0; i < 1000; i++) {
        const char *argv[3];
        size_t lengths[3];
        char number[8];
        ck_assert_uint_eq(batch_argv(b, i + 1, argv, lengths, 3), 3);
        (void)snprintf(number, sizeof number, "%zu", i % 500);
        ck_assert(lengths[2] == strlen(number) && memcmp(argv[2], number, lengths[2]) == 0);
    }
    ck_assert(b->size == b->ends[1000]);
    batch_freeze(b);
    ck_assert(!batch_append(b, more));
    batch_thaw(b);
    ck_assert_int_eq(vouch_batch_error(b, NULL), VOUCH_EBUSY);
    ck_assert(!batch_append(b, more)); /* the error stays */
    ck_assert_uint_eq(vouch_batch_count(b), 1001);
    vouch_batch_free(more);
    vouch_batch_free(none);
}
END_TEST

START_TEST(what_is_cut_off_is_forgotten)
{
    for (int i = 0; i < 10; i++)
        vouch_batch_add(b, "GET", i);
    size_t size = b->ends[3];
    batch_cut(b, 4);
    ck_assert(vouch_batch_count(b) == 4 && b->size == size);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 4);
    batch_cut(b, 5);
    ck_assert_uint_eq(vouch_batch_count(b), 5);
    batch_cut(b, 0);
    ck_assert(vouch_batch_count(b) == 0 && b->size == 0);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 0);
    ck_assert(b->size == 14 && memcmp(b->bytes, "*1\r\n$4\r\nPING\r\n", 14) == 0);
}
END_TEST

START_TEST(words_are_read_back)
{
    const char *argv[4] = {NULL, NULL, NULL, NULL};
    size_t lengths[4] = {0};
    vouch_batch_add(b, "PING");
    vouch_batch_add(b, "SET", "", vouch_bytes("a\r\n\0b", 5), 12);
    ck_assert_uint_eq(batch_argv(b, 1, argv, lengths, 4), 4);
    ck_assert(lengths[0] == 3 && memcmp(argv[0], "SET", 3) == 0);
    ck_assert(lengths[1] == 0 && lengths[3] == 2 && memcmp(argv[3], "12", 2) == 0);
    ck_assert(lengths[2] == 5 && memcmp(argv[2], "a\r\n\0b", 5) == 0);
    argv[1] = NULL;
    ck_assert_uint_eq(batch_argv(b, 1, argv, lengths, 1), 4); /* how many there are, of which one */
    ck_assert_ptr_null(argv[1]);
    ck_assert_uint_eq(batch_argv(b, 1, NULL, NULL, 0), 4);
    ck_assert_uint_eq(batch_argv(b, 0, argv, lengths, 4), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch_own");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, encoded_commands_are_put_as_they_are);
    tcase_add_test(c, a_batch_is_appended_to_another);
    tcase_add_test(c, what_is_cut_off_is_forgotten);
    tcase_add_test(c, words_are_read_back);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
