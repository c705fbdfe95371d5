/* How the answers of the commit and of an opening are read, and what is none; and the words of the latter. */
#include "command/reply.h"
#include "stream/commit.h"
#include "suite.h"

#include <string.h>

static vouch_string text_of(const char *s)
{
    return (vouch_string){s, strlen(s)};
}

/* An array of at most five: what begins with ':' is an integer, "" a string, NULL the end. */
static const vouch_reply *array(const char *const *items)
{
    static struct vouch_reply elements[6], all;
    size_t n = 0;
    for (; items[n]; n++) {
        const char *s = items[n];
        if (*s == ':')
            elements[n] = (struct vouch_reply){
                .type = VOUCH_TYPE_INTEGER, .as.integer = s[1] == '-' ? -(s[2] - '0') : s[1] - '0'};
        else
            elements[n] = (struct vouch_reply){
                .type = VOUCH_TYPE_STRING, .n = (uint32_t)strlen(s), .as.text = s};
    }
    all = (struct vouch_reply){.type = VOUCH_TYPE_ARRAY, .n = (uint32_t)n, .as.elements = elements};
    return &all;
}

#define ITEMS(...) array((const char *const[]){__VA_ARGS__, NULL})

START_TEST(verdicts_are_read)
{
    struct commit_answer a;
    ck_assert(commit_answer_read(ITEMS("done", "dfgsxXb", ""), 7, &a));
    ck_assert_int_eq(a.verdict, COMMIT_DONE);
    ck_assert(!a.doubted);
    ck_assert_int_eq(a.letters.data[5], COMMIT_ENTRY_UNBURIED);
    ck_assert_int_eq(a.letters.data[6], COMMIT_ENTRY_BURIED);
    ck_assert(commit_answer_read(ITEMS("again", "nf", "?"), 2, &a));
    ck_assert(a.doubted);
    ck_assert_int_eq(a.verdict, COMMIT_AGAIN);
    ck_assert(commit_answer_read(ITEMS("stale", "12"), 2, &a));
    ck_assert(a.verdict == COMMIT_STALE && a.sequence == 12);
    ck_assert(commit_answer_read(ITEMS("reset", ""), 2, &a));
    ck_assert(a.verdict == COMMIT_RESET && a.generation.size == 0);
    ck_assert(commit_answer_read(ITEMS("type", ":1", ":7", "hash"), 2, &a));
    ck_assert(a.verdict == COMMIT_TYPE && a.entry == 1 && a.effect == 7 && a.type.size == 4);
    ck_assert(commit_answer_read(ITEMS("type", ":-1", ":-1", "list"), 2, &a));
    ck_assert_int_eq(a.entry, -1);
}
END_TEST

START_TEST(what_is_no_verdict_is_refused)
{
    static const char *const bad[][6] = {{"done", "d", ""},
                                         {"done", "ddd", ""},
                                         {"done", "dD", ""},
                                         {"done", "d ", ""},
                                         {"done", "dn", ""},
                                         {"done", "nx", ""},
                                         {"done", "bn", ""},
                                         {"done", ":2", ""},
                                         {"done", "dd"},
                                         {"done", "dd", "d"},
                                         {"done", "dd", "??"},
                                         {"done", "dd", ":1"},
                                         {"done", "dd", "", ""},

                                         {"done"},
                                         {"Done", "dd", ""},
                                         {"don", "dd", ""},
                                         {"", "dd", ""},
                                         {":1", "dd", ""},
                                         {"stale", "x"},
                                         {"stale", ":0"},
                                         {"reset", ":1"},
                                         {"reset"},
                                         {"type", ":2", ":0", "hash"},
                                         {"type", ":0", ":-1", "hash"},
                                         {"type", ":-1", ":0", "hash"},
                                         {"type", ":-2", ":0", "hash"},
                                         {"type", ":0", ":0", ""},
                                         {"type", ":0", ":0", ":1"},
                                         {"type", ":0", ":0"},
                                         {"type", ":0", ":0", "hash", "hash"}};
    struct commit_answer a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&a, 1, sizeof a);
        ck_assert_msg(!commit_answer_read(array(bad[i]), 2, &a), "case %zu", i);
        ck_assert(!a.letters.data && !a.generation.data && !a.type.data && !a.sequence);
    }
    struct vouch_reply e = {.type = VOUCH_TYPE_ERROR, .n = 4, .as.text = "done"};
    ck_assert(!commit_answer_read(&e, 2, &a));
    ck_assert(!commit_answer_read(NULL, 2, &a));
}
END_TEST

START_TEST(openings_are_read)
{
    static const char *const words[] = {"created", "there", "adopted", "rebuilt", "anew"};
    struct open_answer a;
    for (int i = 0; i < 5; i++) {
        ck_assert(open_answer_read(ITEMS(words[i], "G", "5-0", ":9", "7-1"), &a));
        ck_assert_int_eq((int)a.verdict, i);
        ck_assert_int_eq(a.handed_out, 9);
    }
    ck_assert(open_answer_read(ITEMS("there", "G", "0-0", ":0", ""), &a));
    ck_assert_uint_eq(a.next.size, 0);
}
END_TEST

START_TEST(what_is_no_opening_is_refused)
{
    static const char *const bad[][7] = {
        {"gone", "G", "5-0", ":9", ""},   {"there", "", "5-0", ":9", ""},
        {"there", "G", "5", ":9", ""},    {"there", "G", "", ":9", ""},
        {"there", "G", "5-0", ":-1", ""}, {"there", "G", "5-0", "x", ""},
        {"there", "G", "5-0", ":9", "x"}, {"there", "G", "5-0", ":9", ":1"},
        {"there", "G", "5-0", ":9"},      {"there", "G", "5-0", ":9", "", ""}};
    struct open_answer a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&a, 1, sizeof a);
        ck_assert_msg(!open_answer_read(array(bad[i]), &a), "case %zu", i);
        ck_assert(!a.generation.data && !a.low.data && !a.next.data && !a.handed_out);
    }
    ck_assert(!open_answer_read(NULL, &a));
}
END_TEST

START_TEST(an_opening_is_seven_words)
{
    vouch_arg keys[OPEN_KEYS], args[OPEN_ARGS];
    struct open_call o = {.stream = text_of("s"),
                          .state = text_of("{s}state"),
                          .group = text_of("g"),
                          .start = text_of("$"),
                          .generation = text_of("G"),
                          .mend = true};
    open_words_make(&o, keys, args);
    ck_assert_int_eq(memcmp(keys[1].as.data, "{s}state", keys[1].size), 0);
    ck_assert_int_eq(memcmp(args[2].as.data, "G", args[2].size), 0);
    ck_assert_str_eq(args[3].as.data, "m");
    ck_assert_uint_eq(args[4].size, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("commit_answer");
    TCase *c = tcase_create("all");
    tcase_add_test(c, an_opening_is_seven_words);
    tcase_add_test(c, verdicts_are_read);
    tcase_add_test(c, what_is_no_verdict_is_refused);
    tcase_add_test(c, openings_are_read);
    tcase_add_test(c, what_is_no_opening_is_refused);
    suite_add_tcase(s, c);
    return suite_run(s, CK_NOFORK);
}
