/* Branches and loops. Pure; recursion is bounded by PARSE_LEVELS_MAX. */
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

struct lint_node *parse_if(struct parser *p, const struct lua51_token *word)
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

struct lint_node *parse_while(struct parser *p, const struct lua51_token *word)
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

struct lint_node *parse_do(struct parser *p, const struct lua51_token *word)
{
    struct lint_node *n = parse_node(p, LINT_DO, word);
    parse_next(p);
    n->a = read_block(p, n);
    parse_want_word(p, LUA51_END_WORD, word);
    return n;
}

/* The condition sees the variables of the body. */
struct lint_node *parse_repeat(struct parser *p, const struct lua51_token *word)
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
            (void)constant_number(p, 1);
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

struct lint_node *parse_for(struct parser *p, const struct lua51_token *word)
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
