/* Allocations of a consumer's life fail, one alone or one with all after it, against a real server: nothing leaks, no
 * entry is lost, and with exactly once none is done twice. The linker wraps the library's allocation functions
 * (--wrap). */
#include "clock.h"
#include "heap.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

/* Of a case; the second is rejected, the third given back the first time. */
enum { ENTRIES = 5, REJECTED = 1, RETURNED = 2 };

/* Each so many allocations one fails; VOUCH_OOM_EVERY=1: each. */
#define EVERY 7

static ts_server *server;
static vouch_client *client;
static vouch_ack ack;
static bool returned;

static vouch_client *connect_it(void)
{
    char url[TS_URL_MAX];
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *c = NULL;
    o.lazy = 1;
    o.retry_min_ms = o.retry_max_ms = 1;
    ck_assert_int_eq(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &c, NULL),
                     VOUCH_OK);
    return c;
}

static vouch_consumer *open_it(vouch_status *status)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_consumer *c = NULL;
    vouch_error e;
    o.ack = ack;
    o.stream = "{s}in";
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 1;
    o.claim_ms = 1;
    o.batch = 3;
    o.prefetch = 1;
    *status = vouch_consumer_open(client, &o, &c, &e);
    return c;
}

/* ---- a life --------------------------------------------------------------------------------- */

/* Number of the entry, from its id. */
static int number_of(const vouch_delivery *d, size_t i)
{
    return (int)strtol(vouch_delivery_entry(d, i)->id.data, NULL, 10);
}

/* What has an effect: with exactly once through the delivery, else before it is committed. False: not handled, so
 * that the delivery must not be committed. */
static bool handle(vouch_delivery *d, size_t i)
{
    char field[16];
    vouch_error e;
    int number = number_of(d, i);
    (void)snprintf(field, sizeof field, "%d", number);
    if (number == REJECTED) {
        return vouch_delivery_reject(d, i, "wanted", &e) == VOUCH_OK;
    } else if (number == RETURNED && !returned) {
        returned = vouch_delivery_nack(d, i, 0, &e) == VOUCH_OK;
        return returned;
    } else if (ack == VOUCH_ACK_EXACTLY_ONCE) {
        (void)vouch_batch_add(vouch_delivery_effects(d, i), "HINCRBY", "{s}ledger", field, "1");
    } else {
        ts_do(server, "HINCRBY", "{s}ledger", field, "1", NULL);
    }
    return true;
}

static void work(vouch_consumer *c, int turns)
{
    for (int turn = 0; turn < turns; turn++) {
        vouch_delivery *d = NULL;
        vouch_error e;
        bool handled = true;
        (void)!vouch_consumer_poll(c, 2, &d, &e);
        for (size_t i = 0; i < vouch_delivery_count(d); i++)
            handled = handle(d, i) && handled;
        if (turn == 1 && d)
            (void)!vouch_delivery_extend(d, &e);
        if (d && handled)
            (void)!vouch_delivery_commit(d, &e);
        vouch_delivery_free(d);
    }
    vouch_error e;
    (void)!vouch_consumer_flush(c, 20, &e);
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(server, "XPENDING", "{s}in", "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

/* With all the memory it wants, until nothing is left to do. */
static void finish(void)
{
    vouch_status status;
    vouch_consumer *c = open_it(&status);
    ck_assert_int_eq(status, VOUCH_OK);
    vouch_group_status s = VOUCH_GROUP_STATUS_INIT;
    s.lag = -1;
    for (int64_t limit = ts_deadline(20000); s.lag != 0 || s.pending != 0;) {
        ck_assert_msg(!ts_passed(limit), "%lld are pending", (long long)pending());
        work(c, 1);
        ck_assert_int_eq(vouch_group_status_read(client, "{s}in", "g", NULL, &s, NULL), VOUCH_OK);
    }
    ck_assert_int_eq(vouch_consumer_close(c, 20000, NULL), VOUCH_OK);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void check(unsigned long n)
{
    for (int i = 0; i < ENTRIES; i++) {
        char field[16];
        (void)snprintf(field, sizeof field, "%d", i);
        int64_t held = ts_int(server, "HGET", "{s}ledger", field, NULL);
        int64_t times = held == TS_NIL ? 0 : held;
        bool fits = i == REJECTED                   ? times == 0
                    : ack == VOUCH_ACK_EXACTLY_ONCE ? times == 1
                                                    : times >= 1;
        ck_assert_msg(fits, "allocation %lu fails: entry %d was done %lld times", n, i,
                      (long long)times);
    }
    int64_t dead = ts_int(server, "XLEN", "{s}in:dead", NULL);
    ck_assert_msg(ack == VOUCH_ACK_EXACTLY_ONCE ? dead == 1 : dead >= 1,
                  "allocation %lu fails: %lld dead letters", n, (long long)dead);
}

static void fill(void)
{
    for (int i = 0; i < ENTRIES; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d-1", i);
        ts_do(server, "XADD", "{s}in", id, "field", "value", NULL);
    }
}

/* False once no allocation is left to fail. */
static bool run_case(unsigned long n, unsigned long more)
{
    vouch_status status;
    fill();
    heap_forget();
    returned = false;
    client = connect_it();
    heap_fail(n, more);
    vouch_consumer *c = open_it(&status);
    if (c)
        work(c, 6);
    bool reached = heap_recover() > n;
    vouch_error e;
    ck_assert(!c == (status != VOUCH_OK));
    (void)!vouch_consumer_close(c, 1000, &e);
    finish();
    vouch_client_close(client);
    ck_assert(ts_server_wait_clients(server, 0, ts_deadline(20000)));
    ck_assert_msg(heap_live() == 0, "allocation %lu fails: %ld blocks are left", n, heap_live());
    check(n);
    ts_do(server, "FLUSHALL", NULL);
    return reached;
}

START_TEST(no_missing_memory_loses_or_doubles)
{
    const char *given = getenv("VOUCH_OOM_EVERY");
    unsigned long every = given ? strtoul(given, NULL, 10) : EVERY, cases = 0, at = 0;
    ts_server_options so = {.kind = _i % 2 ? TS_VALKEY : TS_REDIS};
    ack = _i / 4 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER;
    server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    ts_do(server, "CONFIG", "SET", "hz", "500", NULL); /* as often it looks who has waited enough */
    for (; run_case(at, _i / 2 % 2 ? ULONG_MAX / 2 : 0); at += every)
        cases++;
    printf("%lu of %lu allocations failed%s\n", cases, at, _i / 2 % 2 ? ", with all after" : "");
    ck_assert_uint_gt(at, 40);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumers, short of memory");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 3000);
    tcase_add_loop_test(c, no_missing_memory_loses_or_doubles, 0, 8);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
