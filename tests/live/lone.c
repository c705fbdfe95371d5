/* One consumer of one group. */
#include "lone.h"

struct rig lone_rig;
vouch_client *lone_client;
vouch_error lone_error;

void lone_begin(int kind)
{
    lone_rig = rig_start(kind % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    lone_client = rig_client(&lone_rig, kind % 2 ? 2 : 3, 1000);
}

void lone_end(void)
{
    vouch_client_close(lone_client);
    rig_stop(&lone_rig);
}

vouch_consumer_options lone_options(vouch_ack ack)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = ack;
    o.stream = "{s}in";
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 10;
    return o;
}

vouch_consumer *lone_open(const vouch_consumer_options *o)
{
    vouch_consumer *c = NULL;
    lone_expect(vouch_consumer_open(lone_client, o, &c, &lone_error), VOUCH_OK);
    return c;
}

void lone_add(int n)
{
    for (int i = 0; i < n; i++)
        ts_do(lone_rig.server, "XADD", "{s}in", "*", "field", "value", NULL);
}

vouch_delivery *lone_poll(vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert(!ts_passed(limit));
        vouch_status status = vouch_consumer_poll(c, 1000, &d, &lone_error);
        ck_assert_msg(status == VOUCH_OK || lone_error.retriable, "%s", lone_error.message);
    }
    return d;
}

int64_t lone_pending(void)
{
    ts_reply *r = ts_command(lone_rig.server, "XPENDING", "{s}in", "g", NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

size_t lone_consumers(void)
{
    ts_reply *r = ts_command(lone_rig.server, "XINFO", "CONSUMERS", "{s}in", "g", NULL);
    size_t n = r->count;
    ts_reply_free(r);
    return n;
}

vouch_consumer_stats lone_stats(const vouch_consumer *c)
{
    vouch_consumer_stats s = VOUCH_CONSUMER_STATS_INIT;
    ck_assert_int_eq(vouch_consumer_stats_read(c, &s), VOUCH_OK);
    return s;
}
