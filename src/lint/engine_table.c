/* What rules may ask of the command table as a whole: which command a wrong name is nearest to; and of keys: where a
 * cluster has them. */
#include "command/slot.h"
#include "command/table.h"
#include "lint/engine_state.h"

#include <string.h>

/* Letters that may be wrong in a name, at most. */
enum { WRONG_MAX = 2, ROOM = COMMAND_NAME_ROOM + WRONG_MAX };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters have to be put in, left out, changed or swapped with their neighbour to make `b` of `a`. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][ROOM + 1]; /* of this letter of `a`, and of the two before it */
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *higher = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(above[j], row[j - 1]) + 1;
            row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], higher[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

/* The bytes of a name up to the space in it, with that; 0: it is one word. */
static size_t container_of(const char *name, size_t size)
{
    const char *space = memchr(name, ' ', size);
    return space == NULL ? 0 : (size_t)(space - name) + 1;
}

static bool comparable(const struct command *command, const char *name, size_t size)
{
    size_t container = container_of(name, size);
    size_t length = command->name_length;
    return command->servers != 0 && length + WRONG_MAX >= size && length <= size + WRONG_MAX &&
           container_of(command->name, length) == container &&
           memcmp(command->name, name, container) == 0;
}

/* lint.nearest(name): the command that it may have been meant for; of a container's subcommands, if the first of
 * two words is one. nil: none has less than half of its letters wrong, and at most two. */
static int ask_nearest(lua_State *L)
{
    size_t size;
    const char *name = luaL_checklstring(L, 1, &size);
    const struct command *found = NULL;
    size_t wrong = least(WRONG_MAX, (size - container_of(name, size)) / 2) + 1;
    if (size >= ROOM)
        wrong = 0;
    for (size_t i = 0; wrong > 0; i++) {
        const struct command *command = command_at(i);
        if (command == NULL)
            break;
        engine_charge(L, 1);
        if (!comparable(command, name, size))
            continue;
        engine_charge(L, size);
        size_t far = distance(name, size, command->name, command->name_length);
        if (far < wrong) {
            wrong = far;
            found = command;
        }
    }
    if (found != NULL)
        lua_pushlstring(L, found->name, found->name_length);
    else
        lua_pushnil(L);
    return 1;
}

/* lint.slot(key): where a cluster has it, 0 to 16,383. */
static int ask_slot(lua_State *L)
{
    size_t size;
    const char *key = luaL_checklstring(L, 1, &size);
    engine_charge(L, size);
    lua_pushinteger(L, slot_of(key, size));
    return 1;
}

const luaL_Reg engine_tables[] = {
    {"nearest", ask_nearest},
    {"slot", ask_slot},
    {NULL, NULL},
};
