#include "flow_show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *out;
    size_t size, room;
};

static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text->out + text->size, text->room - text->size, format, arguments);
    va_end(arguments);
    if (n > 0)
        text->size += (size_t)n;
    if (text->size >= text->room)
        text->size = text->room - 1;
}

static void put_bits(struct text *text, const char *before, unsigned bits, const char *const *names,
                     const char *between)
{
    bool first = true;
    for (size_t i = 0; names[i]; i++) {
        if (!(bits & 1U << i))
            continue;
        put(text, "%s%s", first ? before : between, names[i]);
        first = false;
    }
}

static const char *const type_names[] = {"nil",   "false",    "true",     "number", "string",
                                         "table", "function", "userdata", NULL};
static const char *const origin_names[] = {"keys",     "argv", "literal", "reply",
                                           "computed", "time", "pcall",   NULL};
static const char *const whole_names[] = {"whole", "fraction", "huge", NULL};
static const char *const shape_names[] = {"whole", "list", "fields", "hole", NULL};

static void show(struct text *text, const struct lint_value *v, bool origins)
{
    const unsigned booleans = LINT_TYPE_FALSE | LINT_TYPE_TRUE;
    put_bits(text, "", v->types, type_names, "|");
    if (v->types == 0 && !v->unknown)
        put(text, "none");
    if (v->unknown)
        put(text, v->types ? "|?" : "?");
    if (v->constant && v->types == LINT_TYPE_NUMBER)
        put(text, " =%.17g", v->number);
    else if (v->constant && v->types == LINT_TYPE_STRING)
        put(text, " ='%.*s'", (int)v->text.size, v->text.text ? v->text.text : "");
    else if (v->constant && !(v->types & booleans))
        put(text, " =");
    if (!v->constant)
        put_bits(text, " ", v->whole, whole_names, " ");
    else if (v->whole & LINT_HUGE)
        put(text, " huge");
    if (v->element)
        put(text, " element");
    if (origins)
        put_bits(text, " from=", v->origins, origin_names, "+");
    if (v->reply_name)
        put(text, " reply=%s", v->reply_name);
    if (v->key)
        put(text, " key=%u", v->key);
    if (v->thing == LINT_THING_BUILTIN)
        put(text, " is=%s", v->builtin);
    static const char *const things[] = {"", " is=KEYS", " is=ARGV", "", " is=function"};
    put(text, "%s", things[v->thing]);
    if (v->shape)
        put_bits(text, " shape=",
                 (unsigned)v->shape->whole | (unsigned)v->shape->list << 1 |
                     (unsigned)v->shape->fields << 2 | (unsigned)v->shape->hole << 3,
                 shape_names, "+");
}

void flow_show(const struct lint_value *value, bool origins, char *out, size_t room)
{
    struct text text = {out, 0, room};
    out[0] = 0;
    show(&text, value, origins);
}

/* Every expression has a value; those that are seen are shown. */
static bool visit(const struct lint_node *node, bool origins, struct text *text)
{
    for (; node; node = node->next) {
        const struct lint_node *callee = node->kind == LINT_CALL ? node->a : NULL;
        if (lint_is_expression(node) && (!node->value || node->user))
            return false;
        if (!visit(node->a, origins, text) || !visit(node->b, origins, text) ||
            !visit(node->c, origins, text))
            return false;
        if (callee && callee->kind == LINT_NAME && !callee->variable && node->b &&
            ((callee->text.size == 3 && memcmp(callee->text.text, "see", 3) == 0) ||
             (callee->text.size == 8 && memcmp(callee->text.text, "rawequal", 8) == 0))) {
            put(text, "%s", text->size ? "; " : "");
            show(text, node->b->value, origins);
        }
    }
    return true;
}

bool flow_see(const char *source, enum lint_source_kind kind, bool origins, char *out, size_t room)
{
    struct arena arena = {0};
    struct lint_tree tree;
    struct text text = {out, 0, room};
    out[0] = 0;
    bool good = lint_parse(&arena, source, strlen(source), &tree) && tree.whole &&
                lint_flow(&arena, &tree, kind) && visit(tree.root, origins, &text);
    arena_free(&arena);
    return good;
}
