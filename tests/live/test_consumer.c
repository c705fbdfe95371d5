/* Consumers of streams: reading, acknowledging, claiming, leaving, against both servers. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(int kind)
{
    rig = rig_start(kind ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_consumer *open_consumer(const char *name, vouch_consumer_options o)
{
    vouch_consumer *c = NULL;
    if (!o.stream_count)
        o.stream = "orders";
    o.group = "ledger";
    o.consumer = name;
    expect(vouch_consumer_open(client, &o, &c, &error), VOUCH_OK);
    return c;
}

static void add(const char *stream, int n)
{
    char number[16];
    for (int i = 0; i < n; i++) {
        (void)snprintf(number, sizeof number, "%d", i);
        ts_do(rig.server, "XADD", stream, "*", "n", number, NULL);
    }
}

static int64_t pending(void)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", "orders", "ledger", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

START_TEST(what_is_there_is_delivered_and_acknowledged_with_the_next_read)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    begin(_i);
    add("orders", 250);
    o.block_ms = 50;
    vouch_consumer *c = open_consumer("w", o);
    int seen = 0;
    for (vouch_delivery *d; seen < 250; vouch_delivery_free(d)) {
        expect(vouch_consumer_poll(c, 5000, &d, &error), VOUCH_OK);
        ck_assert_ptr_nonnull(d);
        ck_assert_uint_le(vouch_delivery_count(d), 100);
        for (size_t i = 0; i < vouch_delivery_count(d); i++, seen++) {
            int64_t n = -1;
            const vouch_entry *e = vouch_delivery_entry(d, i);
            ck_assert(vouch_reply_int64(vouch_reply_get(e->fields, "n"), &n));
            ck_assert_int_eq(n, seen);
            ck_assert_uint_eq(e->deliveries, 1);
        }
        expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    }
    vouch_delivery *d = NULL;
    expect(vouch_consumer_poll(c, 0, &d, &error), VOUCH_OK);
    ck_assert_ptr_null(d);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
    ts_reply *r = ts_command(rig.server, "XINFO", "CONSUMERS", "orders", "ledger", NULL);
    ck_assert_uint_eq(r->count, 0);
    ts_reply_free(r);
    end();
}
END_TEST

START_TEST(what_another_has_had_too_long_is_claimed)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_delivery *d = NULL;
    begin(_i);
    add("orders", 10);
    ts_do(rig.server, "XGROUP", "CREATE", "orders", "ledger", "0", NULL);
    ts_reply_free(ts_command(rig.server, "XREADGROUP", "GROUP", "ledger", "dead", "STREAMS",
                             "orders", ">", NULL));
    ts_do(rig.server, "XDEL", "orders", "0-1", NULL);
    o.block_ms = 20;
    o.claim_ms = 30;
    vouch_consumer *c = open_consumer("w", o);
    expect(vouch_consumer_poll(c, 5000, &d, &error), VOUCH_OK);
    ck_assert_uint_eq(vouch_delivery_count(d), 10);
    ck_assert_uint_eq(vouch_delivery_entry(d, 3)->deliveries, 2);
    vouch_delivery_free(d); /* given back when it closes */
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 10);
    c = open_consumer("v", o);
    expect(vouch_consumer_poll(c, 5000, &d, &error), VOUCH_OK);
    ck_assert_uint_eq(vouch_delivery_count(d), 10);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    ck_assert_int_eq(pending(), 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, what_is_there_is_delivered_and_acknowledged_with_the_next_read, 0, 2);
    tcase_add_loop_test(c, what_another_has_had_too_long_is_claimed, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
