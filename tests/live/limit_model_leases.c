/* Concurrency as it is defined: who holds how much, until when. */
#include "limit_model_parts.h"

int64_t slots_of(const struct one *l, int lease, int64_t now)
{
    return lease >= 0 && l->leases[lease].ends > now ? l->leases[lease].slots : 0;
}

int64_t leases_used(const struct one *l, int64_t now)
{
    int64_t used = 0;
    for (int i = 0; i < MODEL_LEASES; i++)
        used += slots_of(l, i, now);
    return used;
}

int64_t last_end(const struct one *l, int64_t now)
{
    int64_t last = now;
    for (int i = 0; i < MODEL_LEASES; i++)
        if (slots_of(l, i, now) && l->leases[i].ends > last)
            last = l->leases[i].ends;
    return last;
}

bool leases_open(struct one *l, int64_t now)
{
    bool stale = false;
    for (int i = 0; i < MODEL_LEASES; i++)
        stale = stale || (slots_of(l, i, now) && l->leases[i].ends > now + 2 * l->spec.period_us);
    for (int i = 0; i < MODEL_LEASES && stale; i++)
        if (l->leases[i].ends > now + l->spec.period_us)
            l->leases[i].ends = now + l->spec.period_us;
    return stale;
}

/* Until as many slots are free as are missing, and as many more as it has itself: some of those that end
 * may be its own. */
int64_t leases_wait(const struct one *l, int64_t cost, int lease, int64_t now)
{
    int64_t own = slots_of(l, lease, now);
    int64_t missing = leases_used(l, now) - own + cost - l->spec.limit, when = now;
    if (missing <= 0)
        return 0;
    for (missing += own; missing > 0;) {
        int64_t next = INT64_MAX;
        for (int i = 0; i < MODEL_LEASES; i++)
            if (slots_of(l, i, when) && l->leases[i].ends < next)
                next = l->leases[i].ends;
        for (int i = 0; i < MODEL_LEASES; i++)
            missing -= l->leases[i].ends == next ? slots_of(l, i, when) : 0;
        when = next;
    }
    return when - now;
}

void leases_put(struct one *l, int64_t change, int lease, int64_t now)
{
    if (change)
        l->leases[lease].slots = at_least_0(change);
    if (change > 0)
        l->leases[lease].ends = now + l->spec.period_us;
    for (int i = 0; i < MODEL_LEASES; i++)
        l->leases[i].slots = slots_of(l, i, now);
    written(l, last_end(l, now), now);
}
