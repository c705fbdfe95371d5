/* Our reader against hiredis' with object functions that allocate from the same arena:
 * bench_reader SIDE ROUNDS. A round parses a thousand replies to SET/GET, ten to XRANGE and ten to
 * HGETALL, in pieces of 16 KiB, as they would come from a socket. */
#include "base/arena.h"
#include "bench.h"
#include "net/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 16384, REPLIES = 1020 };

static char *text;
static size_t text_size, text_capacity;

static void add(const char *s)
{
    size_t n = strlen(s);
    if (text_size + n > text_capacity) {
        text_capacity = 2 * (text_size + n);
        char *more = realloc(text, text_capacity);
        bench_check(more != NULL, "memory");
        text = more;
    }
    memcpy(text + text_size, s, n);
    text_size += n;
}

static void make_text(void)
{
    for (int i = 0; i < 500; i++)
        add("+OK\r\n$32\r\nvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\r\n");
    for (int q = 0; q < 10; q++) {
        add("*100\r\n");
        for (int i = 0; i < 100; i++)
            add("*2\r\n$4\r\n12-1\r\n*8\r\n$4\r\nname\r\n$8\r\nvalue-12\r\n$4\r\ncity\r\n$"
                "9\r\nsomewhere\r\n"
                "$3\r\nage\r\n$2\r\n12\r\n$4\r\nnote\r\n$5\r\nshort\r\n");
        add("*40\r\n");
        for (int i = 0; i < 20; i++)
            add("$8\r\nfield-12\r\n$8\r\nvalue-12\r\n");
    }
}

static const char last_text[] = "value-12";
enum { LAST_ELEMENTS = 40 };

static void check(size_t replies, size_t elements, const char *text_of_last)
{
    bench_check(replies == REPLIES, "replies were lost");
    bench_check(elements == LAST_ELEMENTS && strcmp(text_of_last, last_text) == 0,
                "the last reply is another");
}

static void ours(void)
{
    struct arena arena = {0};
    struct reader r = {.limits = {1u << 29, 1u << 20, 32}};
    const struct vouch_reply *last = NULL;
    size_t replies = 0;
    for (size_t at = 0; at < text_size; at += PIECE) {
        const char *p = text + at;
        size_t left = text_size - at < PIECE ? text_size - at : PIECE;
        while (left) {
            size_t used = 0;
            enum reader_event e = reader_read(&r, &arena, p, left, &used);
            bench_check(e != READER_BAD, "our reader refuses");
            if (e == READER_REPLY) {
                replies++;
                last = r.reply;
            }
            p += used;
            left -= used;
        }
    }
    check(replies, vouch_reply_count(last),
          vouch_reply_string(vouch_reply_at(last, LAST_ELEMENTS - 1)).data);
    reader_reset(&r);
    arena_free(&arena);
}

/* ---- hiredis' reader ------------------------------------------------------------------------ */

static struct arena peer;

static redisReply *node(const redisReadTask *task, int type)
{
    redisReply *r = arena_get(&peer, sizeof *r);
    bench_check(r != NULL, "memory");
    memset(r, 0, sizeof *r);
    r->type = type;
    if (task->parent)
        ((redisReply *)task->parent->obj)->element[task->idx] = r;
    return r;
}

static void *make_string(const redisReadTask *task, char *s, size_t n)
{
    redisReply *r = node(task, task->type);
    r->str = arena_get(&peer, n + 1);
    bench_check(r->str != NULL, "memory");
    memcpy(r->str, s, n);
    r->str[n] = 0;
    r->len = n;
    return r;
}

static void *make_array(const redisReadTask *task, size_t n)
{
    redisReply *r = node(task, task->type);
    r->element = arena_get(&peer, n * sizeof(void *) + 1);
    bench_check(r->element != NULL, "memory");
    r->elements = n;
    return r;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    redisReply *r = node(task, REDIS_REPLY_INTEGER);
    r->integer = value;
    return r;
}

static void *make_double(const redisReadTask *task, double value, char *s, size_t n)
{
    redisReply *r = make_string(task, s, n);
    r->dval = value;
    return r;
}

static void *make_nil(const redisReadTask *task)
{
    return node(task, REDIS_REPLY_NIL);
}

static void *make_bool(const redisReadTask *task, int value)
{
    redisReply *r = node(task, REDIS_REPLY_BOOL);
    r->integer = value;
    return r;
}

static void free_nothing(void *object)
{
    (void)object;
}

static void theirs(void)
{
    static redisReplyObjectFunctions functions = {
        make_string, make_array, make_integer, make_double, make_nil, make_bool, free_nothing};
    redisReader *r = redisReaderCreateWithFunctions(&functions);
    const redisReply *last = NULL;
    size_t replies = 0;
    bench_check(r != NULL, "memory");
    for (size_t at = 0; at < text_size; at += PIECE) {
        void *reply = NULL;
        bench_check(redisReaderFeed(r, text + at,
                                    text_size - at < PIECE ? text_size - at : PIECE) == REDIS_OK,
                    "feed");
        do {
            bench_check(redisReaderGetReply(r, &reply) == REDIS_OK, "hiredis' reader refuses");
            if (reply) {
                replies++;
                last = reply;
            }
        } while (reply);
    }
    bench_check(last != NULL, "no replies at all");
    /* cppcheck-suppress nullPointer ; it was checked */
    check(replies, last->elements, last->element[LAST_ELEMENTS - 1]->str);
    redisReaderFree(r);
    arena_free(&peer);
}

int main(int argc, char **argv)
{
    bench_check(argc > 2, "usage: bench_reader SIDE ROUNDS");
    make_text();
    for (long n = strtol(argv[2], NULL, 10); n > 0; n--) {
        if (strcmp(argv[1], "ours") == 0)
            ours();
        else
            theirs();
    }
    free(text);
    return 0;
}
