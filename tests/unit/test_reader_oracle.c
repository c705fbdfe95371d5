/* Our reader against hiredis': random replies of every type, cut into random pieces, must come out as
 * the same tree. Ours goes through vouch/hiredis.h, which is tested with it. */
#include "net/reader.h"
#include "suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/hiredis.h>

enum { CASES = 5000, TEXT_MAX = 1 << 16, DEPTH_MAX = 5 };

static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33) % n;
}

static char text[TEXT_MAX];
static size_t size;

static void add(const char *s, size_t n)
{
    ck_assert_uint_lt(size + n, TEXT_MAX);
    memcpy(text + size, s, n);
    size += n;
}

static void add_header(char type, size_t n)
{
    char s[32];
    add(s, (size_t)snprintf(s, sizeof s, "%c%zu\r\n", type, n));
}

static void add_bytes(size_t n)
{
    for (; n; n--) {
        char c = (char)below(256);
        add(&c, 1);
    }
}

static void add_reply(int depth);

static void add_many(char type, size_t elements, size_t shown, int depth)
{
    add_header(type, shown);
    for (size_t i = 0; i < elements; i++)
        add_reply(depth + 1);
}

static void add_line(const char *const *choices, size_t n)
{
    const char *s = choices[below((unsigned)n)];
    add(s, strlen(s));
}

static void add_reply(int depth)
{
    static const char *const lines[] = {"+OK\r\n",
                                        "+\r\n",
                                        "+QUEUED\r\n",
                                        "-ERR no such thing\r\n",
                                        "-X\r\n",
                                        ":0\r\n",
                                        ":-1\r\n",
                                        ":9223372036854775807\r\n",
                                        ":-9223372036854775808\r\n",
                                        ":12345\r\n",
                                        "$-1\r\n",
                                        "*-1\r\n",
                                        "_\r\n",
                                        "#t\r\n",
                                        "#f\r\n",
                                        ",1.5\r\n",
                                        ",-0.25\r\n",
                                        ",1e10\r\n",
                                        ",inf\r\n",
                                        ",-inf\r\n",
                                        "(123456789012345678901234567890\r\n",
                                        "(-1\r\n",
                                        "*0\r\n",
                                        "%0\r\n",
                                        "~0\r\n",
                                        "$0\r\n\r\n"};
    unsigned kind = below(depth < DEPTH_MAX ? 12 : 8);
    size_t n = below(6);
    if (kind < 4) {
        add_line(lines, sizeof lines / sizeof *lines);
    } else if (kind < 7) {
        n = below(4) ? below(40) : below(3000);
        add_header('$', n);
        add_bytes(n);
        add("\r\n", 2);
    } else if (kind == 7) {
        n = below(30);
        add_header('=', n + 4);
        add("txt:", 4);
        add_bytes(n);
        add("\r\n", 2);
    } else if (kind < 10) {
        add_many('*', n, n, depth);
    } else if (kind == 10) {
        add_many('%', 2 * n, n, depth);
    } else {
        add_many('~', n, n, depth);
    }
}

static void compare(const redisReply *a, const redisReply *b)
{
    ck_assert_int_eq(a->type, b->type);
    ck_assert_uint_eq(a->len, b->len);
    ck_assert_uint_eq(a->elements, b->elements);
    if (a->type == REDIS_REPLY_INTEGER || a->type == REDIS_REPLY_BOOL)
        ck_assert_int_eq(a->integer, b->integer);
    if (a->type == REDIS_REPLY_DOUBLE)
        ck_assert(a->dval == b->dval); /* exactly */
    if (a->type == REDIS_REPLY_VERB)
        ck_assert_str_eq(a->vtype, b->vtype);
    if (a->str)
        ck_assert(memcmp(a->str, b->str, a->len + 1) == 0);
    for (size_t i = 0; i < a->elements; i++)
        compare(a->element[i], b->element[i]);
}

static redisReply *by_hiredis(void)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    ck_assert_int_eq(redisReaderFeed(reader, text, size), REDIS_OK);
    ck_assert_msg(redisReaderGetReply(reader, &reply) == REDIS_OK, "%s", reader->errstr);
    redisReaderFree(reader);
    ck_assert_ptr_nonnull(reply);
    return reply;
}

static redisReply *by_us(void)
{
    struct arena arena = {0};
    struct reader r = {.limits = {UINT32_MAX, UINT32_MAX, READER_DEPTH_MAX}};
    enum reader_event event = READER_MORE;
    size_t at = 0, piece = 1 + below(below(3) ? 20 : 5000);
    while (event == READER_MORE) {
        size_t used = 0;
        ck_assert_uint_lt(at, size);
        event = reader_read(&r, &arena, text + at, size - at < piece ? size - at : piece, &used);
        at += used;
    }
    ck_assert_msg(event == READER_REPLY, "%s", r.fault);
    ck_assert_uint_eq(at, size);
    redisReply *reply = vouch_reply_to_hiredis(r.reply);
    ck_assert_ptr_nonnull(reply);
    reader_reset(&r);
    arena_free(&arena);
    return reply;
}

START_TEST(both_readers_give_the_same_trees)
{
    for (uint64_t i = 0; i < CASES; i++) {
        state = i; /* the case's number is its seed */
        size = 0;
        add_reply(0);
        redisReply *ours = by_us(), *theirs = by_hiredis();
        compare(theirs, ours);
        freeReplyObject(ours);
        freeReplyObject(theirs);
    }
}
END_TEST

START_TEST(nothing_becomes_nothing)
{
    ck_assert_ptr_null(vouch_reply_to_hiredis(NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_oracle");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, both_readers_give_the_same_trees);
    tcase_add_test(c, nothing_becomes_nothing);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
