/* lint/engine_state.h: the inside of the engine, for the files lint/engine*.c alone.
 *
 * Invariants:
 *  1. Whatever may raise an error of Lua runs under lua_pcall; nothing of C's is held on the way, but what the
 *     engine itself owns.
 *  2. One Lua state, without coroutines: so one hook counts every instruction.
 *  3. Rules see nodes and variables as objects that name their run: what a rule kept from an earlier source
 *     points nowhere, and is refused.
 *  4. What rules share cannot be changed by one of them (engine_freeze), so that none depends on another. */
#ifndef LINT_ENGINE_STATE_H
#define LINT_ENGINE_STATE_H

#include "lint/engine.h"

#include <lauxlib.h>
#include <lua.h>

struct command;

/* Instructions between two looks at the clock. */
#define ENGINE_STRIDE 1000
/* Steps that a rule has for a byte of the source. */
#define ENGINE_STEPS_PER_BYTE 20
/* Bytes that cost as much as an instruction when they are allocated, so that long strings count. */
#define ENGINE_BYTES_PER_STEP ((size_t)64)

/* Bytes that a node takes at most once a rule has seen it, and its place in the table of them. */
#define ENGINE_NODE_BYTES  ((size_t)128)
#define ENGINE_PLACE_BYTES ((size_t)48)

struct engine_rule {
    vouch_lint_rule told;
    char *strings[5]; /* what that points to */
    size_t string_count;
    int check;        /* a reference to its function */
    uint64_t steps;   /* left for this source */
    size_t allocated; /* for this source, freed or not */
    int first, last;  /* its functions of this source: [first, last) of the table of them */
    bool failed;
    struct engine_rule *next; /* of those that were replaced */
};

/* The hooks: one list for entering each kind of node, one for leaving it, and these. */
enum {
    ENGINE_COMMAND = 2 * LINT_KINDS,
    ENGINE_GLOBAL,
    ENGINE_MEMBER,
    ENGINE_REMARK,
    ENGINE_FINISH,
    ENGINE_HOOKS
};

struct engine_hook {
    struct engine_rule *rule;
    int function;
};

struct engine_hooks {
    struct engine_hook *items;
    size_t count, capacity;
};

/* Where a run stands; what follows is done in this order. */
enum engine_phase {
    ENGINE_PREPARE, /* `lint` of this source */
    ENGINE_CHECK,   /* rules are asked for their hooks */
    ENGINE_REMARKS,
    ENGINE_WALK,
    ENGINE_END, /* `finish` */
    ENGINE_DONE
};

/* And where the walk stands at a node. */
enum engine_step { ENGINE_ENTER, ENGINE_SPECIAL, ENGINE_LEAVE };

enum engine_trouble {
    ENGINE_FINE,
    ENGINE_STEPS,  /* the rule took too many */
    ENGINE_MEMORY, /* it took too much */
    ENGINE_STOPPED /* the one who is told of findings wants no more */
};

struct engine {
    lua_State *lua;
    size_t memory; /* as engine_new was told */
    uint64_t steps;
    size_t used, base, limit; /* bytes of Lua: now; before a run; at most */
    bool collecting;          /* garbage is being collected */
    bool starved;             /* the heap itself is short */
    bool refused;             /* the last bytes that Lua asked for */
    enum engine_trouble trouble;
    struct engine_rule **rules; /* sorted by name */
    size_t rule_count, rule_capacity;
    struct engine_rule *replaced; /* kept for their strings */
    struct engine_hooks hooks[ENGINE_HOOKS];

    /* Of the run. */
    uint32_t run;
    const struct engine_source *source;
    engine_report report;
    void *context;
    struct arena scratch;
    enum engine_phase phase;
    struct engine_rule *current; /* whose code runs, NULL: ours */
    int functions;               /* how many are in the table of them */
    uint32_t objects;            /* how many were made of nodes and variables */
    uint32_t *nodes,
        *variables; /* [tree->nodes], [tree->variables]: numbers of objects; 0: none yet */
    uint32_t nodes_seen;
    size_t rule, hook;                /* cursors */
    const struct lint_remark *remark; /* the next one */
    const struct lint_remark *told;   /* the one that a rule is being told of, or NULL */
    struct lint_node *node;           /* that is looked at; NULL: none */
    enum engine_step step;
};

/* Where the registry keeps: the functions of hooks, the table of the fields of `lint`, `lint`, what all rules'
 * globals are, what is known of commands, the function of common.lua, the objects, and engine_go, which has them. */
#define ENGINE_KEY_FUNCTIONS(engine) ((const void *)&(engine)->functions)
#define ENGINE_KEY_FIELDS(engine)    ((const void *)&(engine)->source)
#define ENGINE_KEY_LINT(engine)      ((const void *)&(engine)->lua)
#define ENGINE_KEY_SHARED(engine)    ((const void *)&(engine)->rules)
#define ENGINE_KEY_INFOS(engine)     ((const void *)&(engine)->scratch)
#define ENGINE_KEY_COMMON(engine)    ((const void *)&(engine)->replaced)
#define ENGINE_KEY_OBJECTS(engine)   ((const void *)&(engine)->objects)
#define ENGINE_KEY_GO(engine)        ((const void *)&(engine)->phase)

static inline struct engine *engine_of(lua_State *L)
{
    return *(struct engine **)lua_getextraspace(L);
}

/* ---- engine.c, engine_load.c ---- */

/* Runs a function of C with one argument under lua_pcall, within bounds. */
int engine_protect(struct engine *engine, int (*function)(lua_State *), void *argument);
void engine_free_rule(struct engine_rule *rule);
/* What sandbox.lua says; nil if there is none. */
void engine_push_sandbox(lua_State *L);
/* The function of common.lua, which adds to the fields of `lint` for each source; nil if there is none. */
void engine_push_common(lua_State *L);

/* ---- bounds: engine_bound.c ---- */

void *engine_allocate(void *engine, void *block, size_t old, size_t size);
/* From here on instructions are counted: for engine->current; if that is NULL, for nobody. */
void engine_watch(lua_State *L);
/* The rule that runs pays for work of C; raises an error if it cannot. */
void engine_charge(lua_State *L, uint64_t steps);
/* Raises the error that ends the run. */
void engine_stop(lua_State *L);
/* Behind each call of a rule: it may have caught the error that was to end it. */
static inline void engine_look_back(lua_State *L)
{
    if (engine_of(L)->trouble != ENGINE_FINE)
        luaL_error(L, "stopped");
}

/* ---- what rules are given: engine_sandbox.c ---- */

/* Opens the libraries, and leaves the globals that rules share on the stack. */
void engine_open_libraries(lua_State *L);
/* Makes rules pay for functions of the library on top that can take long: engine_library.c. */
void engine_bound_library(lua_State *L, const char *library);
/* Takes the table on top; leaves what reads as it does, and cannot be changed. */
void engine_freeze(lua_State *L);
/* A table's __newindex. */
int engine_refuse_change(lua_State *L);
/* A new environment for a rule, on top. */
void engine_push_environment(lua_State *L);

/* ---- nodes: engine_node.c ---- */

/* The table of all objects of this run, by their numbers, and of what they are made with. Every function that makes
 * objects has it as its first upvalue: */
#define ENGINE_OBJECTS lua_upvalueindex(1)

/* Leaves a new one on the stack. */
void engine_push_objects(lua_State *L);
/* Whether the table of objects, on top, lets go of what nobody else holds. */
void engine_hold_objects(lua_State *L, bool weakly);
/* Empties the table of objects, on top, of those of a run. */
void engine_drop_objects(lua_State *L);
/* `objects` is where that table is; NULL is nil. */
void engine_push_node(lua_State *L, int objects, const struct lint_node *node);
/* All of them that are linked by `next`, `node` being the first: an array. */
void engine_push_list(lua_State *L, int objects, const struct lint_node *node);
/* Makes the table on top one to which nothing can be added. */
void engine_guard(lua_State *L, int objects);
/* An argument that has to be a node of this run. */
struct lint_node *engine_check_node(lua_State *L, int argument);
/* A number as rules see it: whole ones as integers. */
void engine_push_number(lua_State *L, double number);

/* ---- walking: engine_walk.c ---- */

struct lint_node *engine_first_child(const struct lint_node *node);
/* Behind `node` and all its children, among those of its parent; NULL: it is the last. */
struct lint_node *engine_sibling(const struct lint_node *node);
/* Runs what is left to run, from where the engine's cursors stand. */
int engine_go(lua_State *L);

/* ---- `lint`: engine_ask.c, engine_call.c, engine_table.c, engine_source.c, engine_report.c ---- */

extern const luaL_Reg engine_asks[], engine_calls[], engine_places[], engine_tables[];

/* What is said of a call: nil if it is none. `node` is a CALL, its object on top of the stack, and stays there. */
void engine_push_call(lua_State *L, int objects, const struct lint_node *node);
/* What is said of a command; NULL is nil. */
void engine_push_info(lua_State *L, const struct command *command);
/* Sets what `lint` says of the source; the table of its fields is on top. */
void engine_tell_source(lua_State *L, const struct engine_source *source);
/* Gives the table on top fields that are made when they are asked for. */
void engine_tell_later(lua_State *L, int objects);
void engine_push_remark(lua_State *L, const struct lint_remark *remark);
/* The last finding of a rule: that it failed. False: `report` said so. */
bool engine_report_failure(struct engine *engine, int status);

#endif
