/* lint/engine_pattern.h: patterns of Lua, matched with an account of the work. */
#ifndef LINT_ENGINE_PATTERN_H
#define LINT_ENGINE_PATTERN_H

#include "lint/engine_state.h"

/* As many captures as Lua has. */
#define PATTERN_CAPTURES 32

enum pattern_kind {
    PATTERN_DONE,
    PATTERN_BYTE,    /* one of `set`, `times` */
    PATTERN_OPEN,    /* ( */
    PATTERN_PLACE,   /* () */
    PATTERN_CLOSE,   /* ) */
    PATTERN_BALANCE, /* %b: from `a` to `b` */
    PATTERN_FRONTIER,
    PATTERN_BACK, /* %1: `a` is '1' */
    PATTERN_END   /* $ */
};

enum pattern_times { PATTERN_ONCE, PATTERN_MAYBE, PATTERN_MANY, PATTERN_SOME, PATTERN_FEW };

struct pattern_item {
    uint8_t kind, times;
    char a, b;
    uint8_t set[32];
};

struct pattern {
    bool anchored; /* began with '^' */
    size_t count;
    struct pattern_item items[];
};

/* Sizes of captures that have none. */
enum { PATTERN_IS_OPEN = -1, PATTERN_IS_PLACE = -2 };

struct pattern_match {
    lua_State *L;
    const char *begin, *end; /* the subject */
    size_t looks;            /* not yet paid for */
    int depth, level;        /* level: captures */
    struct {
        const char *text;
        ptrdiff_t size;
    } captures[PATTERN_CAPTURES];
};

/* Reads a pattern; it is on top of the stack then. `anchors`: a '^' in front is one. */
struct pattern *pattern_push(lua_State *L, const char *text, size_t size, bool anchors);
/* The end of a match that begins just at `s`, or NULL. */
const char *pattern_match(struct pattern_match *m, const struct pattern *pattern, const char *s)
    __attribute__((nonnull));

/* find, match, gmatch, gsub. */
extern const luaL_Reg engine_string_functions[];

#endif
