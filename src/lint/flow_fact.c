/* Facts: each is kept once, in the arena, and found again by a hash over its fields. May call: base. */
#include "base/alloc.h"
#include "lint/flow.h"

#include <math.h>
#include <string.h>

static uint32_t mix(uint32_t hash, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * UINT32_C(16777619);
    return hash;
}

static uint32_t mix_word(uint32_t hash, uint64_t word)
{
    uint64_t mixed = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32) ^ (uint32_t)mixed;
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static uint32_t hash_of(const struct fact *fact)
{
    const struct lint_value *v = &fact->value;
    uint32_t hash =
        mix_word(1, (uint64_t)v->types | (uint64_t)v->origins << 16 | (uint64_t)v->thing << 32 |
                        (uint64_t)v->whole << 40 | (uint64_t)v->unknown << 48 |
                        (uint64_t)v->constant << 49 | (uint64_t)v->element << 50 |
                        (uint64_t)fact->digits << 51 | (uint64_t)fact->several << 52 |
                        (uint64_t)fact->limits << 53 | (uint64_t)fact->unsure << 61);
    hash = mix_word(hash, bits_of(v->number));
    hash = mix_word(hash, bits_of(fact->bound));
    hash = mix_word(hash, (uint64_t)v->key << 32 | (uint32_t)v->text.size);
    hash = mix_word(hash, (uintptr_t)v->function ^ (uintptr_t)v->shape);
    hash = mix_word(hash, (uintptr_t)v->builtin ^ (uintptr_t)fact->elements);
    hash = mix_word(hash, (uintptr_t)v->reply);
    if (v->reply_name && !v->reply)
        hash = mix(hash, v->reply_name, strlen(v->reply_name));
    return v->text.size ? mix(hash, v->text.text, v->text.size) : hash;
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_text(const struct lint_text *a, const struct lint_text *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->text, b->text, a->size) == 0);
}

static bool equal(const struct fact *a, const struct fact *b)
{
    const struct lint_value *v = &a->value, *w = &b->value;
    return a->hash == b->hash && v->types == w->types && v->origins == w->origins &&
           v->thing == w->thing && v->whole == w->whole && v->unknown == w->unknown &&
           v->constant == w->constant && v->element == w->element && a->digits == b->digits &&
           a->several == b->several && a->limits == b->limits && a->unsure == b->unsure &&
           bits_of(v->number) == bits_of(w->number) && bits_of(a->bound) == bits_of(b->bound) &&
           v->key == w->key && v->builtin == w->builtin && v->function == w->function &&
           v->shape == w->shape && a->elements == b->elements && v->reply == w->reply &&
           same_name(v->reply_name, w->reply_name) && same_text(&v->text, &w->text);
}

/* Some values of these types are not known. */
static void forget_details(struct fact *fact, unsigned types)
{
    fact->value.constant = false;
    fact->bound = 0;
    fact->unsure |= (types & LINT_TYPE_NUMBER) != 0;
    fact->digits &= (types & LINT_TYPE_STRING) == 0;
    if (types & LINT_TYPE_TABLE) {
        fact->elements = NULL;
        fact->value.shape = NULL;
    }
}

/* What can only be of one type, or of those that are known anyway, is known. */
static void tidy_limits(struct fact *fact)
{
    struct lint_value *v = &fact->value;
    unsigned limits = fact->limits;
    if (!v->unknown || limits == FLOW_ALL_TYPES)
        fact->limits = 0;
    if (!v->unknown || limits == 0 || limits == FLOW_ALL_TYPES)
        return;
    if ((limits & (limits - 1)) == 0)
        v->types |= (uint16_t)limits;
    if ((limits & ~(unsigned)v->types) != 0)
        return;
    v->unknown = false;
    fact->limits = 0;
    forget_details(fact, limits);
}

/* Takes out what says something of a type that is not there. */
static void tidy(struct fact *fact)
{
    struct lint_value *v = &fact->value;
    tidy_limits(fact);
    if (v->unknown || v->element || v->types == 0)
        v->constant = false;
    if (!v->constant || v->types != LINT_TYPE_NUMBER)
        v->number = 0;
    if (!v->constant || v->types != LINT_TYPE_STRING)
        v->text = (struct lint_text){NULL, 0};
    if (!(v->types & LINT_TYPE_NUMBER))
        v->whole = 0;
    fact->unsure = v->types & LINT_TYPE_NUMBER && (fact->unsure || !v->whole);
    if (!(v->types & (LINT_TYPE_NUMBER | LINT_TYPE_STRING)) || v->unknown)
        fact->bound = 0;
    if (!(v->types & LINT_TYPE_STRING) || v->unknown)
        fact->digits = false;
    if (!(v->types & LINT_TYPE_TABLE)) {
        v->shape = NULL;
        fact->elements = NULL;
    }
    if (v->types == 0 || v->unknown)
        v->thing = LINT_THING_NONE;
    if (v->thing != LINT_THING_BUILTIN)
        v->builtin = NULL;
    if (v->thing != LINT_THING_FUNCTION)
        v->function = NULL;
}

static bool make_room(struct flow *flow)
{
    if (flow->fact_count * 2 < flow->fact_room)
        return true;
    size_t room = flow->fact_room ? flow->fact_room * 2 : 256;
    struct fact **facts = alloc_zeroed(room, sizeof(void *));
    if (!facts)
        return false;
    for (size_t i = 0; i < flow->fact_room; i++)
        for (struct fact *fact = flow->facts[i], *next; fact; fact = next) {
            next = fact->next;
            fact->next = facts[fact->hash & (room - 1)];
            facts[fact->hash & (room - 1)] = fact;
        }
    alloc_free(flow->facts);
    flow->facts = facts;
    flow->fact_room = room;
    return true;
}

const struct fact *flow_keep(struct flow *flow, const struct fact *fact)
{
    struct fact tidied = *fact;
    tidy(&tidied);
    tidied.hash = hash_of(&tidied);
    if (flow->fact_room)
        for (struct fact *f = flow->facts[tidied.hash & (flow->fact_room - 1)]; f; f = f->next)
            if (equal(f, &tidied))
                return f;
    struct fact *kept = make_room(flow) ? arena_get(flow->arena, sizeof *kept) : NULL;
    if (!kept) {
        flow->failed = true;
        return flow->unknown;
    }
    *kept = tidied;
    kept->next = flow->facts[kept->hash & (flow->fact_room - 1)];
    flow->facts[kept->hash & (flow->fact_room - 1)] = kept;
    flow->fact_count++;
    return kept;
}

static bool same_constant(const struct lint_value *v, const struct lint_value *w)
{
    return v->constant && w->constant && v->types == w->types &&
           bits_of(v->number) == bits_of(w->number) && same_text(&v->text, &w->text);
}

static bool is_argument_table(const struct lint_value *value)
{
    return value->thing == LINT_THING_KEYS || value->thing == LINT_THING_ARGV;
}

const struct fact *flow_join(struct flow *flow, const struct fact *a, const struct fact *b)
{
    const struct lint_value *v = &a->value, *w = &b->value;
    if (a == b || flow_is_nothing(b))
        return a;
    if (flow_is_nothing(a))
        return b;
    if (v->shape != w->shape) { /* changes by this name would not be seen of either */
        flow_escape(flow, a);
        flow_escape(flow, b);
    }
    struct fact sum = {0};
    struct lint_value *s = &sum.value;
    s->types = v->types | w->types;
    s->origins = v->origins | w->origins;
    s->whole = v->whole | w->whole;
    s->unknown = v->unknown || w->unknown;
    sum.limits = (uint16_t)((v->unknown ? flow_limits(a) : 0) | (w->unknown ? flow_limits(b) : 0));
    s->element = v->element || w->element;
    sum.unsure = a->unsure || b->unsure;
    s->constant = same_constant(v, w);
    s->number = v->number;
    s->text = v->text;
    const struct lint_value *is = v->thing ? v : w, *other = v->thing ? w : v;
    if ((v->thing == w->thing && v->builtin == w->builtin && v->function == w->function) ||
        (is->thing == LINT_THING_FUNCTION && other->types == LINT_TYPE_NIL)) {
        s->thing = is->thing; /* `local f`, which is a function later */
        s->builtin = is->builtin;
        s->function = is->function;
    }
    flow->mixed |= s->thing == LINT_THING_NONE && (is_argument_table(v) || is_argument_table(w));
    if (v->reply == w->reply && same_name(v->reply_name, w->reply_name)) {
        s->reply = v->reply;
        s->reply_name = v->reply_name;
    }
    s->key = v->key == w->key ? v->key : 0;
    s->shape = v->shape == w->shape ? v->shape : NULL;
    bool tables = v->types & LINT_TYPE_TABLE, others = w->types & LINT_TYPE_TABLE;
    if (a->elements == b->elements || !others)
        sum.elements = a->elements;
    else if (!tables)
        sum.elements = b->elements;
    if (a->bound > 0 && b->bound > 0)
        sum.bound = fmax(a->bound, b->bound);
    bool texts = v->types & LINT_TYPE_STRING, other_texts = w->types & LINT_TYPE_STRING;
    sum.digits = (a->digits || !texts) && (b->digits || !other_texts);
    return flow_keep(flow, &sum);
}

const struct fact *flow_doubt(struct flow *flow, const struct fact *fact)
{
    if (fact->value.unknown && !fact->limits)
        return fact;
    flow_escape(flow, fact);
    struct fact doubted = *fact;
    doubted.limits = 0;
    doubted.value.unknown = true;
    doubted.value.thing = LINT_THING_NONE;
    doubted.value.key = 0;
    doubted.value.shape = NULL;
    doubted.value.reply = NULL;
    doubted.value.reply_name = NULL;
    doubted.elements = NULL;
    return flow_keep(flow, &doubted);
}

const struct fact *flow_unbound(struct flow *flow, const struct fact *fact)
{
    struct fact unbound = *fact;
    unbound.bound = 0;
    return fact->bound > 0 ? flow_keep(flow, &unbound) : fact;
}

/* Rounds in which what is joined may still be told apart; then it is known to be something, or unknown. */
enum { EXACT_ROUNDS = 4 };

bool flow_grow(struct flow *flow, const struct fact **into, const struct fact *fact)
{
    const struct fact *before = *into ? *into : flow->nothing;
    const struct fact *sum = flow_join(flow, before, fact);
    if (flow->round > EXACT_ROUNDS && sum != before) {
        if (before->value.unknown && !before->limits)
            return false;
        sum = flow_doubt(flow, sum);
    }
    if (sum != before && !flow_is_nothing(before))
        sum = flow_unbound(flow, sum); /* else it may grow for ever */
    if (sum == *into)
        return false;
    *into = sum;
    flow->dirty = true;
    return true;
}

const struct fact *flow_types(struct flow *flow, unsigned types, unsigned origins)
{
    struct fact fact = {.value = {.types = (uint16_t)types, .origins = (uint16_t)origins}};
    return flow_keep(flow, &fact);
}

const struct fact *flow_with_origins(struct flow *flow, const struct fact *fact, unsigned origins)
{
    if ((fact->value.origins | origins) == fact->value.origins)
        return fact;
    struct fact changed = *fact;
    changed.value.origins = (uint16_t)(changed.value.origins | origins);
    return flow_keep(flow, &changed);
}

const struct fact *flow_text(struct flow *flow, const char *text, size_t size, unsigned origins)
{
    struct fact fact = {.value = {.types = LINT_TYPE_STRING,
                                  .origins = (uint16_t)origins,
                                  .constant = true,
                                  .text = {text, size}}};
    return flow_keep(flow, &fact);
}

const struct fact *flow_number(struct flow *flow, double number, unsigned origins)
{
    struct fact fact = {.value = {.types = LINT_TYPE_NUMBER,
                                  .origins = (uint16_t)origins,
                                  .constant = true,
                                  .number = number}};
    fact.value.whole = floor(number) == number ? LINT_WHOLE : LINT_FRACTION;
    if (fabs(number) > 9007199254740992.0)
        fact.value.whole |= LINT_HUGE;
    fact.bound = fabs(number) + 1; /* more than 0, and still on this side of 2^53 */
    return flow_keep(flow, &fact);
}

bool flow_is_number(const struct fact *fact)
{
    return fact->value.constant && fact->value.types == LINT_TYPE_NUMBER;
}

bool flow_is_text(const struct fact *fact)
{
    return fact->value.constant && fact->value.types == LINT_TYPE_STRING;
}

bool flow_text_is(const struct fact *fact, const char *text)
{
    return flow_is_text(fact) && fact->value.text.size == strlen(text) &&
           memcmp(fact->value.text.text, text, fact->value.text.size) == 0;
}

bool flow_only(const struct fact *fact, unsigned types)
{
    return !fact->value.unknown && fact->value.types != 0 && (fact->value.types & ~types) == 0 &&
           (!fact->value.element || types & LINT_TYPE_NIL);
}
