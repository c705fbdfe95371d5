/* Operators, and what binds stronger. Pure; recursion is bounded by PARSE_LEVELS_MAX. */
#include "lint/parse.h"

/* How strongly an operator holds what stands left and right of it, as in Lua 5.3, whose order for the operators of
 * 5.1 is that of 5.1. Right less than left: from the right. */
static const struct {
    unsigned char left, right;
} priorities[LINT_OPERATORS] = {
    [LINT_OP_OR] = {1, 1},          [LINT_OP_AND] = {2, 2},
    [LINT_OP_LESS] = {3, 3},        [LINT_OP_GREATER] = {3, 3},
    [LINT_OP_AT_MOST] = {3, 3},     [LINT_OP_AT_LEAST] = {3, 3},
    [LINT_OP_UNEQUAL] = {3, 3},     [LINT_OP_EQUAL] = {3, 3},
    [LINT_OP_BIT_OR] = {4, 4},      [LINT_OP_BIT_XOR] = {5, 5},
    [LINT_OP_BIT_AND] = {6, 6},     [LINT_OP_SHIFT_LEFT] = {7, 7},
    [LINT_OP_SHIFT_RIGHT] = {7, 7}, [LINT_OP_CONCAT] = {9, 8},
    [LINT_OP_ADD] = {10, 10},       [LINT_OP_SUBTRACT] = {10, 10},
    [LINT_OP_MULTIPLY] = {11, 11},  [LINT_OP_DIVIDE] = {11, 11},
    [LINT_OP_MODULO] = {11, 11},    [LINT_OP_FLOOR_DIVIDE] = {11, 11},
    [LINT_OP_POWER] = {14, 13},
};
enum { PRIORITY_UNARY = 12 };

static void subexpression(struct parser *p, struct parsed *e, int limit);

/* Of two bytes that 5.1 reads as two tokens. */
static bool is_pair(const struct parser *p, int operator)
{
    return lua51_is(&p->now.word, operator) && lua51_is(&p->after.word, operator) &&
           parse_is_adjacent(p);
}

static enum lint_operator foreign_operator(const struct parser *p, int *words)
{
    *words = 2;
    if (is_pair(p, '/'))
        return LINT_OP_FLOOR_DIVIDE;
    if (is_pair(p, '<'))
        return LINT_OP_SHIFT_LEFT;
    if (is_pair(p, '>'))
        return LINT_OP_SHIFT_RIGHT;
    *words = 1;
    bool twice = p->after.word.kind == LUA51_BAD && parse_is_adjacent(p) &&
                 p->after.word.text[0] == p->now.word.text[0];
    if (twice)
        return LINT_OPERATORS;
    if (parse_is_bad_byte(&p->now.word, '&'))
        return LINT_OP_BIT_AND;
    if (parse_is_bad_byte(&p->now.word, '|'))
        return LINT_OP_BIT_OR;
    if (parse_is_bad_byte(&p->now.word, '~'))
        return LINT_OP_BIT_XOR;
    return LINT_OPERATORS;
}

static enum lint_operator own_operator(const struct lua51_token *word)
{
    if (word->kind == LUA51_KEYWORD)
        return word->code == LUA51_AND  ? LINT_OP_AND
               : word->code == LUA51_OR ? LINT_OP_OR
                                        : LINT_OPERATORS;
    if (word->kind != LUA51_OPERATOR)
        return LINT_OPERATORS;
    switch (word->code) {
    case '+':
        return LINT_OP_ADD;
    case '-':
        return LINT_OP_SUBTRACT;
    case '*':
        return LINT_OP_MULTIPLY;
    case '/':
        return LINT_OP_DIVIDE;
    case '%':
        return LINT_OP_MODULO;
    case '^':
        return LINT_OP_POWER;
    case '<':
        return LINT_OP_LESS;
    case '>':
        return LINT_OP_GREATER;
    case LUA51_CONCAT:
        return LINT_OP_CONCAT;
    case LUA51_EQUAL:
        return LINT_OP_EQUAL;
    case LUA51_UNEQUAL:
        return LINT_OP_UNEQUAL;
    case LUA51_AT_MOST:
        return LINT_OP_AT_MOST;
    case LUA51_AT_LEAST:
        return LINT_OP_AT_LEAST;
    default:
        return LINT_OPERATORS;
    }
}

static enum lint_operator binary_operator(const struct parser *p, int *words)
{
    enum lint_operator op = foreign_operator(p, words);
    if (op != LINT_OPERATORS)
        return op;
    *words = 1;
    return own_operator(&p->now.word);
}

static enum lint_operator unary_operator(const struct lua51_token *word)
{
    if (lua51_is_keyword(word, LUA51_NOT))
        return LINT_OP_NOT;
    if (lua51_is(word, '-'))
        return LINT_OP_NEGATE;
    if (lua51_is(word, '#'))
        return LINT_OP_LENGTH;
    return parse_is_bad_byte(word, '~') ? LINT_OP_BIT_NOT : LINT_OPERATORS;
}

static void remark_operator(struct parser *p, enum lint_operator op, const struct lua51_token *from,
                            const struct lua51_token *to)
{
    const char *message = NULL;
    switch ((int)op) {
    case LINT_OP_FLOOR_DIVIDE:
        message = "`//` is not of Lua 5.1: write math.floor(a / b)";
        break;
    case LINT_OP_BIT_AND:
        message = "`&` is not of Lua 5.1: write bit.band(a, b)";
        break;
    case LINT_OP_BIT_OR:
        message = "`|` is not of Lua 5.1: write bit.bor(a, b)";
        break;
    case LINT_OP_BIT_XOR:
        message = "`~` is not of Lua 5.1: write bit.bxor(a, b)";
        break;
    case LINT_OP_BIT_NOT:
        message = "`~` is not of Lua 5.1: write bit.bnot(a)";
        break;
    case LINT_OP_SHIFT_LEFT:
        message = "`<<` is not of Lua 5.1: write bit.lshift(a, n)";
        break;
    case LINT_OP_SHIFT_RIGHT:
        message = "`>>` is not of Lua 5.1: write bit.rshift(a, n)";
        break;
    default:
        return;
    }
    parse_remark(p, LINT_REMARK_OPERATOR_53, from, to, message);
}

static void read_unary(struct parser *p, struct parsed *e, enum lint_operator op)
{
    const struct lua51_token word = p->now.word;
    remark_operator(p, op, &word, &word);
    parse_next(p);
    struct lint_node *n = parse_node(p, LINT_UNARY, &word);
    n->op = (uint8_t)op;
    subexpression(p, e, PRIORITY_UNARY);
    place_unary(p, op, e);
    n->a = e->node;
    parse_adopt(n, n->a);
    parse_finish(p, n);
    e->node = n;
}

static void read_binary(struct parser *p, struct parsed *left, enum lint_operator op, int words)
{
    const struct lua51_token word = p->now.word;
    struct lint_node *n = parse_node(p, LINT_BINARY, &word);
    struct parsed right;
    remark_operator(p, op, &word, words == 2 ? &p->after.word : &word);
    while (words-- > 0)
        parse_next(p);
    n->op = (uint8_t)op;
    place_infix(p, op, left);
    subexpression(p, &right, priorities[op].right);
    place_binary(p, op, left, &right);
    n->a = left->node;
    n->b = right.node;
    parse_adopt(n, n->a);
    parse_adopt(n, n->b);
    n->offset = n->a->offset;
    parse_finish(p, n);
    left->node = n;
}

static void subexpression(struct parser *p, struct parsed *e, int limit)
{
    int words;
    if (!parse_enter(p)) {
        *e = parsed_as(parse_node(p, LINT_NIL, &p->now.word), PLACE_NIL);
        parse_leave(p);
        return;
    }
    enum lint_operator op = unary_operator(&p->now.word);
    if (op != LINT_OPERATORS)
        read_unary(p, e, op);
    else
        parse_operand(p, e);
    while ((op = binary_operator(p, &words)) != LINT_OPERATORS && priorities[op].left > limit)
        read_binary(p, e, op, words);
    parse_leave(p);
}

void parse_expression(struct parser *p, struct parsed *e)
{
    subexpression(p, e, 0);
}
