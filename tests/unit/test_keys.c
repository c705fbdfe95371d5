/*
 * command/keys: the keys of a command line are found as servers find them, with what is done to
 * them, and no word that is not there is read.
 */
#include "../live/getkeys_corpus.h"
#include "suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define GETKEYS_DISAGREES(servers, result, words, keys, theirs, their_keys, reason) \
    {servers, result, words, keys},
/* clang-format on */

/* As servers answer COMMAND GETKEYS, or, where they are wrong, as they should. */
static const struct line corpus[] = {
#include "../live/getkeys_corpus.inc"
};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* A command line in memory of its own, so that a sanitizer sees a read beyond a word or the list. */
struct copy {
    size_t argc;
    char **argv;
    size_t *argvlen;
    const struct command *command;
};

static struct copy copy_of(const char *const *words)
{
    struct copy copy = {.argc = 0};
    while (words[copy.argc] != NULL)
        copy.argc++;
    ck_assert_uint_gt(copy.argc, 0);
    copy.argv = malloc(copy.argc * sizeof *copy.argv);
    copy.argvlen = malloc(copy.argc * sizeof *copy.argvlen);
    ck_assert(copy.argv != NULL && copy.argvlen != NULL);
    for (size_t i = 0; i < copy.argc; i++) {
        copy.argvlen[i] = strlen(words[i]);
        copy.argv[i] = malloc(copy.argvlen[i] > 0 ? copy.argvlen[i] : 1);
        ck_assert_ptr_nonnull(copy.argv[i]);
        memcpy(copy.argv[i], words[i], copy.argvlen[i]);
    }
    const char *sub = copy.argc > 1 ? copy.argv[1] : NULL;
    copy.command =
        command_find(copy.argv[0], copy.argvlen[0], sub, copy.argc > 1 ? copy.argvlen[1] : 0);
    return copy;
}

static void free_copy(struct copy *copy)
{
    for (size_t i = 0; i < copy->argc; i++)
        free(copy->argv[i]);
    free(copy->argv);
    free(copy->argvlen);
}

static enum keys_result keys_of(const struct copy *copy, struct key_position *out, size_t max,
                                size_t *count)
{
    return command_keys(copy->command, copy->argc, (const char *const *)copy->argv, copy->argvlen,
                        out, max, count);
}

START_TEST(keys_are_those_servers_list)
{
    const struct line *line = &corpus[_i];
    struct copy copy = copy_of(line->words);
    ck_assert_ptr_nonnull(copy.command);
    ck_assert_uint_eq(line->servers & ~(unsigned)copy.command->servers, 0);
    struct key_position found[WORDS_MAX];
    size_t count;
    enum keys_result result = keys_of(&copy, found, WORDS_MAX, &count);

    size_t keys = 0;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_gt(found[i].index, 0);
        ck_assert_uint_lt(found[i].index, copy.argc);
        if (found[i].access == KEY_CHANNEL)
            continue;
        ck_assert_ptr_nonnull(line->keys[keys]);
        ck_assert_str_eq(line->words[found[i].index], line->keys[keys]);
        keys++;
    }
    ck_assert_ptr_null(line->keys[keys]);
    ck_assert_int_eq(result == KEYS_OK && keys == 0 ? KEYS_NONE : result, line->result);
    free_copy(&copy);
}
END_TEST

START_TEST(the_first_key_is_the_first_of_all)
{
    struct copy copy = copy_of(corpus[_i].words);
    struct key_position found[1] = {{.index = 0}};
    size_t count, first = 99;
    enum keys_result all = keys_of(&copy, found, 1, &count);
    enum keys_result one = command_first_key(copy.command, copy.argc,
                                             (const char *const *)copy.argv, copy.argvlen, &first);
    if (all == KEYS_OK) {
        ck_assert_int_eq(one, KEYS_OK);
        ck_assert_uint_eq(first, found[0].index);
    } else if (all == KEYS_NONE) {
        ck_assert_int_eq(one, KEYS_NONE);
    } else {
        ck_assert(one != KEYS_OK || first < copy.argc);
    }
    free_copy(&copy);
}
END_TEST

START_TEST(the_corpus_is_large_enough)
{
    ck_assert_int_ge(COUNT(corpus), 150);
}
END_TEST

/* What is done to the keys: each letter is one position. r, w, b(oth), c(hannel). */
static const struct {
    const char *words[WORDS_MAX];
    const char *access;
    size_t index[KEYS_MAX];
} accesses[] = {
    {WORDS("GET", "k"), "r", {1}},
    {WORDS("DEL", "a", "b"), "ww", {1, 2}},
    {WORDS("MSET", "a", "1", "b", "2"), "ww", {1, 3}},
    {WORDS("INCR", "k"), "b", {1}},
    {WORDS("ZUNIONSTORE", "d", "2", "a", "b"), "wrr", {1, 3, 4}},
    {WORDS("COPY", "a", "b"), "rw", {1, 2}},
    {WORDS("EVAL", "s", "2", "a", "b", "c"), "bb", {3, 4}},
    {WORDS("EVAL_RO", "s", "1", "a"), "r", {3}},
    {WORDS("SORT", "k", "STORE", "d"), "rw", {1, 3}},
    {WORDS("SORT", "k", "LIMIT", "0", "store", "STORE", "d"), "rw", {1, 6}},
    {WORDS("GEORADIUS", "k", "1", "2", "3", "km", "STOREDIST", "d"), "rw", {1, 7}},
    {WORDS("MIGRATE", "h", "1", "", "0", "9", "KEYS", "a", "b"), "bb", {7, 8}},
    {WORDS("OBJECT", "ENCODING", "k"), "r", {2}},
    {WORDS("XGROUP", "CREATE", "k", "g", "0"), "b", {2}},
    {WORDS("XREAD", "STREAMS", "a", "b", "0", "0"), "rr", {2, 3}},
    {WORDS("SPUBLISH", "ch", "m"), "c", {1}},
    {WORDS("CLUSTERSCAN", "0"), "c", {1}},
};

START_TEST(each_key_says_what_is_done_to_it)
{
    struct copy copy = copy_of(accesses[_i].words);
    struct key_position found[WORDS_MAX];
    size_t count;
    ck_assert_int_eq(keys_of(&copy, found, WORDS_MAX, &count), KEYS_OK);
    ck_assert_uint_eq(count, strlen(accesses[_i].access));
    for (size_t i = 0; i < count; i++) {
        char letter = accesses[_i].access[i];
        unsigned access = letter == 'r'   ? KEY_READ
                          : letter == 'w' ? KEY_WRITE
                          : letter == 'b' ? KEY_READ | KEY_WRITE
                                          : KEY_CHANNEL;
        ck_assert_uint_eq(found[i].index, accesses[_i].index[i]);
        ck_assert_uint_eq(found[i].access, access);
    }
    free_copy(&copy);
}
END_TEST

START_TEST(no_more_positions_are_written_than_there_is_room_for)
{
    const char *words[] = WORDS("DEL", "a", "b", "c");
    struct copy copy = copy_of(words);
    for (size_t max = 0; max <= 3; max++) {
        struct key_position *found = malloc(max > 0 ? max * sizeof *found : 1);
        size_t count;
        ck_assert_int_eq(keys_of(&copy, max > 0 ? found : NULL, max, &count), KEYS_OK);
        ck_assert_uint_eq(count, 3);
        for (size_t i = 0; i < max; i++)
            ck_assert_uint_eq(found[i].index, i + 1);
        free(found);
    }
    free_copy(&copy);
}
END_TEST

/* What only a server knows. */
static const char *const unknown[][4] = {
    {"NOSUCH", "k", NULL},
    {"FT.SEARCH", "i", "q", NULL},
    {"CLIENT", "NOSUCH", "x", NULL},
    {"XGROUP", "NOSUCH", "k", NULL},
};

START_TEST(what_the_table_lacks_is_unknown)
{
    struct copy copy = copy_of(unknown[_i]);
    size_t count = 99, first;
    ck_assert_int_eq(keys_of(&copy, NULL, 0, &count), KEYS_UNKNOWN);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(command_first_key(copy.command, copy.argc, (const char *const *)copy.argv,
                                       copy.argvlen, &first),
                     KEYS_UNKNOWN);
    free_copy(&copy);
}
END_TEST

START_TEST(a_container_alone_tells_no_keys)
{
    const char *words[] = WORDS("OBJECT", "ENCODING", "k");
    struct copy copy = copy_of(words);
    copy.command = command_find("OBJECT", 6, NULL, 0);
    size_t count;
    ck_assert_int_eq(keys_of(&copy, NULL, 0, &count), KEYS_UNKNOWN);
    free_copy(&copy);
    const char *alone[] = WORDS("COMMAND");
    copy = copy_of(alone);
    ck_assert_int_eq(keys_of(&copy, NULL, 0, &count), KEYS_NONE);
    free_copy(&copy);
}
END_TEST

/* Every command with every number of words, all of them alike: nothing is read that is not there. */
static void try_lines_of(const struct command *command, const char *word)
{
    const char *words[WORDS_MAX] = {NULL};
    for (size_t argc = 1; argc < WORDS_MAX; argc++) {
        words[argc - 1] = argc == 1 ? command->name : word;
        struct copy copy = copy_of(words);
        copy.command = command;
        struct key_position found[WORDS_MAX];
        size_t count;
        enum keys_result result = keys_of(&copy, found, WORDS_MAX, &count);
        ck_assert_uint_le(count, argc);
        ck_assert_int_eq(result == KEYS_OK, count > 0);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_gt(found[i].index, 0);
            ck_assert_uint_lt(found[i].index, argc);
        }
        free_copy(&copy);
    }
}

START_TEST(no_line_of_any_command_leads_beyond_its_words)
{
    static const char *const all[] = {
        "",        "0",  "1",     "2",         "3",     "16",  "4294967296", "18446744073709551615",
        "-1",      "x",  "STORE", "STOREDIST", "LIMIT", "GET", "KEYS",       "AUTH2",
        "STREAMS", "BY", "AUTH",  "COUNT"};
    size_t commands = 0;
    for (; command_at(commands) != NULL; commands++)
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            try_lines_of(command_at(commands), all[i]);
    ck_assert_uint_gt(commands, 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *lines = tcase_create("lines");
    tcase_add_loop_test(lines, keys_are_those_servers_list, 0, COUNT(corpus));
    tcase_add_loop_test(lines, the_first_key_is_the_first_of_all, 0, COUNT(corpus));
    tcase_add_test(lines, the_corpus_is_large_enough);
    tcase_add_loop_test(lines, each_key_says_what_is_done_to_it, 0, COUNT(accesses));
    suite_add_tcase(suite, lines);

    TCase *limits = tcase_create("limits");
    tcase_set_timeout(limits, 60);
    tcase_add_test(limits, no_more_positions_are_written_than_there_is_room_for);
    tcase_add_loop_test(limits, what_the_table_lacks_is_unknown, 0, COUNT(unknown));
    tcase_add_test(limits, a_container_alone_tells_no_keys);
    tcase_add_test(limits, no_line_of_any_command_leads_beyond_its_words);
    suite_add_tcase(suite, limits);

    return suite_run(suite, CK_FORK_GETENV);
}
