/* What rules may ask of a node: its value, its text, what stands around it. */
#include "lint/engine_state.h"

#include <string.h>

struct word {
    const char *name;
    unsigned bits;
};

static const struct word types[] = {
    {"nil", LINT_TYPE_NIL},           {"false", LINT_TYPE_FALSE},
    {"true", LINT_TYPE_TRUE},         {"boolean", LINT_TYPE_FALSE | LINT_TYPE_TRUE},
    {"number", LINT_TYPE_NUMBER},     {"string", LINT_TYPE_STRING},
    {"table", LINT_TYPE_TABLE},       {"function", LINT_TYPE_FUNCTION},
    {"userdata", LINT_TYPE_USERDATA}, {NULL, 0},
};

static const struct word origins[] = {
    {"key", LINT_FROM_KEYS},          {"argument", LINT_FROM_ARGV},
    {"literal", LINT_FROM_LITERAL},   {"reply", LINT_FROM_REPLY},
    {"computed", LINT_FROM_COMPUTED}, {"time", LINT_FROM_TIME},
    {"pcall", LINT_FROM_PCALL},       {NULL, 0},
};

/* The words from the second argument on, as bits: at least one. */
static unsigned check_words(lua_State *L, const struct word *words)
{
    unsigned bits = 0;
    int argument = 2;
    do {
        const char *name = luaL_checkstring(L, argument);
        const struct word *word = words;
        while (word->name != NULL && strcmp(word->name, name) != 0)
            word++;
        if (word->name == NULL)
            luaL_argerror(L, argument,
                          lua_pushfstring(L, "there is no %s '%s'",
                                          words == types ? "type" : "origin", name));
        bits |= word->bits;
    } while (++argument <= lua_gettop(L));
    return bits;
}

/* Of what is no expression, and of a tree that data flow has not been through, nothing is known. */
static const struct lint_value *check_value(lua_State *L)
{
    static const struct lint_value nothing = {.unknown = true};
    const struct lint_node *node = engine_check_node(L, 1);
    return node->value != NULL ? node->value : &nothing;
}

static int ask_may(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    lua_pushboolean(L, (value->types & check_words(L, types)) != 0);
    return 1;
}

static int ask_always(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    unsigned bits = check_words(L, types);
    lua_pushboolean(L, !value->unknown && value->types != 0 && (value->types & ~bits) == 0);
    return 1;
}

static int ask_known(lua_State *L)
{
    lua_pushboolean(L, !check_value(L)->unknown);
    return 1;
}

static int ask_from(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    lua_pushboolean(L, (value->origins & check_words(L, origins)) != 0);
    return 1;
}

/* Up to here every whole number is a double. */
#define EXACT_MAX 9007199254740992.0

void engine_push_number(lua_State *L, double number)
{
    lua_Integer whole;
    if (number >= -EXACT_MAX && number <= EXACT_MAX && lua_numbertointeger(number, &whole) &&
        (double)whole == number && !(whole == 0 && 1 / number < 0))
        lua_pushinteger(L, whole);
    else
        lua_pushnumber(L, number);
}

/* The constant, or nil; and whether it is one. */
static int ask_constant(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    bool constant = value->constant && !value->unknown;
    if (constant && value->types == LINT_TYPE_NUMBER)
        engine_push_number(L, value->number);
    else if (constant && value->types == LINT_TYPE_STRING)
        lua_pushlstring(L, value->text.text, value->text.size);
    else if (constant && (value->types == LINT_TYPE_TRUE || value->types == LINT_TYPE_FALSE))
        lua_pushboolean(L, value->types == LINT_TYPE_TRUE);
    else {
        lua_pushnil(L);
        constant = constant && value->types == LINT_TYPE_NIL;
    }
    lua_pushboolean(L, constant);
    return 2;
}

static int ask_thing(lua_State *L)
{
    switch ((enum lint_thing)check_value(L)->thing) {
    case LINT_THING_NONE:
        lua_pushnil(L);
        break;
    case LINT_THING_KEYS:
        lua_pushliteral(L, "KEYS");
        break;
    case LINT_THING_ARGV:
        lua_pushliteral(L, "ARGV");
        break;
    case LINT_THING_BUILTIN:
        lua_pushliteral(L, "builtin");
        break;
    case LINT_THING_FUNCTION:
        lua_pushliteral(L, "function");
        break;
    }
    return 1;
}

static int ask_builtin(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    lua_pushstring(L, value->thing == LINT_THING_BUILTIN ? value->builtin : NULL);
    return 1;
}

static int ask_defined(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    engine_push_node(L, ENGINE_OBJECTS,
                     value->thing == LINT_THING_FUNCTION ? value->function : NULL);
    return 1;
}

static int ask_reply(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    lua_pushstring(L, value->reply_name);
    engine_push_info(L, value->reply);
    return 2;
}

static int ask_index(lua_State *L)
{
    uint32_t index = check_value(L)->key;
    if (index != 0)
        lua_pushinteger(L, index);
    else
        lua_pushnil(L);
    return 1;
}

static int ask_element(lua_State *L)
{
    lua_pushboolean(L, check_value(L)->element);
    return 1;
}

static int ask_number(lua_State *L)
{
    const struct lint_value *value = check_value(L);
    unsigned whole = value->types & LINT_TYPE_NUMBER ? value->whole : 0;
    if (whole & LINT_FRACTION)
        lua_pushliteral(L, "fraction");
    else if (whole & LINT_WHOLE && !value->unknown)
        lua_pushliteral(L, "whole");
    else
        lua_pushnil(L);
    lua_pushboolean(L, (whole & LINT_HUGE) != 0);
    return 2;
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static int ask_shape(lua_State *L)
{
    const struct lint_shape *shape = check_value(L)->shape;
    if (shape == NULL)
        return 0;
    lua_createtable(L, 0, 5);
    engine_push_node(L, ENGINE_OBJECTS, shape->made);
    lua_setfield(L, -2, "made");
    set_flag(L, "whole", shape->whole);
    set_flag(L, "list", shape->list);
    set_flag(L, "fields", shape->fields);
    set_flag(L, "hole", shape->hole);
    return 1;
}

/* ---- around it ---- */

/* for parent in lint.parents(node): the state is the node, what comes first behind nil. */
static int next_parent(lua_State *L)
{
    const struct lint_node *node = engine_check_node(L, lua_isnoneornil(L, 2) ? 1 : 2);
    engine_push_node(L, ENGINE_OBJECTS, node->parent);
    return 1;
}

static int ask_parents(lua_State *L)
{
    engine_check_node(L, 1);
    lua_pushvalue(L, ENGINE_OBJECTS);
    lua_pushcclosure(L, next_parent, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static bool is_kind(enum lint_kind kind, const char *name, size_t size)
{
    const char *known = lint_kind_name(kind);
    return strncmp(known, name, size) == 0 && known[size] == 0;
}

/* The kinds that a text names, apart by spaces, as bits. */
static uint64_t kinds_of(lua_State *L, int argument)
{
    uint64_t kinds = 0;
    for (const char *at = luaL_checkstring(L, argument); *at != 0;) {
        size_t size = strcspn(at, " ");
        int kind = 0;
        while (kind < LINT_KINDS && !is_kind((enum lint_kind)kind, at, size))
            kind++;
        if (kind == LINT_KINDS)
            luaL_argerror(L, argument, "no kind of node");
        kinds |= UINT64_C(1) << kind;
        at += size + strspn(at + size, " ");
    }
    return kinds;
}
_Static_assert(LINT_KINDS <= 64, "kinds are bits");

/* lint.walk(node, [kinds,] function). */
static int ask_walk(lua_State *L)
{
    const struct lint_node *top = engine_check_node(L, 1), *node = top;
    bool some = lua_type(L, 2) == LUA_TSTRING;
    uint64_t kinds = some ? kinds_of(L, 2) : UINT64_MAX;
    int function = some ? 3 : 2;
    luaL_checktype(L, function, LUA_TFUNCTION);
    lua_settop(L, function);
    while (node != NULL) {
        bool inside = true;
        engine_charge(L, 1);
        if (kinds >> node->kind & 1) {
            lua_pushvalue(L, function);
            engine_push_node(L, ENGINE_OBJECTS, node);
            lua_call(L, 1, 1);
            inside = !lua_isboolean(L, -1) || lua_toboolean(L, -1);
            lua_pop(L, 1);
        }
        const struct lint_node *next = inside ? engine_first_child(node) : NULL;
        while (next == NULL && node != top) {
            next = engine_sibling(node);
            node = node->parent;
        }
        node = next;
    }
    return 0;
}

static int ask_func(lua_State *L)
{
    const struct lint_node *node = engine_check_node(L, 1)->parent;
    while (node != NULL && node->kind != LINT_FUNCTION && node->kind != LINT_CHUNK) {
        engine_charge(L, 1);
        node = node->parent;
    }
    engine_push_node(L, ENGINE_OBJECTS, node);
    return 1;
}

const luaL_Reg engine_asks[] = {
    {"may", ask_may},
    {"always", ask_always},
    {"known", ask_known},
    {"from", ask_from},
    {"constant", ask_constant},
    {"thing", ask_thing},
    {"builtin", ask_builtin},
    {"defined", ask_defined},
    {"reply", ask_reply},
    {"index", ask_index},
    {"element", ask_element},
    {"number", ask_number},
    {"shape", ask_shape},
    {"parents", ask_parents},
    {"walk", ask_walk},
    {"func", ask_func},
    {NULL, NULL},
};
