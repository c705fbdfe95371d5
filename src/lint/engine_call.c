/* What rules may ask of commands: what a call calls, which of its arguments are keys, what the table knows. */
#include "base/number.h"
#include "command/keys.h"
#include "command/table.h"
#include "lint/engine_state.h"

#include <string.h>

/* ---- commands ---- */

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* A set of the names of bits, frozen. */
static void set_targets(lua_State *L, const char *name, uint32_t targets)
{
    lua_newtable(L);
    for (int i = 0; i < LINT_TARGETS; i++)
        if (targets & (uint32_t)1 << i)
            set_flag(L, lint_target_name((enum lint_target_index)i), true);
    engine_freeze(L);
    lua_setfield(L, -2, name);
}

static void set_types(lua_State *L, const char *name, unsigned types)
{
    static const char *const names[] = {"nil",    "false", "true",     "number",
                                        "string", "table", "function", "userdata"};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (types & 1U << i)
            set_flag(L, names[i], true);
    engine_freeze(L);
    lua_setfield(L, -2, name);
}

static void push_new_info(lua_State *L, const struct command *command)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {
        {"write", COMMAND_WRITE},       {"readonly", COMMAND_READONLY},
        {"denyoom", COMMAND_DENYOOM},   {"noscript", COMMAND_NOSCRIPT},
        {"blocking", COMMAND_BLOCKING}, {"admin", COMMAND_ADMIN},
        {"module", COMMAND_MODULE},     {"container", COMMAND_CONTAINER},
    };
    lua_newtable(L);
    lua_pushlstring(L, command->name, command->name_length);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, command->arity);
    lua_setfield(L, -2, "arity");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        set_flag(L, flags[i].name, (command->flags & flags[i].flag) != 0);
    set_targets(L, "on", lint_command_targets(command));
    set_types(L, "reply", lint_reply_types(command));
    engine_freeze(L);
}

void engine_push_info(lua_State *L, const struct command *command)
{
    if (command == NULL || command->servers == 0) {
        lua_pushnil(L);
        return;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_INFOS(engine_of(L)));
    if (lua_rawgetp(L, -1, command) == LUA_TNIL) {
        lua_pop(L, 1);
        push_new_info(L, command);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, command);
    }
    lua_remove(L, -2);
}

/* lint.info(name): in either case, the words apart by one space. */
static int ask_info(lua_State *L)
{
    size_t size;
    const char *name = luaL_checklstring(L, 1, &size);
    const char *space = memchr(name, ' ', size);
    size_t first = space != NULL ? (size_t)(space - name) : size;
    const struct command *command = command_find(name, first, space != NULL ? space + 1 : NULL,
                                                 space != NULL ? size - first - 1 : 0);
    /* What follows the name of a command that is no container is not its name. */
    if (command != NULL && command->name_length != size)
        command = NULL;
    engine_push_info(L, command);
    return 1;
}

/* ---- calls ---- */

static void look_at_call(lua_State *L, const struct lint_node *node, struct lint_call *call)
{
    struct engine *engine = engine_of(L);
    *call = (struct lint_call){.is_call = false};
    if (node->kind == LINT_CALL && !lint_call_of(&engine->scratch, node, call)) {
        engine->starved = true;
        luaL_error(L, "not enough memory");
    }
}

static void push_new_call(lua_State *L, int objects, const struct lint_call *call)
{
    lua_createtable(L, 0, 6);
    set_flag(L, "protected", call->protected);
    lua_pushstring(L, call->name);
    lua_setfield(L, -2, "name");
    engine_push_info(L, call->command);
    lua_setfield(L, -2, "info");
    engine_push_list(L, objects, call->arguments);
    lua_setfield(L, -2, "arguments");
    lua_pushinteger(L, (lua_Integer)call->words);
    lua_setfield(L, -2, "words");
    set_flag(L, "open", call->open);
    engine_guard(L, objects);
}

void engine_push_call(lua_State *L, int objects, const struct lint_node *node)
{
    struct engine *engine = engine_of(L);
    int type = lua_getiuservalue(L, -1, 1);
    if (type == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    struct arena_mark mark = arena_mark(&engine->scratch);
    struct lint_call call;
    look_at_call(L, node, &call);
    if (!call.is_call) {
        lua_pushnil(L);
    } else {
        push_new_call(L, objects, &call);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, -3, 1);
    }
    arena_rewind(&engine->scratch, mark);
}

static int ask_call(lua_State *L)
{
    const struct lint_node *node = engine_check_node(L, 1);
    lua_settop(L, 1);
    if (node->kind == LINT_CALL)
        engine_push_call(L, ENGINE_OBJECTS, node);
    else
        lua_pushnil(L);
    return 1;
}

/* ---- keys ---- */

/* More keys than this are in no call. */
#define NUMKEYS_MAX 1e9

/* A call's words as the table's code takes them. A word that is not constant is empty: no keyword, and no number. */
struct words {
    size_t count, room; /* known ones; and how many there must be for the arity */
    const char **argv;
    size_t *lengths;
    const struct lint_node **nodes;
};

static void *scratch(lua_State *L, size_t count, size_t size)
{
    struct engine *engine = engine_of(L);
    engine_charge(L, count);
    void *block = arena_get(&engine->scratch, count * size);
    if (block == NULL) {
        engine->starved = true;
        luaL_error(L, "not enough memory");
    }
    return block;
}

static void set_word(lua_State *L, struct words *words, size_t i, const struct lint_node *node)
{
    const struct lint_value *value = node->value;
    words->nodes[i] = node;
    if (value == NULL || !value->constant || value->unknown)
        return;
    if (value->types == LINT_TYPE_STRING) {
        words->argv[i] = value->text.text;
        words->lengths[i] = value->text.size;
    } else if (value->types == LINT_TYPE_NUMBER && value->number >= 0 &&
               value->number <= NUMKEYS_MAX && (double)(uint64_t)value->number == value->number) {
        char *text = scratch(L, NUMBER_INTEGER_MAX, 1);
        words->lengths[i] = number_write_u64(text, (uint64_t)value->number);
        words->argv[i] = text;
    }
}

static void read_words(lua_State *L, const struct lint_call *call, struct words *words)
{
    size_t arity =
        (size_t)(call->command->arity < 0 ? -call->command->arity : call->command->arity);
    words->count = call->words;
    words->room = call->open && arity > call->words ? arity : call->words;
    words->argv = scratch(L, words->room, sizeof *words->argv);
    words->lengths = scratch(L, words->room, sizeof *words->lengths);
    words->nodes = scratch(L, words->room, sizeof(void *));
    for (size_t i = 0; i < words->room; i++) {
        words->argv[i] = "";
        words->lengths[i] = 0;
        words->nodes[i] = NULL;
    }
    const struct lint_node *node = call->arguments;
    for (size_t i = 1; i < words->count && node != NULL; i++, node = node->next)
        set_word(L, words, i, node);
}

/* Whether words that may follow the known ones can change where keys are. */
static bool depends_on_end(const struct command *command)
{
    if (command->flags & COMMAND_KEYS_BY_HAND)
        return true;
    const struct key_spec *spec = command_key_specs(command);
    for (size_t i = 0; i < command->spec_count; i++)
        if (spec[i].search == KEY_SEARCH_KEYWORD ||
            (spec[i].find == KEY_FIND_RANGE && spec[i].last < 0))
            return true;
    return false;
}

/* An array of the keys, or nil if it cannot be told. */
static void push_keys(lua_State *L, const struct lint_call *call)
{
    lua_pushnil(L);
    if (call->command == NULL || call->words == 0 || (call->open && depends_on_end(call->command)))
        return;
    struct words words;
    read_words(L, call, &words);
    struct key_position *keys = scratch(L, words.room, sizeof *keys);
    size_t count;
    enum keys_result result = command_keys(call->command, words.room, words.argv, words.lengths,
                                           keys, words.room, &count);
    if ((result != KEYS_OK && result != KEYS_NONE) || count > words.room)
        return;
    lua_createtable(L, (int)count, 0);
    lua_Integer place = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(keys[i].access & (KEY_READ | KEY_WRITE)))
            continue;
        if (words.nodes[keys[i].index] == NULL) {
            lua_pop(L, 1); /* behind what is known */
            return;
        }
        lua_createtable(L, 0, 2);
        engine_push_node(L, ENGINE_OBJECTS, words.nodes[keys[i].index]);
        lua_setfield(L, -2, "node");
        lua_pushstring(L, keys[i].access & KEY_WRITE ? "write" : "read");
        lua_setfield(L, -2, "access");
        lua_rawseti(L, -2, ++place);
    }
}

static int ask_keys(lua_State *L)
{
    const struct lint_node *node = engine_check_node(L, 1);
    struct engine *engine = engine_of(L);
    struct arena_mark mark = arena_mark(&engine->scratch);
    struct lint_call call;
    look_at_call(L, node, &call);
    if (call.is_call)
        push_keys(L, &call);
    else
        lua_pushnil(L);
    arena_rewind(&engine->scratch, mark);
    return 1;
}

const luaL_Reg engine_calls[] = {
    {"call", ask_call},
    {"keys", ask_keys},
    {"info", ask_info},
    {NULL, NULL},
};
