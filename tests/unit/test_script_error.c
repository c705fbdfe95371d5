/* Errors of scripts taken apart: every shape in which the servers write them, and text that only looks
 * like one. */
#include "command/reply.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/script.h>

#define SHA  "1a0606c289ee965f6cdad18fc0845dc531f3ccc3"
#define NONE NULL

struct shape {
    const char *text, *code, *message, *script;
    int64_t line;
};

static const struct shape shapes[] = {
    /* Raised: Redis 7.0, 8.0, Valkey 8.0, 8.1. */
    {"ERR user_script:1: stack overflow script: " SHA ", on @user_script:1.", "ERR",
     "user_script:1: stack overflow", SHA, 1},
    {"WRONGTYPE Operation against a key script: " SHA ", on @user_script:37.", "WRONGTYPE",
     "Operation against a key", SHA, 37},
    {"ERR nil script: " SHA ", on @user_script:1.", "ERR", "nil", SHA, 1},
    {"5 script: " SHA ", on @user_script:2.", "5", "", SHA, 2},
    {"ONE script: on @user_script:2.", "ONE", "", NONE, 2},
    {"ERR x script: transfer, on @user_function:120.", "ERR", "x", "transfer", 120},
    {"OOM command not allowed when used memory > 'maxmemory'. script: " SHA ", on @user_script:9.",
     "OOM", "command not allowed when used memory > 'maxmemory'.", SHA, 9},
    /* Raised: Valkey 9.1. */
    {"ERR nil script: on @user_script:1.", "ERR", "nil", NONE, 1},
    {"T t script: on @user_script:77.", "T", "t", NONE, 77},
    {"ERR x script: transfer, on @user_function:3.", "ERR", "x", "transfer", 3},
    /* Returned. */
    {"FULL no more than 5", "FULL", "no more than 5", NONE, 0},
    {"ERR ONE", "ERR", "ONE", NONE, 0},
    {"ERR ", "ERR", "", NONE, 0},
    {"", "", "", NONE, 0},
    {" ", "", "", NONE, 0},
    {" x", "", "x", NONE, 0},
    {"A b", "A", "b", NONE, 0},
    {"NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT",
     "No matching script. Please use EVAL.", NONE, 0},
    {"ERR Function not found", "ERR", "Function not found", NONE, 0},
    {"ERR Error compiling script (new function): user_script:1: '=' expected near '<eof>'", "ERR",
     "Error compiling script (new function): user_script:1: '=' expected near '<eof>'", NONE, 0},
    /* Nearly. */
    {"ERR x script: " SHA ", on @user_script:1", "ERR", "x script: " SHA ", on @user_script:1",
     NONE, 0},
    {"ERR x script: " SHA ", on user_script:1.", "ERR", "x script: " SHA ", on user_script:1.",
     NONE, 0},
    {"ERR x script: " SHA ", on @user_script.", "ERR", "x script: " SHA ", on @user_script.", NONE,
     0},
    {"ERR x Script: " SHA ", on @user_script:1.", "ERR", "x Script: " SHA ", on @user_script:1.",
     NONE, 0},
    {"ERR x script: ", "ERR", "x script: ", NONE, 0},
    {"ERR x script: .", "ERR", "x script: .", NONE, 0},
    {"ERR x script: , on @", "ERR", "x script: , on @", NONE, 0},
    {"ERR x script: on @", "ERR", "x script: on @", NONE, 0},
    {"ERR x script: on @.", "ERR", "x script: on @.", NONE, 0},
    {"ERR x script: , on @:.", "ERR", "x", "", 0},
    {"ERR x script: a, on @f:-5.", "ERR", "x", "a", 0},
    {"ERR x script: a, on @f:7x.", "ERR", "x", "a", 7},
    /* A line as long as it likes is no overflow. */
    {"ERR x script: a, on @f:99999999999999999999999999.", "ERR", "x", "a", 9999999999},
    /* The last place counts: the words before it are the author's. */
    {"ERR a script: b, on @user_script:1. script: " SHA ", on @user_script:4.", "ERR",
     "a script: b, on @user_script:1.", SHA, 4},
};

/* A reply with its text behind it, and nothing behind that. */
struct heard {
    struct vouch_reply reply;
    char text[];
};

static struct vouch_reply *reply_of(const char *text, size_t n)
{
    struct heard *h = malloc(sizeof *h + n + 1);
    ck_assert_ptr_nonnull(h);
    memcpy(h->text, text, n);
    h->text[n] = 0;
    h->reply =
        (struct vouch_reply){.type = VOUCH_TYPE_ERROR, .n = (uint32_t)n, .as = {.text = h->text}};
    return &h->reply;
}

static bool is(vouch_string s, const char *text)
{
    return text ? s.data && s.size == strlen(text) && memcmp(s.data, text, s.size) == 0
                : s.size == 0;
}

START_TEST(every_shape_is_taken_apart)
{
    const struct shape *s = &shapes[_i];
    struct vouch_reply *r = reply_of(s->text, strlen(s->text));
    vouch_script_error e;
    ck_assert(vouch_script_error_read(r, &e));
    ck_assert_str_eq(e.code, s->code);
    ck_assert(is(e.words, s->text));
    ck_assert_msg(is(e.message, s->message), "%.*s", (int)e.message.size, e.message.data);
    ck_assert_msg(is(e.script, s->script), "%.*s", (int)e.script.size, e.script.data);
    ck_assert_int_eq(e.line, s->line);
    free(r);
}
END_TEST

START_TEST(what_is_no_error_is_not_touched)
{
    struct vouch_reply status = {.type = VOUCH_TYPE_STATUS, .n = 2, .as = {.text = "OK"}};
    struct vouch_reply *error = reply_of("ERR x", 5);
    vouch_script_error e = {.line = 4711};
    ck_assert(!vouch_script_error_read(NULL, &e));
    ck_assert(!vouch_script_error_read(&status, &e));
    ck_assert_int_eq(e.line, 4711);
    ck_assert(!vouch_script_error_read(error, NULL));
    free(error);
}
END_TEST

START_TEST(a_code_has_a_longest_length)
{
    char text[2 * VOUCH_CODE_MAX];
    for (size_t n = 1; n < sizeof text; n++) {
        memset(text, 'C', n);
        struct vouch_reply *r = reply_of(text, n);
        vouch_script_error e;
        ck_assert(vouch_script_error_read(r, &e));
        ck_assert(n < VOUCH_CODE_MAX ? strlen(e.code) == n : strlen(e.code) < VOUCH_CODE_MAX);
        ck_assert_uint_eq(e.message.size, 0);
        ck_assert_uint_eq(e.words.size, n);
        free(r);
    }
}
END_TEST

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static bool within(vouch_string part, vouch_string whole)
{
    return !part.data ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

/* Pieces of the shapes in any order, cut anywhere, with any byte in between. */
START_TEST(whatever_the_text_the_parts_lie_within_it)
{
    static const char *const pieces[] = {
        " script: ", ", on @", "on @",    ":",     ".", "ERR ",     SHA, "99999",         "\n",
        "\0x",       " ",      "script:", ", on ", "@", "\xff\xfe", "-", "user_script:1."};
    uint64_t state = 1;
    for (int turn = 0; turn < 200000; turn++) {
        char text[512];
        size_t n = 0;
        for (uint64_t k = next(&state) % 9; k; k--) {
            const char *piece = pieces[next(&state) % (sizeof pieces / sizeof *pieces)];
            size_t size = strlen(piece) ? strlen(piece) : 2;
            memcpy(text + n, piece, size);
            n += size;
        }
        n -= n ? next(&state) % n : 0;
        struct vouch_reply *r = reply_of(text, n);
        vouch_script_error e;
        ck_assert(vouch_script_error_read(r, &e));
        ck_assert_uint_eq(e.words.size, n);
        ck_assert(within(e.message, e.words) && within(e.script, e.words) && e.line >= 0);
        free(r);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script error");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, every_shape_is_taken_apart, 0, (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(c, what_is_no_error_is_not_touched);
    tcase_add_test(c, a_code_has_a_longest_length);
    tcase_add_test(c, whatever_the_text_the_parts_lie_within_it);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
