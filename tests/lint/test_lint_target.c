/* Lines of servers: their names, and which of them have a command. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "command/table.h"
#include "lint/target.h"

#define T(name) LINT_TARGET(name)

static const uint32_t redis_7 = T(REDIS_7_0) | T(REDIS_7_2) | T(REDIS_7_4);
static const uint32_t valkey_8 = T(VALKEY_8_0) | T(VALKEY_8_1);
static const uint32_t valkey_9 = T(VALKEY_9_0) | T(VALKEY_9_1);

START_TEST(names_that_are_known)
{
    const struct {
        const char *text;
        uint32_t targets;
    } good[] = {
        {"redis-7.0", T(REDIS_7_0)},
        {"redis-7.4", T(REDIS_7_4)},
        {"redis-7", redis_7},
        {"redis-7.x", redis_7},
        {"redis-8", T(REDIS_8_0)},
        {"redis-8.x", T(REDIS_8_0)},
        {"valkey-7.2", T(VALKEY_7_2)},
        {"valkey-8", valkey_8},
        {"valkey-9.x", valkey_9},
        {"valkey-9.1", T(VALKEY_9_1)},
        {"redis-7.0,valkey-8.1", T(REDIS_7_0) | T(VALKEY_8_1)},
        {" redis-7.2 ,\tvalkey-9 ", T(REDIS_7_2) | valkey_9},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(lint_target_parse(good[i].text, NULL, NULL) == good[i].targets, "%s",
                      good[i].text);
    for (int i = 0; i < LINT_TARGETS; i++)
        ck_assert(lint_target_parse(lint_target_name((enum lint_target_index)i), NULL, NULL) ==
                  (uint32_t)1 << i);
}
END_TEST

START_TEST(names_that_are_not)
{
    static const struct {
        const char *text, *at;
    } bad[] = {
        {"", ""},
        {"redis-6.2", "redis-6.2"},
        {"redis-7.1", "redis-7.1"},
        {"redis-7.", "redis-7."},
        {"redis-", "redis-"},
        {"redis-7.0.1", "redis-7.0.1"},
        {"Redis-7.0", "Redis-7.0"},
        {"redi", "redi"},
        {"redis", "redis"},
        {".x", ".x"},
        {"valkey-8.x.x", "valkey-8.x.x"},
        {"redis-7.0.x", "redis-7.0.x"},
        {"redis-7.0,", ""},
        {"redis-7.0,,valkey-8", ""},
        {"redis-7.0, keydb ", "keydb"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *at = NULL;
        size_t size = 0;
        ck_assert_msg(lint_target_parse(bad[i].text, &at, &size) == 0, "%s", bad[i].text);
        ck_assert_msg(size == strlen(bad[i].at) && memcmp(at, bad[i].at, size) == 0, "%s: %.*s",
                      bad[i].text, (int)size, at);
    }
}
END_TEST

static uint32_t targets_of(const char *name, const char *sub)
{
    const struct command *command = command_find(name, strlen(name), sub, sub ? strlen(sub) : 0);
    ck_assert_ptr_nonnull(command);
    return lint_command_targets(command);
}

START_TEST(commands_of_lines)
{
    const uint32_t since_72 = (uint32_t)LINT_TARGET_ALL & ~(uint32_t)T(REDIS_7_0);
    ck_assert_uint_eq(targets_of("GET", NULL), LINT_TARGET_ALL);
    ck_assert_uint_eq(targets_of("XADD", NULL), LINT_TARGET_ALL);
    ck_assert_uint_eq(targets_of("WAITAOF", NULL), since_72);
    ck_assert_uint_eq(targets_of("CLIENT", "SETINFO"), since_72);
    ck_assert_uint_eq(targets_of("HEXPIRE", NULL), T(REDIS_7_4) | T(REDIS_8_0) | valkey_9);
    ck_assert_uint_eq(targets_of("HSETEX", NULL), T(REDIS_8_0) | valkey_9);
    ck_assert_uint_eq(targets_of("HGETDEL", NULL), T(REDIS_8_0) | T(VALKEY_9_1));
    ck_assert_uint_eq(targets_of("DELIFEQ", NULL), valkey_9);
    ck_assert_uint_eq(targets_of("MSETEX", NULL), T(VALKEY_9_1));
    ck_assert_uint_eq(targets_of("SCRIPT", "SHOW"), valkey_8 | valkey_9);
    ck_assert_uint_eq(targets_of("COMMANDLOG", "LEN"), T(VALKEY_8_1) | valkey_9);
    ck_assert_uint_eq(targets_of("VADD", NULL), T(REDIS_8_0));
}
END_TEST

/* What the oldest line has nobody lacks later: so no line between may lack it. */
START_TEST(no_holes)
{
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)); i++) {
        uint32_t targets = lint_command_targets(command);
        ck_assert_msg((targets == 0) == (command->servers == 0), "%s", command->name);
        if (targets & T(REDIS_7_0))
            ck_assert_msg(targets == LINT_TARGET_ALL, "%s", command->name);
        if (targets & T(REDIS_7_2))
            ck_assert_msg(targets & T(REDIS_7_4) && targets & T(REDIS_8_0), "%s", command->name);
        if (targets & T(REDIS_7_4))
            ck_assert_msg(targets & T(REDIS_8_0), "%s", command->name);
        if (targets & T(VALKEY_8_0))
            ck_assert_msg((targets & valkey_9) == valkey_9, "%s", command->name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_target");
    TCase *t = tcase_create("target");
    tcase_add_test(t, names_that_are_known);
    tcase_add_test(t, names_that_are_not);
    tcase_add_test(t, commands_of_lines);
    tcase_add_test(t, no_holes);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
