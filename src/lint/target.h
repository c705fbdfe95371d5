/* lint/target.h: the lines of servers that a source may be written for. Pure. */
#ifndef LINT_TARGET_H
#define LINT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

/* X(TARGET, name), in the order of their age. */
#define LINT_TARGET_MAP(X)                                                                         \
    X(REDIS_7_0, "redis-7.0")                                                                      \
    X(REDIS_7_2, "redis-7.2")                                                                      \
    X(REDIS_7_4, "redis-7.4")                                                                      \
    X(VALKEY_7_2, "valkey-7.2")                                                                    \
    X(VALKEY_8_0, "valkey-8.0")                                                                    \
    X(VALKEY_8_1, "valkey-8.1")                                                                    \
    X(REDIS_8_0, "redis-8.0")                                                                      \
    X(VALKEY_9_0, "valkey-9.0")                                                                    \
    X(VALKEY_9_1, "valkey-9.1")

enum lint_target_index {
#define LINT_X(target, name) LINT_TARGET_INDEX_##target,
    LINT_TARGET_MAP(LINT_X)
#undef LINT_X
        LINT_TARGETS
};

/* Bits, one a target. */
#define LINT_TARGET(target) ((uint32_t)1 << LINT_TARGET_INDEX_##target)
#define LINT_TARGET_ALL     (((uint32_t)1 << LINT_TARGETS) - 1)

/* The targets that a text names: "redis-7.0", "redis-7.4", "redis-8", "redis-8.x", "valkey-8" (all of 8), several
 * apart by commas. 0: it names none that is known; *at and *at_size are the word at fault, if they are not NULL. */
uint32_t lint_target_parse(const char *text, const char **at, size_t *at_size);

const char *lint_target_name(enum lint_target_index index);

/* Those that have a command, by the command table and, for the lines it does not know, what lies between. */
uint32_t lint_command_targets(const struct command *command);

#endif
