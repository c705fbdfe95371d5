/* Functions, blocks, and what names mean. Pure.
 *
 * Invariants:
 * 1. symbol->top is the innermost variable of that name in scope, of whatever function: so looking one up takes
 *    no time that grows with the source.
 * 2. A function that reaches out for a variable has it among its upvalues, and so have those between; if it is
 *    in one of them it is in all further out. */
#include <string.h>

#include "lint/parse.h"

void parse_open_function(struct parser *p, struct parse_function *f, struct lint_node *node)
{
    memset(f, 0, sizeof *f);
    f->outer = p->function;
    f->node = node;
    f->id = p->functions++;
    if (f->outer && ++f->outer->function_count == PARSE_CONSTANTS_MAX + 1)
        parse_remark(p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
                     "more than 262143 functions in one function");
    p->function = f;
}

void parse_close_function(struct parser *p)
{
    p->function = p->function->outer;
}

void parse_open_block(struct parser *p, struct parse_block *block, bool loop)
{
    struct parse_function *f = p->function;
    *block = (struct parse_block){f->block, p->locals, f->active, loop};
    f->block = block;
}

void parse_close_block(struct parser *p)
{
    struct parse_function *f = p->function;
    struct parse_block *block = f->block;
    for (; p->locals != block->below; p->locals = p->locals->below)
        if (p->locals->symbol && p->locals->symbol->top == p->locals)
            p->locals->symbol->top = p->locals->shadowed;
    f->active = block->active;
    f->free = f->active;
    f->pending = 0;
    f->block = block->outer;
}

static struct parse_symbol *symbol_of(struct parser *p, const char *text, size_t size)
{
    size_t hash = size;
    for (size_t i = 0; i < size; i++)
        hash = hash * 31 + (unsigned char)text[i];
    struct parse_symbol **at = &p->symbols[(hash ^ hash >> 15) & p->symbol_mask];
    for (struct parse_symbol *s = *at; s; s = s->next)
        if (s->size == size && memcmp(s->text, text, size) == 0)
            return s;
    struct parse_symbol *s = parse_get(p, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct parse_symbol){text, size, NULL, *at};
    *at = s;
    return s;
}

static struct lint_variable *variable_of(struct parser *p, struct lint_node *node, const char *text,
                                         size_t size)
{
    struct lint_variable *v = parse_get(p, sizeof *v);
    if (!v)
        return &p->no_variable;
    v->name = node ? node->text.text : text;
    v->size = node ? node->text.size : size;
    v->declared = node;
    v->function = p->function->node;
    v->id = p->tree->variables++;
    if (node)
        node->variable = v;
    return v;
}

struct lint_variable *parse_declare(struct parser *p, struct lint_node *node, const char *text,
                                    size_t size)
{
    struct parse_function *f = p->function;
    if (f->active + ++f->pending > PARSE_LOCALS_MAX && !f->locals_told) {
        f->locals_told = true;
        parse_remark(
            p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
            "more than 200 local variables in one function, counting 3 hidden ones of each "
            "`for` around: keep some of them in a table");
    }
    if (++f->variable_count == PARSE_VARIABLES_MAX + 1)
        parse_remark(p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
                     "more than 32767 local variables in one function, of all its blocks together");
    struct parse_local *l = parse_get(p, sizeof *l);
    if (!l)
        return &p->no_variable;
    bool hidden = !node && !text;
    l->variable = hidden ? NULL : variable_of(p, node, text, size);
    if (!hidden)
        l->symbol = symbol_of(p, l->variable->name, l->variable->size);
    l->function = f;
    l->below = p->locals;
    p->locals = l;
    return l->variable;
}

/* The newest `count`, which come into scope in the order of their declaration. */
void parse_activate(struct parser *p, int count)
{
    struct parse_function *f = p->function;
    struct parse_local *newest[PARSE_LOCALS_MAX];
    int n = 0;
    for (struct parse_local *l = p->locals; l && n < count && n < PARSE_LOCALS_MAX; l = l->below)
        newest[n++] = l;
    while (n-- > 0) {
        struct parse_local *l = newest[n];
        l->reg = f->active++;
        if (!l->symbol)
            continue;
        l->shadowed = l->symbol->top;
        l->symbol->top = l;
    }
    f->pending = f->pending > count ? f->pending - count : 0;
}

static bool has_upvalue(const struct parse_function *f, const struct lint_variable *v)
{
    for (size_t i = 0; i < f->upvalue_count; i++)
        if (f->upvalues[i] == v)
            return true;
    return false;
}

static void reach_out(struct parser *p, const struct parse_local *l)
{
    l->variable->captured = true;
    for (struct parse_function *f = p->function; f && f != l->function; f = f->outer) {
        if (f->upvalues_told || has_upvalue(f, l->variable))
            return;
        if (f->upvalue_count < PARSE_UPVALUES_MAX) {
            f->upvalues[f->upvalue_count++] = l->variable;
            continue;
        }
        f->upvalues_told = true;
        parse_remark(
            p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
            "more than 60 variables of functions further out are used in one function: keep "
            "some of them in a table");
    }
}

void parse_look_up(struct parser *p, struct parsed *e, bool write)
{
    const struct parse_symbol *s = symbol_of(p, e->node->text.text, e->node->text.size);
    const struct parse_local *l = s ? s->top : NULL;
    if (!l) {
        e->place = PLACE_GLOBAL;
        (void)constant_text(p, e->node->text.text, e->node->text.size);
        return;
    }
    e->node->variable = l->variable;
    (void)(write ? ++l->variable->writes : ++l->variable->reads);
    if (l->function == p->function) {
        e->place = PLACE_LOCAL;
        e->reg = l->reg;
        return;
    }
    e->place = PLACE_UPVALUE;
    reach_out(p, l);
}
