/* Batches: what is encoded, what is refused and how that sticks. */
#include "command/batch.h"
#include "suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
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

static void bytes_are(const char *want)
{
    ck_assert_uint_eq(b->size, strlen(want));
    ck_assert_msg(memcmp(b->bytes, want, b->size) == 0, "%.*s", (int)b->size, b->bytes);
}

static void fails(size_t index, vouch_status status, size_t command, const char *words)
{
    vouch_error e;
    ck_assert_uint_eq(index, VOUCH_NO_COMMAND);
    ck_assert_int_eq(vouch_batch_error(b, &e), status);
    ck_assert_int_eq(e.status, status);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e.command, command);
    ck_assert_msg(strstr(e.message, words), "%s", e.message);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), VOUCH_NO_COMMAND);
    ck_assert_uint_eq(vouch_batch_count(b), command);
}

START_TEST(every_kind_of_argument_is_encoded)
{
    signed char sc = -1;
    unsigned char uc = 255;
    short s = -32768;
    unsigned long long ull = UINT64_MAX;
    long long ll = INT64_MIN;
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 0);
    ck_assert_uint_eq(vouch_batch_add(b, "SET", "k", vouch_bytes("a\0b", 3)), 1);
    ck_assert_uint_eq(vouch_batch_add(b, "X", sc, uc, s, 7, 8U, 9L, ll, ull), 2);
    ck_assert_uint_eq(vouch_batch_add(b, "Y", 1.5, 0.5f, 0.1, -0.0, (double)INFINITY), 3);
    ck_assert_uint_eq(vouch_batch_add(b, "Z", "", vouch_bytes(NULL, 0)), 4);
    static const char want[] =
        "*1\r\n$4\r\nPING\r\n"
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\0b\r\n"
        "*9\r\n$1\r\nX\r\n$2\r\n-1\r\n$3\r\n255\r\n$6\r\n-32768\r\n$1\r\n7\r\n"
        "$1\r\n8\r\n$1\r\n9\r\n$20\r\n-9223372036854775808\r\n"
        "$20\r\n18446744073709551615\r\n"
        "*6\r\n$1\r\nY\r\n$3\r\n1.5\r\n$3\r\n0.5\r\n$3\r\n0.1\r\n$2\r\n-0\r\n"
        "$3\r\ninf\r\n"
        "*3\r\n$1\r\nZ\r\n$0\r\n\r\n$0\r\n\r\n";
    ck_assert_uint_eq(b->size, sizeof want - 1);
    ck_assert(memcmp(b->bytes, want, b->size) == 0);
    ck_assert_uint_eq(vouch_batch_count(b), 5);
    ck_assert_int_eq(vouch_batch_error(b, NULL), VOUCH_OK);
}
END_TEST

START_TEST(arrays_and_pieces_give_the_same_bytes)
{
    const char *words[] = {"SET", "key", "value"};
    size_t lengths[] = {3, 2, 4};
    ck_assert_uint_eq(vouch_batch_argv(b, 3, words, lengths), 0);
    ck_assert_uint_eq(vouch_batch_argv(b, 3, words, NULL), 1);
    vouch_batch_begin(b, "SET");
    vouch_batch_arg(b, "key");
    vouch_batch_arg(b, 12);
    ck_assert_uint_eq(vouch_batch_end(b), 2);
    bytes_are("*3\r\n$3\r\nSET\r\n$2\r\nke\r\n$4\r\nvalu\r\n"
              "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"
              "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$2\r\n12\r\n");
}
END_TEST

START_TEST(thirty_two_arguments_fit_the_macro)
{
    size_t index = vouch_batch_add(b, "DEL", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                                   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    ck_assert(index == 0);
    ck_assert_uint_eq(batch_words(b, 0).count, 32);
}
END_TEST

START_TEST(the_first_error_sticks)
{
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 0);
    fails(vouch_batch_add(b, "MULTI"), VOUCH_EINVAL, 1, "MULTI");
    fails(vouch_batch_add(b, "AUTH", "x"), VOUCH_EINVAL, 1, "MULTI");
    bytes_are("*1\r\n$4\r\nPING\r\n");
    vouch_batch_clear(b);
    ck_assert_int_eq(vouch_batch_error(b, NULL), VOUCH_OK);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 0);
}
END_TEST

static const char *const forbidden[] = {
    "AUTH",         "HELLO",        "SELECT",     "MULTI",      "EXEC",         "DISCARD",
    "WATCH",        "UNWATCH",      "SUBSCRIBE",  "PSUBSCRIBE", "SSUBSCRIBE",   "UNSUBSCRIBE",
    "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR",    "RESET",      "QUIT",         "SYNC",
    "PSYNC",        "READONLY",     "READWRITE",  "ASKING",     "CLIENT REPLY", "CLIENT TRACKING",
    "CLIENT KILL",  "mUlTi",        "client kILL"};

START_TEST(what_changes_the_connection_is_refused_by_name)
{
    const char *name = forbidden[_i], *space = strchr(name, ' ');
    const char *words[] = {name, space ? space + 1 : "x", "y"};
    size_t lengths[] = {space ? (size_t)(space - name) : strlen(name), strlen(words[1]), 1};
    size_t index = vouch_batch_argv(b, 3, words, lengths);
    char upper[32];
    for (size_t i = 0; i <= strlen(name); i++)
        upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
    fails(index, VOUCH_EINVAL, 0, upper);
    vouch_batch_clear(b);
    vouch_batch_begin(b, space ? "CLIENT" : name);
    if (space)
        vouch_batch_arg(b, space + 1);
    fails(vouch_batch_end(b), VOUCH_EINVAL, 0, upper);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    const char *words[] = {"SET", NULL};
    fails(vouch_batch_argv(b, 2, words, NULL), VOUCH_EINVAL, 0, "NULL");
    vouch_batch_clear(b);
    fails(vouch_batch_argv(b, 0, words, NULL), VOUCH_EINVAL, 0, "no words");
    vouch_batch_clear(b);
    fails(vouch_batch_argv(b, 1, NULL, NULL), VOUCH_EINVAL, 0, "no words");
    vouch_batch_clear(b);
    fails(vouch_batch_addv(b, (vouch_args){NULL, 0}), VOUCH_EINVAL, 0, "no words");
    vouch_batch_clear(b);
    fails(vouch_batch_add(b, "SET", vouch_text(NULL)), VOUCH_EINVAL, 0, "NULL");
    vouch_batch_clear(b);
    vouch_arg unknown = {0};
    fails(vouch_batch_add(b, "SET", unknown), VOUCH_EINVAL, 0, "no known kind");
    vouch_batch_clear(b);
    fails(vouch_batch_add(b, ""), VOUCH_EINVAL, 0, "empty");
}
END_TEST

START_TEST(pieces_in_the_wrong_order_are_refused)
{
    vouch_batch_arg(b, "x");
    fails(VOUCH_NO_COMMAND, VOUCH_EINVAL, 0, "without vouch_batch_begin");
    vouch_batch_clear(b);
    fails(vouch_batch_end(b), VOUCH_EINVAL, 0, "without vouch_batch_begin");
    vouch_batch_clear(b);
    vouch_batch_begin(b, "SET");
    fails(vouch_batch_add(b, "PING"), VOUCH_EINVAL, 0, "never ended");
    vouch_batch_clear(b);
    vouch_batch_begin(b, "SET");
    vouch_batch_begin(b, "SET");
    fails(vouch_batch_end(b), VOUCH_EINVAL, 0, "never ended");
    vouch_batch_clear(b);
    vouch_batch_begin(b, "SET");
    vouch_batch_clear(b);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 0);
}
END_TEST

START_TEST(the_number_of_arguments_is_limited)
{
    size_t n = VOUCH_BATCH_MAX_ARGUMENTS;
    const char **words = malloc((n + 1) * sizeof *words);
    ck_assert_ptr_nonnull(words);
    for (size_t i = 0; i <= n; i++)
        words[i] = "DEL";
    ck_assert_uint_eq(vouch_batch_argv(b, n, words, NULL), 0);
    fails(vouch_batch_argv(b, n + 1, words, NULL), VOUCH_ELIMIT, 1, "VOUCH_BATCH_MAX_ARGUMENTS");
    free(words);
    vouch_batch_clear(b);
    vouch_batch_begin(b, "DEL");
    for (size_t i = 1; i < n; i++)
        vouch_batch_arg(b, "k");
    ck_assert_uint_eq(vouch_batch_end(b), 0);
    vouch_batch_begin(b, "DEL");
    for (size_t i = 0; i < n; i++)
        vouch_batch_arg(b, "k");
    fails(vouch_batch_end(b), VOUCH_ELIMIT, 1, "VOUCH_BATCH_MAX_ARGUMENTS");
}
END_TEST

START_TEST(the_size_of_an_argument_is_limited)
{
    const char *words[] = {"SET", "k"};
    size_t lengths[] = {3, VOUCH_ARGUMENT_MAX_BYTES + 1}; /* refused before it is looked at */
    fails(vouch_batch_argv(b, 2, words, lengths), VOUCH_ELIMIT, 0, "VOUCH_ARGUMENT_MAX_BYTES");
    vouch_batch_clear(b);
    fails(vouch_batch_add(b, "SET", vouch_bytes("k", VOUCH_ARGUMENT_MAX_BYTES + 1)), VOUCH_ELIMIT,
          0, "VOUCH_ARGUMENT_MAX_BYTES");
    vouch_batch_clear(b);
    char *large = calloc(1, VOUCH_ARGUMENT_MAX_BYTES);
    ck_assert_ptr_nonnull(large);
    ck_assert_uint_eq(vouch_batch_add(b, "SET", "k", vouch_bytes(large, VOUCH_ARGUMENT_MAX_BYTES)),
                      0);
    free(large);
}
END_TEST

/* The commands themselves would fill a gigabyte: the count is set, and memory for the ends there. */
START_TEST(the_number_of_commands_is_limited)
{
    b->ends = calloc(VOUCH_BATCH_MAX_COMMANDS + 1, sizeof *b->ends);
    ck_assert_ptr_nonnull(b->ends);
    b->ends_capacity = VOUCH_BATCH_MAX_COMMANDS + 1;
    b->count = VOUCH_BATCH_MAX_COMMANDS - 1;
    ck_assert(vouch_batch_add(b, "PING") == VOUCH_BATCH_MAX_COMMANDS - 1);
    fails(vouch_batch_add(b, "PING"), VOUCH_ELIMIT, VOUCH_BATCH_MAX_COMMANDS,
          "VOUCH_BATCH_MAX_COMMANDS");
}
END_TEST

START_TEST(a_frozen_batch_does_not_change)
{
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 0);
    batch_freeze(b);
    batch_freeze(b);
    vouch_batch_clear(b);
    ck_assert_uint_eq(vouch_batch_count(b), 1);
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), VOUCH_NO_COMMAND);
    ck_assert_int_eq(vouch_batch_error(b, NULL), VOUCH_EBUSY);
    batch_thaw(b);
    vouch_batch_clear(b);
    ck_assert_uint_eq(vouch_batch_count(b), 1);
    batch_thaw(b);
    vouch_batch_clear(b);
    ck_assert_uint_eq(vouch_batch_count(b), 0);
    /* Freed while an operation runs it, it lives as long as that. */
    ck_assert_uint_eq(vouch_batch_add(b, "PING"), 0);
    batch_freeze(b);
    vouch_batch_free(b);
    ck_assert_uint_eq(vouch_batch_count(b), 1);
    batch_thaw(b);
    b = NULL;
}
END_TEST

START_TEST(words_and_keys_are_read_back)
{
    const char *key;
    size_t size;
    vouch_batch_add(b, "GET", "one");
    vouch_batch_add(b, "EVALSHA", "sha", 2, "two", "three", "x");
    vouch_batch_add(b, "OBJECT", "encoding", "four");
    vouch_batch_add(b, "PING");
    ck_assert(batch_first_key(b, 0, &key, &size) && size == 3 && !memcmp(key, "one", 3));
    ck_assert(batch_first_key(b, 1, &key, &size) && size == 3 && !memcmp(key, "two", 3));
    ck_assert(batch_first_key(b, 2, &key, &size) && size == 4 && !memcmp(key, "four", 4));
    ck_assert(!batch_first_key(b, 3, &key, &size));
    ck_assert_str_eq(batch_command(b, 2)->name, "OBJECT ENCODING");
    struct batch_words w = batch_words(b, 2);
    ck_assert(w.count == 3 && w.sub_size == 8 && !memcmp(w.sub, "encoding", 8));
}
END_TEST

START_TEST(needs_belong_to_their_commands)
{
    static const struct need need = {.digest = 1, .load = "x", .load_size = 1, .name = "y"};
    ck_assert(!batch_set_need(b, &need));
    for (int i = 0; i < 100; i++) {
        vouch_batch_add(b, "PING");
        if (i % 7 == 3)
            ck_assert(batch_set_need(b, &need));
    }
    for (size_t i = 0; i < 100; i++)
        ck_assert(batch_need(b, i) == (i % 7 == 3 ? &need : NULL));
    vouch_batch_clear(b);
    for (int i = 0; i < 200; i++)
        vouch_batch_add(b, "PING");
    for (size_t i = 0; i < 200; i++)
        ck_assert_ptr_null(batch_need(b, i));
}
END_TEST

START_TEST(commands_that_wait_are_noted)
{
    vouch_batch_add(b, "GET", "k");
    ck_assert(!b->blocking);
    vouch_batch_add(b, "BLPOP", "k", 0);
    ck_assert(b->blocking);
    vouch_batch_clear(b);
    ck_assert(!b->blocking);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, every_kind_of_argument_is_encoded);
    tcase_add_test(c, arrays_and_pieces_give_the_same_bytes);
    tcase_add_test(c, thirty_two_arguments_fit_the_macro);
    tcase_add_test(c, the_first_error_sticks);
    tcase_add_loop_test(c, what_changes_the_connection_is_refused_by_name, 0,
                        (int)(sizeof forbidden / sizeof *forbidden));
    tcase_add_test(c, bad_arguments_are_refused);
    tcase_add_test(c, pieces_in_the_wrong_order_are_refused);
    tcase_add_test(c, the_number_of_arguments_is_limited);
    tcase_add_test(c, the_size_of_an_argument_is_limited);
    tcase_add_test(c, the_number_of_commands_is_limited);
    tcase_add_test(c, a_frozen_batch_does_not_change);
    tcase_add_test(c, words_and_keys_are_read_back);
    tcase_add_test(c, needs_belong_to_their_commands);
    tcase_add_test(c, commands_that_wait_are_noted);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
