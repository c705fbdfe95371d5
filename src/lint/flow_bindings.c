/* What variables hold at the point that is being run. One array for the whole source, and a trail of what was
 * changed, by which a branch is taken back: so a branch costs what it changes, not what there is.
 *
 * A variable without a binding of the frame that runs (one of an outer function) has what it was ever given. */
#include "base/alloc.h"
#include "lint/flow.h"

const struct fact *flow_get(struct flow *flow, uint32_t id)
{
    const struct flow_binding *now = &flow->now[id];
    if (now->frame == flow->frame && now->fact)
        return now->fact;
    const struct fact *joined = flow->joined[id] ? flow->joined[id] : flow->nothing;
    return flow->last && id < flow->tree->variables ? flow_doubt(flow, joined) : joined;
}

void flow_set(struct flow *flow, uint32_t id, const struct fact *fact)
{
    struct flow_binding *now = &flow->now[id];
    if (now->frame == flow->frame && now->fact == fact)
        return;
    if (!alloc_grow((void **)&flow->trail, &flow->trail_room, flow->trail_count + 1,
                    sizeof *flow->trail)) {
        flow->failed = true;
        return;
    }
    flow->trail[flow->trail_count++] = (struct flow_change){id, *now};
    *now = (struct flow_binding){fact, flow->frame};
    flow->work++;
}

void flow_assign(struct flow *flow, const struct lint_variable *variable, const struct fact *fact)
{
    if (variable->captured && !flow->dead)
        flow_grow(flow, &flow->joined[variable->id], fact);
    if (!flow->shared[variable->id])
        flow_set(flow, variable->id, fact);
}

size_t flow_mark(const struct flow *flow)
{
    return flow->trail_count;
}

void flow_undo(struct flow *flow, size_t mark)
{
    while (flow->trail_count > mark) {
        const struct flow_change *change = &flow->trail[--flow->trail_count];
        flow->now[change->id] = change->old;
        flow->work++;
    }
}

void flow_add_delta(struct flow *flow, struct flow_deltas *into, struct flow_delta delta)
{
    if (alloc_grow((void **)&into->at, &into->room, into->count + 1, sizeof *into->at))
        into->at[into->count++] = delta;
    else
        flow->failed = true;
}

bool flow_collect(struct flow *flow, size_t mark, struct flow_deltas *into)
{
    if (flow->dead)
        return false;
    uint32_t stamp = ++flow->stamp;
    for (size_t i = mark; i < flow->trail_count; i++, flow->work++) {
        uint32_t id = flow->trail[i].id;
        if (flow->stamps[id] == stamp)
            continue;
        flow->stamps[id] = stamp;
        flow_add_delta(flow, into, (struct flow_delta){id, flow->now[id].fact});
    }
    return true;
}

void flow_meet(struct flow *flow, struct flow_deltas *deltas, size_t from, size_t live)
{
    uint32_t stamp = ++flow->stamp;
    for (size_t i = from; i < deltas->count; i++, flow->work++) {
        const struct flow_delta *delta = &deltas->at[i];
        bool first = flow->stamps[delta->id] != stamp;
        flow->stamps[delta->id] = stamp;
        flow->counts[delta->id] = first ? 1 : flow->counts[delta->id] + 1;
        flow->sums[delta->id] =
            first ? delta->fact : flow_join(flow, flow->sums[delta->id], delta->fact);
    }
    for (size_t i = from; i < deltas->count; i++) {
        uint32_t id = deltas->at[i].id;
        if (flow->counts[id] == 0)
            continue; /* done */
        const struct fact *sum = flow->sums[id];
        if (flow->counts[id] < live)
            sum = flow_join(flow, sum, flow_get(flow, id));
        flow->counts[id] = 0;
        flow_set(flow, id, sum);
    }
    deltas->count = from;
    flow->dead = live == 0;
}
