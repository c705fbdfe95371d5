/* Expressions. Operators, calls and indices that hang to the left in one another (a + b + c …, f()()…) can be as
 * many as the source is long, so those are run from the innermost outwards by a loop; all else is as deep as the
 * parser lets it be. */
#include "lint/flow.h"

#include <string.h>

const struct fact *flow_note(struct flow *flow, struct lint_node *node, const struct fact *fact)
{
    const struct fact *noted = flow_is_nothing(fact) ? flow->unknown : fact;
    if (noted->unsure && noted->value.whole & LINT_WHOLE) { /* then it is not always whole */
        struct fact sure = *noted;
        sure.value.whole &= (uint8_t)~LINT_WHOLE;
        noted = flow_keep(flow, &sure);
    }
    node->value = (struct lint_value *)&noted->value;
    return fact;
}

void flow_one(struct flow *flow, const struct fact *fact, struct flow_values *out)
{
    *out = (struct flow_values){.count = 1, .at = {fact}, .rest = flow->nil, .exact = true};
}

void flow_any(struct flow *flow, const struct fact *fact, struct flow_values *out)
{
    (void)flow;
    *out = (struct flow_values){.count = 0, .rest = fact};
}

const struct fact *flow_nth(const struct flow_values *values, size_t index)
{
    return index < values->count ? values->at[index] : values->rest;
}

/* A call's result where one value is asked for; the node remembers whether it could give another number. */
static const struct fact *first_of(struct flow *flow, struct lint_node *node,
                                   const struct flow_values *values)
{
    const struct fact *fact = flow_nth(values, 0);
    flow_note(flow, node, fact);
    if (!values->exact || values->count != 1) {
        struct fact noted = *(const struct fact *)node->value;
        noted.several = true;
        node->value = (struct lint_value *)&flow_keep(flow, &noted)->value;
    }
    return fact;
}

static void dots(struct flow *flow, struct flow_values *out)
{
    const struct flow_function *function = flow->function;
    const struct fact *fact = flow->unknown;
    if (function && function->known && function->called && function->dots && !flow->last)
        fact = flow_join(flow, function->dots, flow->nil);
    flow_any(flow, fact, out);
}

static const struct fact *name(struct flow *flow, struct lint_node *node)
{
    if (node->variable)
        return flow_get(flow, node->variable->id);
    const struct fact *builtin = flow_builtin(flow, NULL, node->text.text, node->text.size);
    return builtin ? builtin : flow->unknown;
}

/* One that is rounded to 2^53 was meant to be beyond it. */
static const struct fact *literal_number(struct flow *flow, const struct lint_node *node)
{
    static const char limit[] = "9007199254740992";
    const struct fact *fact = flow_number(flow, node->number, LINT_FROM_LITERAL);
    size_t size = node->finish - node->offset;
    if (node->number != 9007199254740992.0 || size != sizeof limit - 1 ||
        memcmp(flow->tree->source + node->offset, limit, size) == 0)
        return fact;
    struct fact huge = *fact;
    huge.value.whole |= LINT_HUGE;
    return flow_keep(flow, &huge);
}

static const struct fact *leaf(struct flow *flow, struct lint_node *node)
{
    struct flow_values values;
    switch ((enum lint_kind)node->kind) {
    case LINT_NIL:
        return flow_with_origins(flow, flow->nil, LINT_FROM_LITERAL);
    case LINT_FALSE:
        return flow_with_origins(flow, flow->no, LINT_FROM_LITERAL);
    case LINT_TRUE:
        return flow_with_origins(flow, flow->yes, LINT_FROM_LITERAL);
    case LINT_NUMBER:
        return literal_number(flow, node);
    case LINT_STRING:
        if (node->value) /* long ones are looked at once */
            return (const struct fact *)node->value;
        return flow_text(flow, node->text.text, node->text.size, LINT_FROM_LITERAL);
    case LINT_DOTS:
        dots(flow, &values);
        return first_of(flow, node, &values);
    case LINT_FUNCTION: {
        struct fact fact = {
            .value = {.types = LINT_TYPE_FUNCTION, .thing = LINT_THING_FUNCTION, .function = node}};
        flow_function_value(flow, node);
        return flow_keep(flow, &fact);
    }
    case LINT_TABLE:
        return flow_make_table(flow, node);
    case LINT_UNARY:
        return flow_unary(flow, node->op, flow_expression(flow, node->a));
    case LINT_PAREN:
        return flow_expression(flow, node->a);
    case LINT_NAME:
        return name(flow, node);
    default:
        return flow->unknown;
    }
}

/* What of a left side comes through `or`: of `x and y` nothing of x, since that is only there if it is false. */
static const struct fact *true_part(struct flow *flow, const struct lint_node *node,
                                    const struct fact *fact)
{
    const struct fact *part = flow_when(flow, fact, true);
    while (node->kind == LINT_PAREN)
        node = node->a;
    if (flow_is_nothing(part) || node->kind != LINT_BINARY || node->op != LINT_OP_AND)
        return part;
    return flow_when(flow, (const struct fact *)node->b->value, true);
}

/* `and`, `or`: the right side is run where the left one lets it. */
static const struct fact *choice(struct flow *flow, struct lint_node *node, const struct fact *left)
{
    bool is_and = node->op == LINT_OP_AND, dead = flow->dead;
    const struct fact *stays =
        is_and ? flow_when(flow, left, false) : true_part(flow, node->a, left);
    const struct fact *goes = flow_when(flow, left, is_and);
    size_t mark = flow_mark(flow);
    flow_refine(flow, node->a, is_and);
    if (flow_is_nothing(goes))
        flow->dead = true;
    bool reached = !flow->dead;
    const struct fact *right = flow_expression(flow, node->b);
    flow_undo(flow, mark);
    flow->dead = dead;
    return reached || dead ? flow_join(flow, stays, right) : stays;
}

static const struct fact *index_node(struct flow *flow, struct lint_node *node,
                                     const struct fact *object)
{
    uint32_t id;
    const struct fact *key = flow_expression(flow, node->b);
    if (flow_element_id(flow, object, key, &id))
        return flow_get(flow, id);
    return flow_index(flow, object, key);
}

/* A node whose left part was run. */
static const struct fact *outwards(struct flow *flow, struct lint_node *node,
                                   const struct fact *left, struct flow_values *several)
{
    flow->work++;
    if (node->kind == LINT_BINARY && (node->op == LINT_OP_AND || node->op == LINT_OP_OR))
        return flow_note(flow, node, choice(flow, node, left));
    if (node->kind == LINT_BINARY)
        return flow_note(flow, node,
                         flow_binary(flow, node->op, left, flow_expression(flow, node->b)));
    if (node->kind == LINT_INDEX)
        return flow_note(flow, node, index_node(flow, node, left));
    flow_call(flow, node, left, several);
    return first_of(flow, node, several);
}

static bool hangs_left(const struct lint_node *node)
{
    return node->kind == LINT_BINARY || node->kind == LINT_INDEX || node->kind == LINT_CALL ||
           node->kind == LINT_METHOD;
}

static const struct fact *run(struct flow *flow, struct lint_node *node,
                              struct flow_values *several)
{
    struct lint_node *inner = node;
    while (hangs_left(inner))
        inner = inner->a;
    flow->work++;
    const struct fact *fact = leaf(flow, inner);
    if (inner->kind != LINT_DOTS)
        flow_note(flow, inner, fact);
    while (inner != node) {
        inner = inner->parent;
        fact = outwards(flow, inner, fact, several);
    }
    return fact;
}

const struct fact *flow_expression(struct flow *flow, struct lint_node *node)
{
    struct flow_values several;
    return run(flow, node, &several);
}

/* One expression, with all the values it gives. */
static void values_of(struct flow *flow, struct lint_node *node, struct flow_values *out)
{
    struct flow_values several;
    const struct fact *fact = run(flow, node, &several);
    if (node->kind == LINT_DOTS)
        dots(flow, out);
    else if (node->kind == LINT_CALL || node->kind == LINT_METHOD)
        *out = several;
    else
        flow_one(flow, fact, out);
}

void flow_list(struct flow *flow, struct lint_node *first, struct flow_values *out)
{
    *out = (struct flow_values){.rest = flow->nil, .exact = true};
    for (struct lint_node *node = first; node; node = node->next) {
        struct flow_values values;
        if (node->next)
            flow_one(flow, flow_expression(flow, node), &values);
        else
            values_of(flow, node, &values);
        for (size_t i = 0; i < values.count || (i == 0 && node->next); i++) {
            if (out->count < FLOW_VALUES) {
                out->at[out->count++] = values.at[i];
            } else { /* what is behind is one heap */
                out->rest = out->exact ? values.at[i] : flow_join(flow, out->rest, values.at[i]);
                out->exact = false;
            }
        }
        if (!node->next) {
            bool heap = out->count == FLOW_VALUES && !out->exact;
            out->rest = heap ? flow_join(flow, out->rest, values.rest) : values.rest;
            out->exact = out->exact && values.exact;
        }
    }
}
