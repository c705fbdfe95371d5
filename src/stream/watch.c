/* What a consumer has done, as a struct and by a hook. Pure.
 *
 * The counters are raised where the fact is known. The hook is told of them at the end of a step, when nothing is half
 * done: of all that came since the last time, at once. */
#include "stream/consumer.h"

#include <string.h>

void watch_count(const struct vouch_consumer *c, vouch_consumer_stats *out)
{
    *out = c->counts;
    out->size = sizeof *out;
    out->in_flight = c->queued + c->working;
}

/* Those that only rise: all from the first to the last of these, numbers of one kind. */
#define FIRST  offsetof(vouch_consumer_stats, delivered)
#define BEHIND (offsetof(vouch_consumer_stats, commit_us) + sizeof(uint64_t))
enum { RISING = (BEHIND - FIRST) / sizeof(uint64_t) };

static void counters_of(const vouch_consumer_stats *s, uint64_t to[static RISING])
{
    memcpy(to, (const char *)s + FIRST, RISING * sizeof *to);
}

static bool change_of(const vouch_consumer_stats *now, const vouch_consumer_stats *before,
                      vouch_consumer_stats *out)
{
    uint64_t new[RISING], old[RISING];
    bool any = false;
    counters_of(now, new);
    counters_of(before, old);
    for (size_t i = 0; i < RISING; i++) {
        new[i] -= old[i];
        any = any || new[i];
    }
    *out = *now;
    memcpy((char *)out + FIRST, new, sizeof new);
    return any;
}

void watch_tell(struct vouch_consumer *c)
{
    vouch_consumer_stats now, change;
    if (!c->o.on_change || c->telling)
        return;
    watch_count(c, &now);
    if (!change_of(&now, &c->told, &change))
        return;
    c->told = now;
    c->telling = true;
    c->o.on_change(&change, &now, c->o.change_user);
    c->telling = false;
}
