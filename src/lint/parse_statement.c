/* Statements. Pure; recursion is bounded by PARSE_LEVELS_MAX. */
#include "lint/parse.h"

/* The body of something, in a level and a block of its own. */
static struct lint_node *read_block(struct parser *p, struct lint_node *parent)
{
    struct parse_list body = parse_list_of();
    struct parse_block block;
    parse_open_block(p, &block, false);
    parse_statements(p, &body, parent);
    parse_close_block(p);
    return body.first;
}

static void read_condition(struct parser *p, struct lint_node *parent, struct lint_node **out)
{
    struct parsed e;
    parse_expression(p, &e);
    place_condition(p, &e);
    *out = e.node;
    parse_adopt(parent, e.node);
}

/* ---- branches and loops --------------------------------------------------------------------- */

/* `if`, `elseif` or `else`, with what follows. */
static void read_clause(struct parser *p, struct parse_list *clauses, struct lint_node *parent,
                        bool condition)
{
    const struct lua51_token word = p->now.word;
    struct lint_node *n = parse_node(p, LINT_CLAUSE, &word);
    parse_add(clauses, parent, n);
    parse_next(p);
    if (condition) {
        read_condition(p, n, &n->a);
        parse_want_word(p, LUA51_THEN, &word);
    }
    n->b = read_block(p, n);
    parse_finish(p, n);
}

static struct lint_node *read_if(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_IF, word);
    struct parse_list clauses = parse_list_of();
    read_clause(p, &clauses, n, true);
    while (lua51_is_keyword(&p->now.word, LUA51_ELSEIF))
        read_clause(p, &clauses, n, true);
    if (lua51_is_keyword(&p->now.word, LUA51_ELSE))
        read_clause(p, &clauses, n, false);
    parse_want_word(p, LUA51_END_WORD, word);
    n->a = clauses.first;
    return n;
}

static struct lint_node *read_while(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_WHILE, word);
    struct parse_block loop;
    parse_next(p);
    read_condition(p, n, &n->a);
    parse_open_block(p, &loop, true);
    parse_want_word(p, LUA51_DO, word);
    n->b = read_block(p, n);
    parse_want_word(p, LUA51_END_WORD, word);
    parse_close_block(p);
    return n;
}

static struct lint_node *read_do(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_DO, word);
    parse_next(p);
    n->a = read_block(p, n);
    parse_want_word(p, LUA51_END_WORD, word);
    return n;
}

/* The condition sees the variables of the body. */
static struct lint_node *read_repeat(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_REPEAT, word);
    struct parse_block loop, scope;
    struct parse_list body = parse_list_of();
    parse_open_block(p, &loop, true);
    parse_open_block(p, &scope, false);
    parse_next(p);
    parse_statements(p, &body, n);
    parse_want_word(p, LUA51_UNTIL, word);
    read_condition(p, n, &n->b);
    parse_close_block(p);
    parse_close_block(p);
    n->a = body.first;
    return n;
}

/* From `do` on; three hidden variables are declared, and `names`. */
static struct lint_node *read_for_body(struct parser *p, struct lint_node *n,
                                       struct lint_node *names, const struct lua51_token *word)
{
    struct parse_block scope;
    int count = 0;
    parse_activate(p, 3);
    parse_want_word(p, LUA51_DO, word);
    parse_open_block(p, &scope, false);
    for (struct lint_node *name = names; name; name = name->next) {
        parse_declare(p, name, NULL, 0)->loop = true;
        count++;
    }
    parse_activate(p, count);
    place_reserve(p, count);
    struct lint_node *body = read_block(p, n);
    parse_close_block(p);
    return body;
}

static void declare_hidden(struct parser *p)
{
    for (int i = 0; i < 3; i++)
        (void)parse_declare(p, NULL, NULL, 0);
}

static struct lint_node *read_for_number(struct parser *p, struct lint_node *name,
                                         const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_FOR_NUMBER, word);
    struct parse_list range = parse_list_of();
    struct parsed e;
    declare_hidden(p);
    n->a = name;
    parse_adopt(n, name);
    parse_next(p);
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            parse_want(p, ',');
        if (i == 2 && !parse_take(p, ',')) {
            place_reserve(p, 1);
            break;
        }
        parse_expression(p, &e);
        place_next(p, &e);
        parse_add(&range, n, e.node);
    }
    n->b = range.first;
    n->c = read_for_body(p, n, name, word);
    return n;
}

static struct lint_node *read_for_in(struct parser *p, struct lint_node *name,
                                     const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_FOR_IN, word);
    struct parse_list names = parse_list_of(), values = parse_list_of();
    struct parsed last;
    declare_hidden(p);
    parse_add(&names, n, name);
    while (parse_take(p, ','))
        parse_add(&names, n, parse_name(p));
    parse_want_word(p, LUA51_IN, word);
    int count = parse_expressions(p, &values, n, &last);
    place_adjust(p, 3, count, &last);
    int free_before = p->function->free;
    place_reserve(p, 3); /* the call of each round wants three more */
    p->function->free = free_before;
    n->a = names.first;
    n->b = values.first;
    n->c = read_for_body(p, n, names.first, word);
    return n;
}

static struct lint_node *read_for(struct parser *p, const struct lua51_token *word)
{
    struct parse_block loop;
    struct lint_node *n;
    parse_open_block(p, &loop, true);
    parse_next(p);
    struct lint_node *name = parse_name(p);
    if (lua51_is(&p->now.word, '=')) {
        n = read_for_number(p, name, word);
    } else if (lua51_is(&p->now.word, ',') || lua51_is_keyword(&p->now.word, LUA51_IN)) {
        n = read_for_in(p, name, word);
    } else {
        parse_fail(p, "%s where `=` or `in` is expected", parse_token_words(p, &p->now.word));
        n = parse_node(p, LINT_BREAK, word);
    }
    parse_want_word(p, LUA51_END_WORD, word);
    parse_close_block(p);
    return n;
}

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
    parse_function_rest(p, &e, &opener, false);
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

static struct lint_node *read_local(struct parser *p, const struct lua51_token *word)
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
        struct parsed key = {.place = PLACE_STRING};
        method = lua51_is(&p->now.word, ':');
        place_any(p, e);
        parse_next(p);
        key.node = parse_name_string(p);
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

static struct lint_node *read_function(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_FUNCTION_STATEMENT, word);
    struct parsed target, e;
    parse_next(p);
    bool method = read_function_name(p, &target);
    parse_function_rest(p, &e, word, method);
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
    for (int i = 0; e->place == PLACE_LOCAL && i < t->count; i++) {
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

static struct lint_node *read_expression_statement(struct parser *p, const struct lua51_token *word)
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

/* ---- ends of blocks ------------------------------------------------------------------------- */

static bool is_block_end(const struct parser *p)
{
    const struct lua51_token *word = &p->now.word;
    return word->kind == LUA51_END || lua51_is_keyword(word, LUA51_END_WORD) ||
           lua51_is_keyword(word, LUA51_ELSE) || lua51_is_keyword(word, LUA51_ELSEIF) ||
           lua51_is_keyword(word, LUA51_UNTIL);
}

static struct lint_node *read_return(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_RETURN, word);
    struct parse_list values = parse_list_of();
    struct parsed last;
    parse_next(p);
    if (is_block_end(p) || lua51_is(&p->now.word, ';'))
        return n;
    int count = parse_expressions(p, &values, n, &last);
    n->a = values.first;
    if (place_is_many(&last))
        place_all(p, &last);
    else if (count == 1)
        place_any(p, &last);
    else
        place_next(p, &last);
    return n;
}

static struct lint_node *read_break(struct parser *p, const struct lua51_token *word)
{
    const struct parse_block *block = p->function->block;
    while (block && !block->loop)
        block = block->outer;
    if (!block)
        parse_fail(p, "`break` outside of a loop");
    parse_next(p);
    return parse_node(p, LINT_BREAK, word);
}

/* ---- what is not of 5.1 --------------------------------------------------------------------- */

static bool is_goto(const struct parser *p)
{
    return lua51_name_is(&p->now.word, "goto") && p->after.word.kind == LUA51_NAME;
}

static bool is_label(const struct parser *p)
{
    return lua51_is(&p->now.word, ':') && lua51_is(&p->after.word, ':') && parse_is_adjacent(p);
}

static struct lint_node *read_goto(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_GOTO, word);
    parse_next(p);
    n->text = (struct lint_text){p->now.word.text, p->now.word.size};
    parse_remark(
        p, LINT_REMARK_GOTO_LABEL, word, &p->now.word,
        "`goto` is not of Lua 5.1: turn the condition round, or put the loop's body into a "
        "function that returns");
    parse_next(p);
    return n;
}

static struct lint_node *read_label(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_LABEL, word);
    parse_next(p);
    parse_next(p);
    struct lint_node *name = parse_name(p);
    n->text = name->text;
    parse_remark(p, LINT_REMARK_GOTO_LABEL, word, word, "labels are not of Lua 5.1");
    if (!is_label(p)) {
        parse_fail(p, "%s where `::` is expected", parse_token_words(p, &p->now.word));
        return n;
    }
    parse_next(p);
    parse_next(p);
    return n;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static struct lint_node *read_statement(struct parser *p)
{
    const struct lua51_token word = p->now.word;
    if (is_goto(p))
        return read_goto(p, &word);
    if (is_label(p))
        return read_label(p, &word);
    if (word.kind != LUA51_KEYWORD)
        return read_expression_statement(p, &word);
    switch ((enum lua51_keyword)word.code) {
    case LUA51_IF:
        return read_if(p, &word);
    case LUA51_WHILE:
        return read_while(p, &word);
    case LUA51_DO:
        return read_do(p, &word);
    case LUA51_FOR:
        return read_for(p, &word);
    case LUA51_REPEAT:
        return read_repeat(p, &word);
    case LUA51_FUNCTION:
        return read_function(p, &word);
    case LUA51_LOCAL:
        return read_local(p, &word);
    case LUA51_RETURN:
        return read_return(p, &word);
    case LUA51_BREAK:
        return read_break(p, &word);
    default:
        return read_expression_statement(p, &word);
    }
}

/* Behind `return` or `break`, which must be the last. */
static void check_last(struct parser *p, const struct lint_node *last)
{
    if (is_block_end(p) || p->stopped)
        return;
    if (last->kind == LINT_RETURN)
        parse_fail(p,
                   "%s behind `return`, which must be the last of its block: write "
                   "`do return … end`",
                   parse_token_words(p, &p->now.word));
    else
        parse_remark(
            p, LINT_REMARK_BREAK_NOT_LAST, &p->now.word, &p->now.word,
            "something behind `break`, which in Lua 5.1 must be the last of its block: write "
            "`do break end`");
}

static void skip_empty(struct parser *p)
{
    while (lua51_is(&p->now.word, ';')) {
        parse_remark(p, LINT_REMARK_EMPTY_STATEMENT, &p->now.word, &p->now.word,
                     "a `;` that ends no statement: Lua 5.1 has no empty statements; leave it out");
        parse_next(p);
    }
}

void parse_statements(struct parser *p, struct parse_list *list, struct lint_node *parent)
{
    if (!parse_enter(p)) {
        parse_leave(p);
        return;
    }
    skip_empty(p);
    while (!is_block_end(p)) {
        struct lint_node *n = read_statement(p);
        parse_finish(p, n);
        parse_add(list, parent, n);
        bool last = n->kind == LINT_RETURN || n->kind == LINT_BREAK;
        (void)parse_take(p, ';');
        if (last)
            check_last(p, n);
        skip_empty(p);
        p->function->free = p->function->active;
    }
    parse_leave(p);
}
