/* What may be an effect. Pure.
 *
 * An effect runs inside a script, next to the script's own commands: what servers refuse there would be an
 * error after others had run, so it is refused before anything is sent. So is what could take the ground from
 * under the script: commands that write and name no key (FLUSHALL, SWAPDB). */
#include "stream/effects.h"

#include "base/alloc.h"
#include "base/error.h"
#include "stream/commit.h"

#include <string.h>

enum { KEYS_FEW = 8 };

void effect_room_release(struct effect_room *room)
{
    alloc_free(room->argv);
    alloc_free(room->lengths);
    alloc_free(room->keys);
}

static bool grow_words(struct effect_room *room, size_t want)
{
    void *argv = room->argv, *lengths = room->lengths;
    bool good = alloc_grow(&argv, &room->argv_capacity, want, sizeof *room->argv) &&
                alloc_grow(&lengths, &room->lengths_capacity, want, sizeof *room->lengths);
    room->argv = argv;
    room->lengths = lengths;
    return good;
}

static bool grow_keys(struct effect_room *room, size_t want)
{
    void *keys = room->keys;
    bool good = alloc_grow(&keys, &room->key_capacity, want, sizeof *room->keys);
    room->keys = keys;
    return good;
}

/* Why a command can be no effect, whatever its words; NULL if it can. */
static const char *fault_of(const struct command *c)
{
    if (!c)
        return "is not known, so its keys cannot be checked";
    if (c->flags & COMMAND_SCRIPT)
        return "is a script; scripts run no scripts";
    if (c->flags & COMMAND_BLOCKING)
        return "may wait, which a script cannot";
    if (c->flags & COMMAND_CONTAINER)
        return "needs a subcommand";
    if (c->flags &
        (COMMAND_NOSCRIPT | COMMAND_FORBIDDEN | COMMAND_ADMIN | COMMAND_CHANGES_CONNECTION))
        return "is not allowed in scripts";
    return NULL;
}

static vouch_status out_of_memory(vouch_error *e)
{
    return error_set(e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory");
}

static vouch_status find_keys(struct effect_room *room, vouch_error *e)
{
    const struct command *c = room->command;
    if (room->key_capacity < KEYS_FEW && !grow_keys(room, KEYS_FEW))
        return out_of_memory(e);
    enum keys_result found = command_keys(c, room->argc, room->argv, room->lengths, room->keys,
                                          room->key_capacity, &room->key_count);
    if (found == KEYS_OK && room->key_count > room->key_capacity) {
        if (!grow_keys(room, room->key_count))
            return out_of_memory(e);
        found = command_keys(c, room->argc, room->argv, room->lengths, room->keys,
                             room->key_capacity, &room->key_count);
    }
    switch (found) {
    case KEYS_OK:
        return VOUCH_OK;
    case KEYS_NONE:
        if (c->flags & (COMMAND_READONLY | COMMAND_PUBSUB))
            return VOUCH_OK;
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "writes and names no key, so it could be the stream that it destroys");
    case KEYS_UNKNOWN:
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "where its keys are is not known");
    case KEYS_INVALID:
        break;
    }
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the server would refuse these words");
}

vouch_status effect_read(struct effect_room *room, const struct vouch_batch *batch, size_t i,
                         vouch_error *e)
{
    room->command = batch_command(batch, i);
    const char *fault = fault_of(room->command);
    if (fault)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s", fault);
    if (batch_need(batch, i))
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "needs a script or a library");
    /* One of the two may have grown alone, when memory was short. */
    size_t room_for =
        room->argv_capacity < room->lengths_capacity ? room->argv_capacity : room->lengths_capacity;
    room->argc = batch_argv(batch, i, room->argv, room->lengths, room_for);
    if (room->argc > COMMIT_EFFECT_WORDS_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "more than %d words",
                         COMMIT_EFFECT_WORDS_MAX);
    if (room->argc > room_for) {
        if (!grow_words(room, room->argc))
            return out_of_memory(e);
        (void)batch_argv(batch, i, room->argv, room->lengths, room->argc);
    }
    return find_keys(room, e);
}

/* ---- types ---------------------------------------------------------------------------------- */

/* Names apart by one space. A key that is missing has every type. */
static const struct {
    const char *type, *commands;
} types[] = {
    {"hash", " HDEL HEXPIRE HEXPIREAT HGETDEL HGETEX HINCRBY HINCRBYFLOAT HMSET HPERSIST HPEXPIRE "
             "HPEXPIREAT HSET HSETEX HSETNX "},
    {"list", " LINSERT LMOVE LPOP LPUSH LPUSHX LREM LSET LTRIM RPOP RPOPLPUSH RPUSH RPUSHX "},
    {"set", " SADD SMOVE SPOP SREM "},
    {"stream", " XACK XADD XAUTOCLAIM XCLAIM XDEL XSETID XTRIM "},
    {"string", " APPEND BITFIELD DECR DECRBY GETDEL GETEX GETSET INCR INCRBY INCRBYFLOAT PFADD "
               "PFMERGE SETBIT SETRANGE "},
    {"zset", " GEOADD ZADD ZINCRBY ZPOPMAX ZPOPMIN ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK "
             "ZREMRANGEBYSCORE "},
};

static bool names(const char *commands, const struct command *c)
{
    const char *at = commands + 1;
    for (const char *end; (end = strchr(at, ' ')); at = end + 1)
        if ((size_t)(end - at) == c->name_length && memcmp(at, c->name, c->name_length) == 0)
            return true;
    return false;
}

const char *effect_type(const struct command *c)
{
    if (c->first_key != 1)
        return "";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (names(types[i].commands, c))
            return types[i].type;
    return "";
}
