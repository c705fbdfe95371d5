/* t[k], of whatever t is. */
#include "lint/flow.h"

#include <string.h>

static bool is_arguments(const struct fact *object, bool *keys)
{
    *keys = object->value.thing == LINT_THING_KEYS;
    return *keys || object->value.thing == LINT_THING_ARGV;
}

static uint32_t constant_index(const struct fact *key)
{
    double number = key->value.number;
    bool good = flow_is_number(key) && number >= 1 && number < 4294967295.0 &&
                (double)(uint32_t)number == number;
    return good ? (uint32_t)number : 0;
}

bool flow_element_id(struct flow *flow, const struct fact *object, const struct fact *key,
                     uint32_t *id)
{
    bool keys;
    uint32_t index = constant_index(key), half = FLOW_ELEMENTS / 2;
    if (!is_arguments(object, &keys) || index == 0 || index > half ||
        (keys ? flow->keys_set : flow->arguments_set))
        return false;
    *id = flow->tree->variables + (keys ? 0 : half) + index - 1;
    return true;
}

const struct fact *flow_argument(struct flow *flow, bool keys, uint32_t index)
{
    struct fact fact = {.value = {.types = LINT_TYPE_STRING,
                                  .origins = keys ? LINT_FROM_KEYS : LINT_FROM_ARGV,
                                  .element = true,
                                  .key = index}};
    if (keys ? flow->keys_set : flow->arguments_set) {
        fact.value.key = 0;
        fact.value.unknown = true;
    }
    return flow_keep(flow, &fact);
}

/* The letters of an element of a reply: there may be one for each index. */
static const char *letters_at(const char *letters, uint32_t index)
{
    if (!strchr(letters, '|'))
        return letters;
    for (; index > 1; index--) {
        letters = strchr(letters, '|');
        if (!letters)
            return "?";
        letters++;
    }
    return index == 1 ? letters : "?";
}

static const struct fact *reply_element(struct flow *flow, const struct fact *object,
                                        const struct fact *key)
{
    unsigned origins = object->value.origins & ~(unsigned)LINT_FROM_PCALL;
    bool caught = object->value.origins & LINT_FROM_PCALL;
    if (flow_text_is(key, "err")) {
        bool always = object->elements && strcmp(object->elements, "err") == 0;
        return flow_read(flow, always ? "s" : caught ? "s0" : "0", object->value.origins);
    }
    bool status = object->elements && strcmp(object->elements, "ok") == 0;
    bool list = object->elements && !status && strcmp(object->elements, "err") != 0;
    if (!list || flow_is_text(key))
        return flow_read(flow,
                         !status || !flow_text_is(key, "ok") ? "?"
                         : caught                            ? "s0"
                                                             : "s",
                         origins);
    struct fact fact = flow_letters(letters_at(object->elements, constant_index(key)));
    fact.value.origins = (uint16_t)origins;
    fact.value.element =
        !strchr(object->elements, '|');          /* those that have a place each are there */
    if (origins & LINT_FROM_TIME && fact.digits) /* some time until 2035, and its microseconds */
        fact.bound = constant_index(key) == 2 ? 1e6 : 2.1e9;
    return flow_keep(flow, &fact);
}

const struct fact *flow_index(struct flow *flow, const struct fact *object, const struct fact *key)
{
    const struct lint_value *v = &object->value;
    bool keys;
    if (is_arguments(object, &keys))
        return flow_argument(flow, keys, constant_index(key));
    if (v->thing == LINT_THING_BUILTIN && v->types == LINT_TYPE_TABLE && flow_is_text(key)) {
        const struct fact *member =
            flow_builtin(flow, v->builtin, key->value.text.text, key->value.text.size);
        return member ? member : flow->unknown;
    }
    if (flow_is_nothing(object))
        return object;
    if (v->shape)
        return flow_table_get(flow, object, key);
    bool reply = !v->unknown && v->types & LINT_TYPE_TABLE &&
                 (v->origins & LINT_FROM_REPLY || object->elements);
    if (reply)
        return reply_element(flow, object, key);
    return flow_with_origins(flow, flow->unknown, v->origins & ~(unsigned)LINT_FROM_PCALL);
}

void flow_index_set(struct flow *flow, const struct fact *object, const struct fact *key,
                    const struct fact *value, bool behind)
{
    bool keys;
    if (is_arguments(object, &keys)) {
        bool *set = keys ? &flow->keys_set : &flow->arguments_set;
        flow->dirty |= !*set;
        *set = true;
        flow_escape(flow, value);
    } else if (object->value.shape) {
        flow_table_set(flow, object, key, value, behind);
    } else {
        const unsigned others = LINT_FROM_REPLY | LINT_FROM_COMPUTED;
        bool other = object->value.origins & others;
        if (flow->mixed || (flow->handed_on && !other)) { /* it may be KEYS or ARGV */
            flow->dirty |= !flow->keys_set || !flow->arguments_set;
            flow->keys_set = flow->arguments_set = true;
        }
        flow_escape(flow, value);
    }
}

const struct fact *flow_element(struct flow *flow, const struct fact *table, bool list)
{
    return flow_index(flow, table, list ? flow->whole : flow->unknown);
}
