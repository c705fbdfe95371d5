/* Lua sources by the thousand, for parsers to disagree about: Lua 5.1 with all that is odd in it, what other
 * dialects have, broken ones, and those that are just within a compiler's limits, or just beyond.
 *
 * A seed and a number repeat a source, on any machine. */
#ifndef LINT_LUA_GRAMMAR_H
#define LINT_LUA_GRAMMAR_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUA_GRAMMAR_CONSTRUCTS_MAX 640

struct lua_grammar {
    ts_buffer text; /* the source; not NUL-terminated */
    /* What it is made of: which constructs are in it, though a mutation may have broken them. */
    bool used[LUA_GRAMMAR_CONSTRUCTS_MAX];
};

/* Writes the source of that number over the last one. */
void lua_grammar_write(struct lua_grammar *grammar, uint64_t seed, uint64_t number);
void lua_grammar_free(struct lua_grammar *grammar);

/* How many constructs there are, and what each looks like; static. */
size_t lua_grammar_constructs(void);
const char *lua_grammar_construct(size_t index);

#endif
