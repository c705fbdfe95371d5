/* What a condition says of the variables in it. */
#include "lint/flow.h"

#include <string.h>

enum { FALSY = LINT_TYPE_NIL | LINT_TYPE_FALSE, DEPTH = 16 };

const struct fact *flow_when(struct flow *flow, const struct fact *fact, bool truth)
{
    struct fact when = *fact;
    struct lint_value *v = &when.value;
    flow_limit(&when, truth ? FLOW_ALL_TYPES & ~(unsigned)FALSY : FALSY);
    if (!truth) {
        if (v->element && !v->unknown)
            v->types |= LINT_TYPE_NIL; /* absent, then */
        v->shape = NULL;
    }
    v->element = false;
    unsigned types = v->types;
    v->constant = fact->value.constant ||
                  (!v->unknown && (types == LINT_TYPE_NIL || types == LINT_TYPE_FALSE));
    return flow_keep(flow, &when);
}

/* It is one of these types, or none of them. */
static const struct fact *of_types(struct flow *flow, const struct fact *fact, unsigned types,
                                   bool truth)
{
    struct fact of = *fact;
    struct lint_value *v = &of.value;
    unsigned wanted = truth ? types : FLOW_ALL_TYPES & ~types;
    flow_limit(&of, wanted);
    if (!(wanted & LINT_TYPE_NIL)) {
        v->element = false;
    } else if (v->element && v->types == 0 && !v->unknown) {
        v->types = LINT_TYPE_NIL;
        v->element = false;
    }
    if (!(v->types & LINT_TYPE_TABLE))
        v->shape = NULL;
    unsigned left = v->types;
    v->constant = fact->value.constant ||
                  (!v->unknown && !v->element &&
                   (left == LINT_TYPE_NIL || left == LINT_TYPE_FALSE || left == LINT_TYPE_TRUE));
    return flow_keep(flow, &of);
}

/* It equals a constant, or does not. */
static const struct fact *equals(struct flow *flow, const struct fact *fact,
                                 const struct fact *constant, bool truth)
{
    const struct lint_value *c = &constant->value;
    const unsigned one = LINT_TYPE_NIL | LINT_TYPE_FALSE | LINT_TYPE_TRUE;
    if (c->types & one)
        return of_types(flow, fact, c->types, truth);
    if (!truth) {
        bool same =
            fact->value.constant && fact->value.types == c->types &&
            fact->value.number == c->number && fact->value.text.size == c->text.size &&
            (c->text.size == 0 || memcmp(fact->value.text.text, c->text.text, c->text.size) == 0);
        return same ? flow->nothing : fact;
    }
    bool unknown = fact->value.unknown && flow_limits(fact) & c->types;
    if (!unknown && !(fact->value.types & c->types))
        return flow->nothing;
    struct fact is = *constant;
    is.value.origins = fact->value.origins ? fact->value.origins : c->origins;
    is.value.reply = fact->value.reply;
    is.value.reply_name = fact->value.reply_name;
    is.value.key = fact->value.key;
    return flow_keep(flow, &is);
}

void flow_refine_fact(struct flow *flow, struct lint_node *node, const struct fact *fact)
{
    uint32_t id;
    while (node->kind == LINT_PAREN)
        node = node->a;
    if (node->kind == LINT_NAME && node->variable) {
        id = node->variable->id;
        if (flow->shared[id])
            return;
    } else if (node->kind != LINT_INDEX || !node->a->value || !node->b->value ||
               !flow_element_id(flow, (const struct fact *)node->a->value,
                                (const struct fact *)node->b->value, &id)) {
        return;
    }
    if (flow_is_nothing(fact))
        flow->dead = true; /* what it holds is left as it was: there are expressions to come */
    else
        flow_set(flow, id, fact);
}

static const struct fact *held(struct flow *flow, struct lint_node *node)
{
    uint32_t id;
    while (node->kind == LINT_PAREN)
        node = node->a;
    if (node->kind == LINT_NAME && node->variable)
        return flow_get(flow, node->variable->id);
    if (node->kind == LINT_INDEX && node->a->value && node->b->value &&
        flow_element_id(flow, (const struct fact *)node->a->value,
                        (const struct fact *)node->b->value, &id))
        return flow_get(flow, id);
    return NULL;
}

static unsigned types_named(const struct fact *text)
{
    static const struct {
        const char *name;
        unsigned types;
    } names[] = {{"nil", LINT_TYPE_NIL},          {"boolean", LINT_TYPE_FALSE | LINT_TYPE_TRUE},
                 {"number", LINT_TYPE_NUMBER},    {"string", LINT_TYPE_STRING},
                 {"table", LINT_TYPE_TABLE},      {"function", LINT_TYPE_FUNCTION},
                 {"userdata", LINT_TYPE_USERDATA}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flow_text_is(text, names[i].name))
            return names[i].types;
    return 0;
}

/* x == constant, type(x) == 'name' */
static bool refine_equal(struct flow *flow, struct lint_node *node, struct lint_node *other,
                         bool truth)
{
    const struct fact *constant = (const struct fact *)other->value;
    if (!constant || !constant->value.constant)
        return false;
    while (node->kind == LINT_PAREN)
        node = node->a;
    const struct fact *fact = held(flow, node);
    if (fact) {
        flow_refine_fact(flow, node, equals(flow, fact, constant, truth));
        return true;
    }
    if (node->kind != LINT_CALL || !node->b || node->b->next || !node->a->value)
        return false;
    const struct lint_value *callee = node->a->value;
    unsigned types = types_named(constant);
    fact = held(flow, node->b);
    if (!types || !fact || callee->thing != LINT_THING_BUILTIN ||
        strcmp(callee->builtin, "type") != 0)
        return false;
    flow_refine_fact(flow, node->b, of_types(flow, fact, types, truth));
    return true;
}

static void refine(struct flow *flow, struct lint_node *node, bool truth, unsigned depth);

/* a or b: either a holds, or it does not and b does. */
static void refine_either(struct flow *flow, struct lint_node *node, bool truth, unsigned depth)
{
    size_t mark = flow_mark(flow), from = flow->branches.count, live = 0;
    if (flow->dead)
        return;
    refine(flow, node->a, truth, depth);
    live += flow_collect(flow, mark, &flow->branches);
    flow_undo(flow, mark);
    flow->dead = false;
    refine(flow, node->a, !truth, depth);
    refine(flow, node->b, truth, depth);
    live += flow_collect(flow, mark, &flow->branches);
    flow_undo(flow, mark);
    flow_meet(flow, &flow->branches, from, live);
}

static void refine(struct flow *flow, struct lint_node *node, bool truth, unsigned depth)
{
    while (node->kind == LINT_PAREN)
        node = node->a;
    if (depth == 0 || flow->tired)
        return;
    flow->work++;
    if (node->kind == LINT_UNARY && node->op == LINT_OP_NOT) {
        refine(flow, node->a, !truth, depth - 1);
        return;
    }
    if (node->kind == LINT_BINARY &&
        ((node->op == LINT_OP_AND && truth) || (node->op == LINT_OP_OR && !truth))) {
        refine(flow, node->a, truth, depth - 1);
        refine(flow, node->b, truth, depth - 1);
        return;
    }
    if (node->kind == LINT_BINARY && (node->op == LINT_OP_AND || node->op == LINT_OP_OR)) {
        refine_either(flow, node, truth, depth - 1);
        return;
    }
    if (node->kind == LINT_BINARY && (node->op == LINT_OP_EQUAL || node->op == LINT_OP_UNEQUAL)) {
        bool same = (node->op == LINT_OP_EQUAL) == truth;
        if (!refine_equal(flow, node->a, node->b, same))
            refine_equal(flow, node->b, node->a, same);
        return;
    }
    const struct fact *fact = held(flow, node);
    if (fact)
        flow_refine_fact(flow, node, flow_when(flow, fact, truth));
    else if (node->value &&
             flow_is_nothing(flow_when(flow, (const struct fact *)node->value, truth)))
        flow->dead = true;
}

void flow_refine(struct flow *flow, struct lint_node *condition, bool truth)
{
    refine(flow, condition, truth, DEPTH);
}
