/* What the cases about consumer groups are told with. */
#include "grouped.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>

void grouped_begin(struct grouped *g, int i)
{
    g->rig = rig_start(i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    g->client = rig_client(&g->rig, i % 2 ? 3 : 2, 1000);
    g->exact = i / 2;
}

void grouped_end(struct grouped *g)
{
    vouch_client_close(g->client);
    rig_stop(&g->rig);
}

vouch_consumer_options grouped_options(const struct grouped *g)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = g->exact ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER;
    o.stream = GROUPED_STREAM;
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 400;
    o.claim_ms = 60000;
    o.lost_group = VOUCH_LOST_ALL;
    return o;
}

vouch_consumer *grouped_open_with(struct grouped *g, const vouch_consumer_options *o)
{
    vouch_consumer *c = NULL;
    grouped_expect(g, vouch_consumer_open(g->client, o, &c, &g->error), VOUCH_OK);
    return c;
}

vouch_consumer *grouped_open(struct grouped *g)
{
    vouch_consumer_options o = grouped_options(g);
    return grouped_open_with(g, &o);
}

void grouped_close(struct grouped *g, vouch_consumer *c)
{
    grouped_expect(g, vouch_consumer_close(c, RIG_PATIENCE_MS, &g->error), VOUCH_OK);
}

void grouped_add(struct grouped *g, const char *from, const char *to)
{
    static const char script[] =
        "for i = ARGV[1], ARGV[2] do redis.call('XADD', KEYS[1], i .. '-1', 'n', i) end";
    ts_do(g->rig.server, "EVAL", script, "1", GROUPED_STREAM, from, to, NULL);
}

void grouped_wait_in_server(struct grouped *g, vouch_consumer *c)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool blocked = false; !blocked;) {
        vouch_delivery *none = NULL;
        grouped_expect(g, vouch_consumer_poll(c, 1, &none, &g->error), VOUCH_OK);
        ck_assert_ptr_null(none);
        char *n = ts_info(g->rig.server, "clients", "blocked_clients");
        blocked = n && strcmp(n, "1") == 0;
        free(n);
        ck_assert(!ts_passed(limit));
    }
}

static void fill(const struct grouped *g, vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        vouch_batch *b = g->exact && !e->lost ? vouch_delivery_effects(d, i) : NULL;
        if (b)
            vouch_batch_add(b, "HINCRBY", GROUPED_LEDGER, vouch_bytes(e->id.data, e->id.size), 1);
    }
}

vouch_delivery *grouped_poll(struct grouped *g, vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert_msg(!ts_passed(limit), "nothing comes");
        grouped_expect(g, vouch_consumer_poll(c, 100, &d, &g->error), VOUCH_OK);
    }
    fill(g, d);
    return d;
}

size_t grouped_commit(struct grouped *g, vouch_delivery *d, vouch_verdict want)
{
    size_t n = vouch_delivery_count(d);
    grouped_expect(g, vouch_delivery_commit(d, &g->error), VOUCH_OK);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(vouch_delivery_verdict(d, i), want);
    vouch_delivery_free(d);
    return n;
}

void grouped_handle(struct grouped *g, vouch_consumer *c, size_t n)
{
    for (size_t seen = 0; seen < n;)
        seen += grouped_commit(g, grouped_poll(g, c), VOUCH_VERDICT_DONE);
}

int64_t grouped_pending(const struct grouped *g)
{
    ts_reply *r = ts_command(g->rig.server, "XPENDING", GROUPED_STREAM, "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

void grouped_settle(struct grouped *g, vouch_consumer *c)
{
    grouped_expect(g, vouch_consumer_flush(c, RIG_PATIENCE_MS, &g->error), VOUCH_OK);
    ck_assert_int_eq(grouped_pending(g), 0);
}

void grouped_check_ledger(const struct grouped *g, int64_t n)
{
    ts_reply *r = ts_command(g->rig.server, "HVALS", GROUPED_LEDGER, NULL);
    for (size_t i = 0; i < r->count; i++)
        ck_assert_str_eq(r->elements[i]->text, "1");
    ck_assert_int_eq((int64_t)r->count, g->exact ? n : 0);
    ts_reply_free(r);
}
