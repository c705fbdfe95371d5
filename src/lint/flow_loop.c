/* Loops: run until what holds at their beginning holds at their end too. What does not settle in a few passes
 * becomes unknown, and when the run is tired all that is assigned in the loop is, at once. */
#include "lint/flow.h"

#include <string.h>

enum { EXACT_PASSES = 3, PASSES = 6 };

/* All that is assigned in the loop may be anything. */
static void forget(struct flow *flow, const struct lint_node *loop)
{
    size_t low = 0, high = flow->write_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (flow->writes[middle].offset < loop->offset)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < flow->write_count && flow->writes[low].offset < loop->finish; low++) {
        uint32_t id = flow->writes[low].id;
        if (flow->now[id].frame == flow->frame && flow->now[id].fact)
            flow_set(flow, id, flow_doubt(flow, flow->now[id].fact));
    }
}

static bool is_builtin(const struct fact *fact, const char *name)
{
    return fact->value.thing == LINT_THING_BUILTIN && strcmp(fact->value.builtin, name) == 0;
}

/* What a loop's variables are given in each pass. */
static void pairs_of(struct flow *flow, const struct fact *table, bool list,
                     const struct fact **key, const struct fact **value)
{
    struct fact one = *flow_element(flow, table, list);
    one.value.element = false;
    one.value.key = 0;
    one.value.types &= (uint16_t)~LINT_TYPE_NIL;
    *value = flow_keep(flow, &one);
    const struct lint_shape *shape = table->value.shape;
    bool indexed = table->value.thing == LINT_THING_KEYS || table->value.thing == LINT_THING_ARGV ||
                   (table->elements && strcmp(table->elements, "ok") != 0 &&
                    strcmp(table->elements, "err") != 0) ||
                   (shape && shape->whole && shape->list && !shape->fields);
    if (list || indexed)
        *key = flow->whole;
    else if (shape && shape->whole && shape->fields && !shape->list)
        *key = flow_types(flow, LINT_TYPE_STRING, LINT_FROM_LITERAL);
    else
        *key = flow_with_origins(flow, flow->unknown,
                                 table->value.origins & ~(unsigned)LINT_FROM_PCALL);
}

static bool is_text(const struct lint_value *value)
{
    return !value->unknown && value->types & LINT_TYPE_STRING && !(value->types & LINT_TYPE_TABLE);
}

/* What names of a for … in are given, told from the call in it. */
static void for_in_facts(struct flow *flow, const struct lint_node *node,
                         const struct fact *facts[2])
{
    const struct lint_node *call = node->b;
    facts[0] = facts[1] = flow->unknown;
    const struct fact *callee = NULL, *table = NULL;
    if (call && !call->next && call->kind == LINT_CALL && call->b && !call->b->next) {
        callee = (const struct fact *)call->a->value;
        table = (const struct fact *)call->b->value;
    } else if (call && call->next && !call->next->next) {
        callee = (const struct fact *)call->value; /* next, t */
        table = (const struct fact *)call->next->value;
        if (!is_builtin(callee, "next"))
            return;
    } else if (call && !call->next && call->value && call->kind != LINT_DOTS) {
        callee = (const struct fact *)(call->kind == LINT_CALL ? call->a->value : call->value);
        bool matches = is_builtin(callee, "string.gmatch");
        if (call->kind == LINT_METHOD)
            matches = call->b->kind == LINT_STRING && call->b->text.size == 6 &&
                      memcmp(call->b->text.text, "gmatch", 6) == 0 && is_text(call->a->value);
        if (matches)
            facts[0] = facts[1] =
                flow_types(flow, LINT_TYPE_STRING, call->value->origins | LINT_FROM_COMPUTED);
        return;
    }
    if (!callee)
        return;
    if (is_builtin(callee, "ipairs"))
        pairs_of(flow, table, true, &facts[0], &facts[1]);
    else if (is_builtin(callee, "pairs") || is_builtin(callee, "next"))
        pairs_of(flow, table, false, &facts[0], &facts[1]);
}

/* What the name of a for = counts through. */
static const struct fact *range_fact(struct flow *flow, const struct lint_node *range)
{
    struct fact fact = {.value = {.types = LINT_TYPE_NUMBER}};
    const struct lint_node *step = range->next ? range->next->next : NULL;
    const struct lint_value *from = range->value;
    unsigned whole = from->whole | (step ? step->value->whole : LINT_WHOLE);
    bool known = from->types == LINT_TYPE_NUMBER && !from->unknown && from->whole &&
                 (!step || (step->value->types == LINT_TYPE_NUMBER && !step->value->unknown &&
                            step->value->whole));
    fact.value.whole = known ? (uint8_t)whole : (uint8_t)(whole & LINT_FRACTION);
    for (const struct lint_node *node = range; node; node = node->next)
        fact.value.origins |= node->value->origins;
    const struct fact *to = range->next ? (const struct fact *)range->next->value : NULL;
    if (to && to->bound > 0 && ((const struct fact *)from)->bound > 0)
        fact.bound = to->bound + ((const struct fact *)from)->bound;
    return flow_keep(flow, &fact);
}

/* One pass, from its condition or names to its end. What leaves through the condition is collected. */
static void pass(struct flow *flow, struct lint_node *node, const struct fact *const facts[2],
                 size_t base, size_t *leaving)
{
    if (node->kind == LINT_REPEAT) {
        flow_block(flow, node->a);
        flow_expression(flow, node->b);
    } else if (node->kind == LINT_WHILE) {
        flow_expression(flow, node->a);
    }
    struct lint_node *condition = node->kind == LINT_REPEAT  ? node->b
                                  : node->kind == LINT_WHILE ? node->a
                                                             : NULL;
    if (condition) {
        bool dead = flow->dead, stays = node->kind == LINT_WHILE;
        size_t mark = flow_mark(flow);
        flow_refine(flow, condition, !stays);
        *leaving += flow_collect(flow, base, &flow->branches);
        flow_undo(flow, mark);
        flow->dead = dead;
        flow_refine(flow, condition, stays);
        if (stays)
            flow_block(flow, node->b);
        return;
    }
    size_t i = 0;
    for (struct lint_node *name = node->a; name; name = name->next, i++) {
        const struct fact *fact = i < 2 ? facts[i] : flow->unknown;
        if (name->variable)
            flow_assign(flow, name->variable, fact);
        flow_note(flow, name, fact);
        if (node->kind == LINT_FOR_NUMBER)
            break;
    }
    flow_block(flow, node->c);
}

static bool declared_inside(const struct flow *flow, const struct lint_node *loop, uint32_t id)
{
    const struct lint_variable *variable = id < flow->tree->variables ? flow->variables[id] : NULL;
    return variable && variable->declared && variable->declared->offset >= loop->offset &&
           variable->declared->offset < loop->finish;
}

/* Joins a pass's end into the beginning; true if that changed it. `doubt`: what changed may be anything. */
static bool join_head(struct flow *flow, const struct lint_node *loop, size_t head, bool doubt,
                      bool ignore)
{
    size_t from = flow->branches.count;
    bool changed = false, live = flow_collect(flow, head, &flow->branches);
    flow_undo(flow, head);
    for (size_t i = from; live && !ignore && i < flow->branches.count; i++) {
        uint32_t id = flow->branches.at[i].id;
        const struct fact *before = flow->now[id].frame == flow->frame ? flow->now[id].fact : NULL;
        if (declared_inside(flow, loop, id))
            continue;
        if (!before)
            before = flow_get(flow, id);
        const struct fact *sum = flow_join(flow, before, flow->branches.at[i].fact);
        if (sum != before)
            sum = flow_unbound(flow, sum); /* else it may grow for ever */
        if (sum == before || (doubt && before->value.unknown && !before->limits))
            continue;
        flow_set(flow, id, doubt ? flow_doubt(flow, sum) : sum);
        changed = true;
    }
    flow->branches.count = from;
    return changed;
}

void flow_run_loop(struct flow *flow, struct lint_node *node)
{
    const struct fact *facts[2] = {flow->unknown, flow->unknown};
    if (node->kind == LINT_FOR_NUMBER || node->kind == LINT_FOR_IN) {
        struct flow_values values;
        flow_list(flow, node->b, &values);
        if (node->kind == LINT_FOR_IN)
            for_in_facts(flow, node, facts);
        else
            facts[0] = range_fact(flow, node->b);
    }
    struct flow_loop outer = flow->loop;
    bool dead = flow->dead;
    size_t breaks = flow->breaks.count, from = flow->branches.count, leaving = 0;
    flow->loop = (struct flow_loop){.open = true, .base = flow_mark(flow)};
    for (unsigned i = 0;; i++) {
        bool ignore = i + 1 >= PASSES || flow->tired;
        if (ignore)
            forget(flow, node);
        size_t head = flow_mark(flow);
        flow->breaks.count = breaks;
        flow->branches.count = from;
        flow->loop.live = leaving = 0;
        flow->dead = dead;
        pass(flow, node, facts, flow->loop.base, &leaving);
        if (!join_head(flow, node, head, i >= EXACT_PASSES, ignore))
            break;
    }
    flow->dead = dead;
    if (node->kind == LINT_FOR_NUMBER ||
        node->kind == LINT_FOR_IN) /* of a `for` what held at its beginning holds behind it */
        leaving += flow_collect(flow, flow->loop.base, &flow->branches);
    flow_undo(flow, flow->loop.base);
    for (size_t i = breaks; i < flow->breaks.count && !flow->failed; i++)
        flow_add_delta(flow, &flow->branches, flow->breaks.at[i]);
    flow->breaks.count = breaks;
    leaving += flow->loop.live;
    flow->loop = outer;
    flow_meet(flow, &flow->branches, from, leaving);
}
