/* The source's own functions. One that is known is run when it is called, with what its parameters were ever
 * given; again when that grew. One that is not (it was handed on, or stored) is run where it stands, with
 * parameters that may be anything. */
#include "lint/flow.h"

enum {
    DEPTH = 24, /* of functions run from one another: what is deeper is run at the round's end */
    RERUNS = 4  /* of one function in one round */
};

static const struct fact *thing(struct flow *flow, enum lint_thing which)
{
    struct fact fact = {.value = {.types = LINT_TYPE_TABLE, .thing = (uint8_t)which}};
    return flow_keep(flow, &fact);
}

static const struct fact *parameter(struct flow *flow, const struct flow_function *function,
                                    size_t index)
{
    const struct fact *given = function->parameters[index];
    if (!given && function->registered)
        given = index > 1 ? flow->nil : flow->nothing;
    if (!function->known || !given || flow->last)
        given = given ? flow_doubt(flow, given) : flow->unknown;
    if (!function->registered || index > 1)
        return given;
    const struct fact *own = thing(flow, index == 0 ? LINT_THING_KEYS : LINT_THING_ARGV);
    return function->called ? flow_join(flow, given, own) : own;
}

static void set_parameters(struct flow *flow, const struct flow_function *function)
{
    size_t i = 0;
    for (struct lint_node *name = function->node->a; name; name = name->next, i++) {
        const struct fact *fact = parameter(flow, function, i);
        if (name->variable)
            flow_assign(flow, name->variable, fact);
        flow_note(flow, name, fact);
    }
}

void flow_run_function(struct flow *flow, struct flow_function *function)
{
    struct flow_function *outer = flow->function;
    struct flow_loop loop = flow->loop;
    uint32_t frame = flow->frame;
    bool dead = flow->dead;
    size_t mark = flow_mark(flow);
    flow->function = function;
    flow->loop.open = false;
    flow->frame = ++flow->frames;
    flow->dead = false;
    flow->depth++;
    function->running = true;
    function->round = flow->round;
    set_parameters(flow, function);
    flow_block(flow, function->node->b);
    if (!flow->dead) {
        struct flow_values none = {.rest = flow->nil, .exact = true};
        flow_return(flow, &none);
    }
    flow_undo(flow, mark);
    function->running = false;
    flow->depth--;
    flow->dead = dead;
    flow->frame = frame;
    flow->loop = loop;
    flow->function = outer;
}

void flow_return(struct flow *flow, const struct flow_values *values)
{
    struct flow_function *function = flow->function;
    if (!function || flow->dead)
        return;
    if (!function->known)
        for (size_t i = 0; i < values->count; i++)
            flow_escape(flow, values->at[i]);
    struct flow_values *results = &function->results;
    if (!function->returns) {
        *results = (struct flow_values){.rest = flow->nothing};
        for (size_t i = 0; i < FLOW_VALUES; i++)
            results->at[i] = flow->nothing;
        function->returns = true;
        flow->dirty = true;
    }
    if (!values->exact || values->count != 1)
        function->single = false;
    for (size_t i = 0; i < FLOW_VALUES; i++)
        flow_grow(flow, &results->at[i], flow_nth(values, i));
    flow_grow(flow, &results->rest, values->rest);
    results->count = FLOW_VALUES;
}

/* Joins a call's arguments into the parameters; true if one of them grew. */
static bool give(struct flow *flow, struct flow_function *function,
                 const struct flow_values *arguments)
{
    bool grew = !function->called;
    function->called = true;
    bool self = function->node->named;
    for (size_t i = 0; i < function->parameter_count; i++)
        grew |= flow_grow(flow, &function->parameters[i],
                          self ? flow->unknown : flow_nth(arguments, i));
    if (function->node->vararg) {
        const struct fact *dots = arguments->rest;
        for (size_t i = function->parameter_count; i < arguments->count; i++)
            dots = flow_join(flow, dots, arguments->at[i]);
        grew |= flow_grow(flow, &function->dots, dots);
    } else {
        for (size_t i = function->parameter_count; i < arguments->count; i++)
            flow_escape(flow, arguments->at[i]);
    }
    return grew;
}

void flow_call_function(struct flow *flow, struct flow_function *function,
                        const struct flow_values *arguments, struct flow_values *out)
{
    if (!function->known) {
        for (size_t i = 0; i < arguments->count; i++)
            flow_escape(flow, arguments->at[i]);
        flow_escape(flow, arguments->rest);
    } else if (!flow->dead) {
        bool grew = give(flow, function, arguments);
        bool stale = function->round != flow->round;
        if (stale)
            function->reruns = 0;
        if (!function->running && flow->depth < DEPTH && !flow->tired &&
            (stale || (grew && function->reruns++ < RERUNS)))
            flow_run_function(flow, function);
        else if (grew)
            flow->dirty = true;
    }
    if (!function->returns) {
        flow_one(flow, flow->nothing, out);
        if (!function->running && function->round == flow->round)
            flow->dead = true; /* it ends in an error on every path */
        return;
    }
    *out = function->results;
    out->exact = function->single;
    if (function->single)
        out->count = 1;
    if (flow->last)
        for (size_t i = 0; i < FLOW_VALUES; i++)
            out->at[i] = flow_doubt(flow, out->at[i]);
}

void flow_function_value(struct flow *flow, struct lint_node *node)
{
    struct flow_function *function = node->user;
    bool here = !function->known || (function->registered && function->round != flow->round);
    if (here && !function->running)
        flow_run_function(flow, function);
}
