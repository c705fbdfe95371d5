/* What the sandbox has, and what its functions give. */
#include "lint/flow.h"

#include "base/number.h"

#include <math.h>
#include <string.h>

static const struct builtin {
    const char *name;
    const char *letters;
} builtins[] = {
#include "lint/flow_builtins.inc"
};

static const struct builtin *find(const char *name)
{
    size_t low = 0, high = sizeof builtins / sizeof builtins[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, builtins[middle].name);
        if (order == 0)
            return &builtins[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const struct fact *argument_table(struct flow *flow, bool keys)
{
    struct fact fact = {
        .value = {.types = LINT_TYPE_TABLE, .thing = keys ? LINT_THING_KEYS : LINT_THING_ARGV}};
    return flow_keep(flow, &fact);
}

enum { NAME_ROOM = 64 };

const struct fact *flow_builtin(struct flow *flow, const char *library, const char *name,
                                size_t size)
{
    char full[NAME_ROOM];
    size_t at = 0;
    if (library && strcmp(library, "_G") != 0) {
        at = strlen(library);
        memcpy(full, library, at);
        full[at++] = '.';
    }
    if (size >= NAME_ROOM - at || memchr(name, '.', size))
        return NULL;
    memcpy(full + at, name, size);
    full[at + size] = 0;
    if (flow->kind == LINT_SOURCE_EVAL && (strcmp(full, "KEYS") == 0 || strcmp(full, "ARGV") == 0))
        return argument_table(flow, full[0] == 'K');
    const struct builtin *builtin = find(strcmp(full, "server") == 0 ? "redis" : full);
    if (!builtin)
        return NULL;
    struct fact fact;
    if (builtin->letters[0] == '{')
        fact = flow_letters("t");
    else if (builtin->letters[0] == '(' || builtin->letters[0] == '!')
        fact = flow_letters("x");
    else
        fact = flow_letters(builtin->letters);
    fact.value.thing = LINT_THING_BUILTIN;
    fact.value.builtin = builtin->name;
    return flow_keep(flow, &fact);
}

static unsigned origins_of(const struct flow_values *values)
{
    unsigned origins = values->rest->value.origins;
    for (size_t i = 0; i < values->count; i++)
        origins |= values->at[i]->value.origins;
    return origins & ~(unsigned)LINT_FROM_PCALL;
}

/* What a builtin's letters say. */
static void by_letters(struct flow *flow, const struct builtin *builtin,
                       const struct flow_values *arguments, struct flow_values *out)
{
    const char *letters = builtin->letters;
    unsigned origins = origins_of(arguments) | LINT_FROM_COMPUTED;
    if (strcmp(builtin->name, "os.clock") == 0)
        origins = LINT_FROM_TIME;
    if (*letters == '!') {
        for (size_t i = 0; i < arguments->count; i++)
            flow_escape(flow, arguments->at[i]);
        flow_escape(flow, arguments->rest);
        letters++;
    }
    letters++;
    *out = (struct flow_values){.rest = flow->nil, .exact = true};
    while (*letters && *letters != '*' && out->count < FLOW_VALUES) {
        out->at[out->count++] = flow_read(flow, letters, origins);
        letters += strcspn(letters, ",");
        letters += *letters == ',';
    }
    if (*letters == '*') {
        out->rest = flow_with_origins(flow, flow->unknown, origins);
        out->exact = false;
    }
}

/* Of which number a text or number is. */
static const struct fact *to_number(struct flow *flow, const struct lint_node *second,
                                    const struct fact *fact)
{
    const struct lint_value *v = &fact->value;
    struct fact number = {.value = {.origins = v->origins}};
    struct lint_value *n = &number.value;
    double constant;
    if (flow_is_number(fact) && !second)
        return fact;
    if (flow_is_text(fact) && !second &&
        number_parse_double(v->text.text, v->text.size, &constant) && isfinite(constant))
        return flow_number(flow, constant, v->origins);
    if (v->types & LINT_TYPE_NUMBER) {
        n->types |= LINT_TYPE_NUMBER;
        n->whole = v->whole;
    }
    if (v->types & LINT_TYPE_STRING) {
        n->types |= LINT_TYPE_NUMBER;
        bool whole = fact->digits || second;
        n->whole |= whole ? LINT_WHOLE : LINT_FRACTION;
        if (!fact->digits)
            n->types |= LINT_TYPE_NIL;
    }
    const unsigned numbers = LINT_TYPE_NUMBER | LINT_TYPE_STRING;
    if (v->types & ~numbers || v->element)
        n->types |= LINT_TYPE_NIL;
    n->unknown = v->unknown; /* then it is a number or nil */
    number.limits = LINT_TYPE_NUMBER | LINT_TYPE_NIL;
    if (flow_is_nothing(fact))
        return fact;
    number.bound = fact->bound;
    return flow_keep(flow, &number);
}

static const struct fact *to_string(struct flow *flow, const struct fact *fact)
{
    const struct lint_value *v = &fact->value;
    if (flow_is_text(fact) || flow_is_nothing(fact))
        return fact;
    struct fact string = {.value = {.types = LINT_TYPE_STRING, .origins = v->origins}};
    string.value.key = v->types == LINT_TYPE_STRING && !v->unknown && !v->element ? v->key : 0;
    bool digits = !(v->types & LINT_TYPE_STRING) || fact->digits;
    bool whole = !(v->types & LINT_TYPE_NUMBER) || (v->whole == LINT_WHOLE && !fact->unsure);
    string.digits = flow_only(fact, LINT_TYPE_STRING | LINT_TYPE_NUMBER) && digits && whole;
    string.bound = fact->bound;
    return flow_keep(flow, &string);
}

static const struct fact *type_name(struct flow *flow, const struct fact *fact)
{
    static const struct {
        unsigned types;
        const char *name;
    } names[] = {{LINT_TYPE_NIL, "nil"},          {LINT_TYPE_FALSE | LINT_TYPE_TRUE, "boolean"},
                 {LINT_TYPE_NUMBER, "number"},    {LINT_TYPE_STRING, "string"},
                 {LINT_TYPE_TABLE, "table"},      {LINT_TYPE_FUNCTION, "function"},
                 {LINT_TYPE_USERDATA, "userdata"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flow_only(fact, names[i].types) && !fact->value.element)
            return flow_text(flow, names[i].name, strlen(names[i].name), LINT_FROM_COMPUTED);
    return flow_types(flow, LINT_TYPE_STRING, LINT_FROM_COMPUTED);
}

/* floor and ceil give whole numbers, the others what they are given. */
static const struct fact *mathematics(struct flow *flow, const char *name,
                                      const struct flow_values *arguments)
{
    bool rounds = strcmp(name, "math.floor") == 0 || strcmp(name, "math.ceil") == 0;
    const struct fact *one = flow_nth(arguments, 0);
    struct fact fact = {.value = {.types = LINT_TYPE_NUMBER}};
    unsigned whole = 0;
    bool known = true;
    if (rounds && flow_is_number(one))
        return flow_number(flow,
                           name[5] == 'f' ? floor(one->value.number) : ceil(one->value.number),
                           origins_of(arguments) | LINT_FROM_COMPUTED);
    fact.value.origins = (uint16_t)(origins_of(arguments) | LINT_FROM_COMPUTED);
    for (size_t i = 0; i < arguments->count; i++) {
        const struct fact *each = arguments->at[i];
        whole |= each->value.whole;
        if (each->value.types & LINT_TYPE_STRING)
            whole |= each->digits ? LINT_WHOLE : LINT_FRACTION;
        known = known && !each->value.unknown && !each->unsure;
        if (each->bound > fact.bound && (i == 0 || fact.bound > 0))
            fact.bound = each->bound;
        if (each->bound <= 0)
            fact.bound = 0;
    }
    if (rounds) {
        fact.value.whole = (uint8_t)(LINT_WHOLE | (whole & LINT_HUGE));
        fact.bound = one->bound;
    } else if (known && arguments->exact) {
        fact.value.whole = (uint8_t)whole;
    } else {
        fact.value.whole = (uint8_t)(whole & ~(unsigned)LINT_WHOLE);
        fact.bound = 0;
    }
    return flow_keep(flow, &fact);
}

/* Elements of a table, from its first. */
static void unpack(struct flow *flow, const struct fact *table, bool from_one,
                   struct flow_values *out)
{
    *out = (struct flow_values){.rest = flow_element(flow, table, true)};
    if (table->value.thing != LINT_THING_KEYS && table->value.thing != LINT_THING_ARGV)
        return;
    for (uint32_t i = 0; from_one && i < FLOW_VALUES; i++)
        out->at[out->count++] = flow_argument(flow, table->value.thing == LINT_THING_KEYS, i + 1);
}

static bool calls_server(const struct fact *callee)
{
    return callee->value.thing == LINT_THING_BUILTIN &&
           (strcmp(callee->value.builtin, "redis.call") == 0 ||
            strcmp(callee->value.builtin, "redis.pcall") == 0);
}

/* pcall(f, …), pcall(redis.call, …) */
static void protected_call(struct flow *flow, const struct flow_values *arguments,
                           struct flow_values *out)
{
    const struct fact *callee = flow_nth(arguments, 0);
    struct flow_values inner = {.rest = flow->unknown}, passed = *arguments;
    if (callee->value.thing == LINT_THING_FUNCTION && callee->value.function->user) {
        bool dead = flow->dead;
        if (passed.count > 0) {
            memmove(&passed.at[0], &passed.at[1], (passed.count - 1) * sizeof(void *));
            passed.count--;
        }
        flow_call_function(flow, callee->value.function->user, &passed, &inner);
        flow->dead = dead;
    } else {
        unsigned origins = LINT_FROM_COMPUTED;
        for (size_t i = 0; i < arguments->count; i++) {
            origins |= arguments->at[i]->value.origins;
            flow_escape(flow, arguments->at[i]);
        }
        flow_escape(flow, arguments->rest);
        inner.rest = flow_with_origins(flow, flow->unknown,
                                       calls_server(callee) ? LINT_FROM_REPLY : origins);
    }
    *out = (struct flow_values){.rest = flow_doubt(flow, inner.rest)};
    out->at[out->count++] = flow->boolean;
    for (size_t i = 0; i < inner.count && out->count < FLOW_VALUES; i++)
        out->at[out->count++] = flow_doubt(flow, inner.at[i]);
}

static void insert(struct flow *flow, const struct flow_values *arguments)
{
    const struct fact *table = flow_nth(arguments, 0);
    const struct fact *value = flow_nth(arguments, 1);
    bool exact = arguments->exact && arguments->count <= 3;
    if (exact && arguments->count == 3)
        value = flow_nth(arguments, 2);
    else if (!exact) /* of a call in the end it depends on how many it gives */
        value = flow_join(flow, value, flow_nth(arguments, 2));
    flow_index_set(flow, table, flow->whole, value, true);
}

/* One with a rule of its own; false: the letters say it. */
static bool special(struct flow *flow, struct lint_node *node, const char *name,
                    const struct flow_values *arguments, struct flow_values *out)
{
    const struct fact *one = flow_nth(arguments, 0);
    const struct lint_node *second = node->kind == LINT_CALL && node->b ? node->b->next : NULL;
    if (strcmp(name, "redis.call") == 0 || strcmp(name, "redis.pcall") == 0) {
        flow_one(flow, flow_reply(flow, node, name[6] == 'p'), out);
    } else if (strcmp(name, "error") == 0) {
        flow_one(flow, flow->nothing, out);
        flow->dead = true;
    } else if (strcmp(name, "assert") == 0) {
        *out = *arguments;
        if (node->kind == LINT_CALL && node->b)
            flow_refine(flow, node->b, true);
        if (out->count > 0)
            out->at[0] = flow_when(flow, out->at[0], true);
    } else if (strcmp(name, "tonumber") == 0) {
        flow_one(flow, to_number(flow, second, one), out);
    } else if (strcmp(name, "tostring") == 0) {
        flow_one(flow, to_string(flow, one), out);
    } else if (strcmp(name, "type") == 0) {
        flow_one(flow, type_name(flow, one), out);
    } else if (strcmp(name, "math.floor") == 0 || strcmp(name, "math.ceil") == 0 ||
               strcmp(name, "math.max") == 0 || strcmp(name, "math.min") == 0 ||
               strcmp(name, "math.abs") == 0 || strcmp(name, "math.fmod") == 0) {
        flow_one(flow, mathematics(flow, name, arguments), out);
    } else if (strcmp(name, "math.random") == 0) {
        flow_one(flow, flow_read(flow, arguments->count ? "n" : "f", LINT_FROM_COMPUTED), out);
    } else if (strcmp(name, "unpack") == 0) {
        bool from_one = !second || (second->value->constant && second->value->number == 1);
        unpack(flow, one, from_one, out);
    } else if (strcmp(name, "pcall") == 0) {
        protected_call(flow, arguments, out);
    } else if (strcmp(name, "table.insert") == 0) {
        insert(flow, arguments);
        *out = (struct flow_values){.rest = flow->nil, .exact = true};
    } else if (strcmp(name, "table.remove") == 0) {
        flow_one(flow, flow_element(flow, one, true), out);
        flow_escape(flow, one); /* what stands where is not known any more */
    } else if (strcmp(name, "table.sort") == 0) {
        flow_escape(flow, one);
        return false;
    } else {
        return false;
    }
    return true;
}

/* Whether the first capture of a pattern is empty: then what string.match gives is a position. */
static bool captures_position(const struct fact *pattern)
{
    const char *text = pattern->value.text.text;
    size_t size = pattern->value.text.size;
    if (!flow_is_text(pattern))
        return false;
    for (size_t i = 0; i + 1 < size; i++)
        if (text[i] == '%')
            i++;
        else if (text[i] == '(')
            return text[i + 1] == ')';
    return false;
}

void flow_call_builtin(struct flow *flow, struct lint_node *node, const char *name,
                       const struct flow_values *arguments, struct flow_values *out)
{
    if (special(flow, node, name, arguments, out))
        return;
    const struct builtin *builtin = find(name);
    by_letters(flow, builtin, arguments, out);
    if (strcmp(name, "select") == 0 && flow_text_is(flow_nth(arguments, 0), "#"))
        flow_one(flow, flow->whole, out);
    if (strcmp(name, "string.match") == 0 && captures_position(flow_nth(arguments, 1)))
        out->at[0] = flow_read(flow, "n0", out->at[0]->value.origins);
}

const char *flow_builtin_name(const char *name)
{
    const struct builtin *builtin = find(name);
    return builtin ? builtin->name : NULL;
}
