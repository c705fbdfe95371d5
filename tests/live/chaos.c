/* Random faults. A connection's life:
 *
 *     by its plan        cut after some byte, or slow, or stalled after some byte in one direction
 *     STALLED, a while   the client is shown the end (HELD), or all goes on as if nothing had been
 *     HELD, a while      what was held arrives */
#include "chaos.h"

#include "base.h"
#include "clock.h"

#include <stdlib.h>

uint64_t chaos_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t chaos_below(uint64_t *state, uint64_t n)
{
    return chaos_random(state) % n;
}

uint64_t chaos_seed(uint64_t seed, uint64_t something, uint64_t i)
{
    uint64_t state = seed ^ (something << 56) ^ i;
    return chaos_random(&state);
}

/* Plans are made so many connections ahead. */
#define AHEAD 64

/* A connection carries some five transactions, if nothing happens to it. */
#define BYTES_MAX 2500

enum life { OPEN, STALLED, HELD, OVER };

struct fate {
    enum life life;
    int64_t due_ms;
    int64_t forwarded; /* to the server, when it was cut */
};

struct chaos {
    ts_proxy *proxy;
    uint64_t seed, random;
    struct fate *fates;
    int planned, first; /* fates before `first` are OVER */
    struct chaos_counts counts;
};

static ts_plan plan_of(uint64_t seed, int connection)
{
    uint64_t r = chaos_seed(seed, 1, (uint64_t)connection);
    ts_plan plan = ts_plan_none();
    int64_t at = (int64_t)chaos_below(&r, BYTES_MAX);
    switch (chaos_below(&r, 8)) {
    case 0:
        plan.to_server.cut_after = at;
        plan.mode = chaos_below(&r, 2) ? TS_CUT_SETTLE : TS_CUT_ANSWER;
        break;
    case 1:
        plan.to_client.cut_after = 4 * at; /* answers are longer: INFO */
        plan.mode = chaos_below(&r, 2) ? TS_CUT_SETTLE : TS_CUT_ABRUPT;
        break;
    case 2:
        plan.to_client.stall_after = 4 * at;
        break;
    case 3:
        plan.to_server.delay_ms = (int64_t)chaos_below(&r, 3);
        plan.to_client.delay_ms = (int64_t)chaos_below(&r, 3);
        plan.to_server.stall_after = at;
        break;
    default:
        plan.to_server.stall_after = at;
        break;
    }
    return plan;
}

static void plan_to(struct chaos *chaos, int count)
{
    if (count <= chaos->planned)
        return;
    chaos->fates = ts_resize(chaos->fates, (size_t)count * sizeof *chaos->fates);
    for (; chaos->planned < count; chaos->planned++) {
        ts_plan plan = plan_of(chaos->seed, chaos->planned);
        chaos->fates[chaos->planned] = (struct fate){OPEN, 0, 0};
        ts_proxy_plan(chaos->proxy, chaos->planned, &plan);
    }
}

struct chaos *chaos_begin(ts_proxy *proxy, uint64_t seed)
{
    struct chaos *chaos = ts_alloc(sizeof *chaos);
    chaos->proxy = proxy;
    chaos->seed = seed;
    chaos->random = chaos_seed(seed, 2, 0);
    plan_to(chaos, AHEAD);
    return chaos;
}

static void let_go(struct chaos *chaos, int connection)
{
    struct fate *f = &chaos->fates[connection];
    if (f->life == HELD) {
        ts_proxy_counts c = ts_proxy_count(chaos->proxy, connection);
        chaos->counts.late += c.from_client > f->forwarded;
        chaos->counts.late_bytes += c.from_client - f->forwarded;
    }
    ts_proxy_release(chaos->proxy, connection);
    f->life = OVER;
}

/* As if nothing had been, up to the next stall. */
static void go_on(struct chaos *chaos, int connection)
{
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = (int64_t)chaos_below(&chaos->random, BYTES_MAX);
    ts_proxy_plan_from_here(chaos->proxy, connection, &plan);
    chaos->fates[connection].life = OPEN;
}

/* Mostly short, so that there are many; now and then longer than deadlines are. */
static int64_t moment(struct chaos *chaos, int64_t now, uint64_t most_ms)
{
    uint64_t longer = chaos_below(&chaos->random, 8) == 0 ? 10 : 1;
    return now + (int64_t)chaos_below(&chaos->random, longer * most_ms);
}

static void look(struct chaos *chaos, int connection, int64_t now)
{
    struct fate *f = &chaos->fates[connection];
    ts_proxy_counts c = ts_proxy_count(chaos->proxy, connection);
    if (f->life == OPEN && ts_proxy_wait_closed(chaos->proxy, connection, now))
        f->life = OVER;
    if (f->life == OPEN && (c.from_client > c.to_server || c.from_server > c.to_client)) {
        chaos->counts.stalled++;
        f->life = STALLED;
        f->due_ms = moment(chaos, now, 12);
    } else if (f->life == STALLED && now >= f->due_ms) {
        if (chaos_below(&chaos->random, 8) == 0) {
            go_on(chaos, connection);
            return;
        }
        ts_proxy_cut(chaos->proxy, connection, TS_END_EOF, TS_CUT_HELD);
        f->life = HELD;
        f->forwarded = c.to_server;
        f->due_ms = moment(chaos, now, 60);
    } else if (f->life == HELD && now >= f->due_ms) {
        let_go(chaos, connection);
    }
}

void chaos_turn(struct chaos *chaos)
{
    int64_t now = ts_now_ms();
    int count = ts_proxy_count(chaos->proxy, TS_EVERY).connections;
    plan_to(chaos, count + AHEAD);
    for (int i = chaos->first; i < count; i++)
        if (chaos->fates[i].life != OVER)
            look(chaos, i, now);
    while (chaos->first < count && chaos->fates[chaos->first].life == OVER)
        chaos->first++;
}

struct chaos_counts chaos_end(struct chaos *chaos)
{
    ts_plan none = ts_plan_none();
    int count = ts_proxy_count(chaos->proxy, TS_EVERY).connections;
    for (int i = count; i < chaos->planned; i++)
        ts_proxy_plan(chaos->proxy, i, &none);
    /* Those that came since the last look, more than were planned, have no fate. */
    for (int i = chaos->first; i < count && i < chaos->planned; i++)
        if (chaos->fates[i].life != OVER)
            let_go(chaos, i);
    chaos->counts.connections = (unsigned long)count;
    struct chaos_counts counts = chaos->counts;
    free(chaos->fates);
    free(chaos);
    return counts;
}
