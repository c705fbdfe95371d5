/* Operators. A number of the source is a double, as servers compute; what is constant is computed. */
#include "lint/flow.h"

#include <math.h>
#include <string.h>

static const double exact_to = 9007199254740992.0; /* 2^53 */

enum { TEXT = LINT_TYPE_STRING, TEXT_MAX = 512 };

static unsigned origins_of(const struct fact *left, const struct fact *right)
{
    return (unsigned)left->value.origins | right->value.origins | LINT_FROM_COMPUTED;
}

/* What is whole of what a number or a text of one gives. */
static unsigned whole_of(const struct fact *fact)
{
    unsigned whole = fact->value.whole;
    if (fact->value.types & TEXT)
        whole |= fact->digits ? LINT_WHOLE : LINT_FRACTION;
    return whole;
}

static bool always_whole(const struct fact *fact)
{
    return !fact->value.unknown && !fact->unsure && whole_of(fact) != 0 &&
           !(whole_of(fact) & LINT_FRACTION);
}

static double compute(enum lint_operator op, double a, double b)
{
    switch (op) {
    case LINT_OP_ADD:
        return a + b;
    case LINT_OP_SUBTRACT:
        return a - b;
    case LINT_OP_MULTIPLY:
        return a * b;
    case LINT_OP_DIVIDE:
        return a / b;
    case LINT_OP_MODULO:
        return a - floor(a / b) * b;
    default:
        return pow(a, b);
    }
}

/* No result is larger; 0: who knows. */
static double bound_of(enum lint_operator op, const struct fact *left, const struct fact *right)
{
    if (op == LINT_OP_MODULO)
        return right->bound;
    if (op == LINT_OP_DIVIDE && left->bound > 0 && flow_is_number(right) &&
        right->value.number != 0)
        return left->bound / fabs(right->value.number);
    if (left->bound <= 0 || right->bound <= 0)
        return 0;
    if (op == LINT_OP_ADD || op == LINT_OP_SUBTRACT)
        return left->bound + right->bound;
    double product = (flow_is_number(left) ? fabs(left->value.number) : left->bound) *
                     (flow_is_number(right) ? fabs(right->value.number) : right->bound);
    return op == LINT_OP_MULTIPLY ? product : 0;
}

static const struct fact *arithmetic(struct flow *flow, enum lint_operator op,
                                     const struct fact *left, const struct fact *right)
{
    unsigned origins = origins_of(left, right);
    if (flow_is_number(left) && flow_is_number(right))
        return flow_number(flow, compute(op, left->value.number, right->value.number), origins);
    struct fact fact = {.value = {.types = LINT_TYPE_NUMBER, .origins = (uint16_t)origins}};
    unsigned either = whole_of(left) | whole_of(right);
    bool wholes = always_whole(left) && always_whole(right);
    if (op == LINT_OP_DIVIDE || op == LINT_OP_POWER || either & LINT_FRACTION)
        fact.value.whole = LINT_FRACTION;
    else if (wholes)
        fact.value.whole = LINT_WHOLE;
    if (op == LINT_OP_POWER && wholes && flow_is_number(right) && right->value.number >= 0)
        fact.value.whole = LINT_WHOLE;
    fact.bound = bound_of(op, left, right);
    bool grows = op == LINT_OP_ADD || op == LINT_OP_SUBTRACT || op == LINT_OP_MULTIPLY;
    if ((grows && either & LINT_HUGE) || fact.bound > exact_to)
        fact.value.whole |= LINT_HUGE;
    return flow_keep(flow, &fact);
}

/* Text of a constant that `..` takes; false: not one, or too long to follow. */
static bool text_of(const struct fact *fact, struct lint_text *text, char digits[32])
{
    if (flow_is_text(fact)) {
        *text = fact->value.text;
        return true;
    }
    double number = fact->value.number;
    if (!flow_is_number(fact) || floor(number) != number || fabs(number) >= 1e14)
        return false;
    char reversed[32];
    size_t n = 0, size = 0;
    uint64_t rest = (uint64_t)fabs(number);
    do
        reversed[n++] = (char)('0' + (char)(rest % 10));
    while (rest /= 10);
    if (number < 0)
        digits[size++] = '-';
    while (n > 0)
        digits[size++] = reversed[--n];
    *text = (struct lint_text){digits, size};
    return true;
}

static const struct fact *concatenate(struct flow *flow, const struct fact *left,
                                      const struct fact *right)
{
    unsigned origins = origins_of(left, right);
    struct lint_text a, b;
    char room_a[32], room_b[32];
    if (!text_of(left, &a, room_a) || !text_of(right, &b, room_b) || a.size + b.size > TEXT_MAX)
        return flow_types(flow, LINT_TYPE_STRING, origins);
    char *text = arena_get(flow->arena, a.size + b.size + 1);
    if (!text) {
        flow->failed = true;
        return flow->unknown;
    }
    if (a.size)
        memcpy(text, a.text, a.size);
    if (b.size)
        memcpy(text + a.size, b.text, b.size);
    return flow_text(flow, text, a.size + b.size, origins);
}

static const struct fact *truth(struct flow *flow, bool value, unsigned origins)
{
    return flow_with_origins(flow, value ? flow->yes : flow->no, origins);
}

static bool same(const struct lint_value *a, const struct lint_value *b)
{
    return a->types == b->types && a->number == b->number && a->text.size == b->text.size &&
           (a->text.size == 0 || memcmp(a->text.text, b->text.text, a->text.size) == 0);
}

const struct fact *flow_binary(struct flow *flow, enum lint_operator op, const struct fact *left,
                               const struct fact *right)
{
    unsigned origins = origins_of(left, right);
    switch (op) {
    case LINT_OP_ADD:
    case LINT_OP_SUBTRACT:
    case LINT_OP_MULTIPLY:
    case LINT_OP_DIVIDE:
    case LINT_OP_MODULO:
    case LINT_OP_POWER:
        return arithmetic(flow, op, left, right);
    case LINT_OP_CONCAT:
        return concatenate(flow, left, right);
    case LINT_OP_EQUAL:
    case LINT_OP_UNEQUAL:
        if (left->value.constant && right->value.constant)
            return truth(flow, same(&left->value, &right->value) == (op == LINT_OP_EQUAL), origins);
        return flow_with_origins(flow, flow->boolean, origins);
    case LINT_OP_LESS:
    case LINT_OP_GREATER:
    case LINT_OP_AT_MOST:
    case LINT_OP_AT_LEAST:
        return flow_with_origins(flow, flow->boolean, origins);
    default: /* what 5.1 does not have gives whole numbers */
        return flow_with_origins(flow, flow->whole, origins);
    }
}

static const struct fact *negate(struct flow *flow, const struct fact *operand)
{
    unsigned origins = (unsigned)operand->value.origins;
    if (flow_is_number(operand))
        return flow_number(flow, -operand->value.number, origins);
    struct fact fact = {.value = {.types = LINT_TYPE_NUMBER,
                                  .origins = (uint16_t)(origins | LINT_FROM_COMPUTED),
                                  .whole = (uint8_t)whole_of(operand)}};
    fact.bound = operand->bound;
    return flow_keep(flow, &fact);
}

const struct fact *flow_unary(struct flow *flow, enum lint_operator op, const struct fact *operand)
{
    unsigned origins = (unsigned)operand->value.origins | LINT_FROM_COMPUTED;
    switch (op) {
    case LINT_OP_NOT:
        if (flow_is_nothing(operand))
            return operand;
        if (flow_is_nothing(flow_when(flow, operand, true)))
            return truth(flow, true, origins);
        if (flow_is_nothing(flow_when(flow, operand, false)))
            return truth(flow, false, origins);
        return flow_with_origins(flow, flow->boolean, origins);
    case LINT_OP_NEGATE:
        return negate(flow, operand);
    case LINT_OP_LENGTH:
        if (flow_is_text(operand))
            return flow_number(flow, (double)operand->value.text.size, origins);
        return flow_with_origins(flow, flow->whole, origins & ~(unsigned)LINT_FROM_PCALL);
    default:
        return flow_with_origins(flow, flow->whole, origins);
    }
}
