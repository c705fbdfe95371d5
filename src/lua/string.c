/* What a string token stands for. Pure. The token is well-formed (its kind is STRING), so that here
 * nothing can go wrong. */
#include "lua/lexer.h"

#include <string.h>

struct cursor {
    const char *at, *end;
    bool literal; /* a long string: no escapes */
};

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

static void take_break(struct cursor *c)
{
    char first = *c->at++;
    if (c->at < c->end && is_break(*c->at) && *c->at != first)
        c->at++;
}

static struct cursor begin(const struct lua51_token *token)
{
    struct cursor c = {token->text + 1, token->text + token->size - 1, false};
    if (token->text[0] != '[')
        return c;
    c.literal = true;
    while (*c.at == '=') {
        c.at++;
        c.end--;
    }
    c.at++;
    c.end--;
    if (c.at < c.end && is_break(*c.at))
        take_break(&c);
    return c;
}

static char take_escape(struct cursor *c)
{
    static const char letters[] = "abfnrtv", bytes[] = "\a\b\f\n\r\t\v";
    if (is_break(*c->at)) {
        take_break(c);
        return '\n';
    }
    if (*c->at < '0' || *c->at > '9') {
        const char *letter = memchr(letters, *c->at, sizeof letters - 1);
        char byte = *c->at++;
        return letter ? bytes[letter - letters] : byte;
    }
    int value = 0;
    for (int i = 0; i < 3 && *c->at >= '0' && *c->at <= '9'; i++)
        value = value * 10 + (*c->at++ - '0');
    return (char)value;
}

static bool next_byte(struct cursor *c, char *byte)
{
    if (c->at == c->end)
        return false;
    if (is_break(*c->at)) {
        take_break(c);
        *byte = '\n';
        return true;
    }
    *byte = *c->at++;
    if (*byte == '\\' && !c->literal)
        *byte = take_escape(c);
    return true;
}

size_t lua51_string_read(const struct lua51_token *token, char *out, size_t room)
{
    struct cursor c = begin(token);
    size_t n = 0;
    for (char byte; next_byte(&c, &byte); n++)
        if (n < room)
            out[n] = byte;
    return n;
}

bool lua51_string_is(const struct lua51_token *token, const char *text)
{
    if (token->kind != LUA51_STRING)
        return false;
    struct cursor c = begin(token);
    for (char byte; next_byte(&c, &byte); text++)
        /* A NUL in the string is not the text's end. */
        if (!*text || *text != byte)
            return false;
    return !*text;
}
