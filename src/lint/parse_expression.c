/* Expressions without operators: literals, functions, calls, fields. Pure. */
#include "lint/parse.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

/* ---- literals ------------------------------------------------------------------------------- */

static const char *remark_on_escape(char letter)
{
    switch (letter) {
    case 'x':
        return "`\\x` is not an escape of Lua 5.1: the server reads \"\\x41\" as \"x41\"; write "
               "the "
               "byte in decimal, \"\\65\"";
    case 'u':
        return "`\\u{…}` is not an escape of Lua 5.1: the server reads it as \"u{…}\"; write the "
               "bytes "
               "of the character";
    default:
        return "`\\z` is not an escape of Lua 5.1: the server reads it as \"z\"";
    }
}

/* Those of later versions, which 5.1 reads as the letter itself. */
static void remark_escapes(struct parser *p, const struct lua51_token *word)
{
    if (word->text[0] == '[')
        return;
    const char *end = word->text + word->size;
    for (const char *at = word->text; (at = memchr(at, '\\', (size_t)(end - at))) != NULL;
         at += 2) {
        char letter = at[1];
        if (letter != 'x' && letter != 'u' && letter != 'z')
            continue;
        if (letter == 'u' && at[2] != '{')
            continue;
        struct lua51_token escape = *word;
        escape.offset += (size_t)(at - word->text);
        escape.size = 2;
        if (word->line_begin > escape.offset)
            continue;
        parse_remark(p, LINT_REMARK_ESCAPE_51, &escape, &escape, remark_on_escape(letter));
    }
}

static bool is_plain(const struct lua51_token *word)
{
    return word->text[0] != '[' && !memchr(word->text, '\\', word->size);
}

static struct lint_node *string_node(struct parser *p)
{
    const struct lua51_token *word = &p->now.word;
    struct lint_node *n = parse_node(p, LINT_STRING, word);
    n->text = (struct lint_text){word->text + 1, word->size - 2};
    if (!is_plain(word)) {
        char *text = parse_get(p, word->size);
        n->text.size = text ? lua51_string_read(word, text, word->size) : 0;
        n->text.text = text ? text : "";
        if (text)
            remark_escapes(p, &p->now.word);
    }
    parse_next(p);
    return n;
}

static double number_of(const struct lua51_token *word)
{
    double value = 0;
    int shift = 0;
    size_t size = lua51_number_size(word->text, word->size);
    if (size > 2 && word->text[0] == '0' && (word->text[1] | 0x20) == 'x') {
        for (size_t i = 2; i < size; i++) {
            char c = word->text[i];
            if ((c | 0x20) == 'p') {
                for (i++; i < size && shift < 4096; i++)
                    shift = shift * 10 + (word->text[i] - '0');
                break;
            }
            value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        for (; shift > 0; shift--)
            value *= 2;
        return value;
    }
    return number_parse_double(word->text, size, &value) ? value : HUGE_VAL;
}

static void read_number(struct parser *p, struct parsed *e)
{
    *e = parsed_as(parse_node(p, LINT_NUMBER, &p->now.word), PLACE_NUMBER);
    e->number = e->node->number = number_of(&p->now.word);
    parse_next(p);
}

static void read_constant(struct parser *p, struct parsed *e, enum lint_kind kind,
                          enum parse_place place)
{
    *e = parsed_as(parse_node(p, kind, &p->now.word), place);
    parse_next(p);
}

static void read_dots(struct parser *p, struct parsed *e)
{
    if (!p->function->node->vararg)
        parse_fail(p, "`...` in a function that does not take `...`");
    read_constant(p, e, LINT_DOTS, PLACE_DOTS);
}

/* ---- functions ------------------------------------------------------------------------------ */

static int read_parameters(struct parser *p, struct lint_node *node)
{
    struct parse_list names = parse_list_of();
    int count = 0;
    while (!lua51_is(&p->now.word, ')') && !p->stopped) {
        if (parse_take(p, LUA51_DOTS)) {
            node->vararg = true;
            parse_declare(p, NULL, "arg", 3)->parameter = true;
            count++;
            break;
        }
        struct lint_node *name = parse_name(p);
        parse_add(&names, node, name);
        parse_declare(p, name, NULL, 0)->parameter = true;
        count++;
        if (!parse_take(p, ','))
            break;
        if (lua51_is(&p->now.word, ')'))
            parse_fail(p, "`)` where a name is expected");
    }
    node->a = names.first;
    return count;
}

void parse_function_rest(struct parser *p, struct parsed *e, const struct lua51_token *opener,
                         enum parse_function_form form)
{
    struct parse_function f;
    struct parse_block block;
    struct parse_list body = parse_list_of();
    struct lint_node *node =
        parse_node(p, LINT_FUNCTION, form == PARSE_ANONYMOUS ? opener : &p->now.word);
    bool method = form == PARSE_METHOD;
    parse_open_function(p, &f, node);
    parse_open_block(p, &block, false);
    node->named = method;
    const struct lua51_token bracket = p->now.word;
    parse_want(p, '(');
    if (method) {
        parse_declare(p, NULL, "self", 4)->parameter = true;
        parse_activate(p, 1);
    }
    parse_activate(p, read_parameters(p, node));
    place_reserve(p, f.active - f.free);
    parse_want_closer(p, ')', &bracket);
    parse_statements(p, &body, node);
    parse_want_word(p, LUA51_END_WORD, opener);
    parse_close_block(p);
    parse_close_function(p);
    node->b = body.first;
    parse_finish(p, node);
    *e = parsed_as(node, PLACE_ANY);
}

/* ---- what may be called, indexed or assigned to --------------------------------------------- */

static void read_primary(struct parser *p, struct parsed *e)
{
    const struct lua51_token opener = p->now.word;
    if (opener.kind == LUA51_NAME) {
        *e = parsed_as(parse_name(p), PLACE_GLOBAL);
        parse_look_up(p, e, false);
        return;
    }
    if (!lua51_is(&opener, '(')) {
        parse_fail(p, "%s where an expression is expected", parse_token_words(p, &opener));
        *e = parsed_as(parse_node(p, LINT_NIL, &opener), PLACE_NIL);
        return;
    }
    parse_next(p);
    struct lint_node *paren = parse_node(p, LINT_PAREN, &opener);
    parse_expression(p, e);
    parse_want_closer(p, ')', &opener);
    place_settle(p, e);
    paren->a = e->node;
    parse_adopt(paren, paren->a);
    parse_finish(p, paren);
    e->node = paren;
}

static void read_index(struct parser *p, struct parsed *e, const struct lua51_token *begin)
{
    const struct lua51_token opener = p->now.word;
    struct parsed key;
    bool named = lua51_is(&opener, '.');
    place_any(p, e);
    parse_next(p);
    if (named) {
        key = place_text(p, parse_name_string(p));
    } else {
        parse_expression(p, &key);
        place_value(p, &key);
        parse_want_closer(p, ']', &opener);
    }
    place_index(p, e, &key);
    struct lint_node *n = parse_node_from(p, LINT_INDEX, begin);
    n->named = named;
    n->a = e->node;
    n->b = key.node;
    parse_adopt(n, n->a);
    parse_adopt(n, n->b);
    e->node = n;
}

/* Arguments, and the call itself; the function, and `self`, are at `base`. */
static void read_arguments(struct parser *p, struct parsed *e, struct lint_node *call,
                           struct parse_list *arguments, int base)
{
    struct parsed last = {.place = PLACE_VOID};
    const struct lua51_token opener = p->now.word;
    if (opener.kind == LUA51_STRING) {
        last = place_text(p, string_node(p));
        parse_add(arguments, call, last.node);
    } else if (lua51_is(&opener, '{')) {
        parse_table(p, &last);
        parse_add(arguments, call, last.node);
    } else if (lua51_is(&opener, '(')) {
        if (p->line != p->last_line)
            parse_remark(
                p, LINT_REMARK_CALL_ON_NEW_LINE, &opener, &opener,
                "`(` begins a line: Lua 5.1 cannot tell whether it calls what stands before, "
                "and refuses; put it on the line before, or a `;` between");
        parse_next(p);
        if (!lua51_is(&p->now.word, ')'))
            (void)parse_expressions(p, arguments, call, &last);
        parse_want_closer(p, ')', &opener);
    } else {
        parse_fail(p, "%s where arguments are expected", parse_token_words(p, &opener));
    }
    place_call(p, e, &last, base);
    parse_finish(p, call);
    e->node = call;
}

static void read_call(struct parser *p, struct parsed *e, const struct lua51_token *begin)
{
    struct parse_list arguments = parse_list_of();
    struct lint_node *n = parse_node_from(p, LINT_CALL, begin);
    place_next(p, e);
    n->a = e->node;
    parse_adopt(n, n->a);
    read_arguments(p, e, n, &arguments, e->reg);
    n->b = arguments.first;
}

static void read_method(struct parser *p, struct parsed *e, const struct lua51_token *begin)
{
    struct parse_list arguments = parse_list_of();
    struct lint_node *n = parse_node_from(p, LINT_METHOD, begin);
    parse_next(p);
    n->a = e->node;
    struct parsed name = place_text(p, parse_name_string(p));
    n->b = name.node;
    parse_adopt(n, n->a);
    parse_adopt(n, n->b);
    place_method(p, e, &name);
    read_arguments(p, e, n, &arguments, e->reg);
    n->c = arguments.first;
}

void parse_suffixed(struct parser *p, struct parsed *e)
{
    const struct lua51_token begin = p->now.word;
    read_primary(p, e);
    while (!p->stopped) {
        const struct lua51_token *word = &p->now.word;
        bool label = lua51_is(word, ':') && lua51_is(&p->after.word, ':') && parse_is_adjacent(p);
        if (lua51_is(word, '.') || lua51_is(word, '['))
            read_index(p, e, &begin);
        else if (lua51_is(word, ':') && !label)
            read_method(p, e, &begin);
        else if (lua51_is(word, '(') || lua51_is(word, '{') || word->kind == LUA51_STRING)
            read_call(p, e, &begin);
        else
            return;
    }
}

/* ---- one operand, or several in a list -------------------------------------------------------- */

void parse_operand(struct parser *p, struct parsed *e)
{
    const struct lua51_token word = p->now.word;
    if (word.kind == LUA51_NUMBER)
        read_number(p, e);
    else if (word.kind == LUA51_STRING)
        *e = place_text(p, string_node(p));
    else if (lua51_is_keyword(&word, LUA51_NIL))
        read_constant(p, e, LINT_NIL, PLACE_NIL);
    else if (lua51_is_keyword(&word, LUA51_TRUE))
        read_constant(p, e, LINT_TRUE, PLACE_TRUE);
    else if (lua51_is_keyword(&word, LUA51_FALSE))
        read_constant(p, e, LINT_FALSE, PLACE_FALSE);
    else if (lua51_is(&word, LUA51_DOTS))
        read_dots(p, e);
    else if (lua51_is(&word, '{'))
        parse_table(p, e);
    else if (parse_take_word(p, LUA51_FUNCTION))
        parse_function_rest(p, e, &word, PARSE_ANONYMOUS);
    else
        parse_suffixed(p, e);
}

int parse_expressions(struct parser *p, struct parse_list *list, struct lint_node *parent,
                      struct parsed *last)
{
    int count = 1;
    parse_expression(p, last);
    parse_add(list, parent, last->node);
    while (parse_take(p, ',')) {
        place_next(p, last);
        parse_expression(p, last);
        parse_add(list, parent, last->node);
        count++;
    }
    return count;
}
