/* Declarations, assignments, and calls that stand for themselves. Pure. */
#include "lint/parse.h"

/* ---- declarations --------------------------------------------------------------------------- */

static struct lint_node *read_local_function(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_LOCAL_FUNCTION, word);
    const struct lua51_token opener = p->now.word;
    struct parsed e;
    parse_next(p);
    n->a = parse_name(p);
    parse_adopt(n, n->a);
    (void)parse_declare(p, n->a, NULL, 0);
    place_reserve(p, 1);
    parse_activate(p, 1);
    parse_function_rest(p, &e, &opener, PARSE_NAMED);
    n->b = e.node;
    parse_adopt(n, n->b);
    return n;
}

/* `<const>`, `<close>`: not of 5.1. */
static void skip_attribute(struct parser *p)
{
    const struct lua51_token begin = p->now.word;
    if (!lua51_is(&begin, '<') || p->after.word.kind != LUA51_NAME)
        return;
    parse_next(p);
    parse_next(p);
    if (!lua51_is(&p->now.word, '>')) {
        parse_fail(p, "%s where `>` is expected", parse_token_words(p, &p->now.word));
        return;
    }
    parse_remark(p, LINT_REMARK_ATTRIBUTE, &begin, &p->now.word,
                 "attributes of local variables are not of Lua 5.1: leave it out");
    parse_next(p);
}

struct lint_node *parse_local(struct parser *p, const struct lua51_token *word)
{
    struct parse_list names = parse_list_of(), values = parse_list_of();
    struct parsed last = {.place = PLACE_VOID};
    int count = 0, value_count = 0;
    parse_next(p);
    if (lua51_is_keyword(&p->now.word, LUA51_FUNCTION))
        return read_local_function(p, word);
    struct lint_node *n = parse_node(p, LINT_LOCAL, word);
    do {
        struct lint_node *name = parse_name(p);
        parse_add(&names, n, name);
        (void)parse_declare(p, name, NULL, 0);
        skip_attribute(p);
        count++;
    } while (parse_take(p, ','));
    if (parse_take(p, '='))
        value_count = parse_expressions(p, &values, n, &last);
    place_adjust(p, count, value_count, &last);
    parse_activate(p, count);
    n->a = names.first;
    n->b = values.first;
    return n;
}

/* A name, fields of it, perhaps a method. */
static bool read_function_name(struct parser *p, struct parsed *e)
{
    const struct lua51_token begin = p->now.word;
    bool method = false;
    *e = (struct parsed){.node = parse_name(p), .place = PLACE_GLOBAL};
    bool plain = !lua51_is(&p->now.word, '.') && !lua51_is(&p->now.word, ':');
    parse_look_up(p, e, plain);
    while (!method && (lua51_is(&p->now.word, '.') || lua51_is(&p->now.word, ':'))) {
        struct parsed key;
        method = lua51_is(&p->now.word, ':');
        place_any(p, e);
        parse_next(p);
        key = place_text(p, parse_name_string(p));
        place_index(p, e, &key);
        struct lint_node *n = parse_node_from(p, LINT_INDEX, &begin);
        n->named = true;
        n->a = e->node;
        n->b = key.node;
        parse_adopt(n, n->a);
        parse_adopt(n, n->b);
        e->node = n;
    }
    return method;
}

struct lint_node *parse_function(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_FUNCTION_STATEMENT, word);
    struct parsed target, e;
    parse_next(p);
    bool method = read_function_name(p, &target);
    parse_function_rest(p, &e, word, method ? PARSE_METHOD : PARSE_NAMED);
    place_store(p, &target, &e);
    n->a = target.node;
    n->b = e.node;
    parse_adopt(n, n->a);
    parse_adopt(n, n->b);
    return n;
}

/* ---- calls and assignments ------------------------------------------------------------------ */

/* A name that was looked up as one that is read. */
static void is_written(struct parsed *target)
{
    if (target->node->kind != LINT_NAME || !target->node->variable)
        return;
    target->node->variable->reads--;
    target->node->variable->writes++;
}

static bool is_target(const struct parsed *e)
{
    return e->node->kind == LINT_NAME || e->node->kind == LINT_INDEX;
}

static void check_target(struct parser *p, struct parsed *e)
{
    if (!is_target(e))
        parse_fail(p, "%s where a call or an assignment is expected",
                   parse_token_words(p, &p->now.word));
    else
        is_written(e);
}

/* `t[i], i = …`: the compiler keeps a copy of what is assigned to later in the list. */
static bool is_conflict(const struct parsed *indexed, const struct parsed *local)
{
    return indexed->place == PLACE_INDEXED &&
           (indexed->reg == local->reg || indexed->key == local->reg);
}

struct targets {
    struct parsed all[PARSE_LEVELS_MAX];
    int count;
};

static void add_target(struct parser *p, struct targets *t, const struct parsed *e)
{
    int copy = p->function->free;
    bool conflict = false;
    int held = t->count < PARSE_LEVELS_MAX ? t->count : PARSE_LEVELS_MAX;
    for (int i = 0; e->place == PLACE_LOCAL && i < held; i++) {
        struct parsed *other = &t->all[i];
        if (!is_conflict(other, e))
            continue;
        conflict = true;
        if (other->reg == e->reg)
            other->reg = copy;
        if (other->key == e->reg)
            other->key = copy;
    }
    if (conflict)
        place_reserve(p, 1);
    if (t->count < PARSE_LEVELS_MAX)
        t->all[t->count] = *e;
    if (++t->count == PARSE_LEVELS_MAX - p->levels + 2)
        parse_remark(
            p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
            "more targets in one assignment than the compiler takes (200, less one for each "
            "block around)");
}

static void read_values(struct parser *p, struct lint_node *n, const struct targets *t)
{
    struct parse_list values = parse_list_of();
    struct parsed last;
    int stored = t->count < PARSE_LEVELS_MAX ? t->count : PARSE_LEVELS_MAX;
    parse_want(p, '=');
    int count = parse_expressions(p, &values, n, &last);
    n->b = values.first;
    if (count == t->count) {
        place_store(p, &t->all[stored - 1], &last);
        return;
    }
    place_adjust(p, t->count, count, &last);
}

static struct lint_node *read_assignment(struct parser *p, struct parsed *first,
                                         const struct lua51_token *begin)
{
    struct lint_node *n = parse_node(p, LINT_ASSIGN, begin);
    struct parse_list list = parse_list_of();
    struct targets targets;
    targets.count = 0;
    check_target(p, first);
    parse_add(&list, n, first->node);
    add_target(p, &targets, first);
    while (parse_take(p, ',')) {
        struct parsed e;
        parse_suffixed(p, &e);
        check_target(p, &e);
        parse_add(&list, n, e.node);
        add_target(p, &targets, &e);
    }
    read_values(p, n, &targets);
    n->a = list.first;
    return n;
}

struct lint_node *parse_call_or_assignment(struct parser *p, const struct lua51_token *word)
{
    struct parsed e;
    bool goto_name = lua51_name_is(word, "goto");
    if (goto_name)
        parse_remark(p, LINT_REMARK_GOTO_NAME, word, word,
                     "`goto` is a name in Lua 5.1 and a keyword ever after: give it another name");
    parse_suffixed(p, &e);
    bool call = e.node->kind == LINT_CALL || e.node->kind == LINT_METHOD;
    if (!call)
        return read_assignment(p, &e, word);
    struct lint_node *n = parse_node(p, LINT_CALL_STATEMENT, word);
    n->a = e.node;
    parse_adopt(n, n->a);
    return n;
}
