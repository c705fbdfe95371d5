/* Runs the rules over a source: asks each for its hooks, then walks the tree once and calls them.
 *
 * All of it is one function under lua_pcall, with its place kept in the engine: when a rule raises an error, the
 * engine ends that rule and calls the function again, which goes on behind the call that failed. So nothing is
 * spent on protecting each call. The tree is walked by its links, since it can be as deep as a source is long:
 * `a .. b .. c …`.
 *
 *     PREPARE -> CHECK each rule -> REMARKS -> WALK enter, children, leave -> END -> DONE
 *                                      '------- the tree is not whole ------------^ */
#include "base/alloc.h"
#include "lint/engine_state.h"

#include <string.h>

/* ---- the tree ---- */

static struct lint_node *child_at(const struct lint_node *node, int place)
{
    return place == 0 ? node->a : place == 1 ? node->b : node->c;
}

static struct lint_node *first_from(const struct lint_node *node, int place)
{
    for (; place < 3; place++)
        if (child_at(node, place) != NULL)
            return child_at(node, place);
    return NULL;
}

struct lint_node *engine_first_child(const struct lint_node *node)
{
    return first_from(node, 0);
}

struct lint_node *engine_sibling(const struct lint_node *node)
{
    if (node->next != NULL)
        return node->next;
    const struct lint_node *parent = node->parent;
    if (parent == NULL)
        return NULL;
    int place = 0;
    for (; place < 2; place++) {
        const struct lint_node *last = child_at(parent, place);
        while (last != NULL && last->next != NULL)
            last = last->next;
        if (last == node)
            break;
    }
    return first_from(parent, place + 1);
}

/* ---- hooks ---- */

/* Which list of hooks a name means; ENGINE_HOOKS: none. */
static size_t hook_list(const char *name)
{
    static const char leave[] = "leave_";
    static const char *const others[] = {"command", "global", "member", "remark", "finish"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return ENGINE_COMMAND + i;
    bool leaves = strncmp(name, leave, sizeof leave - 1) == 0;
    if (leaves)
        name += sizeof leave - 1;
    for (size_t kind = 0; kind < LINT_KINDS; kind++)
        if (strcmp(name, lint_kind_name((enum lint_kind)kind)) == 0)
            return leaves ? LINT_KINDS + kind : kind;
    return ENGINE_HOOKS;
}

/* The function on top becomes the rule's hook. */
static void add_hook(lua_State *L, int functions, struct engine_rule *rule, size_t list)
{
    struct engine *engine = engine_of(L);
    struct engine_hooks *hooks = &engine->hooks[list];
    if (!alloc_grow((void **)&hooks->items, &hooks->capacity, hooks->count + 1,
                    sizeof *hooks->items)) {
        engine->starved = true;
        luaL_error(L, "not enough memory");
    }
    lua_rawseti(L, functions, ++engine->functions);
    rule->last = engine->functions + 1;
    hooks->items[hooks->count++] =
        (struct engine_hook){.rule = rule, .function = engine->functions};
}

/* The table of hooks on top, checked: names in no order, so that of several wrong ones the first is told. */
static void add_hooks(lua_State *L, int functions, struct engine_rule *rule)
{
    if (!lua_istable(L, -1))
        luaL_error(L, "check returns a %s, not a table of hooks", luaL_typename(L, -1));
    const char *wrong = NULL;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "check returns a hook whose name is a %s", luaL_typename(L, -2));
        const char *name = lua_tostring(L, -2);
        size_t list = hook_list(name);
        if ((list == ENGINE_HOOKS || !lua_isfunction(L, -1)) &&
            (wrong == NULL || strcmp(name, wrong) < 0))
            wrong = name; /* the table holds it */
        if (list != ENGINE_HOOKS && lua_isfunction(L, -1))
            add_hook(L, functions, rule, list);
        else
            lua_pop(L, 1);
    }
    if (wrong != NULL && hook_list(wrong) == ENGINE_HOOKS)
        luaL_error(L, "'%s' is not a hook: neither a kind of node nor leave_ and one", wrong);
    if (wrong != NULL)
        luaL_error(L, "the hook '%s' is not a function", wrong);
}

static void check_rule(lua_State *L, int functions, int lint, struct engine_rule *rule)
{
    struct engine *engine = engine_of(L);
    rule->first = rule->last = engine->functions + 1;
    if (rule->told.severity == VOUCH_LINT_OFF)
        return;
    engine->current = rule;
    lua_rawgeti(L, LUA_REGISTRYINDEX, rule->check);
    lua_pushvalue(L, lint);
    lua_call(L, 1, 1);
    engine_look_back(L);
    add_hooks(L, functions, rule);
    lua_pop(L, 1);
    engine->current = NULL;
}

/* Calls what is left of a list of hooks; what they are given is on top of the stack, `count` values. */
static void call_hooks(lua_State *L, int functions, size_t list, int count)
{
    struct engine *engine = engine_of(L);
    const struct engine_hooks *hooks = &engine->hooks[list];
    while (engine->hook < hooks->count) {
        const struct engine_hook *hook = &hooks->items[engine->hook++];
        if (hook->rule->failed)
            continue;
        engine->current = hook->rule;
        lua_rawgeti(L, functions, hook->function);
        for (int i = 0; i < count; i++)
            lua_pushvalue(L, -1 - count);
        lua_call(L, count, 0);
        engine_look_back(L);
    }
    engine->current = NULL;
}

/* ---- the run ---- */

/* Objects, the functions of hooks, `lint` and the table of its fields: where they are in engine_go. */
enum { OBJECTS = ENGINE_OBJECTS, FUNCTIONS = 1, LINT = 2, BASE = 2 };

/* What the node is besides its kind, and which hooks are for that: a call of redis.call, a global name, a member
 * of a library of the sandbox. ENGINE_HOOKS: nothing. */
static size_t special_list(const struct lint_node *node)
{
    if (node->kind == LINT_CALL)
        return ENGINE_COMMAND;
    if (node->kind == LINT_NAME)
        return node->variable == NULL ? ENGINE_GLOBAL : ENGINE_HOOKS;
    if (node->kind != LINT_INDEX || node->b->kind != LINT_STRING)
        return ENGINE_HOOKS;
    const struct lint_value *object = node->a->value;
    bool library = object->thing == LINT_THING_BUILTIN && object->types == LINT_TYPE_TABLE;
    return library ? ENGINE_MEMBER : ENGINE_HOOKS;
}

/* Whether a name or an index is what is assigned to. By place: targets stand in front of the values. */
static bool is_written(const struct lint_node *node)
{
    const struct lint_node *parent = node->parent;
    return (parent->kind == LINT_FUNCTION_STATEMENT && parent->a == node) ||
           (parent->kind == LINT_ASSIGN && node->offset < parent->b->offset);
}

/* What such a hook is given besides the node. How many arguments it has; 0: it is not called. */
static int push_special(lua_State *L, const struct lint_node *node, size_t list)
{
    if (list == ENGINE_COMMAND) {
        engine_push_call(L, OBJECTS, node);
        return lua_isnil(L, -1) ? 0 : 2;
    }
    if (list == ENGINE_MEMBER) {
        lua_pushfstring(L, "%s.", node->a->value->builtin);
        lua_pushlstring(L, node->b->text.text, node->b->text.size);
        lua_concat(L, 2);
    }
    lua_pushboolean(L, is_written(node));
    return list == ENGINE_MEMBER ? 3 : 2;
}

static void visit(lua_State *L)
{
    struct engine *engine = engine_of(L);
    size_t list = engine->node->kind;
    if (engine->step == ENGINE_SPECIAL)
        list = special_list(engine->node);
    else if (engine->step == ENGINE_LEAVE)
        list += LINT_KINDS;
    if (list == ENGINE_HOOKS || engine->hook >= engine->hooks[list].count)
        return;
    engine_push_node(L, OBJECTS, engine->node);
    int count = engine->step == ENGINE_SPECIAL ? push_special(L, engine->node, list) : 1;
    if (count > 0)
        call_hooks(L, FUNCTIONS, list, count);
    lua_settop(L, BASE);
}

/* To what is next: the same node as what else it is, its first child, or the leaving of it; then what follows it. */
static void advance(struct engine *engine)
{
    struct lint_node *node = engine->node, *next;
    engine->hook = 0;
    if (engine->step == ENGINE_ENTER) {
        engine->step = ENGINE_SPECIAL;
    } else if (engine->step != ENGINE_LEAVE) {
        next = engine_first_child(node);
        engine->step = next != NULL ? ENGINE_ENTER : ENGINE_LEAVE;
        if (next != NULL)
            engine->node = next;
    } else {
        next = engine_sibling(node);
        engine->step = next != NULL ? ENGINE_ENTER : ENGINE_LEAVE;
        engine->node = next != NULL ? next : node->parent;
    }
}

static void walk(lua_State *L)
{
    for (struct engine *engine = engine_of(L); engine->node != NULL; advance(engine))
        visit(L);
}

/* Each remark is for the rule of its name alone. */
static void tell_remarks(lua_State *L)
{
    struct engine *engine = engine_of(L);
    const struct engine_hooks *hooks = &engine->hooks[ENGINE_REMARK];
    while (engine->remark != NULL) {
        const struct lint_remark *remark = engine->remark;
        engine->remark = remark->next;
        const char *name = lint_remark_rule(remark->kind);
        for (size_t i = 0; i < hooks->count; i++) {
            struct engine_rule *rule = hooks->items[i].rule;
            if (rule->failed || strcmp(rule->told.name, name) != 0)
                continue;
            engine->current = rule;
            engine->told = remark;
            lua_rawgeti(L, FUNCTIONS, hooks->items[i].function);
            engine_push_remark(L, remark);
            lua_call(L, 1, 0);
            engine_look_back(L);
        }
    }
    engine->told = NULL;
    engine->current = NULL;
}

static void check_rules(lua_State *L)
{
    struct engine *engine = engine_of(L);
    while (engine->rule < engine->rule_count)
        check_rule(L, FUNCTIONS, LINT, engine->rules[engine->rule++]);
}

/* A new table of functions, and what `lint` says of this source. */
static void prepare(lua_State *L)
{
    struct engine *engine = engine_of(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_OBJECTS(engine));
    engine_hold_objects(L, engine->source->tree->nodes > engine->memory / 4 / ENGINE_NODE_BYTES);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_FUNCTIONS(engine));
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_FIELDS(engine));
    engine_tell_source(L, engine->source);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_COMMON(engine)) == LUA_TFUNCTION) {
        lua_insert(L, -2);
        lua_call(L, 1, 0);
    }
    lua_settop(L, 0);
}

int engine_go(lua_State *L)
{
    struct engine *engine = engine_of(L);
    engine_watch(L);
    lua_settop(L, 0);
    if (engine->phase == ENGINE_PREPARE) {
        prepare(L);
        engine->phase = ENGINE_CHECK;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_FUNCTIONS(engine));
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_LINT(engine));
    if (engine->phase == ENGINE_CHECK) {
        check_rules(L);
        engine->phase = ENGINE_REMARKS;
    }
    if (engine->phase == ENGINE_REMARKS) {
        tell_remarks(L);
        engine->phase = engine->source->tree->whole ? ENGINE_WALK : ENGINE_DONE;
        engine->node = engine->source->tree->root;
        engine->step = ENGINE_ENTER;
        engine->hook = 0;
    }
    if (engine->phase == ENGINE_WALK) {
        walk(L);
        engine->phase = ENGINE_END;
    }
    if (engine->phase == ENGINE_END) {
        call_hooks(L, FUNCTIONS, ENGINE_FINISH, 0);
        engine->phase = ENGINE_DONE;
    }
    return 0;
}
