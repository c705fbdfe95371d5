/* Levels of brackets and blocks. Pure.
 *
 * Every block ends with `end`, but for repeat; `while` and `for` open theirs with their `do`, so that `if`,
 * `do`, `repeat` and `function` are all that opens one. */
#include "lua/walk.h"

void lua51_walk_open(struct lua51_walk *walk, const char *source, size_t size)
{
    walk->now = (struct lua51_token){.kind = LUA51_END, .text = "", .line = 1};
    walk->depth = 0;
    walk->stop = LUA51_AT_END;
    lua51_open(&walk->lexer, source, size);
    (void)lua51_next(&walk->lexer, &walk->after);
}

static char opened_by(const struct lua51_token *token)
{
    if (lua51_is(token, '(') || lua51_is(token, '[') || lua51_is(token, '{'))
        return (char)token->code;
    if (lua51_is_keyword(token, LUA51_FUNCTION))
        return LUA51_IN_FUNCTION;
    if (lua51_is_keyword(token, LUA51_IF) || lua51_is_keyword(token, LUA51_DO) ||
        lua51_is_keyword(token, LUA51_REPEAT))
        return LUA51_IN_BLOCK;
    return 0;
}

static bool is_closer(const struct lua51_token *token)
{
    return lua51_is(token, ')') || lua51_is(token, ']') || lua51_is(token, '}') ||
           lua51_is_keyword(token, LUA51_END_WORD) || lua51_is_keyword(token, LUA51_UNTIL);
}

/* Whether it closes the innermost level. */
static bool closes(const struct lua51_walk *walk, const struct lua51_token *token)
{
    char in = lua51_walk_in(walk);
    if (token->kind == LUA51_KEYWORD)
        return in == LUA51_IN_BLOCK || (in == LUA51_IN_FUNCTION && token->code == LUA51_END_WORD);
    return in == (token->code == ')' ? '(' : token->code == ']' ? '[' : '{');
}

static bool stop(struct lua51_walk *walk, enum lua51_stop why)
{
    walk->stop = why;
    return false;
}

bool lua51_walk(struct lua51_walk *walk)
{
    if (walk->stop != LUA51_AT_END)
        return false;
    walk->before = walk->now;
    walk->now = walk->after;
    (void)lua51_next(&walk->lexer, &walk->after);
    if (walk->now.kind == LUA51_END)
        return stop(walk, walk->depth ? LUA51_AT_UNBALANCED : LUA51_AT_END);
    if (walk->now.kind == LUA51_BAD)
        return stop(walk, LUA51_AT_BAD);
    char opens = opened_by(&walk->now);
    if (opens && walk->depth == LUA51_DEPTH_MAX)
        return stop(walk, LUA51_AT_LIMIT);
    if (opens)
        walk->open[walk->depth++] = opens;
    if (is_closer(&walk->now)) {
        if (!closes(walk, &walk->now))
            return stop(walk, LUA51_AT_UNBALANCED);
        walk->depth--;
    }
    return true;
}
