/* lua/walk.h: tokens with their neighbours and with the bracket or block each stands in; for rules that
 * need to know where they are, and no tree. No allocation, linear. */
#ifndef LUA_WALK_H
#define LUA_WALK_H

#include "lua/lexer.h"

/* Brackets and blocks in one another. Lua 5.1 itself refuses more than 200. */
#define LUA51_DEPTH_MAX 256

/* What a level was opened by: '(', '[', '{', or one of these. */
#define LUA51_IN_FUNCTION 'f'
#define LUA51_IN_BLOCK    'b' /* if … end, do … end (also of for and while), repeat … until */
#define LUA51_IN_CHUNK    0   /* outside of all */

enum lua51_stop {
    LUA51_AT_END,
    LUA51_AT_BAD, /* `now` is a BAD token */
    LUA51_AT_UNBALANCED, /* `now` closes what is not open, or is the end of the source with something open */
    LUA51_AT_LIMIT, /* `now` opens level LUA51_DEPTH_MAX + 1 */
};

struct lua51_walk {
    struct lua51_token before, now, after; /* kind END where there is none */
    /* Levels that are open, `now` included if it opens one, not if it closes one. */
    size_t depth;
    char open[LUA51_DEPTH_MAX];
    enum lua51_stop stop; /* once lua51_walk was false */
    struct lua51_lexer lexer;
};

void lua51_walk_open(struct lua51_walk *walk, const char *source, size_t size);
/* One token on; false at the end, or where the walk has to stop. Comments are passed over. */
bool lua51_walk(struct lua51_walk *walk);

/* What the innermost level was opened by. */
static inline char lua51_walk_in(const struct lua51_walk *walk)
{
    return walk->depth ? walk->open[walk->depth - 1] : LUA51_IN_CHUNK;
}

/* Whether statements stand at the innermost level, not parts of an expression. */
static inline bool lua51_walk_in_statements(const struct lua51_walk *walk)
{
    char in = lua51_walk_in(walk);
    return in == LUA51_IN_CHUNK || in == LUA51_IN_BLOCK || in == LUA51_IN_FUNCTION;
}

#endif
