/* Statements. Pure; recursion is bounded by PARSE_LEVELS_MAX. */
#include "lint/parse.h"

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
        return parse_call_or_assignment(p, &word);
    switch ((enum lua51_keyword)word.code) {
    case LUA51_IF:
        return parse_if(p, &word);
    case LUA51_WHILE:
        return parse_while(p, &word);
    case LUA51_DO:
        return parse_do(p, &word);
    case LUA51_FOR:
        return parse_for(p, &word);
    case LUA51_REPEAT:
        return parse_repeat(p, &word);
    case LUA51_FUNCTION:
        return parse_function(p, &word);
    case LUA51_LOCAL:
        return parse_local(p, &word);
    case LUA51_RETURN:
        return read_return(p, &word);
    case LUA51_BREAK:
        return read_break(p, &word);
    default:
        return parse_call_or_assignment(p, &word);
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
