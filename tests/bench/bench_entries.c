/* Entries of a stream: added, read, and taken from it in both ways. */
#include "bench_entries.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 1000 };

const char entries_stream[] = "bench:{entries}";

static void add(struct tally *t, const char *text, size_t size)
{
    uint64_t number = 0;
    bench_check(size <= sizeof number, "a field is longer than what was added");
    memcpy(&number, text, size);
    t->sum += number;
}

void entries_read(struct tally *t, const vouch_entry *e)
{
    const vouch_reply *name = NULL, *value = NULL;
    t->entries++;
    for (size_t i = 0; vouch_reply_pair(e->fields, i, &name, &value); i++) {
        vouch_string a = vouch_reply_string(name), b = vouch_reply_string(value);
        add(t, a.data, a.size);
        add(t, b.data, b.size);
    }
}

static void read_hiredis(struct tally *t, const redisReply *entry)
{
    const redisReply *fields = entry->element[1];
    t->entries++;
    for (size_t i = 0; i < fields->elements; i++)
        add(t, fields->element[i]->str, fields->element[i]->len);
}

/* ---- by hand -------------------------------------------------------------------------------- */

static redisReply *reply_of(redisContext *c)
{
    void *reply = NULL;
    bench_check(redisGetReply(c, &reply) == REDIS_OK && reply, c->errstr);
    return reply;
}

long long entries_integer(redisReply *r)
{
    bench_check(r && r->type == REDIS_REPLY_INTEGER, r && r->str ? r->str : "not an integer");
    long long n = r->integer;
    freeReplyObject(r);
    return n;
}

void entries_fill(redisContext *c, long n)
{
    static const char source[] =
        "for i = 1, tonumber(ARGV[1]) do redis.call('XADD', KEYS[1], '*', 'f1', "
        "string.format('%08d', i % tonumber(ARGV[2])), 'f2', '12345678', 'f3', '23456789', 'f4', "
        "string.format('%08d', i)) end return redis.call('XLEN', KEYS[1])";
    bench_check(entries_integer(redisCommand(c, "EVAL %s 1 %s %ld %d", source, entries_stream, n,
                                             ENTRIES_ACCOUNTS)) > 0,
                "nothing was added");
}

struct tally entries_all(redisContext *c)
{
    struct tally t = {0, 0};
    char after[64] = "-";
    for (;;) {
        redisReply *r = redisCommand(c, "XRANGE %s %s + COUNT %d", entries_stream, after, PAGE);
        bench_check(r && r->type == REDIS_REPLY_ARRAY, "XRANGE failed");
        for (size_t i = 0; i < r->elements; i++)
            read_hiredis(&t, r->element[i]);
        if (r->elements)
            (void)snprintf(after, sizeof after, "(%s",
                           r->element[r->elements - 1]->element[0]->str);
        bool over = r->elements == 0;
        freeReplyObject(r);
        if (over)
            return t;
    }
}

static void append(redisContext *c, int n, const char **words)
{
    size_t lengths[16];
    for (int i = 0; i < n; i++)
        lengths[i] = strlen(words[i]);
    bench_check(redisAppendCommandArgv(c, n, words, lengths) == REDIS_OK, "cannot append");
}

void entries_take_hiredis(redisContext *c, const char *count, struct tally *t)
{
    const char *words[] = {"XREADGROUP", "GROUP",   "theirs",       "c", "COUNT", count, "BLOCK",
                           "1000",       "STREAMS", entries_stream, ">"};
    append(c, sizeof words / sizeof *words, words);
    redisReply *r = reply_of(c);
    bench_check(r->type == REDIS_REPLY_ARRAY && r->elements == 1, r->str ? r->str : "no entries");
    const redisReply *entries = r->element[0]->element[1];
    for (size_t i = 0; i < entries->elements; i++)
        read_hiredis(t, entries->element[i]);
    for (size_t i = 0; i < entries->elements; i++) {
        const char *ack[] = {"XACK", entries_stream, "theirs",
                             entries->element[i]->element[0]->str};
        append(c, sizeof ack / sizeof *ack, ack);
    }
    for (size_t i = 0; i < entries->elements; i++)
        bench_check(entries_integer(reply_of(c)) == 1, "was not acknowledged");
    freeReplyObject(r);
}

/* ---- by a consumer -------------------------------------------------------------------------- */

vouch_consumer *entries_consumer(vouch_client *client, const char *group, vouch_ack ack,
                                 const char *stream)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_consumer *consumer = NULL;
    vouch_error e;
    o.stream = stream;
    o.group = group;
    o.consumer = "c";
    o.ack = ack;
    o.batch = ENTRIES_BATCH;
    if (vouch_consumer_open(client, &o, &consumer, &e) != VOUCH_OK)
        bench_die(e.message);
    return consumer;
}

void entries_leave(vouch_consumer *consumer)
{
    vouch_error e;
    if (vouch_consumer_close(consumer, 5000, &e) != VOUCH_OK)
        bench_die(e.message);
}

vouch_delivery *entries_next(vouch_consumer *consumer)
{
    vouch_delivery *d = NULL;
    vouch_error e;
    if (vouch_consumer_poll(consumer, VOUCH_NO_DEADLINE, &d, &e) != VOUCH_OK)
        bench_die(e.message);
    return d;
}

void entries_commit(vouch_delivery *d)
{
    vouch_error e;
    if (vouch_delivery_commit(d, &e) != VOUCH_OK)
        bench_die(e.message);
    for (size_t i = 0, n = vouch_delivery_count(d); i < n; i++)
        bench_check(vouch_delivery_verdict(d, i) == VOUCH_VERDICT_DONE, "an entry was not settled");
    vouch_delivery_free(d);
}
