/* The constants of each function, as the reference compiler numbers them: in the order in which it first needs them,
 * equal ones once. Pure. */
#include <string.h>

#include "lint/parse.h"

struct parse_constant {
    struct parse_constant *next; /* in its bucket */
    uint32_t function, number;
    enum parse_place kind; /* STRING, NUMBER, NIL, TRUE or FALSE */
    size_t size;
    union {
        const char *text;
        double value;
    };
};

static uint64_t hash_of(const struct parse_constant *c)
{
    uint64_t hash = c->function * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)c->kind;
    uint64_t bits = 0;
    if (c->kind == PLACE_STRING)
        for (size_t i = 0; i < c->size; i++)
            hash = (hash ^ (unsigned char)c->text[i]) * UINT64_C(0x100000001b3);
    else if (c->kind == PLACE_NUMBER && c->value != 0) /* there are two zeros, and they are equal */
        memcpy(&bits, &c->value, sizeof bits);
    hash = (hash ^ bits) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 32;
}

static bool is_same(const struct parse_constant *a, const struct parse_constant *b)
{
    if (a->function != b->function || a->kind != b->kind)
        return false;
    if (a->kind == PLACE_STRING)
        return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
    return a->kind != PLACE_NUMBER || a->value == b->value;
}

static uint32_t number_of(struct parser *p, struct parse_constant wanted)
{
    struct parse_function *f = p->function;
    wanted.function = f->id;
    struct parse_constant **at = &p->constants[hash_of(&wanted) & p->symbol_mask];
    for (const struct parse_constant *c = *at; c; c = c->next)
        if (is_same(c, &wanted))
            return c->number;
    struct parse_constant *c = parse_get(p, sizeof *c);
    if (!c)
        return 0;
    *c = wanted;
    c->number = f->constant_count++;
    c->next = *at;
    *at = c;
    if (f->constant_count == PARSE_CONSTANTS_MAX + 1)
        parse_remark(p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
                     "more than 262143 different constants in one function");
    return c->number;
}

uint32_t constant_text(struct parser *p, const char *text, size_t size)
{
    return number_of(p, (struct parse_constant){.kind = PLACE_STRING, .size = size, .text = text});
}

uint32_t constant_number(struct parser *p, double number)
{
    return number_of(p, (struct parse_constant){.kind = PLACE_NUMBER, .value = number});
}

uint32_t constant_word(struct parser *p, enum parse_place place)
{
    return number_of(p, (struct parse_constant){.kind = place});
}
