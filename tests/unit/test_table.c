/*
 * command/table: every command is found by its own name and by no other, and what the rules build on
 * is said of the commands it must be said of.
 */
#include "command/table.h"
#include "suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* A word in memory of its own, so that a sanitizer sees a read beyond it. */
static char *copy_of(const char *word, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, word, n);
    return copy;
}

static const struct command *find_words(const char *name, size_t n, const char *sub, size_t sub_n)
{
    char *one = copy_of(name, n);
    char *two = sub != NULL ? copy_of(sub, sub_n) : NULL;
    const struct command *found = command_find(one, n, two, sub_n);
    free(one);
    free(two);
    return found;
}

/* "CLIENT KILL" by its two words, "GET" by its one. */
static const struct command *find(const char *name)
{
    const char *space = strchr(name, ' ');
    if (space == NULL)
        return find_words(name, strlen(name), NULL, 0);
    return find_words(name, (size_t)(space - name), space + 1, strlen(space + 1));
}

static char other_case(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Lookup */

START_TEST(every_entry_is_found_by_its_name_in_any_case)
{
    size_t count = 0;
    for (const struct command *c; (c = command_at(count)) != NULL; count++) {
        ck_assert_uint_eq(strlen(c->name), c->name_length);
        ck_assert_ptr_eq(find(c->name), c);
        char name[COMMAND_NAME_ROOM] = {0};
        for (size_t i = 0; i < c->name_length; i++)
            name[i] = other_case(c->name[i]);
        ck_assert_ptr_eq(find(name), c);
        for (size_t i = 0; i < c->name_length; i += 2)
            name[i] = c->name[i];
        ck_assert_ptr_eq(find(name), c);
    }
    ck_assert_uint_gt(count, 400);
}
END_TEST

START_TEST(entries_are_in_the_order_of_their_names)
{
    for (size_t i = 1; command_at(i) != NULL; i++)
        ck_assert_int_lt(strcmp(command_at(i - 1)->name, command_at(i)->name), 0);
}
END_TEST

/* Is this text, without regard to case, the name of the entry? Its second word only counts if the
 * first is a container's. */
static bool is_name(const struct command *c, const char *text)
{
    size_t i = 0;
    while (i < c->name_length && (text[i] == c->name[i] || other_case(text[i]) == c->name[i]))
        i++;
    return i == c->name_length && (text[i] == '\0' || text[i] == ' ');
}

START_TEST(a_name_with_any_byte_changed_is_not_that_name)
{
    for (size_t n = 0; command_at(n) != NULL; n++) {
        const struct command *c = command_at(n);
        char name[COMMAND_NAME_ROOM];
        memcpy(name, c->name, sizeof name);
        for (size_t at = 0; at < c->name_length; at++) {
            if (c->name[at] == ' ')
                continue;
            for (int byte = 1; byte < 256; byte++) {
                name[at] = (char)byte;
                const struct command *found = byte != ' ' ? find(name) : NULL;
                if (found != NULL)
                    ck_assert_msg(is_name(found, name), "%s byte %d", c->name, byte);
            }
            name[at] = c->name[at];
        }
    }
}
END_TEST

START_TEST(names_cut_short_or_prolonged_are_other_names)
{
    for (size_t n = 0; command_at(n) != NULL; n++) {
        const struct command *c = command_at(n);
        char name[COMMAND_NAME_ROOM + 1] = {0};
        memcpy(name, c->name, c->name_length);
        name[c->name_length] = 'X';
        const struct command *longer = find(name);
        ck_assert(longer == NULL || is_name(longer, name));
        name[c->name_length - 1u] = '\0';
        name[c->name_length] = '\0';
        const struct command *shorter = find(name);
        ck_assert(shorter == NULL || is_name(shorter, name));
    }
}
END_TEST

static const struct {
    const char *text;
    size_t length;
} strangers[] = {
    {"", 0},
    {"G", 1},
    {"GE", 2},
    {"GETT", 4},
    {" GET", 4},
    {"GET ", 4},
    {"GET\0", 4},
    {"\0GET", 4},
    {"GET\r\n", 5},
    {"SETS", 4},
    {"ETS", 3},
    {"G\0T", 3},
    {"\0\0\0", 3},
    {"    ", 4},
    {"        ", 8},
    {"GETGET", 6},
    {"SETNXX", 6},
    {"EVAL RO", 7},
    {"EVAL\177RO", 7},
    {"HOST\032", 5},
    {"KILL", 4},
    {"ENCODING", 8},
    {"CLIENT KILL", 11},
    {"client|kill", 11},
    {"GEORADIUSBYMEMBERX", 18},
    {"GEORADIUSXXXXXXER_RO", 20},
    {"ZREVRANGEBYSCORE\0", 17},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 43},
};

START_TEST(what_is_no_command_is_not_found)
{
    ck_assert_ptr_null(find_words(strangers[_i].text, strangers[_i].length, NULL, 0));
}
END_TEST

START_TEST(a_very_long_word_is_not_looked_at)
{
    ck_assert_ptr_null(command_find("GET", SIZE_MAX, NULL, 0));
    ck_assert_ptr_null(command_find("GET", (size_t)1 << 32 | 3, NULL, 0));
    ck_assert_ptr_null(command_find("GET", 256 + 3, NULL, 0));
    ck_assert_ptr_null(command_find(NULL, 0, NULL, 0));
    ck_assert_ptr_null(command_find("CLIENT", 6, "ID", 256 + 2));
}
END_TEST

START_TEST(only_containers_look_at_the_second_word)
{
    ck_assert_ptr_eq(find_words("GET", 3, "KILL", 4), find("GET"));
    ck_assert_ptr_eq(find_words("SET", 3, "", 0), find("SET"));
    ck_assert_str_eq(find_words("client", 6, "kill", 4)->name, "CLIENT KILL");
    ck_assert_str_eq(find_words("CLIENT", 6, NULL, 0)->name, "CLIENT");
    ck_assert(find("CLIENT")->flags & COMMAND_CONTAINER);
    ck_assert_ptr_null(find_words("CLIENT", 6, "NOSUCH", 6));
    ck_assert_ptr_null(find_words("CLIENT", 6, "", 0));
    ck_assert_ptr_null(find_words("CLIENT", 6, "ENCODING", 8));
    ck_assert_ptr_null(find_words("CLIENT", 6, "NO\rEVICT", 8));
    ck_assert_ptr_ne(find("SLOWLOG GET"), find("GET"));
    ck_assert_ptr_ne(find("SLOWLOG GET"), find("CONFIG GET"));
    ck_assert_ptr_ne(find("XGROUP HELP"), find("XINFO HELP"));
}
END_TEST

START_TEST(a_word_is_found_in_its_own_container_alone)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const char *space = strchr(command_at(i)->name, ' ');
        const char *word = space != NULL ? space + 1 : command_at(i)->name;
        const struct command *alone = find(word);
        ck_assert(alone == NULL || strcmp(alone->name, word) == 0);
        for (size_t j = 0; command_at(j) != NULL; j++) {
            const struct command *container = command_at(j);
            if (!(container->flags & COMMAND_CONTAINER))
                continue;
            char name[2 * COMMAND_NAME_ROOM];
            snprintf(name, sizeof name, "%s %s", container->name, word);
            const struct command *found = find(name);
            ck_assert(found == NULL || strcmp(found->name, name) == 0);
        }
    }
}
END_TEST

/* Flags */

struct expected {
    const char *names; /* apart by commas */
    uint32_t set;      /* all of these flags */
    uint32_t clear;    /* none of these */
};

#define STATEFUL (COMMAND_FORBIDDEN | COMMAND_CHANGES_CONNECTION)

static const struct expected flags[] = {
    {"AUTH,HELLO,SELECT,MULTI,EXEC,DISCARD,WATCH,UNWATCH,MONITOR,RESET,QUIT,SYNC,PSYNC,REPLCONF",
     STATEFUL, COMMAND_READONLY},
    {"READONLY,READWRITE,ASKING,SCRIPT DEBUG,CLUSTER SYNCSLOTS", STATEFUL, COMMAND_READONLY},
    {"SUBSCRIBE,PSUBSCRIBE,SSUBSCRIBE,UNSUBSCRIBE,PUNSUBSCRIBE,SUNSUBSCRIBE",
     STATEFUL | COMMAND_PUBSUB, COMMAND_READONLY},
    {"CLIENT REPLY,CLIENT TRACKING,CLIENT CACHING,CLIENT SETNAME,CLIENT SETINFO", STATEFUL,
     COMMAND_READONLY},
    {"CLIENT NO-EVICT,CLIENT NO-TOUCH,CLIENT CAPA,CLIENT IMPORT-SOURCE", STATEFUL,
     COMMAND_READONLY},
    {"CLIENT KILL,SHUTDOWN,POST,HOST:", COMMAND_FORBIDDEN,
     COMMAND_CHANGES_CONNECTION | COMMAND_READONLY},
    {"CLIENT PAUSE,CLIENT UNPAUSE,CLIENT UNBLOCK,FAILOVER,REPLICAOF,SLAVEOF,CONFIG SET,FLUSHALL", 0,
     STATEFUL | COMMAND_READONLY | COMMAND_MAY_HALF_APPLY},
    {"EVAL,EVALSHA,FCALL", COMMAND_SCRIPT | COMMAND_MAY_HALF_APPLY | COMMAND_KEYS_OPTIONAL,
     COMMAND_READONLY | COMMAND_FORBIDDEN},
    {"EVAL_RO,EVALSHA_RO,FCALL_RO", COMMAND_SCRIPT | COMMAND_READONLY | COMMAND_KEYS_OPTIONAL,
     COMMAND_WRITE | COMMAND_FORBIDDEN},
    {"MIGRATE,DEBUG,PFDEBUG,MODULE LOAD", COMMAND_MAY_HALF_APPLY,
     COMMAND_READONLY | COMMAND_FORBIDDEN},
    {"VADD,VREM,VSETATTR", COMMAND_MODULE | COMMAND_MAY_HALF_APPLY, COMMAND_READONLY},
    {"VSIM,VCARD", COMMAND_MODULE | COMMAND_READONLY, COMMAND_MAY_HALF_APPLY},
    {"BLPOP,BRPOP,BLMOVE,BRPOPLPUSH,BLMPOP,BZPOPMIN,BZPOPMAX,BZMPOP,XREADGROUP",
     COMMAND_BLOCKING | COMMAND_WRITE, COMMAND_READONLY},
    {"XREAD", COMMAND_BLOCKING | COMMAND_READONLY, COMMAND_WRITE},
    {"WAIT,WAITAOF", COMMAND_BLOCKING, COMMAND_READONLY | COMMAND_WRITE | COMMAND_FORBIDDEN},
    {"GET,MGET,HGETALL,SCAN,SSCAN,HSCAN,ZSCAN,SORT_RO,TOUCH,RANDOMKEY,PFCOUNT,XRANGE,XPENDING,DUMP",
     COMMAND_READONLY, COMMAND_WRITE | COMMAND_MAY_HALF_APPLY | COMMAND_FORBIDDEN},
    {"PING,ECHO,TIME,DBSIZE,LASTSAVE,INFO,ROLE,COMMAND,COMMAND DOCS,COMMAND GETKEYS",
     COMMAND_READONLY, COMMAND_WRITE | COMMAND_FORBIDDEN},
    {"OBJECT ENCODING,OBJECT FREQ,OBJECT HELP,CLIENT ID,CLIENT INFO,CLIENT GETNAME,CLIENT LIST",
     COMMAND_READONLY, COMMAND_WRITE | COMMAND_FORBIDDEN},
    {"XINFO STREAM,XINFO GROUPS,SCRIPT EXISTS,FUNCTION LIST,CONFIG GET,CLUSTER SLOTS,SLOWLOG GET",
     COMMAND_READONLY, COMMAND_WRITE | COMMAND_FORBIDDEN},
    {"SET,DEL,INCR,GETEX,GETDEL,GETSET,SORT,EXPIRE,XADD,XACK,XCLAIM,XAUTOCLAIM,SPOP,GEORADIUS",
     COMMAND_WRITE, COMMAND_READONLY | COMMAND_MAY_HALF_APPLY | COMMAND_FORBIDDEN},
    {"PUBLISH,SPUBLISH", COMMAND_PUBSUB, COMMAND_READONLY | COMMAND_FORBIDDEN},
    {"ACL LOG,CONFIG RESETSTAT,SLOWLOG RESET,LATENCY RESET,SCRIPT LOAD,FUNCTION LOAD", 0,
     COMMAND_READONLY | COMMAND_FORBIDDEN},
    {"SORT,MIGRATE,GEORADIUS,GEORADIUSBYMEMBER", COMMAND_KEYS_BY_HAND | COMMAND_MOVABLE_KEYS, 0},
    {"ZUNION,ZUNIONSTORE,XREAD,LMPOP,SINTERCARD,EVAL", COMMAND_MOVABLE_KEYS, COMMAND_KEYS_BY_HAND},
    {"CLIENT,CONFIG,OBJECT,XGROUP,XINFO,SCRIPT,FUNCTION,CLUSTER,ACL,MEMORY", COMMAND_CONTAINER,
     COMMAND_FORBIDDEN},
    {"SAVE,SHUTDOWN,SYNC,PSYNC", COMMAND_NO_MULTI, 0},
    {"SET,LPUSH,ZADD,XADD", COMMAND_DENYOOM, COMMAND_NO_MULTI},
    {"EVAL,SUBSCRIBE,MULTI,AUTH", COMMAND_NOSCRIPT, 0},
};

START_TEST(commands_have_the_flags_the_rules_build_on)
{
    for (const char *rest = flags[_i].names; *rest != '\0'; rest += *rest == ',') {
        size_t n = strcspn(rest, ",");
        char name[COMMAND_NAME_ROOM] = {0};
        ck_assert_uint_lt(n, sizeof name);
        memcpy(name, rest, n);
        rest += n;
        const struct command *c = find(name);
        ck_assert_msg(c != NULL, "%s is not in the table", name);
        ck_assert_msg((c->flags & flags[_i].set) == flags[_i].set, "%s lacks a flag", name);
        ck_assert_msg((c->flags & flags[_i].clear) == 0, "%s has a flag too many", name);
    }
}
END_TEST

START_TEST(what_is_refused_says_why_and_nothing_else_does)
{
    size_t forbidden = 0;
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = command_at(i);
        const char *reason = command_forbidden_reason(c);
        ck_assert_msg(((c->flags & COMMAND_FORBIDDEN) != 0) == (reason != NULL), "%s", c->name);
        if (c->flags & COMMAND_CHANGES_CONNECTION)
            ck_assert_msg(c->flags & COMMAND_FORBIDDEN, "%s", c->name);
        forbidden += reason != NULL;
    }
    ck_assert_uint_eq(forbidden, 38);
    ck_assert_ptr_nonnull(strstr(command_forbidden_reason(find("SELECT")), "database"));
    ck_assert_ptr_nonnull(strstr(command_forbidden_reason(find("EXEC")), "run a transaction"));
    ck_assert_ptr_nonnull(strstr(command_forbidden_reason(find("CLIENT REPLY")), "desyncs"));
    ck_assert_ptr_nonnull(strstr(command_forbidden_reason(find("POST")), "HTTP"));
}
END_TEST

START_TEST(flags_do_not_contradict_each_other)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = command_at(i);
        uint32_t never = COMMAND_WRITE | COMMAND_FORBIDDEN;
        if (c->flags & COMMAND_READONLY)
            ck_assert_msg(!(c->flags & never), "%s", c->name);
        ck_assert_msg(!(c->flags & COMMAND_CONTAINER) == !c->container, "%s", c->name);
        ck_assert_msg(!(c->flags & COMMAND_CONTAINER) || c->spec_count == 0, "%s", c->name);
        ck_assert_msg(c->arity != 0 && (c->servers != 0 || c->flags & COMMAND_FORBIDDEN), "%s",
                      c->name);
        ck_assert_msg(c->first_key == 0 || c->spec_count > 0, "%s", c->name);
    }
}
END_TEST

/* Arity and servers */

static const struct {
    const char *name;
    int arity;
    unsigned servers;
} facts[] = {
    {"GET", 2, SERVER_ALL},
    {"SET", -3, SERVER_ALL},
    {"MSET", -3, SERVER_ALL},
    {"PING", -1, SERVER_ALL},
    {"XREADGROUP", -7, SERVER_ALL},
    {"XGROUP CREATE", -5, SERVER_ALL},
    {"ZRANK", -3, SERVER_ALL},        /* 3 in Redis 7.0 */
    {"SCRIPT DEBUG", -3, SERVER_ALL}, /* 3 except in Valkey 9.1 */
    {"WAITAOF", 4, SERVER_ALL & ~SERVER_REDIS_7_0},
    {"HSETEX", -6, SERVER_REDIS_8_0 | SERVER_VALKEY_9_1},
    {"VADD", -1, SERVER_REDIS_8_0},
    {"COMMANDLOG GET", 4, SERVER_VALKEY_8_1 | SERVER_VALKEY_9_1},
    {"DELIFEQ", 3, SERVER_VALKEY_9_1},
    {"HOST:", -1, 0},
};

START_TEST(arities_are_the_widest_and_servers_are_those_that_know_it)
{
    const struct command *c = find(facts[_i].name);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(c->arity, facts[_i].arity);
    ck_assert_uint_eq(c->servers, facts[_i].servers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *lookup = tcase_create("lookup");
    tcase_set_timeout(lookup, 60);
    tcase_add_test(lookup, every_entry_is_found_by_its_name_in_any_case);
    tcase_add_test(lookup, entries_are_in_the_order_of_their_names);
    tcase_add_test(lookup, a_name_with_any_byte_changed_is_not_that_name);
    tcase_add_test(lookup, names_cut_short_or_prolonged_are_other_names);
    tcase_add_loop_test(lookup, what_is_no_command_is_not_found, 0, COUNT(strangers));
    tcase_add_test(lookup, a_very_long_word_is_not_looked_at);
    tcase_add_test(lookup, only_containers_look_at_the_second_word);
    tcase_add_test(lookup, a_word_is_found_in_its_own_container_alone);
    suite_add_tcase(suite, lookup);

    TCase *data = tcase_create("data");
    tcase_add_loop_test(data, commands_have_the_flags_the_rules_build_on, 0, COUNT(flags));
    tcase_add_test(data, what_is_refused_says_why_and_nothing_else_does);
    tcase_add_test(data, flags_do_not_contradict_each_other);
    tcase_add_loop_test(data, arities_are_the_widest_and_servers_are_those_that_know_it, 0,
                        COUNT(facts));
    suite_add_tcase(suite, data);

    return suite_run(suite, CK_FORK_GETENV);
}
