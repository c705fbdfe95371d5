/* What is told before the first run: the functions, which of them are known, and what is assigned where. */
#include "base/alloc.h"
#include "lint/flow.h"

#include <string.h>

static struct lint_node *function_of(struct lint_node *node)
{
    for (node = node->parent; node; node = node->parent)
        if (node->kind == LINT_FUNCTION || node->kind == LINT_CHUNK)
            return node;
    return NULL;
}

static bool is_global(const struct lint_node *node, const char *name)
{
    return node && node->kind == LINT_NAME && !node->variable && node->text.size == strlen(name) &&
           memcmp(node->text.text, name, node->text.size) == 0;
}

static bool is_member(const struct lint_node *node, const char *name)
{
    return node && node->kind == LINT_INDEX && node->b && node->b->kind == LINT_STRING &&
           node->b->text.size == strlen(name) &&
           memcmp(node->b->text.text, name, node->b->text.size) == 0;
}

/* Whether it is given to register_function: as the second argument, or as `callback` of a table. */
static bool is_registered(const struct lint_node *node)
{
    const struct lint_node *parent = node->parent;
    if (parent->kind == LINT_FIELD && parent->a && parent->b == node) {
        const struct lint_node *call = parent->parent->parent;
        return parent->a->kind == LINT_STRING && parent->a->text.size == 8 &&
               memcmp(parent->a->text.text, "callback", 8) == 0 && call &&
               call->kind == LINT_CALL && call->b == parent->parent &&
               is_member(call->a, "register_function");
    }
    return parent->kind == LINT_CALL && parent->b && parent->b->next == node &&
           is_member(parent->a, "register_function");
}

/* Of a function that is the value of a local of its own: that variable. */
static struct lint_variable *own_variable(const struct lint_node *node)
{
    const struct lint_node *parent = node->parent;
    if (parent->kind == LINT_LOCAL_FUNCTION)
        return parent->a->variable;
    if (parent->kind == LINT_LOCAL && parent->b == node && !node->next && parent->a)
        return parent->a->variable;
    return NULL;
}

static bool add_function(struct flow *flow, struct lint_node *node)
{
    struct flow_function *function = arena_get(flow->arena, sizeof *function);
    if (!function)
        return false;
    *function = (struct flow_function){.node = node, .next = flow->functions, .single = true};
    for (const struct lint_node *p = node->a; p; p = p->next)
        function->parameter_count++;
    function->parameters = arena_get(flow->arena, (function->parameter_count + 1) * sizeof(void *));
    if (!function->parameters)
        return false;
    for (size_t i = 0; i < function->parameter_count; i++)
        function->parameters[i] = NULL;
    function->registered = is_registered(node);
    struct lint_variable *variable = own_variable(node);
    function->known = function->registered || (variable && variable->writes == 0);
    node->user = function;
    flow->functions = function;
    return true;
}

/* The function that is a variable's first and, if it is never assigned to, only value. */
static struct flow_function *function_in(const struct lint_variable *variable)
{
    struct lint_node *name = variable->declared;
    const struct lint_node *parent = name ? name->parent : NULL;
    bool declares = parent && (parent->kind == LINT_LOCAL || parent->kind == LINT_LOCAL_FUNCTION);
    if (!declares || parent->a != name || !parent->b || parent->b->kind != LINT_FUNCTION ||
        parent->b->next)
        return NULL;
    return parent->b->user;
}

/* A function's name that stands anywhere but before a call, or first in a pcall: it may be called from anywhere. */
static void look_at_name(const struct lint_node *node)
{
    struct flow_function *function = function_in(node->variable);
    const struct lint_node *parent = node->parent;
    if (!function || node == node->variable->declared)
        return;
    if (parent->kind == LINT_CALL &&
        (parent->a == node || (parent->b == node && is_global(parent->a, "pcall"))))
        return;
    if (is_registered(node))
        function->registered = true;
    else
        function->known = false;
}

static bool add_write(struct flow *flow, struct lint_node *statement,
                      const struct lint_node *target)
{
    if (target->kind != LINT_NAME || !target->variable)
        return true;
    if (!alloc_grow((void **)&flow->writes, &flow->write_room, flow->write_count + 1,
                    sizeof *flow->writes))
        return false;
    flow->writes[flow->write_count++] =
        (struct flow_write){statement->offset, target->variable->id};
    if (function_of(statement) != target->variable->function)
        flow->shared[target->variable->id] = true;
    return true;
}

static bool look_at(struct flow *flow, struct lint_node *node)
{
    if (node->kind == LINT_FUNCTION)
        return add_function(flow, node);
    if (node->kind == LINT_ASSIGN) {
        for (const struct lint_node *target = node->a; target; target = target->next)
            if (!add_write(flow, node, target))
                return false;
    } else if (node->kind == LINT_FUNCTION_STATEMENT) {
        return add_write(flow, node, node->a);
    } else if (node->kind == LINT_NAME && node->variable) {
        flow->variables[node->variable->id] = node->variable;
        look_at_name(node);
    } else if (is_member(node, "setresp")) {
        flow->resp3 = true;
    }
    return true;
}

struct walk {
    struct lint_node **at;
    size_t count, room;
};

static bool push(struct walk *walk, struct lint_node *node)
{
    if (!node)
        return true;
    if (!alloc_grow((void **)&walk->at, &walk->room, walk->count + 1, sizeof(void *)))
        return false;
    walk->at[walk->count++] = node;
    return true;
}

/* In the order of the source; on the heap, since a chain of operators is as deep as it is long. */
static bool walk_all(struct flow *flow, bool (*visit)(struct flow *flow, struct lint_node *node))
{
    struct walk walk = {0};
    bool good = push(&walk, flow->tree->root);
    while (good && walk.count > 0) {
        struct lint_node *node = walk.at[--walk.count];
        good = push(&walk, node->next) && push(&walk, node->c) && push(&walk, node->b) &&
               push(&walk, node->a) && visit(flow, node);
    }
    alloc_free(walk.at);
    return good;
}

bool flow_scan(struct flow *flow)
{
    return walk_all(flow, look_at);
}

/* What was never run has no value yet. And `user` is left as it was. */
static bool complete(struct flow *flow, struct lint_node *node)
{
    if (lint_is_expression(node) && !node->value)
        node->value = (struct lint_value *)&flow->unknown->value;
    node->user = NULL;
    return true;
}

bool flow_complete(struct flow *flow)
{
    return walk_all(flow, complete);
}
