/* Lines of servers. The command table knows five of them; what the others have lies between, or is listed here. */
#include "lint/target.h"

#include "command/table.h"

#include <string.h>

static const char *const names[] = {
#define LINT_X(target, name) name,
    LINT_TARGET_MAP(LINT_X)
#undef LINT_X
};

const char *lint_target_name(enum lint_target_index index)
{
    return index < LINT_TARGETS ? names[index] : "?";
}

static bool begins(const char *name, const char *word, size_t size)
{
    return strlen(name) >= size && memcmp(name, word, size) == 0;
}

/* "redis-7.0", or "redis-7" and "redis-7.x": all of 7. */
static uint32_t targets_of(const char *word, size_t size)
{
    uint32_t targets = 0;
    if (size > 2 && memcmp(word + size - 2, ".x", 2) == 0 && !memchr(word, '.', size - 2))
        size -= 2;
    for (size_t i = 0; i < LINT_TARGETS; i++)
        if (size > 0 && begins(names[i], word, size) &&
            (names[i][size] == 0 || (names[i][size] == '.' && !memchr(word, '.', size))))
            targets |= (uint32_t)1 << i;
    return targets;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

uint32_t lint_target_parse(const char *text, const char **at, size_t *at_size)
{
    uint32_t all = 0;
    for (const char *word = text;;) {
        size_t room = strcspn(word, ","), size = room;
        const char *begin = word;
        for (; size > 0 && is_space(*begin); begin++)
            size--;
        while (size > 0 && is_space(begin[size - 1]))
            size--;
        uint32_t targets = targets_of(begin, size);
        if (targets == 0) {
            if (at)
                *at = begin;
            if (at_size)
                *at_size = size;
            return 0;
        }
        all |= targets;
        if (word[room] == 0)
            return all;
        word += room + 1;
    }
}

enum {
    REDIS_72 = LINT_TARGET(REDIS_7_2),
    REDIS_74 = LINT_TARGET(REDIS_7_4),
    VALKEY_72 = LINT_TARGET(VALKEY_7_2),
    VALKEY_90 = LINT_TARGET(VALKEY_9_0)
};

/* Commands that came with a line which the table does not know. */
static const struct {
    const char *name;
    uint32_t targets;
} between[] = {
    {"CLIENT NO-TOUCH", REDIS_72 | REDIS_74 | VALKEY_72},
    {"CLIENT SETINFO", REDIS_72 | REDIS_74 | VALKEY_72},
    {"CLUSTER MYSHARDID", REDIS_72 | REDIS_74 | VALKEY_72},
    {"WAITAOF", REDIS_72 | REDIS_74 | VALKEY_72},
    {"CLUSTER CANCELSLOTMIGRATIONS", VALKEY_90},
    {"CLUSTER FLUSHSLOT", VALKEY_90},
    {"CLUSTER GETSLOTMIGRATIONS", VALKEY_90},
    {"CLUSTER MIGRATESLOTS", VALKEY_90},
    {"CLUSTER SYNCSLOTS", VALKEY_90},
    {"HEXPIRE", REDIS_74 | VALKEY_90},
    {"HEXPIREAT", REDIS_74 | VALKEY_90},
    {"HEXPIRETIME", REDIS_74 | VALKEY_90},
    {"HPERSIST", REDIS_74 | VALKEY_90},
    {"HPEXPIRE", REDIS_74 | VALKEY_90},
    {"HPEXPIREAT", REDIS_74 | VALKEY_90},
    {"HPEXPIRETIME", REDIS_74 | VALKEY_90},
    {"HPTTL", REDIS_74 | VALKEY_90},
    {"HTTL", REDIS_74 | VALKEY_90},
    {"HGETEX", VALKEY_90},
    {"HSETEX", VALKEY_90},
    {"DELIFEQ", VALKEY_90},
};

static const struct {
    uint32_t server, target;
} known[] = {
    {SERVER_REDIS_7_0, LINT_TARGET(REDIS_7_0)},   {SERVER_REDIS_8_0, LINT_TARGET(REDIS_8_0)},
    {SERVER_VALKEY_8_0, LINT_TARGET(VALKEY_8_0)}, {SERVER_VALKEY_8_1, LINT_TARGET(VALKEY_8_1)},
    {SERVER_VALKEY_9_1, LINT_TARGET(VALKEY_9_1)},
};

uint32_t lint_command_targets(const struct command *command)
{
    uint32_t servers = command->servers, targets = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (servers & known[i].server)
            targets |= known[i].target;
    /* Nothing that the oldest and the newest have was missing between them. */
    if (servers & SERVER_REDIS_7_0 && servers & SERVER_REDIS_8_0)
        targets |= REDIS_72 | REDIS_74;
    if (servers & SERVER_REDIS_7_0 && servers & SERVER_VALKEY_8_0)
        targets |= VALKEY_72;
    if (servers & SERVER_VALKEY_8_1 && servers & SERVER_VALKEY_9_1)
        targets |= VALKEY_90;
    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++)
        if (strcmp(between[i].name, command->name) == 0)
            targets |= between[i].targets;
    return targets;
}
