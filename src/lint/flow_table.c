/* Tables: those made in the source, KEYS and ARGV, replies, libraries. One made in the source is followed as one
 * thing for all the times its constructor is run, and regardless of order: a field holds all that is ever put in.
 * That is true as long as it is seen by names that are followed; then it escapes, and so does what is in it. */
#include "lint/flow.h"

#include <string.h>

static struct flow_table *table_of(const struct fact *fact)
{
    return (struct flow_table *)fact->value.shape;
}

void flow_escape(struct flow *flow, const struct fact *fact)
{
    struct flow_table *table = table_of(fact);
    flow->handed_on |= fact->value.thing == LINT_THING_KEYS || fact->value.thing == LINT_THING_ARGV;
    if (!table || !table->shape.whole)
        return;
    table->shape.whole = false;
    flow->dirty = true;
    for (struct flow_field *field = table->fields; field; field = field->next)
        flow_escape(flow, field->value);
    if (table->list)
        flow_escape(flow, table->list);
    if (table->named)
        flow_escape(flow, table->named);
}

static bool same_key(const struct fact *a, const struct fact *b)
{
    const struct lint_value *v = &a->value, *w = &b->value;
    return v->types == w->types && v->number == w->number && v->text.size == w->text.size &&
           (v->text.size == 0 || memcmp(v->text.text, w->text.text, v->text.size) == 0);
}

static struct flow_field *find(const struct flow_table *table, const struct fact *key)
{
    for (struct flow_field *field = table->fields; field; field = field->next)
        if (same_key(field->key, key))
            return field;
    return NULL;
}

static bool is_key(const struct fact *key)
{
    return flow_is_number(key) || flow_is_text(key);
}

/* Of a table's key: a nil would be an error, or find nothing. */
static bool key_is(const struct fact *key, unsigned type)
{
    return !key->value.unknown && (key->value.types & ~(unsigned)LINT_TYPE_NIL) == type;
}

static void raise(struct flow *flow, bool *flag)
{
    flow->dirty |= !*flag;
    *flag = true;
}

/* What is put under a constant key; true if there is room to follow it. */
static bool put(struct flow *flow, struct flow_table *table, const struct fact *key,
                const struct fact *value)
{
    struct flow_field *field = find(table, key);
    if (!field && table->field_count < FLOW_FIELDS) {
        field = arena_get(flow->arena, sizeof *field);
        if (!field) {
            flow->failed = true;
            return true;
        }
        *field = (struct flow_field){key, flow->nothing, false, table->fields};
        table->fields = field;
        table->field_count++;
    }
    if (field)
        flow_grow(flow, &field->value, value);
    return field != NULL;
}

static void set(struct flow *flow, struct flow_table *table, const struct fact *key,
                const struct fact *value, bool behind)
{
    bool number = behind || key_is(key, LINT_TYPE_NUMBER);
    if (!number && !key_is(key, LINT_TYPE_STRING)) {
        flow_escape(flow, value);
        if (table->shape.whole) {
            struct fact fact = {.value = {.types = LINT_TYPE_TABLE, .shape = &table->shape}};
            flow_escape(flow, &fact);
        }
        return;
    }
    raise(flow, number ? &table->shape.list : &table->shape.fields);
    if (!table->shape.whole)
        flow_escape(flow, value);
    if (behind || !is_key(key) || !put(flow, table, key, value))
        flow_grow(flow, number ? &table->list : &table->named, value);
}

void flow_table_set(struct flow *flow, const struct fact *table, const struct fact *key,
                    const struct fact *value, bool behind)
{
    struct flow_table *of = table_of(table);
    if (flow->dead)
        return;
    if (key_is(key, LINT_TYPE_NUMBER) && !behind && value->value.types & LINT_TYPE_NIL)
        raise(flow, &of->shape.hole);
    set(flow, of, key, value, behind);
}

/* Joined into what was found so far, NULL: nothing yet. */
static void also(struct flow *flow, const struct fact **found, const struct fact *fact)
{
    if (fact)
        *found = *found ? flow_join(flow, *found, fact) : fact;
}

static const struct fact *may_be_absent(struct flow *flow, const struct fact *fact)
{
    struct fact element = fact ? *fact : *flow->unknown;
    element.value.element = true;
    element.value.key = 0;
    return flow_keep(flow, &element);
}

const struct fact *flow_table_get(struct flow *flow, const struct fact *object,
                                  const struct fact *key)
{
    const struct flow_table *table = table_of(object);
    const struct fact *found = NULL;
    if (!table->shape.whole || flow->last)
        return flow->unknown;
    bool number = key_is(key, LINT_TYPE_NUMBER), text = key_is(key, LINT_TYPE_STRING);
    if (!number)
        also(flow, &found, table->named);
    if (!text)
        also(flow, &found, table->list);
    if (is_key(key)) {
        const struct flow_field *field = find(table, key);
        if (field && field->sure && !found)
            return field->value;
        also(flow, &found, field ? field->value : NULL);
        return may_be_absent(flow, found);
    }
    for (const struct flow_field *field = table->fields; field; field = field->next)
        if ((!number || flow_is_number(field->key)) && (!text || flow_is_text(field->key)))
            also(flow, &found, field->value);
    return may_be_absent(flow, found);
}

static struct flow_table *add_table(struct flow *flow, struct lint_node *node)
{
    struct flow_table *table = arena_get(flow->arena, sizeof *table);
    if (!table) {
        flow->failed = true;
        return NULL;
    }
    *table = (struct flow_table){.shape = {.made = node, .whole = true}};
    node->user = table;
    return table;
}

/* What the constructor puts under a constant key is there from the beginning. */
static void begin_with(struct flow *flow, struct flow_table *table, const struct fact *key,
                       const struct fact *value)
{
    set(flow, table, key, value, false);
    struct flow_field *field = is_key(key) ? find(table, key) : NULL;
    if (field)
        raise(flow, &field->sure);
}

/* A field of the list. The last one may be several. */
static void add_item(struct flow *flow, struct flow_table *table, struct lint_node *field,
                     double index, bool *absent)
{
    struct flow_values values;
    bool several = !field->next && (field->b->kind == LINT_CALL || field->b->kind == LINT_METHOD ||
                                    field->b->kind == LINT_DOTS);
    if (several)
        flow_list(flow, field->b, &values);
    else
        flow_one(flow, flow_expression(flow, field->b), &values);
    if (*absent)
        raise(flow, &table->shape.hole);
    *absent = *absent || (!several && values.at[0]->value.types & LINT_TYPE_NIL);
    if (flow->dead)
        return;
    raise(flow, &table->shape.list);
    if (!several || (values.exact && values.count == 1)) {
        begin_with(flow, table, flow_number(flow, index, 0), values.at[0]);
        return;
    }
    for (size_t i = 0; i < values.count; i++)
        set(flow, table, flow->whole, values.at[i], true);
    if (!values.exact)
        set(flow, table, flow->whole, values.rest, true);
}

const struct fact *flow_make_table(struct flow *flow, struct lint_node *node)
{
    struct flow_table *table = node->user ? node->user : add_table(flow, node);
    double index = 0;
    bool absent = false;
    if (!table)
        return flow->unknown;
    for (struct lint_node *field = node->a; field; field = field->next) {
        if (!field->a) {
            add_item(flow, table, field, ++index, &absent);
            continue;
        }
        const struct fact *key = flow_expression(flow, field->a);
        const struct fact *value = flow_expression(flow, field->b);
        if (!flow->dead)
            begin_with(flow, table, key, value);
    }
    struct fact fact = {
        .value = {.types = LINT_TYPE_TABLE, .origins = LINT_FROM_LITERAL, .shape = &table->shape}};
    return flow_keep(flow, &fact);
}
