/* Table constructors. Pure. */
#include "lint/parse.h"

enum { FIELDS_PER_FLUSH = 50 };

struct constructor {
    struct lint_node *table;
    struct parse_list fields;
    struct parsed item; /* the last of the list, not placed yet; VOID: none */
    int base, waiting;
};

static void flush_item(struct parser *p, struct constructor *c)
{
    if (c->item.place == PLACE_VOID)
        return;
    place_next(p, &c->item);
    c->item.place = PLACE_VOID;
    if (c->waiting == FIELDS_PER_FLUSH) {
        p->function->free = c->base + 1;
        c->waiting = 0;
    }
}

static void read_item(struct parser *p, struct constructor *c)
{
    struct lint_node *field = parse_node(p, LINT_FIELD, &p->now.word);
    parse_add(&c->fields, c->table, field);
    parse_expression(p, &c->item);
    c->waiting++;
    field->b = c->item.node;
    parse_adopt(field, field->b);
    parse_finish(p, field);
}

static void read_field(struct parser *p, struct constructor *c)
{
    int before = p->function->free;
    struct parsed key, value;
    const struct lua51_token opener = p->now.word;
    struct lint_node *field = parse_node(p, LINT_FIELD, &opener);
    parse_add(&c->fields, c->table, field);
    if (p->now.word.kind == LUA51_NAME) {
        key = place_text(p, parse_name_string(p));
        field->named = true;
    } else {
        parse_next(p);
        parse_expression(p, &key);
        place_value(p, &key);
        parse_want_closer(p, ']', &opener);
    }
    field->a = key.node;
    parse_adopt(field, key.node);
    parse_want(p, '=');
    place_operand(p, &key);
    parse_expression(p, &value);
    place_operand(p, &value);
    field->b = value.node;
    parse_adopt(field, value.node);
    parse_finish(p, field);
    p->function->free = before;
}

static void read_one_field(struct parser *p, struct constructor *c)
{
    bool name = p->now.word.kind == LUA51_NAME;
    /* To see whether `=` follows the compiler reads ahead, and takes that line for the present one. */
    if (name)
        p->line = p->after.end_line;
    if (lua51_is(&p->now.word, '[') || (name && lua51_is(&p->after.word, '=')))
        read_field(p, c);
    else
        read_item(p, c);
}

static void last_item(struct parser *p, struct constructor *c)
{
    if (c->waiting == 0 || c->item.place == PLACE_VOID)
        return;
    if (place_is_many(&c->item))
        place_all(p, &c->item);
    else
        place_next(p, &c->item);
}

void parse_table(struct parser *p, struct parsed *e)
{
    const struct lua51_token opener = p->now.word;
    struct constructor c = {.table = parse_node(p, LINT_TABLE, &opener)};
    *e = parsed_as(c.table, PLACE_ANY);
    place_next(p, e);
    c.base = e->reg;
    parse_want(p, '{');
    while (!lua51_is(&p->now.word, '}') && !p->stopped) {
        flush_item(p, &c);
        read_one_field(p, &c);
        if (!parse_take(p, ',') && !parse_take(p, ';'))
            break;
    }
    parse_want_closer(p, '}', &opener);
    last_item(p, &c);
    p->function->free = c.base + 1;
    c.table->a = c.fields.first;
    parse_finish(p, c.table);
}
