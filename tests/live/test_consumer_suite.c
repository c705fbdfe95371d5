/* What happens to streams and groups at servers, as far as a consumer can notice it: the cases of the servers' own
 * suites about consumer groups, told from this side. Most of it happens while the consumer waits in the server.
 * _i: kind of server, and with it the protocol; then whether effects are applied exactly once. */
#include "base.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM "{s}in"
#define STATE  "{s}in:group:g"
#define LEDGER "{s}ledger"
#define LAST   "18446744073709551615-18446744073709551615"

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static bool exact;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(int i)
{
    rig = rig_start(i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, i % 2 ? 3 : 2, 1000);
    exact = i / 2;
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_consumer_options options(void)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = exact ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER;
    o.stream = STREAM;
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 400;
    o.claim_ms = 60000;
    o.lost_group = VOUCH_LOST_ALL;
    return o;
}

static vouch_consumer *open_with(const vouch_consumer_options *o)
{
    vouch_consumer *c = NULL;
    expect(vouch_consumer_open(client, o, &c, &error), VOUCH_OK);
    return c;
}

static vouch_consumer *open_one(void)
{
    vouch_consumer_options o = options();
    return open_with(&o);
}

static void close_it(vouch_consumer *c)
{
    expect(vouch_consumer_close(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
}

/* Entries from-1 … to-1, all at once. */
static void add(const char *from, const char *to)
{
    static const char script[] =
        "for i = ARGV[1], ARGV[2] do redis.call('XADD', KEYS[1], i .. '-1', 'n', i) end";
    ts_do(rig.server, "EVAL", script, "1", STREAM, from, to, NULL);
}

static void wait_in_server(vouch_consumer *c)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool blocked = false; !blocked;) {
        vouch_delivery *none = NULL;
        expect(vouch_consumer_poll(c, 1, &none, &error), VOUCH_OK);
        ck_assert_ptr_null(none);
        char *n = ts_info(rig.server, "clients", "blocked_clients");
        blocked = n && strcmp(n, "1") == 0;
        free(n);
        ck_assert(!ts_passed(limit));
    }
}

static void fill(vouch_delivery *d)
{
    for (size_t i = 0; exact && i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        if (!e->lost)
            vouch_batch_add(vouch_delivery_effects(d, i), "HINCRBY", LEDGER,
                            vouch_bytes(e->id.data, e->id.size), 1);
    }
}

static vouch_delivery *poll_for(vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert_msg(!ts_passed(limit), "nothing comes");
        expect(vouch_consumer_poll(c, 100, &d, &error), VOUCH_OK);
    }
    fill(d);
    return d;
}

static size_t commit(vouch_delivery *d, vouch_verdict want)
{
    size_t n = vouch_delivery_count(d);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(vouch_delivery_verdict(d, i), want);
    vouch_delivery_free(d);
    return n;
}

/* So many entries come, and are done. */
static void handle(vouch_consumer *c, size_t n)
{
    for (size_t seen = 0; seen < n;)
        seen += commit(poll_for(c), VOUCH_VERDICT_DONE);
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", STREAM, "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

static void settle_all(vouch_consumer *c)
{
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
}

/* With exactly once: n entries, each once. */
static void check_ledger(int64_t n)
{
    ts_reply *r = ts_command(rig.server, "HVALS", LEDGER, NULL);
    for (size_t i = 0; i < r->count; i++)
        ck_assert_str_eq(r->elements[i]->text, "1");
    ck_assert_int_eq((int64_t)r->count, exact ? n : 0);
    ts_reply_free(r);
}

/* ---- while it waits in the server ------------------------------------------------------------ */

static void destroy_group(void)
{
    ts_do(rig.server, "XGROUP", "DESTROY", STREAM, "g", NULL);
}

static void delete_key(void)
{
    ts_do(rig.server, "DEL", STREAM, NULL);
}

static void flush_all(void)
{
    ts_do(rig.server, "FLUSHALL", NULL);
}

static void flush_db(void)
{
    ts_do(rig.server, "FLUSHDB", "ASYNC", NULL);
}

static void rename_away(void)
{
    ts_do(rig.server, "RENAME", STREAM, "{s}elsewhere", NULL);
}

static void rename_over(void)
{
    ts_do(rig.server, "XADD", "{s}other", "7-7", "n", "7", NULL);
    ts_do(rig.server, "RENAME", "{s}other", STREAM, NULL);
    ts_do(rig.server, "XDEL", STREAM, "7-7", NULL);
}

static void swap(void)
{
    ts_do(rig.server, "SWAPDB", "0", "1", NULL);
}

static const struct {
    const char *name;
    void (*happens)(void);
    bool again;      /* entries that were settled come again where they are not exactly once */
    bool all_is_new; /* the ledger is gone as well */
} losses[] = {
    {"the group is destroyed", destroy_group, true, false},
    {"the key is deleted", delete_key, false, false},
    {"everything is flushed", flush_all, false, true},
    {"the database is flushed", flush_db, false, true},
    {"the stream is renamed", rename_away, false, false},
    {"another is renamed to it", rename_over, false, false},
    {"databases are swapped", swap, false, true},
};

enum { LOSSES = 4 * (int)(sizeof losses / sizeof *losses) }; /* each of them in each way */

/* The group is made again, and what comes then is handled: under new ids, since the old ones are settled. */
START_TEST(a_lost_group_is_made_again)
{
    begin(_i % 4);
    size_t which = (size_t)_i / 4;
    add("1", "3");
    vouch_consumer *c = open_one();
    handle(c, 3);
    wait_in_server(c);
    losses[which].happens();
    add("11", "12");
    handle(c, losses[which].again && !exact ? 5 : 2);
    vouch_consumer_stats stats = VOUCH_CONSUMER_STATS_INIT;
    ck_assert_int_eq(vouch_consumer_stats_read(c, &stats), VOUCH_OK);
    ck_assert_msg(stats.groups_lost == 1, "%s: not told", losses[which].name);
    settle_all(c);
    close_it(c);
    check_ledger(losses[which].all_is_new ? 2 : 5);
    end();
}
END_TEST

/* With lost_group FAIL, and what is no stream any more in any case. */
START_TEST(what_cannot_go_on_says_so)
{
    begin(_i % 4);
    vouch_consumer_options o = options();
    vouch_delivery *d = NULL;
    bool typed = _i / 4;
    vouch_status status = VOUCH_OK;
    o.lost_group = VOUCH_LOST_FAIL;
    add("1", "1");
    vouch_consumer *c = open_with(&o);
    handle(c, 1);
    wait_in_server(c);
    delete_key();
    if (typed)
        ts_do(rig.server, "SADD", STREAM, "a", NULL);
    if (typed || !exact) {
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !status;) {
            ck_assert_msg(!ts_passed(limit), "it is not told");
            status = vouch_consumer_poll(c, 100, &d, &error);
            ck_assert_ptr_null(d);
        }
        expect(status, VOUCH_ESERVER);
        ck_assert_uint_eq(error.retriable, 0);
    }
    (void)!vouch_consumer_close(c, 100, &error);
    end();
}
END_TEST

/* ---- ids ------------------------------------------------------------------------------------ */

/* Set back, all of it is delivered again; with exactly once it is found settled. */
START_TEST(a_group_that_is_set_back)
{
    begin(_i);
    add("1", "5");
    vouch_consumer *c = open_one();
    handle(c, 5);
    settle_all(c);
    ts_do(rig.server, "XGROUP", "SETID", STREAM, "g", "2-1", NULL);
    for (size_t n = 0; n < 3;)
        n += commit(poll_for(c), exact ? VOUCH_VERDICT_ALREADY : VOUCH_VERDICT_DONE);
    settle_all(c);
    close_it(c);
    check_ledger(5);
    end();
}
END_TEST

/* Set forward, what was passed over is delivered to nobody; with exactly once the next who opens finds it. */
START_TEST(a_group_that_is_set_forward)
{
    begin(_i);
    add("1", "2");
    vouch_consumer *c = open_one();
    handle(c, 2);
    settle_all(c);
    close_it(c);
    add("3", "6");
    ts_do(rig.server, "XGROUP", "SETID", STREAM, "g", "5-1", NULL);
    c = open_one();
    handle(c, exact ? 4 : 1);
    settle_all(c);
    close_it(c);
    check_ledger(6);
    end();
}
END_TEST

/* The last id there is: nothing is behind it, not even an interval. */
START_TEST(the_last_id)
{
    begin(_i);
    vouch_consumer_options o = options();
    o.batch = o.in_flight = 1;
    o.block_ms = 5;
    o.claim_ms = 1;
    o.claim_every_ms = 1;
    ts_do(rig.server, "XADD", STREAM, LAST, "n", "1", NULL);
    ts_do(rig.server, "XGROUP", "CREATE", STREAM, "g", "0", NULL);
    ts_do(rig.server, "XREADGROUP", "GROUP", "g", "dead", "STREAMS", STREAM, ">", NULL);
    vouch_consumer *c = open_with(&o);
    vouch_delivery *d = poll_for(c);
    ck_assert_int_eq(memcmp(vouch_delivery_entry(d, 0)->id.data, LAST, sizeof LAST - 1), 0);
    expect(vouch_delivery_extend(d, &error), VOUCH_OK);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    vouch_delivery_free(d); /* given back */
    close_it(c);
    c = open_with(&o);
    d = poll_for(c);
    close_it(c); /* leaves with it */
    vouch_delivery_free(d);
    c = open_with(&o);
    handle(c, 1);
    settle_all(c);
    if (exact) {
        destroy_group();
        for (int i = 0; i < 5; i++) {
            expect(vouch_consumer_poll(c, 20, &d, &error), VOUCH_OK);
            ck_assert_ptr_null(d);
        }
    }
    close_it(c);
    check_ledger(1);
    end();
}
END_TEST

/* ---- others in the same group ---------------------------------------------------------------- */

static void ask(const char *const *words)
{
    size_t n = 0;
    while (words[n])
        n++;
    ts_reply *r = rig_ask(&rig, n, words);
    ck_assert_msg(r->type != TS_REPLY_ERROR && r->type != TS_REPLY_LOST, "%s: %s", words[0],
                  r->text);
    ts_reply_free(r);
}

/* An XAUTOCLAIM by somebody else drops what was deleted from all pending lists, and tells only him. */
START_TEST(somebody_else_claims_what_was_deleted)
{
    begin(_i);
    add("1", "3");
    vouch_consumer *c = open_one();
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), 3);
    ts_do(rig.server, "XDEL", STREAM, "2-1", NULL);
    ask((const char *const[]){"XAUTOCLAIM", STREAM, "g", "thief", "0", "0", NULL});
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    if (exact) {
        ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_FENCED);
        ck_assert_int_eq(vouch_delivery_verdict(d, 1), VOUCH_VERDICT_GONE);
        ck_assert_int_eq(vouch_delivery_verdict(d, 2), VOUCH_VERDICT_FENCED);
    }
    vouch_delivery_free(d);
    expect(vouch_consumer_flush(c, RIG_PATIENCE_MS, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), exact ? 2 : 0); /* XACK takes no consumer */
    close_it(c);
    check_ledger(0);
    end();
}
END_TEST

/* Its history is read by a tool in its name: that counts as deliveries, and changes nothing else. */
START_TEST(its_history_is_read_by_another)
{
    begin(_i);
    add("1", "3");
    vouch_consumer *c = open_one();
    vouch_delivery *d = poll_for(c);
    ts_reply *r = ts_command(rig.server, "XINFO", "CONSUMERS", STREAM, "g", NULL);
    ck_assert_uint_eq(r->count, 1);
    ask((const char *const[]){"XREADGROUP", "GROUP", "g", r->elements[0]->elements[1]->text,
                              "STREAMS", STREAM, "0", NULL});
    ts_reply_free(r);
    ck_assert_uint_eq(commit(d, VOUCH_VERDICT_DONE), 3);
    settle_all(c);
    close_it(c);
    check_ledger(3);
    end();
}
END_TEST

/* One that waits and never had anything may not be there yet. */
static void drop_consumers(void)
{
    ts_reply *r = ts_command(rig.server, "XINFO", "CONSUMERS", STREAM, "g", NULL);
    for (size_t i = 0; i < r->count; i++)
        ask((const char *const[]){"XGROUP", "DELCONSUMER", STREAM, "g",
                                  r->elements[i]->elements[1]->text, NULL});
    ts_reply_free(r);
}

/* Its consumer is deleted while it waits, and while it works: it goes on. */
START_TEST(its_consumer_is_deleted)
{
    begin(_i);
    vouch_consumer *c = open_one();
    wait_in_server(c);
    drop_consumers();
    add("1", "2");
    vouch_delivery *d = poll_for(c);
    drop_consumers();
    (void)commit(d, exact ? VOUCH_VERDICT_GONE : VOUCH_VERDICT_DONE);
    handle(c, exact ? 2 : 0); /* found again: nobody had settled them */
    add("3", "4");
    handle(c, 2);
    settle_all(c);
    close_it(c);
    check_ledger(4);
    end();
}
END_TEST

/* Everything at once, as one transaction of somebody else's. */
START_TEST(what_happens_in_one_transaction)
{
    static const char script[] =
        "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], 'x') redis.call('DEL', KEYS[1]) "
        "redis.call('XADD', KEYS[1], '20-1', 'n', '20') redis.call('XADD', KEYS[1], '21-1', 'n', "
        "'21')";
    begin(_i);
    add("1", "3");
    vouch_consumer *c = open_one();
    handle(c, 3);
    wait_in_server(c);
    ts_do(rig.server, "EVAL", script, "1", STREAM, NULL);
    handle(c, 2);
    settle_all(c);
    close_it(c);
    check_ledger(5);
    end();
}
END_TEST

/* ---- what entries may be -------------------------------------------------------------------- */

static bool is_text(const vouch_reply *r, const char *bytes, size_t n)
{
    vouch_string s = vouch_reply_string(r);
    return s.data && s.size == n && memcmp(s.data, bytes, n) == 0;
}

START_TEST(entries_of_all_sizes)
{
    enum { LARGE = 3000000, FIELDS = 1500 };
    static const char many[] =
        "local w = {'XADD', KEYS[1], '3-1'} for i = 1, 1500 do w[#w + 1] = 'f' .. i w[#w + 1] = i "
        "end return redis.call(unpack(w))";
    begin(_i);
    char *large = ts_alloc(LARGE + 1);
    memset(large, 'L', LARGE);
    ts_do(rig.server, "XADD", STREAM, "1-1", "", "", "a\r\nb", "$-1\r\n", NULL);
    ts_do(rig.server, "XADD", STREAM, "2-1", "large", large, NULL);
    ts_do(rig.server, "EVAL", many, "1", STREAM, NULL);
    ts_do(rig.server, "XADD", STREAM, "4-1", "same", "1", "same", "2", NULL);
    vouch_consumer *c = open_one();
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), 4);
    const vouch_reply *fields = vouch_delivery_entry(d, 0)->fields;
    ck_assert(is_text(vouch_reply_get(fields, ""), "", 0));
    ck_assert(is_text(vouch_reply_get(fields, "a\r\nb"), "$-1\r\n", 5));
    ck_assert(is_text(vouch_reply_get(vouch_delivery_entry(d, 1)->fields, "large"), large, LARGE));
    fields = vouch_delivery_entry(d, 2)->fields;
    ck_assert_uint_eq(vouch_reply_count(fields), 2 * FIELDS);
    ck_assert(is_text(vouch_reply_get(fields, "f1500"), "1500", 4));
    fields = vouch_delivery_entry(d, 3)->fields;
    ck_assert(is_text(vouch_reply_at(fields, 1), "1", 1));
    ck_assert(is_text(vouch_reply_at(fields, 3), "2", 1));
    (void)commit(d, VOUCH_VERDICT_DONE);
    settle_all(c);
    close_it(c);
    check_ledger(4);
    free(large);
    end();
}
END_TEST

/* What is acknowledged as it is delivered is pending with nobody. */
START_TEST(without_acknowledgement)
{
    begin(_i % 2);
    vouch_consumer_options o = options();
    o.ack = VOUCH_ACK_BEFORE;
    add("1", "3");
    vouch_consumer *c = open_with(&o);
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), 3);
    ck_assert_int_eq(pending(), 0);
    ck_assert_uint_eq(commit(d, VOUCH_VERDICT_DONE), 3);
    close_it(c);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer suite");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, a_lost_group_is_made_again, 0, LOSSES);
    tcase_add_loop_test(c, what_cannot_go_on_says_so, 0, 8);
    tcase_add_loop_test(c, a_group_that_is_set_back, 0, 4);
    tcase_add_loop_test(c, a_group_that_is_set_forward, 0, 4);
    tcase_add_loop_test(c, the_last_id, 0, 4);
    tcase_add_loop_test(c, somebody_else_claims_what_was_deleted, 0, 4);
    tcase_add_loop_test(c, its_history_is_read_by_another, 0, 4);
    tcase_add_loop_test(c, its_consumer_is_deleted, 0, 4);
    tcase_add_loop_test(c, what_happens_in_one_transaction, 0, 4);
    tcase_add_loop_test(c, entries_of_all_sizes, 0, 4);
    tcase_add_loop_test(c, without_acknowledgement, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
