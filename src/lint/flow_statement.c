/* Statements, but for loops. What cannot be reached is run too, so that its expressions have values; it only
 * leaves nothing behind where branches meet. */
#include "lint/flow.h"

static void declare(struct flow *flow, const struct lint_node *name, const struct fact *fact)
{
    if (name->variable)
        flow_assign(flow, name->variable, fact);
}

static void run_local(struct flow *flow, struct lint_node *node)
{
    struct flow_values values;
    flow_list(flow, node->b, &values);
    size_t i = 0;
    for (struct lint_node *name = node->a; name; name = name->next, i++) {
        const struct fact *fact = flow_nth(&values, i);
        declare(flow, name, fact);
        flow_note(flow, name, fact);
    }
}

/* What a target's value goes to; the table and the key were looked at before. */
static void assign_to(struct flow *flow, struct lint_node *target, const struct fact *object,
                      const struct fact *key, const struct fact *fact)
{
    if (target->kind == LINT_NAME) {
        declare(flow, target, fact);
        if (!target->variable)
            flow_escape(flow, fact);
    } else if (target->kind == LINT_INDEX) {
        const struct lint_node *end = target->b;
        /* t[#t + 1] */
        bool behind = end->kind == LINT_BINARY && end->op == LINT_OP_ADD &&
                      end->a->kind == LINT_UNARY && end->a->op == LINT_OP_LENGTH;
        flow_index_set(flow, object, key, fact, behind);
    }
    flow_note(flow, target, fact);
}

enum { TARGETS = 16 };

struct target {
    struct lint_node *node;
    const struct fact *object, *key;
};

static void look_at_target(struct flow *flow, struct lint_node *node, struct target *target)
{
    *target = (struct target){node, flow->unknown, flow->unknown};
    if (node->kind == LINT_INDEX) {
        target->object = flow_expression(flow, node->a);
        target->key = flow_expression(flow, node->b);
    }
}

/* The compiler assigns the last one first, so that of `a, a = 1, 2` the 1 is left. */
static void run_assign(struct flow *flow, struct lint_node *node)
{
    struct target targets[TARGETS], further;
    size_t count = 0, i = 0;
    for (struct lint_node *each = node->a; each; each = each->next) {
        bool room = count < TARGETS;
        look_at_target(flow, each, room ? &targets[count++] : &further);
        if (!room)
            flow_escape(flow, further.object);
    }
    struct flow_values values;
    flow_list(flow, node->b, &values);
    for (struct lint_node *each = node->a; each; each = each->next, i++)
        if (i >= TARGETS)
            assign_to(flow, each, flow->unknown, flow->unknown, flow_nth(&values, i));
    while (count-- > 0)
        assign_to(flow, targets[count].node, targets[count].object, targets[count].key,
                  flow_nth(&values, count));
}

static void run_function_statement(struct flow *flow, struct lint_node *node)
{
    const struct fact *object = flow->unknown, *key = flow->unknown;
    struct lint_node *target = node->a;
    if (target->kind == LINT_INDEX) {
        object = flow_expression(flow, target->a);
        key = flow_expression(flow, target->b);
    } else if (target->kind != LINT_NAME) {
        flow_expression(flow, target);
    }
    assign_to(flow, target, object, key, flow_expression(flow, node->b));
}

static void run_local_function(struct flow *flow, struct lint_node *node)
{
    struct fact fact = {
        .value = {.types = LINT_TYPE_FUNCTION, .thing = LINT_THING_FUNCTION, .function = node->b}};
    const struct fact *kept = flow_keep(flow, &fact);
    declare(flow, node->a, kept); /* before its body, which may call it */
    flow_note(flow, node->a, kept);
    flow_expression(flow, node->b);
}

static void run_if(struct flow *flow, struct lint_node *node)
{
    bool dead = flow->dead;
    size_t mark = flow_mark(flow), from = flow->branches.count, live = 0;
    bool otherwise = false;
    for (struct lint_node *clause = node->a; clause; clause = clause->next) {
        bool missed = flow->dead; /* no way comes to this clause */
        size_t before = flow_mark(flow);
        if (clause->a) {
            flow_expression(flow, clause->a);
            flow_refine(flow, clause->a, true);
        } else {
            otherwise = true;
        }
        flow_block(flow, clause->b);
        live += flow_collect(flow, mark, &flow->branches);
        flow_undo(flow, before);
        flow->dead = missed;
        if (clause->a)
            flow_refine(flow, clause->a, false);
    }
    if (!otherwise)
        live += flow_collect(flow, mark, &flow->branches);
    flow_undo(flow, mark);
    flow->dead = dead;
    flow_meet(flow, &flow->branches, from, live);
}

static void run_return(struct flow *flow, struct lint_node *node)
{
    struct flow_values values;
    flow_list(flow, node->a, &values);
    flow_return(flow, &values);
    flow->dead = true;
}

static void run_break(struct flow *flow)
{
    if (flow->loop.open)
        flow->loop.live += flow_collect(flow, flow->loop.base, &flow->breaks);
    flow->dead = true;
}

static void run_statement(struct flow *flow, struct lint_node *node)
{
    flow->work++;
    switch ((enum lint_kind)node->kind) {
    case LINT_LOCAL:
        run_local(flow, node);
        return;
    case LINT_ASSIGN:
        run_assign(flow, node);
        return;
    case LINT_CALL_STATEMENT:
        flow_expression(flow, node->a);
        return;
    case LINT_DO:
        flow_block(flow, node->a);
        return;
    case LINT_IF:
        run_if(flow, node);
        return;
    case LINT_WHILE:
    case LINT_REPEAT:
    case LINT_FOR_NUMBER:
    case LINT_FOR_IN:
        flow_run_loop(flow, node);
        return;
    case LINT_FUNCTION_STATEMENT:
        run_function_statement(flow, node);
        return;
    case LINT_LOCAL_FUNCTION:
        run_local_function(flow, node);
        return;
    case LINT_RETURN:
        run_return(flow, node);
        return;
    case LINT_BREAK:
        run_break(flow);
        return;
    default: /* goto and labels: a source with them is refused */
        return;
    }
}

void flow_block(struct flow *flow, struct lint_node *first)
{
    if (flow->work > flow->patience)
        flow->tired = true;
    for (struct lint_node *node = first; node; node = node->next)
        run_statement(flow, node);
}
