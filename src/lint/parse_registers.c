/* Where the reference compiler of 5.1 puts each value. It refuses a function that needs more than 249 registers at
 * once ("function or expression too complex"), which happens to calls with some 240 arguments: so they are
 * counted as it counts them. Pure; emits nothing.
 *
 * The steps are those of its code generator, in its order: what it frees before it reserves decides. So does
 * when a constant becomes one: the first 256 of a function are operands, later ones take a register. */
#include <math.h>

#include "lint/parse.h"

struct parsed place_text(struct parser *p, struct lint_node *string)
{
    struct parsed e = parsed_as(string, PLACE_STRING);
    e.constant = constant_text(p, string->text.text, string->text.size);
    return e;
}

void place_reserve(struct parser *p, int count)
{
    struct parse_function *f = p->function;
    if (f->free + count > PARSE_REGISTERS_MAX && !f->registers_told) {
        f->registers_told = true;
        parse_remark(
            p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
            "more values at once than a function has registers (249): put them into a table, "
            "or into several calls");
    }
    f->free += count;
}

static void release_register(struct parser *p, int reg)
{
    struct parse_function *f = p->function;
    if (reg >= f->active && f->free > f->active)
        f->free--;
}

static void release(struct parser *p, const struct parsed *e)
{
    if (e->place == PLACE_REGISTER)
        release_register(p, e->reg);
}

static bool has_jumps(const struct parsed *e)
{
    return e->if_true || e->if_false;
}

static bool is_foldable(const struct parsed *e)
{
    return e->place == PLACE_NUMBER && !has_jumps(e);
}

/* In a register a number is loaded from among the constants, where nil, true and false need none. */
static void load(struct parser *p, const struct parsed *e)
{
    if (e->place == PLACE_NUMBER)
        (void)constant_number(p, e->number);
}

static void put(struct parsed *e, int reg)
{
    e->place = PLACE_REGISTER;
    e->reg = reg;
    e->if_true = e->if_false = false;
}

void place_settle(struct parser *p, struct parsed *e)
{
    switch (e->place) {
    case PLACE_LOCAL:
    case PLACE_CALL:
        e->place = PLACE_REGISTER;
        return;
    case PLACE_INDEXED:
        release_register(p, e->key);
        release_register(p, e->reg);
        e->place = PLACE_ANY;
        return;
    case PLACE_UPVALUE:
    case PLACE_GLOBAL:
    case PLACE_DOTS:
        e->place = PLACE_ANY;
        return;
    case PLACE_VOID:
    case PLACE_NIL:
    case PLACE_TRUE:
    case PLACE_FALSE:
    case PLACE_STRING:
    case PLACE_NUMBER:
    case PLACE_JUMP:
    case PLACE_ANY:
    case PLACE_ANY_NOT:
    case PLACE_ANY_CONCAT:
    case PLACE_REGISTER:
        return;
    }
}

void place_next(struct parser *p, struct parsed *e)
{
    place_settle(p, e);
    release(p, e);
    place_reserve(p, 1);
    load(p, e);
    put(e, p->function->free - 1);
}

void place_any(struct parser *p, struct parsed *e)
{
    place_settle(p, e);
    if (e->place == PLACE_REGISTER && !has_jumps(e))
        return;
    if (e->place == PLACE_REGISTER && e->reg >= p->function->active) {
        put(e, e->reg);
        return;
    }
    place_next(p, e);
}

void place_value(struct parser *p, struct parsed *e)
{
    if (has_jumps(e))
        place_any(p, e);
    else
        place_settle(p, e);
}

void place_operand(struct parser *p, struct parsed *e)
{
    place_value(p, e);
    switch (e->place) {
    case PLACE_NIL:
    case PLACE_TRUE:
    case PLACE_FALSE:
    case PLACE_NUMBER:
        if (p->function->constant_count >= PARSE_OPERANDS_MAX) {
            place_any(p, e);
            return;
        }
        e->constant =
            e->place == PLACE_NUMBER ? constant_number(p, e->number) : constant_word(p, e->place);
        e->place = PLACE_STRING; /* a constant like any other */
        return;
    case PLACE_STRING:
        if (e->constant >= PARSE_OPERANDS_MAX)
            place_any(p, e);
        return;
    case PLACE_VOID:
    case PLACE_LOCAL:
    case PLACE_UPVALUE:
    case PLACE_GLOBAL:
    case PLACE_INDEXED:
    case PLACE_JUMP:
    case PLACE_ANY:
    case PLACE_ANY_NOT:
    case PLACE_ANY_CONCAT:
    case PLACE_REGISTER:
    case PLACE_CALL:
    case PLACE_DOTS:
        place_any(p, e);
        return;
    }
}

void place_index(struct parser *p, struct parsed *object, struct parsed *key)
{
    place_operand(p, key);
    object->key = key->place == PLACE_REGISTER ? key->reg : -1;
    object->place = PLACE_INDEXED;
}

void place_method(struct parser *p, struct parsed *object, struct parsed *name)
{
    place_any(p, object);
    release(p, object);
    place_reserve(p, 2);
    put(object, p->function->free - 2);
    place_operand(p, name);
    release(p, name);
}

void place_all(struct parser *p, struct parsed *last)
{
    if (last->place == PLACE_DOTS)
        place_reserve(p, 1);
}

/* The function is at `base`; `last` is the last argument, or VOID. */
void place_call(struct parser *p, struct parsed *e, struct parsed *last, int base)
{
    if (place_is_many(last))
        place_all(p, last);
    else if (last->place != PLACE_VOID)
        place_next(p, last);
    e->place = PLACE_CALL;
    e->reg = base;
    e->if_true = e->if_false = false;
    p->function->free = base + 1;
}

/* Some register, without putting jumps right; a comparison needs none. */
static void discharge(struct parser *p, struct parsed *e)
{
    place_settle(p, e);
    if (e->place == PLACE_REGISTER)
        return;
    place_reserve(p, 1);
    load(p, e);
    e->place = PLACE_REGISTER;
    e->reg = p->function->free - 1;
}

/* Goes on if it is `when`; true if there is a jump for when it is not. */
static bool jump_unless(struct parser *p, struct parsed *e, bool when)
{
    place_settle(p, e);
    bool constant_true =
        e->place == PLACE_STRING || e->place == PLACE_NUMBER || e->place == PLACE_TRUE;
    if (when && constant_true)
        return false;
    if (!when && (e->place == PLACE_NIL || e->place == PLACE_FALSE))
        return false;
    if (e->place == (when ? PLACE_FALSE : PLACE_TRUE) || e->place == PLACE_JUMP ||
        e->place == PLACE_ANY_NOT)
        return true;
    discharge(p, e);
    release(p, e);
    return true;
}

static void go_if(struct parser *p, struct parsed *e, bool when)
{
    bool jump = jump_unless(p, e, when);
    if (when) {
        e->if_false = e->if_false || jump;
        e->if_true = false;
    } else {
        e->if_true = e->if_true || jump;
        e->if_false = false;
    }
}

void place_condition(struct parser *p, struct parsed *e)
{
    if (e->place == PLACE_NIL)
        e->place = PLACE_FALSE;
    go_if(p, e, true);
}

void place_infix(struct parser *p, enum lint_operator op, struct parsed *left)
{
    if (op == LINT_OP_AND)
        go_if(p, left, true);
    else if (op == LINT_OP_OR)
        go_if(p, left, false);
    else if (op == LINT_OP_CONCAT)
        place_next(p, left);
    else if (op <= LINT_OP_EQUAL || !is_foldable(left))
        place_operand(p, left);
}

static bool fold(enum lint_operator op, double a, double b, double *out)
{
    switch ((int)op) {
    case LINT_OP_ADD:
        *out = a + b;
        break;
    case LINT_OP_SUBTRACT:
        *out = a - b;
        break;
    case LINT_OP_MULTIPLY:
        *out = a * b;
        break;
    case LINT_OP_DIVIDE:
        if (b == 0)
            return false;
        *out = a / b;
        break;
    case LINT_OP_MODULO:
        if (b == 0)
            return false;
        *out = a - floor(a / b) * b;
        break;
    case LINT_OP_POWER:
        *out = pow(a, b);
        break;
    case LINT_OP_NEGATE:
        *out = -a;
        break;
    default:
        return false;
    }
    return !isnan(*out);
}

static void arithmetic(struct parser *p, enum lint_operator op, struct parsed *left,
                       struct parsed *right)
{
    if (is_foldable(left) && (!right || is_foldable(right)) &&
        fold(op, left->number, right ? right->number : 0, &left->number))
        return;
    if (right)
        place_operand(p, right);
    place_operand(p, left);
    release(p, left);
    if (right)
        release(p, right);
    left->place = op == LINT_OP_CONCAT ? PLACE_ANY_CONCAT : PLACE_ANY;
}

static void take_over(struct parsed *left, const struct parsed *right, bool if_true, bool if_false)
{
    struct lint_node *node = left->node;
    *left = *right;
    left->node = node;
    left->if_true = left->if_true || if_true;
    left->if_false = left->if_false || if_false;
}

void place_binary(struct parser *p, enum lint_operator op, struct parsed *left,
                  struct parsed *right)
{
    if (op == LINT_OP_AND || op == LINT_OP_OR) {
        place_settle(p, right);
        take_over(left, right, op == LINT_OP_OR && left->if_true,
                  op == LINT_OP_AND && left->if_false);
    } else if (op == LINT_OP_CONCAT) {
        place_value(p, right);
        if (right->place == PLACE_ANY_CONCAT) {
            release(p, left);
            left->place = PLACE_ANY_CONCAT;
            return;
        }
        place_next(p, right);
        arithmetic(p, op, left, right);
    } else if (op <= LINT_OP_EQUAL) {
        place_operand(p, left);
        place_operand(p, right);
        release(p, right);
        release(p, left);
        left->place = PLACE_JUMP;
    } else {
        arithmetic(p, op, left, right);
    }
}

static void negate_condition(struct parser *p, struct parsed *e)
{
    place_settle(p, e);
    bool were_true = e->if_true;
    e->if_true = e->if_false;
    e->if_false = were_true;
    if (e->place == PLACE_NIL || e->place == PLACE_FALSE) {
        e->place = PLACE_TRUE;
    } else if (e->place == PLACE_STRING || e->place == PLACE_NUMBER || e->place == PLACE_TRUE) {
        e->place = PLACE_FALSE;
    } else if (e->place != PLACE_JUMP) {
        discharge(p, e);
        release(p, e);
        e->place = PLACE_ANY_NOT;
    }
}

void place_unary(struct parser *p, enum lint_operator op, struct parsed *e)
{
    if (op == LINT_OP_NOT) {
        negate_condition(p, e);
        return;
    }
    if (op != LINT_OP_NEGATE || !is_foldable(e))
        place_any(p, e);
    arithmetic(p, op, e, NULL);
}

void place_adjust(struct parser *p, int wanted, int count, struct parsed *last)
{
    int extra = wanted - count;
    if (place_is_many(last)) {
        extra = extra + 1 > 0 ? extra + 1 : 0;
        place_all(p, last);
        if (extra > 1)
            place_reserve(p, extra - 1);
        return;
    }
    if (last->place != PLACE_VOID)
        place_next(p, last);
    if (extra > 0)
        place_reserve(p, extra);
}

void place_store(struct parser *p, const struct parsed *target, struct parsed *e)
{
    if (target->place == PLACE_LOCAL) {
        place_settle(p, e);
        release(p, e);
        load(p, e);
        return;
    }
    if (target->place == PLACE_INDEXED)
        place_operand(p, e);
    else
        place_any(p, e);
    release(p, e);
}
