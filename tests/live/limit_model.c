/* The kinds of limits as they are defined. Everything that is counted is kept one by one (the log), or as
 * integers of 128 bits, so that no rounding has to be thought about. */
#include "limit_model_parts.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>

struct limit_model {
    struct one limits[VOUCH_LIMITS_MAX];
    size_t n;
};

/* ---- windows -------------------------------------------------------------------------------- */

static int64_t weight(const struct one *l, int64_t now)
{
    int64_t in = now < l->start ? 0 : now - l->start;
    return up((wide)l->before * (l->spec.period_us - in), l->spec.period_us);
}

static void window_keep(struct one *l)
{
    l->kept[0] = l->start;
    l->kept[1] = l->before;
    l->kept[2] = l->count;
}

static bool window_open(struct one *l, int64_t now)
{
    int64_t p = l->spec.period_us, present = now / p * p;
    bool sliding = l->spec.kind == VOUCH_LIMIT_SLIDING_WINDOW, there = l->expires != MODEL_ABSENT;
    l->start = l->kept[0];
    l->before = l->kept[1];
    l->count = l->kept[2];
    bool stale = there && l->start > present + p;
    if (stale)
        l->start = present;
    if (there && l->start >= present)
        return stale;
    l->before = sliding && there && l->start == present - p ? l->count : 0;
    l->count = 0;
    l->start = present;
    return false;
}

/* Whether a cost fits at a later time: nobody takes anything until then. */
static bool window_fits(const struct one *l, int64_t cost, int64_t when)
{
    struct one later = *l;
    window_keep(&later);
    later.expires = 0;
    (void)window_open(&later, when);
    return later.count + cost + weight(&later, when) <= l->spec.limit;
}

/* What fits goes on fitting: looked for by halves. */
static int64_t window_wait(const struct one *l, int64_t cost, int64_t now)
{
    int64_t low = now - 1, high = l->start + 2 * l->spec.period_us;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (window_fits(l, cost, middle))
            high = middle;
        else
            low = middle;
    }
    return high - now;
}

static int64_t window_reset(const struct one *l, int64_t now)
{
    int64_t p = l->spec.period_us;
    if (l->spec.kind == VOUCH_LIMIT_FIXED_WINDOW)
        return l->count ? l->start + p - now : 0;
    return l->count ? l->start + 2 * p - now : l->before ? l->start + p - now : 0;
}

static void window_put(struct one *l, int64_t change, int64_t now)
{
    l->count += change;
    if (l->count < 0) {
        l->before = at_least_0(l->before + l->count);
        l->count = 0;
    }
    window_keep(l);
    written(l, now + window_reset(l, now), now);
}

/* ---- buckets -------------------------------------------------------------------------------- */

static wide owed(const struct one *l, int64_t now)
{
    wide debt = l->paid - (wide)now * l->spec.limit;
    return l->expires == MODEL_ABSENT || debt < 0 ? 0 : debt;
}

static wide full(const struct one *l)
{
    return (wide)l->most * l->spec.period_us;
}

static bool bucket_open(struct one *l, int64_t now)
{
    bool stale = owed(l, now) > 2 * full(l);
    if (stale)
        l->paid = (wide)now * l->spec.limit + full(l);
    return stale;
}

static int64_t bucket_wait(const struct one *l, int64_t cost, int64_t now)
{
    wide missing = owed(l, now) + (wide)cost * l->spec.period_us - full(l);
    return missing > 0 ? up(missing, l->spec.limit) : 0;
}

static void bucket_put(struct one *l, int64_t change, int64_t now)
{
    wide debt = owed(l, now) + (wide)change * l->spec.period_us;
    debt = debt < 0 ? 0 : debt;
    l->paid = (wide)now * l->spec.limit + debt;
    written(l, now + up(debt, l->spec.limit), now);
}

/* ---- the log -------------------------------------------------------------------------------- */

static bool counts(const struct one *l, size_t i, int64_t now)
{
    return l->log[i].time > now - l->spec.period_us;
}

static int64_t log_used(const struct one *l, int64_t now)
{
    int64_t used = 0;
    for (size_t i = 0; i < l->logged; i++)
        used += counts(l, i, now) ? l->log[i].cost : 0;
    return used;
}

static bool log_open(struct one *l, int64_t now)
{
    bool stale = l->logged && l->log[l->logged - 1].time > now + l->spec.period_us;
    for (size_t i = 0; i < l->logged && stale; i++)
        if (l->log[i].time > now)
            l->log[i].time = now;
    return stale;
}

static int64_t log_wait(const struct one *l, int64_t cost, int64_t now)
{
    int64_t missing = log_used(l, now) + cost - l->spec.limit;
    for (size_t i = 0; i < l->logged && missing > 0; i++) {
        missing -= counts(l, i, now) ? l->log[i].cost : 0;
        if (missing <= 0)
            return l->log[i].time + l->spec.period_us - now;
    }
    return 0;
}

static int64_t log_reset(const struct one *l, int64_t now)
{
    return log_used(l, now) ? l->log[l->logged - 1].time + l->spec.period_us - now : 0;
}

static void log_add(struct one *l, int64_t cost, int64_t now)
{
    size_t kept = 0;
    int64_t newest = l->logged ? l->log[l->logged - 1].time : now;
    for (size_t i = 0; i < l->logged; i++)
        if (counts(l, i, now))
            l->log[kept++] = l->log[i];
    l->logged = kept;
    if (l->logged == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->log = ts_resize(l->log, l->room * sizeof *l->log);
    }
    l->log[l->logged++] = (struct taken){newest > now ? newest : now, cost};
}

static void log_take_back(struct one *l, int64_t cost, int64_t now)
{
    while (cost > 0 && l->logged && counts(l, l->logged - 1, now)) {
        struct taken *last = &l->log[l->logged - 1];
        int64_t part = cost < last->cost ? cost : last->cost;
        last->cost -= part;
        cost -= part;
        l->logged -= !last->cost;
    }
    if (!log_used(l, now))
        l->logged = 0;
}

static void log_put(struct one *l, int64_t change, int64_t now)
{
    if (change > 0)
        log_add(l, change, now);
    else if (change < 0)
        log_take_back(l, -change, now);
    written(l, now + log_reset(l, now), now);
}

/* ---- one of any kind ------------------------------------------------------------------------ */

static bool is_lease(const struct one *l)
{
    return l->spec.kind == VOUCH_LIMIT_CONCURRENCY;
}

static void put(struct one *l, int64_t change, int lease, int64_t now)
{
    switch (l->spec.kind) {
    case VOUCH_LIMIT_FIXED_WINDOW:
    case VOUCH_LIMIT_SLIDING_WINDOW:
        window_put(l, change, now);
        break;
    case VOUCH_LIMIT_TOKEN_BUCKET:
    case VOUCH_LIMIT_GCRA:
        bucket_put(l, change, now);
        break;
    case VOUCH_LIMIT_SLIDING_LOG:
        log_put(l, change, now);
        break;
    case VOUCH_LIMIT_CONCURRENCY:
        leases_put(l, change, lease, now);
        break;
    case VOUCH_LIMIT_KIND_LAST_:
        break;
    }
}

static void open_one(struct one *l, int64_t now)
{
    bool stale = l->spec.kind <= VOUCH_LIMIT_SLIDING_WINDOW ? window_open(l, now)
                 : l->spec.kind == VOUCH_LIMIT_SLIDING_LOG  ? log_open(l, now)
                 : l->spec.kind == VOUCH_LIMIT_CONCURRENCY  ? leases_open(l, now)
                                                            : bucket_open(l, now);
    if (stale)
        put(l, 0, -1, now);
}

static int64_t wait_one(const struct one *l, vouch_limit_action action, int64_t cost, int lease,
                        int64_t now)
{
    if (!cost)
        return 0;
    if (action > VOUCH_LIMIT_PEEK)
        return is_lease(l) && !slots_of(l, lease, now) ? VOUCH_LIMIT_NEVER : 0;
    if (cost > l->most)
        return VOUCH_LIMIT_NEVER;
    return l->spec.kind <= VOUCH_LIMIT_SLIDING_WINDOW ? window_wait(l, cost, now)
           : l->spec.kind == VOUCH_LIMIT_SLIDING_LOG  ? log_wait(l, cost, now)
           : is_lease(l)                              ? leases_wait(l, cost, lease, now)
                                                      : bucket_wait(l, cost, now);
}

static void left(const struct one *l, int64_t now, vouch_limit *out)
{
    int64_t used;
    if (l->spec.kind <= VOUCH_LIMIT_SLIDING_WINDOW) {
        used = l->count + weight(l, now);
        out->reset_after_us = window_reset(l, now);
    } else if (l->spec.kind == VOUCH_LIMIT_SLIDING_LOG) {
        used = log_used(l, now);
        out->reset_after_us = log_reset(l, now);
    } else if (is_lease(l)) {
        used = leases_used(l, now);
        out->reset_after_us = last_end(l, now) - now;
    } else {
        used = up(owed(l, now), l->spec.period_us);
        out->reset_after_us = up(owed(l, now), l->spec.limit);
    }
    out->remaining = at_least_0(l->most - used);
}

static void act(struct one *l, vouch_limit_action action, bool all, int64_t cost, int lease,
                int64_t now)
{
    bool held = is_lease(l) && slots_of(l, lease, now);
    if (!cost)
        return;
    if (action == VOUCH_LIMIT_TAKE && all)
        put(l, cost, lease, now);
    else if (action == VOUCH_LIMIT_REFUND && (held || !is_lease(l)))
        put(l, -cost, lease, now);
    else if (action == VOUCH_LIMIT_RELEASE && held)
        put(l, -1, lease, now);
    else if (action == VOUCH_LIMIT_EXTEND && all && held)
        put(l, slots_of(l, lease, now), lease, now);
}

void limit_model_call(struct limit_model *m, int64_t now, vouch_limit_action action,
                      const int64_t *costs, int lease, vouch_decision *out)
{
    bool all = true;
    memset(out, 0, sizeof *out);
    out->n = m->n;
    for (size_t i = 0; i < m->n; i++) {
        struct one *l = &m->limits[i];
        open_one(l, now);
        int64_t wait = wait_one(l, action, costs[i], lease, now);
        out->each[i].allowed = wait == 0;
        out->each[i].retry_after_us = wait;
        all = all && wait == 0;
    }
    for (size_t i = 0; i < m->n; i++) {
        struct one *l = &m->limits[i];
        act(l, action, all, costs[i], lease, now);
        out->each[i].limit = l->most;
        left(l, now, &out->each[i]);
    }
}

int64_t limit_model_expires(const struct limit_model *m, size_t i)
{
    return m->limits[i].expires;
}

struct limit_model *limit_model_new(const vouch_limit_spec *specs, size_t n)
{
    struct limit_model *m = ts_alloc(sizeof *m);
    m->n = n;
    for (size_t i = 0; i < n; i++) {
        m->limits[i].spec = specs[i];
        m->limits[i].most = specs[i].burst ? specs[i].burst : specs[i].limit;
        m->limits[i].expires = MODEL_ABSENT;
    }
    return m;
}

void limit_model_free(struct limit_model *m)
{
    for (size_t i = 0; m && i < m->n; i++)
        free(m->limits[i].log);
    free(m);
}
