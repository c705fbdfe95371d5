/* Facts written as letters, for the tables of builtins and replies. */
#include "lint/flow.h"

#include <string.h>

static void letter(struct fact *fact, char c)
{
    struct lint_value *v = &fact->value;
    switch (c) {
    case 'n':
        v->types |= LINT_TYPE_NUMBER;
        v->whole |= LINT_WHOLE;
        break;
    case 'f':
        v->types |= LINT_TYPE_NUMBER;
        v->whole |= LINT_FRACTION;
        break;
    case 'd':
        fact->digits = true;
        v->types |= LINT_TYPE_STRING;
        break;
    case 's':
        v->types |= LINT_TYPE_STRING;
        break;
    case 'b':
        v->types |= LINT_TYPE_FALSE | LINT_TYPE_TRUE;
        break;
    case 'y':
        v->types |= LINT_TYPE_TRUE;
        break;
    case 'z':
        v->types |= LINT_TYPE_FALSE;
        break;
    case '0':
        v->types |= LINT_TYPE_NIL;
        break;
    case 'o':
        v->types |= LINT_TYPE_TABLE;
        fact->elements = "ok";
        break;
    case 't':
        v->types |= LINT_TYPE_TABLE;
        break;
    case 'u':
        v->types |= LINT_TYPE_USERDATA;
        break;
    case 'x':
        v->types |= LINT_TYPE_FUNCTION;
        break;
    default:
        v->unknown = true;
        break;
    }
}

struct fact flow_letters(const char *letters)
{
    struct fact fact = {0};
    for (; *letters && !strchr(",|:>", *letters); letters++)
        letter(&fact, *letters);
    if (*letters == ':' || *letters == '>')
        fact.elements = letters + 1;
    const unsigned alone = LINT_TYPE_NIL | LINT_TYPE_FALSE | LINT_TYPE_TRUE;
    unsigned types = fact.value.types;
    fact.value.constant = types && (types & ~alone) == 0 && (types & (types - 1)) == 0;
    return fact;
}

const struct fact *flow_read(struct flow *flow, const char *letters, unsigned origins)
{
    struct fact fact = flow_letters(letters);
    fact.value.origins = (uint16_t)origins;
    return flow_keep(flow, &fact);
}
