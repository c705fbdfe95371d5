/* What a redis.call calls. */
#include "lint/flow.h"

#include <string.h>

static bool is_open(const struct lint_node *node)
{
    return node->kind == LINT_DOTS || ((node->kind == LINT_CALL || node->kind == LINT_METHOD) &&
                                       ((const struct fact *)node->value)->several);
}

static const struct lint_text *text_at(const struct lint_node *node)
{
    if (!node || !flow_is_text((const struct fact *)node->value))
        return NULL;
    return &node->value->text;
}

static char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Of what the table does not know: with its second word, if the first is known to take one. */
static const char *name_of(struct arena *arena, const struct lint_text *first,
                           const struct lint_text *second)
{
    bool both = second && command_find(first->text, first->size, NULL, 0);
    char *name = arena_get(arena, first->size + 2 + (both ? second->size : 0));
    if (!name)
        return NULL;
    size_t size = 0;
    for (size_t i = 0; i < first->size; i++)
        name[size++] = capital(first->text[i]);
    if (both)
        name[size++] = ' ';
    for (size_t i = 0; both && i < second->size; i++)
        name[size++] = capital(second->text[i]);
    name[size] = 0;
    return name;
}

bool lint_call_of(struct arena *arena, const struct lint_node *call, struct lint_call *out)
{
    *out = (struct lint_call){0};
    if (call->kind != LINT_CALL || call->a->value->thing != LINT_THING_BUILTIN)
        return true;
    const char *callee = call->a->value->builtin;
    out->protected = strcmp(callee, "redis.pcall") == 0;
    out->is_call = out->protected || strcmp(callee, "redis.call") == 0;
    if (!out->is_call)
        return true;
    for (const struct lint_node *node = call->b; node; node = node->next) {
        out->open = !node->next && is_open(node);
        out->words += !out->open;
    }
    if (!call->b)
        return true;
    out->arguments = call->b->next;
    const struct lint_text *name = out->words > 0 ? text_at(call->b) : NULL;
    if (!name)
        return true;
    const struct lint_text *sub = out->words > 1 ? text_at(call->b->next) : NULL;
    out->command =
        command_find(name->text, name->size, sub ? sub->text : NULL, sub ? sub->size : 0);
    if (out->command && out->command->servers == 0)
        out->command = NULL; /* is listed only to be refused */
    out->name = out->command ? out->command->name : name_of(arena, name, sub);
    return out->name != NULL;
}
