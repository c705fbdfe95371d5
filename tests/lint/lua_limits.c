/* Sources near a limit of the compiler, by a little on either side: 200 locals, 60 upvalues, 200 levels, 250
 * registers, 50 items at once, and what counts towards them unseen. */
#include "lua_grammar_parts.h"

#include <stdarg.h>
#include <stdio.h>

enum limit {
    LOCALS,
    UPVALUES,
    LEVELS,
    TARGETS,
    REGISTERS,
    ARGUMENTS,
    RETURNED,
    ITEMS,
    CHAIN,
    CONSTANTS,
    FORMAT,
    ELSEIFS,
    FUNCTIONS
};
const char *const lua_limits[] = {
    "200 locals", "60 upvalues", "200 levels", "many targets", "250 registers", "many arguments",
    "many values returned", "50 items", "long chains", "256 constants",
    "string.format with 248 arguments", "many elseifs", "many functions",
    /* forms of levels, registers and locals */
    "locals: parameters", "locals: a list", "locals: one by one", "locals: a function",
    "locals: for", "locals: for in", "locals: over again", "locals: arg"};
const size_t lua_limit_count = sizeof lua_limits / sizeof *lua_limits;

static void note(struct lua_text *t, size_t limit)
{
    t->grammar->used[LUA_FIRST_LIMIT + limit] = true;
}

void lua_add(struct lua_text *t, const char *format, ...)
{
    char bytes[256];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(bytes, sizeof bytes, format, list);
    va_end(list);
    ts_buffer_add(&t->grammar->text, bytes, (size_t)size);
}

void lua_add_times(struct lua_text *t, uint32_t count, const char *text)
{
    while (count--)
        lua_add(t, "%s", text);
}

/* "v1,v2,v3" */
static void add_list(struct lua_text *t, uint32_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        lua_add(t, i ? ",v%u" : "v%u", from + i);
}

static uint32_t below(struct lua_text *t, uint32_t n)
{
    return dice_below(&t->dice, n);
}

void lua_add_locals(struct lua_text *t, uint32_t count)
{
    if (count == 0)
        return;
    lua_add(t, "local ");
    add_list(t, 1, count);
    lua_add(t, lua_chance(t, 2) ? "\n" : "=f()\n");
}

/* ---- locals --------------------------------------------------------------------------------- */

/* One way to have at most `left` more; how many it took. `ends` counts blocks that it opened. */
static uint32_t more_locals(struct lua_text *t, uint32_t at, uint32_t left, uint32_t *ends)
{
    uint32_t n = 1 + below(t, left < 60 ? left : 60), way = below(t, 6);
    note(t, FUNCTIONS + 2 + way);
    switch (way) {
    case 0:
        lua_add(t, "local ");
        add_list(t, at, n);
        lua_add(t, "\n");
        return n;
    case 1:
        for (uint32_t i = 0; i < n; i++)
            lua_add(t, "local v%u=%u ", at + i, i);
        return n;
    case 2:
        lua_add(t, "local function v%u(a,b) local c end ", at);
        return 1;
    case 3:
        ++*ends;
        lua_add(t, "for v%u=1,2 do ", at);
        return 4;
    case 4:
        n = 1 + n % 5;
        ++*ends;
        lua_add(t, "for ");
        add_list(t, at, n);
        lua_add(t, " in x do ");
        return n + 3;
    default:
        lua_add(t, "do local ");
        add_list(t, at, n);
        lua_add(t, " end ");
        return 0;
    }
}

static void write_locals(struct lua_text *t)
{
    uint32_t goal = lua_near(t, 200, 3), have = 0, ends = 0;
    bool function = lua_chance(t, 2), vararg = function && lua_chance(t, 2);
    if (function) {
        have = below(t, 201);
        note(t, vararg ? FUNCTIONS + 8 : FUNCTIONS + 1);
        lua_add(t, "local function f(");
        add_list(t, 1, have);
        lua_add(t, vararg ? "%s...) " : "%.0s) ", have ? "," : "");
        have += vararg;
    }
    while (have < goal)
        have += more_locals(t, have + 1, goal - have, &ends);
    lua_add_times(t, ends + function, " end");
}

/* ---- upvalues ------------------------------------------------------------------------------- */

static void use(struct lua_text *t, uint32_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        lua_add(t, lua_chance(t, 2) ? "x=v%u " : "v%u=x ", from + i);
}

static void write_upvalues(struct lua_text *t)
{
    uint32_t goal = lua_near(t, 60, 2), inner = below(t, goal + 1), again = below(t, inner + 1);
    lua_add_locals(t, 70 + below(t, 100));
    lua_add(t, "local function f() ");
    if (lua_chance(t, 2)) {
        use(t, 1, goal - inner);
        lua_add(t, lua_chance(t, 2) ? "local v1 " : "local y=1 ");
    } else {
        inner = goal;
    }
    /* What a function in it takes from outside goes through this one. */
    lua_add(t, lua_chance(t, 2) ? "return function() " : "do x=function(...) ");
    use(t, goal - inner + 1, inner);
    use(t, goal - inner + 1, again);
    lua_add(t, "end end end");
}

/* ---- levels --------------------------------------------------------------------------------- */

/* What stands around what: 's' a statement, 'e' an expression. */
static const struct wrap {
    char in, holds;
    uint32_t levels;
    const char *open, *close;
} wraps[] = {
    {'s', 's', 1, "do ", " end"},
    {'s', 's', 1, "if x then ", " end"},
    {'s', 's', 1, "if x then else ", " end"},
    {'s', 's', 1, "if x then elseif y then ", " end"},
    {'s', 's', 1, "while x do ", " end"},
    {'s', 's', 1, "repeat ", " until x"},
    {'s', 's', 1, "for i=1,2 do ", " end"},
    {'s', 's', 1, "for k in x do ", " end"},
    {'s', 's', 1, "function f() ", " end"},
    {'s', 's', 1, "local function f(...) ", " end"},
    {'s', 'e', 1, "x = ", ""},
    {'s', 'e', 1, "return ", ""},
    {'s', 'e', 1, "f(", ")"},
    {'s', 'e', 1, "x[", "] = 1"},
    {'s', 'e', 1, "local x = ", ""},
    {'s', 'e', 1, "if ", " then end"},
    {'s', 'e', 1, "while ", " do end"},
    {'s', 'e', 1, "repeat until ", ""},
    {'s', 'e', 1, "for i = 1, ", " do end"},
    {'s', 'e', 1, "for k in ", " do end"},
    {'e', 'e', 1, "(", ")"},
    {'e', 'e', 1, "- ", ""},
    {'e', 'e', 1, "not ", ""},
    {'e', 'e', 1, "#", ""},
    {'e', 'e', 1, "{", "}"},
    {'e', 'e', 1, "{x=", "}"},
    {'e', 'e', 1, "{[", "]=1}"},
    {'e', 'e', 1, "{1,2;", "}"},
    {'e', 'e', 1, "f(", ")"},
    {'e', 'e', 1, "f(1,", ")"},
    {'e', 'e', 1, "x[", "]"},
    {'e', 'e', 1, "x:m(", ")"},
    {'e', 'e', 1, "f{", "}"},
    {'e', 'e', 1, "1 .. ", ""},
    {'e', 'e', 1, "x .. ", ""},
    {'e', 'e', 1, "2 ^ ", ""},
    {'e', 'e', 1, "x + ", ""},
    {'e', 'e', 1, "x and ", ""},
    {'e', 'e', 1, "x == ", ""},
    {'e', 's', 1, "function() ", " end"},
    {'e', 's', 2, "(function() ", " end)()"},
};
enum { WRAPS = sizeof wraps / sizeof *wraps, WRAPPED_MAX = 240 };

static const struct wrap *find_wrap(struct lua_text *t, char in)
{
    const struct wrap *wrap;
    do
        wrap = &wraps[below(t, WRAPS)];
    while (wrap->in != in);
    return wrap;
}

static void write_levels(struct lua_text *t)
{
    const struct wrap *around[WRAPPED_MAX];
    uint32_t goal = lua_near(t, 199, 2), levels = 0, count = 0;
    char in = 's';
    uint32_t longest = lua_chance(t, 2) ? 200 : 40;
    while (levels < goal && count < WRAPPED_MAX) {
        const struct wrap *wrap = find_wrap(t, in);
        uint32_t times = wrap->in == wrap->holds ? 1 + below(t, longest) : 1;
        for (; times > 0 && levels < goal && count < WRAPPED_MAX; times--) {
            lua_add(t, "%s", wrap->open);
            levels += wrap->levels;
            around[count++] = wrap;
        }
        in = wrap->holds;
    }
    lua_add(t, in == 'e' ? (lua_chance(t, 3) ? "f()" : "1") : "");
    while (count > 0)
        lua_add(t, "%s", around[--count]->close);
}

static void write_targets(struct lua_text *t)
{
    static const char *const targets[] = {"a", "a.b", "a[1]", "a[i]", "f().x", "f(1)[2]"};
    uint32_t levels = lua_chance(t, 2) ? below(t, 198) : below(t, 5);
    uint32_t goal = lua_near(t, levels < 195 ? 200 - levels : 5, 3);
    const char *target = targets[below(t, 6)];
    lua_add_times(t, levels, "do ");
    if (lua_chance(t, 3))
        lua_add(t, "local a,i ");
    for (uint32_t i = 0; i < goal; i++)
        lua_add(t, "%s%s", i ? "," : "", lua_chance(t, 10) ? targets[below(t, 6)] : target);
    lua_add(t, "=");
    lua_add_times(t, lua_chance(t, 2) ? below(t, 5) : below(t, 260), "1,");
    lua_add(t, "f()");
    lua_add_times(t, levels, " end");
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* Constants from number 256 on do not fit into an operand, and take a register. */
static void write_constants(struct lua_text *t)
{
    uint32_t constants = lua_near(t, 256, 3), locals = below(t, 200);
    bool strings = lua_chance(t, 2);
    lua_add_locals(t, locals);
    lua_add(t, "x={");
    for (uint32_t i = 0; i < constants; i++)
        lua_add(t, strings ? "'k%u'," : "%u.5,", i);
    lua_add(t, "} ");
    uint32_t last = constants - 1 - below(t, 3), goal = lua_near(t, 250 - locals, 2),
             n = goal > 3 ? goal - 3 : 1;
    const char *call = lua_chance(t, 2) ? "f(" : "x:m(";
    if (lua_chance(t, 2)) { /* nothing but that one constant decides */
        lua_add(t, "f(");
        lua_add_times(t, lua_near(t, 247 - locals, 1), "x,");
        lua_add(t, strings ? "x['k%u'])" : "x[%u.5])", last);
        return;
    }
    lua_add(t, "g=%s", call);
    lua_add_atoms(t, n);
    if (strings)
        lua_add(t, ",x.k%u..g==x.k%u,x.k%u,y.new(1))", last, last, constants);
    else
        lua_add(t, ",g+%u.5==%u.5,x[%u.5],7.25^g)", last, last, constants);
}

static void write_format(struct lua_text *t)
{
    uint32_t locals = below(t, 4);
    lua_add_locals(t, locals);
    lua_add(t, "%s", lua_chance(t, 2) ? "return string.format('%d'," : "return ('%d'):format(");
    lua_add_times(t, lua_near(t, 246 - locals, 3), lua_chance(t, 2) ? "1," : "ARGV[1],");
    lua_add(t, lua_chance(t, 3) ? "...)" : "1)");
}

static void write_elseifs(struct lua_text *t)
{
    uint32_t levels = below(t, 2) ? lua_near(t, 196, 3) : 0;
    lua_add_times(t, levels, "if x then ");
    lua_add(t, "if x then ");
    lua_add_times(t, 100 + below(t, 300), "elseif y==1 then z() ");
    lua_add(t, "end");
    lua_add_times(t, levels, " end");
}

static void write_functions(struct lua_text *t)
{
    static const char *const forms[] = {
        "function f() end ", "local function f() return f end do local x end ",
        "f=function(...) return arg end ", "do local f=function() end end "};
    lua_add_times(t, lua_near(t, 199, 3), forms[below(t, 4)]);
}

void lua_limits_write(struct lua_text *t)
{
    static void (*const ways[])(struct lua_text *) = {
        write_locals,        write_upvalues,      write_levels,       write_targets,
        lua_write_registers, lua_write_arguments, lua_write_returned, lua_write_items,
        lua_write_chain,     write_constants,     write_format,       write_elseifs,
        write_functions};
    static const uint8_t often[] = {LOCALS,    UPVALUES,  LEVELS, LEVELS,  REGISTERS,
                                    REGISTERS, REGISTERS, ITEMS,  TARGETS, CONSTANTS};
    enum limit limit =
        (enum limit)(lua_chance(t, 2) ? below(t, FUNCTIONS + 1) : often[below(t, 10)]);
    note(t, limit);
    ways[limit](t);
}
