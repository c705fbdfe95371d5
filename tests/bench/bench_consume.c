/* Consumers of streams against XREADGROUP and XACK by hand with hiredis: bench_consume WHAT [ARGUMENT…].
 *
 *   consume          prints ours and theirs, entries a second in batches of 100: acknowledged after handling,
 *                    against one XACK for each entry, these pipelined
 *   naive            the same, against COUNT 1 and XACK, one entry after the other
 *   exactly_once     ours with an effect for each entry, against our own after handling, with the same effects as a
 *                    pipeline
 *   latency          from XADD by another process to the handler, the consumer idle: medians, microseconds. Rounds
 *                    are of 50 entries: where the system runs the three processes depends on what they did before
 *   count            SIDE ROUNDS (ours or theirs): so many batches of 100 and nothing else; counted from outside
 *   count_once       the same of exactly_once
 *
 * Both read the same stream, each in a group of its own, and every field of every entry. That all entries came,
 * each once, is checked in the end by a sum over them, and by the group, with which nothing may be pending. */
#include "bench_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 21, COUNT_ROUNDS = 130, ROUND_ENTRIES = 10000 };
enum { WAIT_ROUNDS = 20, WAITS = 50, SAMPLES = WAIT_ROUNDS * WAITS, IDLE_US = 1000 };

/* ---- two sides ------------------------------------------------------------------------------ */

struct side {
    redisContext *c;
    vouch_client *client;
    vouch_consumer *consumer;
    vouch_batch *effects;
    char ledger[32]; /* in the stream's slot */
    struct tally tally;
};

static void consume_vouch(struct side *s, long n)
{
    for (long end = s->tally.entries + n; s->tally.entries < end;) {
        vouch_delivery *d = entries_next(s->consumer);
        for (size_t i = 0, count = vouch_delivery_count(d); i < count; i++)
            entries_read(&s->tally, vouch_delivery_entry(d, i));
        entries_commit(d);
    }
}

static void consume_hiredis(struct side *s, long n)
{
    for (long end = s->tally.entries + n; s->tally.entries < end;)
        entries_take_hiredis(s->c, "100", &s->tally);
}

static void consume_naive(struct side *s, long n)
{
    for (long end = s->tally.entries + n; s->tally.entries < end;)
        entries_take_hiredis(s->c, "1", &s->tally);
}

/* An entry's effect: one more for its account. */
static void add_effect(struct side *s, vouch_batch *to, const vouch_entry *e)
{
    vouch_string account = vouch_reply_string(vouch_reply_at(e->fields, 1));
    entries_read(&s->tally, e);
    (void)vouch_batch_add(to, "HINCRBY", s->ledger, vouch_bytes(account.data, account.size), 1);
}

static void consume_exactly_once(struct side *s, long n)
{
    for (long end = s->tally.entries + n; s->tally.entries < end;) {
        vouch_delivery *d = entries_next(s->consumer);
        for (size_t i = 0, count = vouch_delivery_count(d); i < count; i++)
            add_effect(s, vouch_delivery_effects(d, i), vouch_delivery_entry(d, i));
        entries_commit(d);
    }
}

static void consume_then_acknowledge(struct side *s, long n)
{
    for (long end = s->tally.entries + n; s->tally.entries < end;) {
        vouch_results *r = NULL;
        vouch_error e;
        vouch_delivery *d = entries_next(s->consumer);
        vouch_batch_clear(s->effects);
        for (size_t i = 0, count = vouch_delivery_count(d); i < count; i++)
            add_effect(s, s->effects, vouch_delivery_entry(d, i));
        if (vouch_pipeline_run(s->client, s->effects, NULL, &r, &e) != VOUCH_OK)
            bench_die(e.message);
        vouch_results_free(r);
        entries_commit(d);
    }
}

/* ---- comparing ------------------------------------------------------------------------------ */

struct way {
    void (*consume)(struct side *s, long n);
    long n; /* entries of a round */
    bool by_hand;
    vouch_ack ack;
};

static struct side begin(const struct way *w, const char *name)
{
    struct side s = {.c = bench_hiredis()};
    (void)snprintf(s.ledger, sizeof s.ledger, "{entries}:%s", name);
    if (w->by_hand) {
        redisReply *r = redisCommand(s.c, "XGROUP CREATE %s theirs 0 MKSTREAM", entries_stream);
        bench_check(r && r->type == REDIS_REPLY_STATUS, "no group");
        freeReplyObject(r);
        return s;
    }
    s.client = bench_vouch();
    s.effects = vouch_batch_new();
    s.consumer = entries_consumer(s.client, name, w->ack, entries_stream);
    return s;
}

/* What the group and the effects say. */
static void check(const struct side *s, const char *name, bool effects)
{
    redisReply *r = redisCommand(s->c, "XPENDING %s %s", entries_stream, name);
    bench_check(r && r->type == REDIS_REPLY_ARRAY && r->element[0]->integer == 0,
                "entries are pending still");
    freeReplyObject(r);
    r = redisCommand(s->c, "HVALS %s", s->ledger);
    long sum = 0;
    for (size_t i = 0; i < r->elements; i++)
        sum += strtol(r->element[i]->str, NULL, 10);
    bench_check(sum == (effects ? s->tally.entries : 0), "effects were lost or done twice");
    freeReplyObject(r);
}

static void finish(struct side *s, const char *name, bool effects)
{
    if (s->client) {
        entries_leave(s->consumer);
        vouch_batch_free(s->effects);
        vouch_client_close(s->client);
    }
    check(s, name, effects);
    redisFree(s->c);
}

static double rate(struct side *s, const struct way *w)
{
    double start = bench_now_s();
    w->consume(s, w->n);
    return (double)w->n / (bench_now_s() - start);
}

static void compare(const struct way *ours, const struct way *theirs, bool effects)
{
    double a[ROUNDS], b[ROUNDS];
    redisContext *c = bench_hiredis();
    for (int i = 0; i < ROUNDS; i++)
        entries_fill(c, ours->n);
    struct tally all = entries_all(c);
    struct side s = begin(ours, "ours"), t = begin(theirs, "theirs");
    for (int i = 0; i < ROUNDS; i++) {
        a[i] = rate(&s, ours);
        b[i] = rate(&t, theirs);
    }
    bench_check(s.tally.entries == all.entries && s.tally.sum == all.sum, "entries were lost");
    bench_check(theirs->n != ours->n || memcmp(&t.tally, &all, sizeof all) == 0,
                "entries were lost by hand");
    finish(&s, "ours", effects);
    finish(&t, "theirs", effects);
    redisFree(c);
    printf("%.0f %.0f\n", bench_median(a, ROUNDS), bench_median(b, ROUNDS));
}

static void count(const struct way *w, const char *name, long rounds)
{
    redisContext *c = bench_hiredis();
    freeReplyObject(
        redisCommand(c, "DEL %s", entries_stream)); /* with its groups, of a count before */
    entries_fill(c, (long)COUNT_ROUNDS * ENTRIES_BATCH);
    struct side s = begin(w, name);
    w->consume(&s, rounds * ENTRIES_BATCH);
    bench_check(s.tally.entries == rounds * ENTRIES_BATCH, "batches were not full");
}

/* ---- latency -------------------------------------------------------------------------------- */

static const char *const idle_streams[2] = {"bench:idle:ours", "bench:idle:theirs"};

/* Whenever it is told which stream, it adds an entry that says when; a while later, so that whoever takes it
 * waits by then. */
static void add_when_told(int orders)
{
    redisContext *c = bench_hiredis();
    char which;
    while (read(orders, &which, 1) == 1) {
        (void)usleep(IDLE_US);
        redisReply *r =
            redisCommand(c, "XADD %s * at %.9f", idle_streams[(size_t)which], bench_now_s());
        bench_check(r && r->type == REDIS_REPLY_STRING, "XADD failed");
        freeReplyObject(r);
    }
    redisFree(c);
}

static void order(int orders, char which)
{
    bench_check(write(orders, &which, 1) == 1, "whoever adds is gone");
}

static double since(const char *at)
{
    return (bench_now_s() - strtod(at, NULL)) * 1e6;
}

static double wait_vouch(vouch_consumer *consumer)
{
    vouch_delivery *d = entries_next(consumer);
    double us =
        since(vouch_reply_string(vouch_reply_at(vouch_delivery_entry(d, 0)->fields, 1)).data);
    bench_check(vouch_delivery_count(d) == 1, "more than one entry");
    entries_commit(d);
    return us;
}

static double wait_hiredis(redisContext *c)
{
    redisReply *r = redisCommand(c, "XREADGROUP GROUP theirs c COUNT %d BLOCK 0 STREAMS %s >",
                                 ENTRIES_BATCH, idle_streams[1]);
    bench_check(r && r->type == REDIS_REPLY_ARRAY, "no entry");
    const redisReply *entries = r->element[0]->element[1];
    double us = since(entries->element[0]->element[1]->element[1]->str);
    bench_check(entries->elements == 1, "more than one entry");
    bench_check(entries_integer(redisCommand(c, "XACK %s theirs %s", idle_streams[1],
                                             entries->element[0]->element[0]->str)) == 1,
                "was not acknowledged");
    freeReplyObject(r);
    return us;
}

static void latency(void)
{
    double a[SAMPLES], b[SAMPLES];
    int orders[2];
    bench_check(pipe(orders) == 0, "no pipe");
    pid_t adder = fork();
    if (adder == 0) {
        (void)close(orders[1]);
        add_when_told(orders[0]);
        _exit(0);
    }
    redisContext *c = bench_hiredis();
    vouch_client *client = bench_vouch();
    vouch_consumer *consumer = entries_consumer(client, "ours", VOUCH_ACK_AFTER, idle_streams[0]);
    freeReplyObject(redisCommand(c, "XGROUP CREATE %s theirs 0 MKSTREAM", idle_streams[1]));
    for (int i = 0; i < SAMPLES; i += WAITS) {
        for (int k = i; k < i + WAITS; k++) {
            order(orders[1], 0);
            a[k] = wait_vouch(consumer);
        }
        for (int k = i; k < i + WAITS; k++) {
            order(orders[1], 1);
            b[k] = wait_hiredis(c);
        }
    }
    (void)close(orders[1]);
    (void)waitpid(adder, NULL, 0);
    entries_leave(consumer);
    vouch_client_close(client);
    redisFree(c);
    printf("%.1f %.1f\n", bench_median(a, SAMPLES), bench_median(b, SAMPLES));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    static const struct way after = {consume_vouch, ROUND_ENTRIES, false, VOUCH_ACK_AFTER},
                            hiredis = {consume_hiredis, ROUND_ENTRIES, true, VOUCH_ACK_AFTER},
                            naive = {consume_naive, ROUND_ENTRIES / 10, true, VOUCH_ACK_AFTER},
                            once = {consume_exactly_once, ROUND_ENTRIES, false,
                                    VOUCH_ACK_EXACTLY_ONCE},
                            then = {consume_then_acknowledge, ROUND_ENTRIES, false,
                                    VOUCH_ACK_AFTER};
    if (strcmp(what, "consume") == 0) {
        compare(&after, &hiredis, false);
    } else if (strcmp(what, "naive") == 0) {
        compare(&after, &naive, false);
    } else if (strcmp(what, "exactly_once") == 0) {
        compare(&once, &then, true);
    } else if (strcmp(what, "latency") == 0) {
        latency();
    } else if (strcmp(what, "count") == 0 && argc > 3) {
        bool ours = strcmp(argv[2], "ours") == 0;
        count(ours ? &after : &hiredis, argv[2], strtol(argv[3], NULL, 10));
    } else if (strcmp(what, "count_once") == 0 && argc > 3) {
        bool ours = strcmp(argv[2], "ours") == 0;
        count(ours ? &once : &then, argv[2], strtol(argv[3], NULL, 10));
    } else {
        bench_die("unknown work");
    }
    return 0;
}
