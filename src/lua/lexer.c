/* Cutting a Lua 5.1 source into words. Pure; calls nothing but memory functions.
 *
 * Rules hide in how a source is cut: code that one reader takes for part of a comment runs in the other.
 * So this follows the reference lexer of 5.1 where that is odd: a number swallows every letter and digit
 * behind it, a NUL is another dot behind one, and an `e` and its sign behind a number; a short comment ends
 * with "\r" too, and letters are those of the C locale. Invariants:
 *
 * 1. `at` never goes back and every token but END takes a byte at least: linear, and it ends.
 * 2. A token never reaches beyond the source; no NUL is looked for to find its end. */
#include "lua/lexer.h"

#include <string.h>

#define PAST_END (-1)

void lua51_open(struct lua51_lexer *lexer, const char *source, size_t size)
{
    *lexer = (struct lua51_lexer){.source = source ? source : "", .size = size, .line = 1};
    if (size < 2 || memcmp(lexer->source, "#!", 2) != 0)
        return;
    const char *newline = memchr(lexer->source, '\n', size);
    lexer->shebang = newline ? (size_t)(newline - lexer->source) : size;
    lexer->at = lexer->shebang;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Not <ctype.h>: these must not follow the program's locale. */
static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(int c)
{
    return is_letter(c) || is_digit(c);
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_break(int c)
{
    return c == '\n' || c == '\r';
}

static int peek(const struct lua51_lexer *x, size_t ahead)
{
    return ahead < x->size - x->at ? (unsigned char)x->source[x->at + ahead] : PAST_END;
}

/* Of "\r\n" and "\n\r", which are one. */
static size_t break_size(const char *p, const char *end)
{
    return end - p > 1 && is_break(p[1]) && p[1] != p[0] ? 2 : 1;
}

static void take_break(struct lua51_lexer *x)
{
    x->at += break_size(x->source + x->at, x->source + x->size);
    x->line++;
    x->line_begin = x->at;
}

/* ---- long brackets -------------------------------------------------------------------------- */

/* Takes a bracket and the '=' behind it, which are its level. True if the same bracket follows. */
static bool take_fence(struct lua51_lexer *x, int bracket, size_t *level)
{
    *level = 0;
    for (x->at++; peek(x, 0) == '='; x->at++)
        ++*level;
    return peek(x, 0) == bracket;
}

/* The rest of a long string or comment, behind its second bracket. Returns the kind, or BAD. */
static enum lua51_kind take_long(struct lua51_lexer *x, size_t level, enum lua51_kind kind,
                                 int *code)
{
    size_t inner = 0;
    *code = 0;
    while (x->at < x->size) {
        int c = peek(x, 0);
        if (is_break(c)) {
            take_break(x);
        } else if (c == ']' && take_fence(x, ']', &inner) && inner == level) {
            x->at++;
            return kind;
        } else if (c == '[' && take_fence(x, '[', &inner) && inner == level && level == 0) {
            *code = LUA51_NESTED;
            x->at++;
        } else if (c != ']' && c != '[') {
            x->at++;
        }
    }
    *code = LUA51_UNFINISHED_LONG;
    return LUA51_BAD;
}

/* ---- words ---------------------------------------------------------------------------------- */

static enum lua51_kind take_comment(struct lua51_lexer *x, int *code)
{
    size_t level = 0;
    *code = 0;
    x->at += 2;
    if (peek(x, 0) == '[' && take_fence(x, '[', &level)) {
        x->at++;
        return take_long(x, level, LUA51_COMMENT, code);
    }
    while (x->at < x->size && !is_break(peek(x, 0)))
        x->at++;
    return LUA51_COMMENT;
}

/* Behind the backslash. False if it stands for no byte. */
static bool take_escape(struct lua51_lexer *x)
{
    int value = 0;
    if (is_break(peek(x, 0))) {
        take_break(x);
        return true;
    }
    if (!is_digit(peek(x, 0))) {
        x->at += peek(x, 0) != PAST_END;
        return true;
    }
    for (int i = 0; i < 3 && is_digit(peek(x, 0)); i++, x->at++)
        value = value * 10 + (peek(x, 0) - '0');
    return value <= 255;
}

static enum lua51_kind take_string(struct lua51_lexer *x, int *code)
{
    int quote = peek(x, 0);
    bool escapes = true;
    *code = 0;
    for (x->at++; peek(x, 0) != quote;) {
        if (peek(x, 0) == PAST_END || is_break(peek(x, 0))) {
            *code = LUA51_UNFINISHED_STRING;
            return LUA51_BAD;
        }
        bool escape = peek(x, 0) == '\\';
        x->at++;
        if (escape && !take_escape(x))
            escapes = false;
    }
    x->at++;
    *code = escapes ? 0 : LUA51_BAD_ESCAPE;
    return escapes ? LUA51_STRING : LUA51_BAD;
}

static const char *skip(const char *p, const char *end, bool (*is)(int))
{
    while (p < end && is((unsigned char)*p))
        p++;
    return p;
}

/* Of the reference lexer's own little sets, which end with a NUL and so have one in them. */
static bool is_one_of(int c, char a, char b)
{
    return c == a || c == b || c == 0;
}

/* [p, end) is what the server's strtod, or failing that its strtoul, reads to the end. */
static bool is_number(const char *p, const char *end)
{
    const char *digits = p;
    if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        p = skip(p + 2, end, is_hex);
        if (p == digits + 2 || p == end)
            return p == end;
        return (*p == 'p' || *p == 'P') && end - p > 1 && skip(p + 1, end, is_digit) == end;
    }
    p = skip(p, end, is_digit);
    size_t count = (size_t)(p - digits);
    if (p < end && *p == '.') {
        digits = ++p;
        p = skip(p, end, is_digit);
        count += (size_t)(p - digits);
    }
    if (count == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p += end - p > 1 && (p[1] == '+' || p[1] == '-') ? 2 : 1;
        return p < end && skip(p, end, is_digit) == end;
    }
    return p == end;
}

size_t lua51_number_size(const char *text, size_t size)
{
    const char *end = memchr(text, 0, size);
    return end ? (size_t)(end - text) : size;
}

static enum lua51_kind take_number(struct lua51_lexer *x, int *code)
{
    size_t from = x->at;
    while (is_digit(peek(x, 0)) || peek(x, 0) == '.')
        x->at++;
    if (is_one_of(peek(x, 0), 'e', 'E')) {
        x->at++;
        x->at += is_one_of(peek(x, 0), '+', '-');
    }
    while (is_word(peek(x, 0)))
        x->at++;
    *code = LUA51_BAD_NUMBER;
    size_t digits = lua51_number_size(x->source + from, x->at - from);
    return is_number(x->source + from, x->source + from + digits) ? LUA51_NUMBER : LUA51_BAD;
}

static enum lua51_kind take_name(struct lua51_lexer *x, int *code)
{
    static const char *const keywords[] = {
        "and", "break",    "do",     "else", "elseif", "end",   "false",
        "for", "function", "if",     "in",   "local",  "nil",   "not",
        "or",  "repeat",   "return", "then", "true",   "until", "while"};
    const char *text = x->source + x->at;
    while (is_word(peek(x, 0)))
        x->at++;
    size_t n = (size_t)(x->source + x->at - text);
    for (int i = 0; i < (int)(sizeof keywords / sizeof *keywords); i++)
        if (keywords[i][0] == text[0] && strlen(keywords[i]) == n &&
            memcmp(keywords[i], text, n) == 0) {
            *code = i;
            return LUA51_KEYWORD;
        }
    *code = 0;
    return LUA51_NAME;
}

static enum lua51_kind take_operator(struct lua51_lexer *x, int *code)
{
    static const char single[] = "+-*/%^#=<>(){}[];:,.";
    int c = peek(x, 0), more = peek(x, 1);
    if (more == '=' && (c == '=' || c == '~' || c == '<' || c == '>')) {
        *code = c == '='   ? LUA51_EQUAL
                : c == '~' ? LUA51_UNEQUAL
                : c == '<' ? LUA51_AT_MOST
                           : LUA51_AT_LEAST;
        x->at += 2;
        return LUA51_OPERATOR;
    }
    if (c == '.' && is_one_of(more, '.', '.')) {
        bool dots = is_one_of(peek(x, 2), '.', '.');
        *code = dots ? LUA51_DOTS : LUA51_CONCAT;
        x->at += dots ? 3 : 2;
        return LUA51_OPERATOR;
    }
    x->at++;
    bool known = memchr(single, c, sizeof single - 1) != NULL;
    *code = known ? c : LUA51_BAD_BYTE;
    return known ? LUA51_OPERATOR : LUA51_BAD;
}

/* '[' begins a long string, or stands for itself. */
static enum lua51_kind take_bracket(struct lua51_lexer *x, int *code)
{
    size_t level = 0;
    if (take_fence(x, '[', &level)) {
        x->at++;
        return take_long(x, level, LUA51_STRING, code);
    }
    *code = level ? LUA51_BAD_BRACKET : '[';
    return level ? LUA51_BAD : LUA51_OPERATOR;
}

static enum lua51_kind take_word(struct lua51_lexer *x, int *code)
{
    int c = peek(x, 0);
    if (c == '-' && peek(x, 1) == '-')
        return take_comment(x, code);
    if (c == '[')
        return take_bracket(x, code);
    if (c == '"' || c == '\'')
        return take_string(x, code);
    if (is_digit(c) || (c == '.' && is_digit(peek(x, 1))))
        return take_number(x, code);
    if (is_letter(c))
        return take_name(x, code);
    return take_operator(x, code);
}

static void skip_space(struct lua51_lexer *x)
{
    for (;;) {
        int c = peek(x, 0);
        if (is_break(c))
            take_break(x);
        else if (c == ' ' || c == '\t' || c == '\v' || c == '\f')
            x->at++;
        else
            return;
    }
}

bool lua51_next(struct lua51_lexer *lexer, struct lua51_token *token)
{
    do {
        skip_space(lexer);
        *token = (struct lua51_token){.kind = LUA51_END,
                                      .offset = lexer->at,
                                      .line = lexer->line,
                                      .line_begin = lexer->line_begin};
        token->text = lexer->source + lexer->at;
        if (lexer->at == lexer->size)
            return false;
        token->kind = take_word(lexer, &token->code);
        token->size = lexer->at - token->offset;
    } while (token->kind == LUA51_COMMENT && !lexer->comments);
    return true;
}

/* ---- what tokens say ------------------------------------------------------------------------ */

const char *lua51_fault_sentence(int code)
{
    switch ((enum lua51_fault)code) {
    case LUA51_BAD_BYTE:
        return "a byte that Lua 5.1 does not know";
    case LUA51_BAD_NUMBER:
        return "a malformed number";
    case LUA51_BAD_ESCAPE:
        return "an escape above \\255";
    case LUA51_BAD_BRACKET:
        return "[= that opens no long bracket";
    case LUA51_UNFINISHED_STRING:
        return "a string without its end";
    case LUA51_UNFINISHED_LONG:
        return "a long bracket without its end";
    }
    return "not Lua 5.1";
}

bool lua51_name_is(const struct lua51_token *token, const char *text)
{
    return token->kind == LUA51_NAME && strlen(text) == token->size &&
           memcmp(token->text, text, token->size) == 0;
}
