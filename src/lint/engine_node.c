/* Nodes and variables as rules see them: objects without fields of their own, which read the tree.
 *
 * An object is made when a rule first sees its node, and found again in a table, so that the same node is always
 * the same object. Of a source so large that they would take much of the memory, the table is weak: then one
 * that nobody holds is made anew. What is a list in the tree is an array in Lua,
 * made when it is asked for, kept with its object. */
#include "lint/engine_state.h"

#include <string.h>

struct object {
    const void *thing; /* struct lint_node or struct lint_variable */
    uint32_t run;      /* in which it can be read */
    bool variable;
};

/* What the table of objects holds under numbers: metatables of nodes from 1 on, in the order of kinds;
 * behind them the objects of this run. */
enum { META_VARIABLE = LINT_KINDS + 1, META_LIST, META_LAST = META_LIST };

/* Fields. Those of children are said by LINT_KIND_MAP. */
enum field {
    NO_FIELD,
    FIELD_KIND,
    FIELD_LINE,
    FIELD_COLUMN,
    FIELD_OFFSET,
    FIELD_FINISH,
    FIELD_PARENT,
    FIELD_A, /* a child, in the order of LINT_KIND_MAP */
    FIELD_B,
    FIELD_C,
    FIELD_LIST_A, /* a list of them */
    FIELD_LIST_B,
    FIELD_LIST_C,
    FIELD_TEXT,
    FIELD_NUMBER,
    FIELD_OPERATOR,
    FIELD_NAMED,
    FIELD_VARARG,
    FIELD_VARIABLE
};

/* ---- making ---- */

/* The object of that number, on the stack; false: there is none, or it was collected. */
static bool push_known(lua_State *L, int objects, uint32_t number)
{
    if (number == 0)
        return false;
    if (lua_rawgeti(L, objects, number) == LUA_TUSERDATA)
        return true;
    lua_pop(L, 1);
    return false;
}

/* A new one, on the stack; returns its number. */
static uint32_t push_new(lua_State *L, int objects, const void *thing, int meta, int values)
{
    struct engine *engine = engine_of(L);
    struct object *object = lua_newuserdatauv(L, sizeof *object, values);
    *object =
        (struct object){.thing = thing, .run = engine->run, .variable = meta == META_VARIABLE};
    lua_rawgeti(L, objects, meta);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawseti(L, objects, META_LAST + 1 + (lua_Integer)engine->objects);
    return META_LAST + 1 + engine->objects++;
}

/* How many values an object of a kind keeps: for a list as its n-th child n. */
static int kept_values(enum lint_kind kind)
{
    const char *const *children = lint_kind_children(kind);
    int lists = 0;
    for (int i = 0; i < 3 && children[i] != NULL; i++)
        if (children[i][0] == '*')
            lists = i + 1;
    return lists;
}

/* Who only reads the tree may number its nodes all the same. */
static struct lint_node *to_number(const struct lint_node *node)
{
    struct lint_node *same;
    memcpy(&same, &node, sizeof(void *));
    return same;
}

/* A node's `user` is where the number of its object stands. */
void engine_push_node(lua_State *L, int objects, const struct lint_node *node)
{
    if (node == NULL) {
        lua_pushnil(L);
        return;
    }
    uint32_t *number = node->user;
    if (number != NULL && push_known(L, objects, *number))
        return;
    struct engine *engine = engine_of(L);
    if (number == NULL) {
        if (engine->nodes_seen == engine->source->tree->nodes)
            luaL_error(L, "the tree has more nodes than it says");
        number = &engine->nodes[engine->nodes_seen++];
        to_number(node)->user = number;
    }
    int values = kept_values((enum lint_kind)node->kind);
    *number = push_new(L, objects, node, node->kind + 1, values);
}

static void push_variable(lua_State *L, int objects, const struct lint_variable *variable)
{
    if (variable == NULL) {
        lua_pushnil(L);
        return;
    }
    uint32_t *number = &engine_of(L)->variables[variable->id];
    if (!push_known(L, objects, *number))
        *number = push_new(L, objects, variable, META_VARIABLE, 0);
}

void engine_guard(lua_State *L, int objects)
{
    lua_rawgeti(L, objects, META_LIST);
    lua_setmetatable(L, -2);
}

void engine_push_list(lua_State *L, int objects, const struct lint_node *node)
{
    int count = 0;
    for (const struct lint_node *each = node; each != NULL; each = each->next)
        count++;
    lua_createtable(L, count, 0);
    count = 0;
    for (; node != NULL; node = node->next) {
        engine_push_node(L, objects, node);
        lua_rawseti(L, -2, ++count);
    }
    engine_guard(L, objects);
}

/* ---- reading ---- */

/* What an argument is; raises an error if it is no object of this run. */
static const struct object *check_object(lua_State *L, int argument, bool variable)
{
    const struct object *object =
        lua_type(L, argument) == LUA_TUSERDATA ? lua_touserdata(L, argument) : NULL;
    if (object == NULL || object->variable != variable)
        luaL_typeerror(L, argument, variable ? "variable" : "node");
    else if (object->run != engine_of(L)->run)
        luaL_argerror(L, argument, "of a source that was looked at before");
    return object;
}

struct lint_node *engine_check_node(lua_State *L, int argument)
{
    return to_number(check_object(L, argument, false)->thing);
}

static void push_kept_list(lua_State *L, const struct lint_node *first, int value)
{
    if (lua_getiuservalue(L, 1, value) == LUA_TTABLE)
        return;
    engine_push_list(L, ENGINE_OBJECTS, first);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, value);
}

static const struct lint_node *child(const struct lint_node *node, int place)
{
    return place == 0 ? node->a : place == 1 ? node->b : node->c;
}

/* node.field. Upvalues: objects, fields of this kind, its name. Only our metatables call it. */
static int read_node(lua_State *L)
{
    const struct lint_node *node = check_object(L, 1, false)->thing;
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    int field = (int)lua_tointeger(L, -1);
    switch ((enum field)field) {
    case NO_FIELD:
        lua_pushnil(L);
        break;
    case FIELD_KIND:
        lua_pushvalue(L, lua_upvalueindex(3));
        break;
    case FIELD_LINE:
        lua_pushinteger(L, node->line);
        break;
    case FIELD_COLUMN:
        lua_pushinteger(L, node->column);
        break;
    case FIELD_OFFSET:
        lua_pushinteger(L, (lua_Integer)node->offset + 1);
        break;
    case FIELD_FINISH:
        lua_pushinteger(L, node->finish);
        break;
    case FIELD_PARENT:
        engine_push_node(L, ENGINE_OBJECTS, node->parent);
        break;
    case FIELD_A:
    case FIELD_B:
    case FIELD_C:
        engine_push_node(L, ENGINE_OBJECTS, child(node, field - FIELD_A));
        break;
    case FIELD_LIST_A:
    case FIELD_LIST_B:
    case FIELD_LIST_C:
        push_kept_list(L, child(node, field - FIELD_LIST_A), field - FIELD_LIST_A + 1);
        break;
    case FIELD_TEXT:
        lua_pushlstring(L, node->text.text, node->text.size);
        break;
    case FIELD_NUMBER:
        engine_push_number(L, node->number);
        break;
    case FIELD_OPERATOR:
        lua_pushstring(L, lint_operator_text((enum lint_operator)node->op));
        break;
    case FIELD_NAMED:
        lua_pushboolean(L, node->named);
        break;
    case FIELD_VARARG:
        lua_pushboolean(L, node->vararg);
        break;
    case FIELD_VARIABLE:
        push_variable(L, ENGINE_OBJECTS, node->variable);
        break;
    }
    return 1;
}

static int read_variable(lua_State *L)
{
    static const char *const names[] = {"name",   "id",        "declared", "func",     "reads",
                                        "writes", "parameter", "loop",     "captured", NULL};
    const struct lint_variable *variable = check_object(L, 1, true)->thing;
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    int field = 0;
    while (names[field] != NULL && strcmp(names[field], name) != 0)
        field++;
    switch (field) {
    case 0:
        lua_pushlstring(L, variable->name, variable->size);
        break;
    case 1:
        lua_pushinteger(L, variable->id);
        break;
    case 2:
    case 3:
        engine_push_node(L, ENGINE_OBJECTS, field == 2 ? variable->declared : variable->function);
        break;
    case 4:
    case 5:
        lua_pushinteger(L, field == 4 ? variable->reads : variable->writes);
        break;
    case 6:
    case 7:
        lua_pushboolean(L, field == 6 ? variable->parameter : variable->loop);
        break;
    case 8:
        lua_pushboolean(L, variable->captured);
        break;
    default:
        lua_pushnil(L);
    }
    return 1;
}

/* For messages: the same in every run, as an address is not. */
static int node_text(lua_State *L)
{
    const struct lint_node *node = check_object(L, 1, false)->thing;
    lua_pushfstring(L, "%s at %d:%d", lint_kind_name((enum lint_kind)node->kind), (int)node->line,
                    (int)node->column);
    return 1;
}

static int variable_text(lua_State *L)
{
    const struct lint_variable *variable = check_object(L, 1, true)->thing;
    lua_pushliteral(L, "variable ");
    lua_pushlstring(L, variable->name, variable->size);
    lua_concat(L, 2);
    return 1;
}

/* ---- metatables ---- */

static void add_field(lua_State *L, const char *name, enum field field)
{
    lua_pushinteger(L, field);
    lua_setfield(L, -2, name);
}

/* Fields of a kind, on top. */
static void push_fields(lua_State *L, enum lint_kind kind)
{
    lua_newtable(L);
    add_field(L, "kind", FIELD_KIND);
    add_field(L, "line", FIELD_LINE);
    add_field(L, "column", FIELD_COLUMN);
    add_field(L, "offset", FIELD_OFFSET);
    add_field(L, "finish", FIELD_FINISH);
    add_field(L, "parent", FIELD_PARENT);
    const char *const *children = lint_kind_children(kind);
    for (int i = 0; i < 3 && children[i] != NULL; i++) {
        bool list = children[i][0] == '*';
        add_field(L, children[i] + list, (enum field)((list ? FIELD_LIST_A : FIELD_A) + i));
    }
    if (kind == LINT_STRING || kind == LINT_NAME || kind == LINT_GOTO || kind == LINT_LABEL)
        add_field(L, "text", FIELD_TEXT);
    if (kind == LINT_NUMBER)
        add_field(L, "number", FIELD_NUMBER);
    if (kind == LINT_BINARY || kind == LINT_UNARY)
        add_field(L, "op", FIELD_OPERATOR);
    if (kind == LINT_FIELD || kind == LINT_INDEX)
        add_field(L, "named", FIELD_NAMED);
    if (kind == LINT_FUNCTION)
        add_field(L, "vararg", FIELD_VARARG);
    if (kind == LINT_NAME)
        add_field(L, "variable", FIELD_VARIABLE);
}

/* A metatable whose __index is on top: it stands in its place. */
static void finish_meta(lua_State *L, int (*text)(lua_State *L), const char *name)
{
    lua_newtable(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, engine_refuse_change);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, text);
    lua_setfield(L, -2, "__tostring");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

void engine_drop_objects(lua_State *L)
{
    struct engine *engine = engine_of(L);
    for (; engine->objects > 0; engine->objects--) {
        lua_pushnil(L);
        lua_rawseti(L, -2, META_LAST + (lua_Integer)engine->objects);
    }
}

void engine_hold_objects(lua_State *L, bool weakly)
{
    lua_getmetatable(L, -1);
    lua_pushstring(L, weakly ? "v" : NULL);
    lua_setfield(L, -2, "__mode");
    lua_pop(L, 1);
}

static void push_list_meta(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, engine_refuse_change);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

void engine_push_objects(lua_State *L)
{
    lua_createtable(L, META_LIST, 0);
    int objects = lua_gettop(L);
    lua_newtable(L); /* a metatable for it; holds what must not go, too */
    for (int kind = 0; kind < LINT_KINDS; kind++) {
        lua_pushvalue(L, objects);
        push_fields(L, (enum lint_kind)kind);
        lua_pushstring(L, lint_kind_name((enum lint_kind)kind));
        lua_pushcclosure(L, read_node, 3);
        finish_meta(L, node_text, "node");
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, kind + 1);
        lua_rawseti(L, objects, kind + 1);
    }
    lua_pushvalue(L, objects);
    lua_pushcclosure(L, read_variable, 1);
    finish_meta(L, variable_text, "variable");
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, META_VARIABLE);
    lua_rawseti(L, objects, META_VARIABLE);
    push_list_meta(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, META_LIST);
    lua_rawseti(L, objects, META_LIST);
    lua_setmetatable(L, objects);
}
