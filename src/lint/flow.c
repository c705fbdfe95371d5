/* Data flow over a whole source: rounds, until nothing that holds for the whole grows any more. */
#include "lint/flow.h"

#include "base/alloc.h"

enum {
    ROUNDS = 8,    /* in one more all that was still growing is unknown */
    PATIENCE = 60, /* steps a node, before the run is tired */
};

static bool make_facts(struct flow *flow)
{
    flow->unknown = &flow->unknown_room; /* till there is one that is kept */
    flow->unknown_room.value.unknown = true;
    flow->unknown = flow_read(flow, "?", 0);
    flow->nothing = flow_types(flow, 0, 0);
    flow->nil = flow_read(flow, "0", 0);
    flow->no = flow_read(flow, "z", 0);
    flow->yes = flow_read(flow, "y", 0);
    flow->number = flow_types(flow, LINT_TYPE_NUMBER, 0);
    flow->whole = flow_read(flow, "n", 0);
    flow->string = flow_read(flow, "s", 0);
    flow->boolean = flow_read(flow, "b", 0);
    return !flow->failed;
}

static bool make_variables(struct flow *flow)
{
    flow->ids = flow->tree->variables + FLOW_ELEMENTS;
    flow->now = alloc_zeroed(flow->ids, sizeof *flow->now);
    flow->joined = alloc_zeroed(flow->ids, sizeof(void *));
    flow->shared = alloc_zeroed(flow->ids, sizeof *flow->shared);
    flow->variables = alloc_zeroed(flow->ids, sizeof(void *));
    flow->stamps = alloc_zeroed(flow->ids, sizeof *flow->stamps);
    flow->counts = alloc_zeroed(flow->ids, sizeof *flow->counts);
    flow->sums = alloc_zeroed(flow->ids, sizeof(void *));
    return flow->now && flow->joined && flow->shared && flow->variables && flow->stamps &&
           flow->counts && flow->sums;
}

static void release(struct flow *flow)
{
    alloc_free(flow->facts);
    alloc_free(flow->now);
    alloc_free(flow->joined);
    alloc_free(flow->shared);
    alloc_free(flow->variables);
    alloc_free(flow->stamps);
    alloc_free(flow->counts);
    alloc_free(flow->sums);
    alloc_free(flow->trail);
    alloc_free(flow->branches.at);
    alloc_free(flow->breaks.at);
    alloc_free(flow->writes);
}

static void run_round(struct flow *flow)
{
    uint32_t half = FLOW_ELEMENTS / 2;
    for (uint32_t i = 0; i < FLOW_ELEMENTS; i++)
        flow->joined[flow->tree->variables + i] = flow_argument(flow, i < half, i % half + 1);
    flow->round++;
    flow->dirty = flow->dead = false;
    flow->frame = ++flow->frames;
    flow->work = 0;
    size_t mark = flow_mark(flow);
    flow_block(flow, flow->tree->root->a);
    /* What was not called from anywhere; the last one first, since functions call those before them. */
    for (struct flow_function *f = flow->functions; f && !flow->failed; f = f->next)
        if (f->round != flow->round)
            flow_run_function(flow, f);
    flow_undo(flow, mark);
}

bool lint_flow(struct arena *arena, struct lint_tree *tree, enum lint_source_kind kind)
{
    struct flow flow = {.arena = arena, .tree = tree, .kind = kind};
    flow.patience = (uint64_t)PATIENCE * tree->nodes + 10000;
    bool good = make_facts(&flow) && make_variables(&flow) && flow_scan(&flow);
    for (unsigned i = 0; good && i <= ROUNDS; i++) {
        flow.last = i == ROUNDS;
        run_round(&flow);
        good = !flow.failed;
        if (!flow.dirty)
            break;
    }
    good = good && flow_complete(&flow);
    release(&flow);
    return good;
}
