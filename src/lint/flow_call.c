/* Calls: of builtins, of functions of the source, of what is not known. */
#include "lint/flow.h"

#include <string.h>

/* Who knows: what it is given is lost from sight. */
static void call_unknown(struct flow *flow, const struct flow_values *arguments,
                         struct flow_values *out)
{
    unsigned origins = arguments->rest->value.origins;
    for (size_t i = 0; i < arguments->count; i++) {
        origins |= arguments->at[i]->value.origins;
        flow_escape(flow, arguments->at[i]);
    }
    flow_escape(flow, arguments->rest);
    origins &= ~(unsigned)LINT_FROM_PCALL;
    flow_any(flow, flow_with_origins(flow, flow->unknown, origins | LINT_FROM_COMPUTED), out);
}

/* s:sub(…): of a string, its library's. */
static const char *string_method(const struct fact *object, const struct lint_node *name)
{
    static const char library[] = "string.";
    char full[32];
    if (object->value.unknown || !(object->value.types & LINT_TYPE_STRING) ||
        object->value.types & LINT_TYPE_TABLE || name->kind != LINT_STRING ||
        name->text.size >= sizeof full - sizeof library)
        return NULL;
    memcpy(full, library, sizeof library);
    memcpy(full + sizeof library - 1, name->text.text, name->text.size);
    full[sizeof library - 1 + name->text.size] = 0;
    return flow_builtin_name(full);
}

static void call_method(struct flow *flow, struct lint_node *node, const struct fact *object,
                        struct flow_values *out)
{
    struct flow_values rest, arguments = {.count = 1, .at = {object}};
    flow_expression(flow, node->b);
    flow_list(flow, node->c, &rest);
    for (size_t i = 0; i < rest.count && arguments.count < FLOW_VALUES; i++)
        arguments.at[arguments.count++] = rest.at[i];
    arguments.rest = rest.rest;
    arguments.exact = rest.exact;
    const char *name = string_method(object, node->b);
    if (name) {
        flow_call_builtin(flow, node, name, &arguments, out);
        return;
    }
    flow_escape(flow, rest.count == FLOW_VALUES ? rest.at[FLOW_VALUES - 1] : object);
    call_unknown(flow, &arguments, out);
}

void flow_call(struct flow *flow, struct lint_node *node, const struct fact *callee,
               struct flow_values *out)
{
    if (node->kind == LINT_METHOD) {
        call_method(flow, node, callee, out);
        return;
    }
    struct flow_values arguments;
    flow_list(flow, node->b, &arguments);
    if (callee->value.thing == LINT_THING_BUILTIN && callee->value.types == LINT_TYPE_FUNCTION)
        flow_call_builtin(flow, node, callee->value.builtin, &arguments, out);
    else if (callee->value.thing == LINT_THING_FUNCTION && callee->value.function->user)
        flow_call_function(flow, callee->value.function->user, &arguments, out);
    else
        call_unknown(flow, &arguments, out);
}
