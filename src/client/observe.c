/* Counters and events. Pure: the time is what the driver said last. */
#include "client/observe.h"

#include "client/core.h"

#include <string.h>

/* ---- counters ------------------------------------------------------------------------------- */

static bool is_up(const struct link *l)
{
    return l->state == LINK_READY || l->state == LINK_RETIRING;
}

void observe_stats(const struct core *c, vouch_stats *out)
{
    vouch_stats all = c->counts;
    all.size = out->size;
    all.commands = all.applied + all.not_applied + all.maybe;
    for (size_t i = 0; i < c->link_count; i++)
        all.connections += is_up(c->links[i]);
    size_t known = out->size < sizeof all ? out->size : sizeof all;
    memset(out, 0, out->size);
    memcpy(out, &all, known);
}

/* Callers with a shorter struct, of a version without them, have no latencies. */
#define LATENCY_END (offsetof(vouch_stats, latency) + sizeof((vouch_stats *)NULL)->latency)

static size_t bucket_of(int64_t us)
{
    size_t i = 0;
    for (; us > 0 && i < VOUCH_LATENCY_BUCKETS - 1; us >>= 1)
        i++;
    return i;
}

int64_t vouch_stats_latency_us(const vouch_stats *stats, double quantile)
{
    uint64_t total = 0, below = 0;
    if (!stats || stats->size < LATENCY_END || !(quantile >= 0 && quantile <= 1))
        return -1;
    for (size_t i = 0; i < VOUCH_LATENCY_BUCKETS; i++)
        total += stats->latency[i];
    for (size_t i = 0; i < VOUCH_LATENCY_BUCKETS; i++) {
        below += stats->latency[i];
        if (below && ((double)below >= quantile * (double)total || below == total))
            return i == VOUCH_LATENCY_BUCKETS - 1 ? INT64_MAX : INT64_C(1) << i;
    }
    return -1;
}

/* ---- events --------------------------------------------------------------------------------- */

const char *vouch_event_name(vouch_event_kind kind)
{
    switch (kind) {
    case VOUCH_EVENT_CONNECTED:
        return "CONNECTED";
    case VOUCH_EVENT_LOST:
        return "LOST";
    case VOUCH_EVENT_UNREACHABLE:
        return "UNREACHABLE";
    case VOUCH_EVENT_RETRIED:
        return "RETRIED";
    case VOUCH_EVENT_WAITED:
        return "WAITED";
    case VOUCH_EVENT_MAYBE:
        return "MAYBE";
    case VOUCH_EVENT_RENEWED:
        return "RENEWED";
    case VOUCH_EVENT_NOT_RENEWED:
        return "NOT_RENEWED";
    case VOUCH_EVENT_CONFLICT:
        return "CONFLICT";
    case VOUCH_EVENT_SETTLED:
        return "SETTLED";
    case VOUCH_EVENT_LAST_:
        break;
    }
    return "?";
}

void observe_tell(struct core *c, vouch_event e)
{
    if (!c->settings.on_event)
        return;
    bool before = c->busy;
    e.size = sizeof e;
    e.server = e.server ? e.server : "";
    e.code = e.code ? e.code : "";
    e.message = e.message ? e.message : "";
    c->busy = true;
    c->settings.on_event(&e, c->settings.event_user);
    c->busy = before;
}

int64_t observe_ms(int64_t us)
{
    return us <= 0 ? 0 : us / 1000 + (us % 1000 != 0);
}

/* ---- connections ---------------------------------------------------------------------------- */

void observe_handed(struct link *l, size_t n, bool turned)
{
    l->core->counts.bytes_out += n;
    if (!turned || l->state != LINK_READY)
        return;
    l->core->counts.round_trips++;
    l->turned_at = l->core->now;
}

void observe_received(struct link *l, size_t n)
{
    l->core->counts.bytes_in += n;
    if (!l->turned_at || !conn_is_answered(&l->conn))
        return;
    l->core->counts.latency[bucket_of(l->core->now - l->turned_at)]++;
    l->turned_at = 0;
}

void observe_connected(struct link *l)
{
    l->core->counts.connects++;
    observe_tell(l->core, (vouch_event){.kind = VOUCH_EVENT_CONNECTED, .server = l->server});
}

void observe_given_up(struct link *l)
{
    l->core->counts.given_up += is_up(l);
    l->turned_at = 0;
}

vouch_event_kind observe_failed(struct link *l)
{
    l->in_doubt = 0;
    l->turned_at = 0;
    if (!is_up(l)) {
        l->core->counts.connect_failures++;
        return VOUCH_EVENT_UNREACHABLE;
    }
    if (l->conn.pending)
        l->core->counts.lost++;
    else
        l->core->counts.lost_idle++;
    return VOUCH_EVENT_LOST;
}

void observe_down(struct link *l, vouch_event_kind kind, const struct lane_failure *why)
{
    int64_t wait = l->state == LINK_IDLE      ? VOUCH_NO_DEADLINE
                   : l->state == LINK_WAITING ? observe_ms(l->until - l->core->now)
                                              : 0;
    observe_tell(l->core, (vouch_event){.kind = kind,
                                        .cause = why->cause,
                                        .commands = l->in_doubt,
                                        .wait_ms = wait,
                                        .server = l->server,
                                        .code = why->code,
                                        .message = why->message});
}
