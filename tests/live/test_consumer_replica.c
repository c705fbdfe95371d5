/* A replica takes its primary's place, and lacks the last that was written: commits that were answered, entries that
 * were added and delivered. On the survivor an effect is there if and only if its entry is settled; what the primary
 * alone had done is done again, and what it alone had known has no effect.
 *
 * VOUCH_REPLICA_SEEDS=n, VOUCH_REPLICA_SEED=n: as of the chaos of consumers. */
#include "base.h"
#include "chaos.h"
#include "rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STREAM "{s}orders"
#define LEDGER "{s}ledger"

enum { CONSUMERS = 3, ENTRIES_MAX = 400, SEEDS = 6 };

static struct rig rig;
static ts_server *replica, *serving;
static vouch_error error;
static uint64_t seed;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

/* ---- servers -------------------------------------------------------------------------------- */

static void wait_until_copied(void)
{
    static unsigned number;
    char value[24];
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    (void)snprintf(value, sizeof value, "%u", ++number);
    ts_do(rig.server, "SET", "copied", value, NULL);
    while (ts_int(replica, "GET", "copied", NULL) != (int64_t)number)
        ck_assert(ts_look_again(limit));
}

static void begin(int kind)
{
    ts_server_kind which = kind % 2 ? TS_VALKEY : TS_REDIS;
    rig = rig_start_tcp(which);
    ts_server_options so = {.kind = which, .transport = TS_TCP, .replica_of = rig.server};
    replica = ts_server_start(&so);
    ck_assert_ptr_nonnull(replica);
    serving = rig.server;
    wait_until_copied(); /* a primary may hold writes back until a new replica has said that it is there */
}

static void end(void)
{
    ts_server_free(replica);
    replica = NULL;
    rig_stop(&rig);
}

/* From here on the primary writes for nobody. */
static void part(void)
{
    ts_do(replica, "REPLICAOF", "NO", "ONE", NULL);
}

static void take_over(void)
{
    ts_address address = ts_server_address(replica);
    ts_server_kill(rig.server);
    serving = replica;
    ts_proxy_upstream(rig.proxy, &address);
    ts_proxy_cut(rig.proxy, TS_EVERY, TS_END_EOF, TS_CUT_SETTLE);
}

/* ---- consumers ------------------------------------------------------------------------------ */

static vouch_consumer_options options(void)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = VOUCH_ACK_EXACTLY_ONCE;
    o.stream = STREAM;
    o.group = "g";
    o.batch = o.in_flight = 5;
    o.block_ms = 5;
    o.max_deliveries = VOUCH_NO_DEAD_LETTERS; /* it would be settled, and not applied */
    return o;
}

static vouch_consumer *open_one(vouch_client *client, const char *name,
                                const vouch_consumer_options *given)
{
    vouch_consumer_options o = *given;
    vouch_consumer *c = NULL;
    o.consumer = name;
    expect(vouch_consumer_open(client, &o, &c, &error), VOUCH_OK);
    return c;
}

static void add(size_t from, size_t n)
{
    char first[24], last[24];
    static const char script[] =
        "for i = ARGV[1], ARGV[2] do redis.call('XADD', KEYS[1], i .. '-1', 'n', 1) end";
    (void)snprintf(first, sizeof first, "%zu", from);
    (void)snprintf(last, sizeof last, "%zu", from + n - 1);
    ts_do(serving, "EVAL", script, "1", STREAM, first, last, NULL);
}

static void fill(vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        vouch_batch *b = e->lost ? NULL : vouch_delivery_effects(d, i);
        if (b)
            vouch_batch_add(b, "HINCRBY", LEDGER, vouch_bytes(e->id.data, e->id.size), 1);
    }
}

static vouch_delivery *poll_for(vouch_consumer *c, size_t n)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 100, &d, &error), VOUCH_OK);
    }
    ck_assert_uint_eq(vouch_delivery_count(d), n);
    fill(d);
    return d;
}

static void commit(vouch_delivery *d)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (vouch_delivery_commit(d, &error) != VOUCH_OK)
        ck_assert_msg(error.retriable && !ts_passed(limit), "%s", error.message);
}

static size_t count(const vouch_delivery *d, vouch_verdict v)
{
    size_t n = 0;
    for (size_t i = 0; i < vouch_delivery_count(d); i++)
        n += vouch_delivery_verdict(d, i) == v;
    return n;
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(serving, "XPENDING", STREAM, "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

static void drain(vouch_client *client)
{
    vouch_consumer_options o = options();
    o.claim_ms = 1;
    vouch_consumer *c = open_one(client, "last", &o);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool more = true; more || pending() > 0;) {
        vouch_delivery *d = NULL;
        ck_assert_msg(!ts_passed(limit), "the last one does not come to an end");
        expect(vouch_consumer_poll(c, 20, &d, &error), VOUCH_OK);
        more = d != NULL;
        if (d) {
            fill(d);
            commit(d);
        }
        vouch_delivery_free(d);
    }
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
}

/* ---- as many, and others -------------------------------------------------------------------- */

/* The consumer holds as many entries as the survivor counts for it, and they are others: these it had settled, and the
 * survivor does not know; those the survivor has never seen. _i / 2: it had given one back instead, and settled none. */
START_TEST(what_only_the_primary_knew_has_no_effect)
{
    begin(_i);
    vouch_consumer_options o = options();
    vouch_client *client = rig_client(&rig, 3, 1000);
    bool gives_back = _i / 2;
    o.claim_ms = VOUCH_NO_DEADLINE; /* all is quiet while it works */
    add(1, 5);
    vouch_consumer *c = open_one(client, "w", &o);
    vouch_delivery *d = poll_for(c, 5);
    wait_until_copied();
    part();
    if (gives_back) {
        for (size_t i = 0; i < 5; i++)
            expect(vouch_delivery_nack(d, i, 0, &error), VOUCH_OK);
        expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
        ck_assert_uint_eq(count(d, VOUCH_VERDICT_RETURNED), 5);
    } else {
        commit(d);
        ck_assert_uint_eq(count(d, VOUCH_VERDICT_DONE), 5);
    }
    vouch_delivery_free(d);
    add(6, 5);
    d = poll_for(c, 5);
    take_over();
    commit(d);
    ck_assert_uint_eq(count(d, VOUCH_VERDICT_GONE), 5);
    vouch_delivery_free(d);
    ck_assert_int_eq(ts_int(serving, "HLEN", LEDGER, NULL), 0);
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    drain(client);
    ck_assert_int_eq(ts_int(serving, "HLEN", LEDGER, NULL), 5);
    vouch_client_close(client);
    end();
}
END_TEST

/* ---- by seed -------------------------------------------------------------------------------- */

struct worker {
    vouch_client *client;
    vouch_consumer *consumer;
    vouch_delivery *held;
};

struct tally {
    size_t entries, lost, taken_back, again;
};

static uint64_t die;

static bool chance(uint64_t one_in)
{
    return chaos_below(&die, one_in) == 0;
}

/* One thing, of all that a consumer does. */
static void take_a_step(struct worker *w)
{
    if (!w->held) {
        vouch_status status = vouch_consumer_poll(w->consumer, 5, &w->held, &error);
        ck_assert_msg(!status || error.retriable, "VOUCH_REPLICA_SEED=%" PRIu64 ": %s", seed,
                      error.message);
        fill(w->held);
    } else if (chance(8)) {
        vouch_delivery_free(w->held);
        w->held = NULL;
    } else if (!vouch_delivery_is_open(w->held) && chance(6)) {
        expect(vouch_delivery_nack(w->held, 0, 0, &error), VOUCH_OK);
    } else if (chance(6)) {
        (void)!vouch_delivery_submit(w->held, &error);
    } else if (!chance(4)) {
        commit(w->held);
        vouch_delivery_free(w->held);
        w->held = NULL;
    }
}

static void play(struct worker *workers, size_t *added, int steps)
{
    for (int i = 0; i < steps; i++) {
        size_t n = 1 + (size_t)chaos_below(&die, 4);
        if (chance(2) && *added + n <= ENTRIES_MAX) {
            add(*added + 1, n);
            *added += n;
        }
        take_a_step(&workers[chaos_below(&die, CONSUMERS)]);
    }
}

/* 1: settled, by what group and pending list say; of those that the stream holds. */
static size_t read_settled(uint8_t settled[ENTRIES_MAX + 1], uint8_t there[ENTRIES_MAX + 1])
{
    size_t last = 0;
    ts_reply *r = ts_command(serving, "XINFO", "GROUPS", STREAM, NULL);
    for (size_t i = 0; i + 1 < r->elements[0]->count; i += 2)
        if (strcmp(r->elements[0]->elements[i]->text, "last-delivered-id") == 0)
            last = strtoul(r->elements[0]->elements[i + 1]->text, NULL, 10);
    ts_reply_free(r);
    r = ts_command(serving, "XRANGE", STREAM, "-", "+", NULL);
    size_t n = r->count;
    for (size_t i = 0; i < n; i++) {
        size_t k = strtoul(r->elements[i]->elements[0]->text, NULL, 10);
        there[k] = 1;
        settled[k] = k <= last;
    }
    ts_reply_free(r);
    r = ts_command(serving, "XPENDING", STREAM, "g", "-", "+", "1000", NULL);
    for (size_t i = 0; i < r->count; i++)
        settled[strtoul(r->elements[i]->elements[0]->text, NULL, 10)] = 0;
    ts_reply_free(r);
    return n;
}

static void read_ledger(const ts_server *server, int64_t ledger[ENTRIES_MAX + 1])
{
    ts_reply *r = ts_command(server, "HGETALL", LEDGER, NULL);
    for (size_t i = 0; i + 1 < r->count; i += 2)
        ledger[strtoul(r->elements[i]->text, NULL, 10)] =
            strtoll(r->elements[i + 1]->text, NULL, 10);
    ts_reply_free(r);
}

/* On the survivor, at this moment: an effect if and only if the entry is settled. */
static void judge(const char *when, const int64_t *ledger)
{
    uint8_t settled[ENTRIES_MAX + 1] = {0}, there[ENTRIES_MAX + 1] = {0};
    (void)read_settled(settled, there);
    for (size_t k = 1; k <= ENTRIES_MAX; k++) {
        ck_assert_msg(ledger[k] == settled[k],
                      "VOUCH_REPLICA_SEED=%" PRIu64 ", %s: entry %zu is %s, and applied %" PRId64
                      " times",
                      seed, when, k, settled[k] ? "settled" : "not", ledger[k]);
        ck_assert_msg(there[k] || !ledger[k],
                      "VOUCH_REPLICA_SEED=%" PRIu64 ", %s: entry %zu was lost, and is applied",
                      seed, when, k);
    }
}

static void lose_and_take_over(struct tally *t, size_t added)
{
    int64_t before[ENTRIES_MAX + 1] = {0}, after[ENTRIES_MAX + 1] = {0};
    uint8_t settled[ENTRIES_MAX + 1] = {0}, there[ENTRIES_MAX + 1] = {0};
    read_ledger(rig.server, before);
    take_over();
    read_ledger(serving, after);
    judge("promoted", after);
    t->lost += added - read_settled(settled, there);
    for (size_t k = 1; k <= ENTRIES_MAX; k++) {
        t->taken_back += before[k] && !after[k];
        t->again += before[k] && !after[k] && there[k];
    }
}

static void open_workers(struct worker *workers)
{
    vouch_consumer_options o = options();
    o.claim_ms = 60000;
    o.claim_every_ms = 3;
    for (size_t i = 0; i < CONSUMERS; i++) {
        vouch_client_options co = rig_options(i % 2 ? 2 : 3, 100);
        o.prefetch = i == 2;
        o.in_flight = i == 2 ? 10 : 5;
        workers[i].client = rig_open(&rig, &co);
        workers[i].consumer = open_one(workers[i].client, "w", &o);
    }
}

static void run_seed(int kind, struct tally *t)
{
    struct worker workers[CONSUMERS] = {{0}};
    int64_t ledger[ENTRIES_MAX + 1] = {0};
    size_t added = 0;
    begin(kind);
    die = chaos_seed(seed, 11, 0);
    open_workers(workers);
    play(workers, &added, 20 + (int)chaos_below(&die, 60));
    if (chance(2))
        wait_until_copied();
    part();
    play(workers, &added, 1 + (int)chaos_below(&die, 40));
    lose_and_take_over(t, added);
    play(workers, &(size_t){ENTRIES_MAX}, 40);
    for (size_t i = 0; i < CONSUMERS; i++) {
        vouch_delivery_free(workers[i].held);
        (void)!vouch_consumer_close(workers[i].consumer, RIG_PATIENCE_MS, &error);
        vouch_client_close(workers[i].client);
    }
    vouch_client *client = rig_client(&rig, 3, 1000);
    drain(client);
    vouch_client_close(client);
    read_ledger(serving, ledger);
    judge("in the end", ledger);
    t->entries += added;
    end();
}

START_TEST(an_effect_is_there_if_and_only_if_its_entry_is_settled)
{
    const char *first = getenv("VOUCH_REPLICA_SEED"), *wanted = getenv("VOUCH_REPLICA_SEEDS");
    size_t n = wanted ? strtoul(wanted, NULL, 10) : first ? 1 : SEEDS;
    struct tally t = {0};
    seed = first ? strtoull(first, NULL, 10) : (uint64_t)ts_now_ns() ^ ((uint64_t)getpid() << 32);
    for (size_t i = 0; i < n; i++, seed++)
        run_seed(_i, &t);
    printf("%s: %zu promotions, the last VOUCH_REPLICA_SEED=%" PRIu64
           ": %zu entries, %zu lost with the primary; %zu effects taken back, of which %zu were "
           "applied again\n",
           _i ? "Valkey" : "Redis", n, seed - 1, t.entries, t.lost, t.taken_back, t.again);
    (void)fflush(stdout);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer replica");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, what_only_the_primary_knew_has_no_effect, 0, 4);
    tcase_add_loop_test(c, an_effect_is_there_if_and_only_if_its_entry_is_settled, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
