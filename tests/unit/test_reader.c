/* The parser of replies: limits on both sides, what is drained, what is skipped, what is refused. */
#include "net/reader.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct reader r;
static struct arena arena;

static void setup(void)
{
    memset(&r, 0, sizeof r);
    memset(&arena, 0, sizeof arena);
    r.limits = (struct reader_limits){20, 10, 3};
}

static void teardown(void)
{
    reader_reset(&r);
    arena_free(&arena);
}

/* Feeds text in pieces; returns the event at its end, which must come exactly there. */
static enum reader_event feed(const char *text, size_t n, size_t piece)
{
    enum reader_event event = READER_MORE;
    size_t at = 0;
    while (at < n && event == READER_MORE) {
        size_t used = 0, have = n - at < piece ? n - at : piece;
        event = reader_read(&r, &arena, text + at, have, &used);
        ck_assert_uint_le(used, have);
        at += used;
    }
    ck_assert_msg(event == READER_BAD || at == n, "ended at %zu of %zu", at, n);
    return event;
}

struct outcome {
    const char *text;
    enum reader_fate fate;
};

static const struct outcome outcomes[] = {
    {"+OK\r\n", READER_KEPT},
    {"+\r\n", READER_KEPT},
    {"$20\r\n01234567890123456789\r\n", READER_KEPT},
    {"$21\r\n012345678901234567890\r\n", READER_TOO_LARGE},
    {"+01234567890123456789\r\n", READER_KEPT},
    {"+012345678901234567890\r\n", READER_TOO_LARGE},
    /* the limit holds for the whole reply */
    {"*2\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n", READER_KEPT},
    {"*2\r\n$10\r\n0123456789\r\n$11\r\n01234567890\r\n", READER_TOO_LARGE},
    {"*3\r\n$11\r\n01234567890\r\n*2\r\n$10\r\n0123456789\r\n:1\r\n:2\r\n", READER_TOO_LARGE},
    {"*10\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", READER_KEPT},
    {"*11\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", READER_TOO_LARGE},
    {"*2\r\n*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n", READER_KEPT},
    {"*2\r\n*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", READER_TOO_LARGE},
    {"%5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", READER_KEPT},
    {"*1\r\n*1\r\n*1\r\n:1\r\n", READER_KEPT},
    {"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", READER_TOO_LARGE},
    {"*1\r\n*1\r\n*1\r\n*0\r\n", READER_TOO_LARGE},
    {"*2\r\n*1\r\n*1\r\n*1\r\n$3\r\nabc\r\n$2\r\nxy\r\n", READER_TOO_LARGE},
    /* an error is always kept: it says whether the command was executed */
    {"-ERR 0123456789012345678901234567890123456789\r\n", READER_KEPT},
    {"!30\r\nERR 01234567890123456789012345\r\n", READER_KEPT},
    /* attributes and pushes are not there */
    {"|1\r\n+ttl\r\n:3\r\n:7\r\n", READER_KEPT},
    {"*2\r\n|2\r\n+a\r\n*2\r\n:1\r\n:2\r\n+b\r\n+c\r\n:7\r\n:8\r\n", READER_KEPT},
    {">2\r\n+message\r\n*2\r\n$30\r\n012345678901234567890123456789\r\n:1\r\n:7\r\n", READER_KEPT},
    {">0\r\n+OK\r\n", READER_KEPT},
    {"|0\r\n+OK\r\n", READER_KEPT},
    {"*12\r\n|1\r\n+a\r\n+b\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:"
     "1\r\n",
     READER_TOO_LARGE},
    /* every way to say nothing */
    {"$-1\r\n", READER_KEPT},
    {"*-1\r\n", READER_KEPT},
    {"_\r\n", READER_KEPT},
    {"*0\r\n", READER_KEPT},
    {"%0\r\n", READER_KEPT},
    {"~0\r\n", READER_KEPT},
    {"$0\r\n\r\n", READER_KEPT},
    {"=7\r\ntxt:abc\r\n", READER_KEPT},
    {"#t\r\n", READER_KEPT},
    {",-1.5e3\r\n", READER_KEPT},
    {",inf\r\n", READER_KEPT},
    {"(-1234567890123456789\r\n", READER_KEPT},
    {":9223372036854775807\r\n", READER_KEPT},
    {":-9223372036854775808\r\n", READER_KEPT},
};

START_TEST(replies_are_kept_or_drained_whatever_the_pieces)
{
    const struct outcome *o = &outcomes[_i];
    size_t n = strlen(o->text);
    for (size_t piece = 1; piece <= n; piece++) {
        int64_t number = 0;
        ck_assert_msg(feed(o->text, n, piece) == READER_REPLY, "%s in pieces of %zu: %s", o->text,
                      piece, r.fault);
        ck_assert_msg(r.fate == o->fate, "%s: fate %d", o->text, (int)r.fate);
        ck_assert((r.reply != NULL) == (o->fate == READER_KEPT));
        ck_assert(!reader_is_inside(&r));
        /* The neighbour is unharmed. */
        ck_assert_int_eq(feed(":42\r\n", 5, piece), READER_REPLY);
        ck_assert(vouch_reply_int64(r.reply, &number) && number == 42);
    }
}
END_TEST

static const char *const refused[] = {
    "HTTP/1.1 400 Bad Request\r\n",
    "SSH-2.0-OpenSSH\r\n",
    "\r\n",
    "\0",
    "$abc\r\n",
    "$-2\r\n",
    "*-2\r\n",
    "%-1\r\n",
    "$?\r\n",
    "*?\r\n",
    "$\r\n",
    ":\r\n",
    ":1x\r\n",
    ":99999999999999999999\r\n",
    "$9223372036854775807\r\n",
    "*1099511627776\r\n",
    "%4294967297\r\n",
    "*2\r\n:1\r\n>1\r\n",
    "*11\r\n>1\r\n",
    "|1\r\n+a\r\n+b\r\n>1\r\n",
    "|1\r\n+a\r\n>1\r\n",
    ">1\r\n>1\r\n",
    "$3\r\nabcd\r\n",
    "$3\r\nabc\rx",
    "+OK\n",
    ",x\r\n",
    ",1,5\r\n",
    "(12x\r\n",
    "(-\r\n",
    "_x\r\n",
    "#x\r\n",
    "#\r\n",
    "=3\r\ntxt\r\n",
    "*1\r\n>1\r\n+x\r\n:1\r\n",
    "!65537\r\n",
};

START_TEST(what_no_server_sends_is_refused)
{
    const char *text = refused[_i];
    size_t n = *text ? strlen(text) : 1;
    for (size_t piece = 1; piece <= n; piece++) {
        setup();
        ck_assert_msg(feed(text, n, piece) == READER_BAD, "%s in pieces of %zu", text, piece);
        ck_assert_ptr_nonnull(r.fault);
        teardown();
    }
    setup();
}
END_TEST

START_TEST(a_line_has_a_longest_length)
{
    char *line = malloc(READER_LINE_MAX + 2);
    ck_assert_ptr_nonnull(line);
    memset(line, 'e', READER_LINE_MAX + 2);
    memcpy(line, "-ERR ", 5);
    memcpy(line + READER_LINE_MAX - 2, "\r\n", 2);
    ck_assert_int_eq(feed(line, READER_LINE_MAX, 1000), READER_REPLY);
    ck_assert_int_eq(feed(line, READER_LINE_MAX, READER_LINE_MAX), READER_REPLY);
    memset(line + READER_LINE_MAX - 2, 'e', 4);
    ck_assert_int_eq(feed(line, READER_LINE_MAX, 1000), READER_MORE);
    ck_assert_int_eq(feed("e", 1, 1), READER_BAD);
    free(line);
}
END_TEST

/* Deep nesting, and headers that multiply, cost a counter and no memory. */
START_TEST(hostile_nesting_is_counted_off)
{
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(feed("*1\r\n", 4, 4), READER_MORE);
    ck_assert_int_eq(feed(":1\r\n", 4, 4), READER_REPLY);
    ck_assert_int_eq(r.fate, READER_TOO_LARGE);
    ck_assert_int_eq(feed("*4\r\n", 4, 4), READER_MORE);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(feed("*1000000000\r\n", 13, 13), READER_MORE);
    ck_assert_int_eq(feed("*1000000000\r\n", 13, 13), READER_BAD); /* over READER_DRAIN_MAX */
}
END_TEST

START_TEST(an_abandoned_reply_is_counted_off_from_any_byte)
{
    static const char text[] =
        "*3\r\n$5\r\nhello\r\n|1\r\n+a\r\n+b\r\n*2\r\n:1\r\n$2\r\nxy\r\n+end\r\n";
    size_t n = sizeof text - 1;
    for (size_t at = 0; at < n; at++) {
        size_t used;
        setup();
        ck_assert(at == 0 || feed(text, at, at) == READER_MORE);
        reader_abandon(&r);
        arena_free(&arena); /* nothing may touch it now */
        ck_assert_int_eq(reader_read(&r, NULL, text + at, n - at, &used), READER_REPLY);
        ck_assert_uint_eq(used, n - at);
        ck_assert_ptr_null(r.reply);
        ck_assert_int_eq(r.fate, READER_UNWANTED);
        ck_assert_int_eq(feed(":1\r\n", 4, 1), READER_REPLY);
        ck_assert_int_eq(r.fate, READER_KEPT);
        teardown();
    }
    setup();
}
END_TEST

START_TEST(what_was_drained_leaves_no_memory_behind)
{
    struct arena_mark before;
    ck_assert_int_eq(feed(":1\r\n", 4, 4), READER_REPLY);
    before = arena_mark(&arena);
    static const char text[] = "*2\r\n$10\r\n0123456789\r\n$11\r\n01234567890\r\n";
    ck_assert_int_eq(feed(text, sizeof text - 1, 7), READER_REPLY);
    ck_assert_int_eq(r.fate, READER_TOO_LARGE);
    struct arena_mark after = arena_mark(&arena);
    ck_assert(after.next == before.next && after.chunk == before.chunk);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, replies_are_kept_or_drained_whatever_the_pieces, 0,
                        (int)(sizeof outcomes / sizeof *outcomes));
    tcase_add_loop_test(c, what_no_server_sends_is_refused, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(c, a_line_has_a_longest_length);
    tcase_add_test(c, hostile_nesting_is_counted_off);
    tcase_add_test(c, an_abandoned_reply_is_counted_off_from_any_byte);
    tcase_add_test(c, what_was_drained_leaves_no_memory_behind);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
