/* INFO as servers write it, and what follows from two of them. */
#include "client/evidence.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One literal each: joined ones look like a forgotten comma in the lists below. */
#define RUN_LINE  "run_id:0123456789012345678901234567890123456789"
#define REPL_LINE "master_replid:abcdefabcdefabcdefabcdefabcdefabcdefabcd"
#define RUN       (&RUN_LINE[7])
#define REPL      (&REPL_LINE[14])

/* The lines that count, among others that servers have, as they stand there. */
static const char *const redis[] = {"# Server",
                                    "redis_version:7.0.15",
                                    RUN_LINE,
                                    "tcp_port:0",
                                    "server_time_usec:1700000000000000",
                                    "",
                                    "# Stats",
                                    "total_connections_received:3",
                                    "total_commands_processed:1234",
                                    "evicted_keys:17",
                                    "evicted_clients:99",
                                    "# Replication",
                                    "role:master",
                                    REPL_LINE,
                                    "master_replid2:0000000000000000000000000000000000000000",
                                    "# Commandstats",
                                    "cmdstat_get:calls=5,usec=10,usec_per_call=2.00",
                                    "cmdstat_flushall:calls=2,usec=1,rejected_calls=7",
                                    "cmdstat_flushdb:calls=3,usec=1",
                                    "cmdstat_swapdb:calls=4,usec=1",
                                    "cmdstat_debug:calls=5,usec=1",
                                    "cmdstat_config|resetstat:calls=6,usec=1",
                                    "cmdstat_config|get:calls=100,usec=1",
                                    NULL};
static const char *const valkey[] = {"# Server",
                                     "redis_version:7.2.4",
                                     "server_name:valkey",
                                     "valkey_version:8.0.1",
                                     RUN_LINE,
                                     "server_time_usec:1700000000000000",
                                     "# Stats",
                                     "total_commands_processed:1234",
                                     "evicted_keys:17",
                                     "evicted_scripts:1",
                                     "# Replication",
                                     "role:master",
                                     REPL_LINE,
                                     "# Commandstats",
                                     NULL};

/* The lines but those that begin with `without`, each ended by `ending`. */
static struct evidence read_lines(const char *const *lines, const char *without, const char *ending)
{
    char text[4096] = "";
    for (; *lines; lines++) {
        if (without && strncmp(*lines, without, strlen(without)) == 0)
            continue;
        size_t n = strlen(text);
        ck_assert_int_lt(snprintf(text + n, sizeof text - n, "%s%s", *lines, ending),
                         (int)(sizeof text - n));
    }
    struct vouch_reply r = {.type = VOUCH_TYPE_VERBATIM, .n = (uint32_t)strlen(text)};
    char *copy = malloc(r.n ? r.n : 1); /* so that a read beyond it is seen */
    memcpy(copy, text, r.n);
    r.as.text = copy;
    struct evidence e;
    memset(&e, 0xff, sizeof e);
    evidence_read(&e, &r);
    free(copy);
    return e;
}

START_TEST(what_servers_say_is_understood)
{
    static const char *const endings[] = {"\r\n", "\n"};
    for (size_t i = 0; i < 2; i++) {
        struct evidence r = read_lines(redis, NULL, endings[i]),
                        v = read_lines(valkey, NULL, endings[i]);
        ck_assert(r.known && v.known);
        ck_assert_str_eq(r.run_id, RUN);
        ck_assert_str_eq(r.replication_id, REPL);
        ck_assert_uint_eq(r.evicted, 17);
        ck_assert_uint_eq(r.commands, 1234);
        ck_assert_uint_eq(r.flushes, 2 + 3 + 4 + 5);
        ck_assert_uint_eq(r.resets, 6);
        ck_assert_int_eq(r.server_us, INT64_C(1700000000000000));
        ck_assert_uint_eq(v.flushes, 0);
        ck_assert_uint_eq(v.resets, 0);
        ck_assert_uint_eq(v.evicted, 17);
    }
}
END_TEST

START_TEST(a_missing_line_proves_nothing)
{
    static const char *const needed[] = {"run_id:", "master_replid:", "evicted_keys:",
                                         "total_commands_processed:", "server_time_usec:"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        ck_assert_msg(!read_lines(redis, needed[i], "\r\n").known, "without %s", needed[i]);
        ck_assert_msg(!read_lines(valkey, needed[i], "\r\n").known, "without %s", needed[i]);
    }
    ck_assert(read_lines(redis, "cmdstat_", "\r\n").known); /* none was called */
    ck_assert(read_lines(redis, "role", "\r\n").known);
    ck_assert(!read_lines(redis, "", "\r\n").known);
}
END_TEST

/* One line in place of that which begins so. */
static struct evidence with_line(const char *name, const char *line)
{
    const char *lines[64];
    size_t n = 0;
    for (; redis[n]; n++)
        lines[n] = strncmp(redis[n], name, strlen(name)) == 0 ? line : redis[n];
    lines[n] = NULL;
    return read_lines(lines, NULL, "\r\n");
}

START_TEST(nonsense_in_a_line_proves_nothing)
{
    static const char *const nonsense[][2] = {
        {"run_id:", "run_id:"},
        {"run_id:", "run_id:0123456789012345678901234567890123456789012345678"},
        {"master_replid:", "master_replid:"},
        {"evicted_keys:", "evicted_keys:"},
        {"evicted_keys:", "evicted_keys:-1"},
        {"evicted_keys:", "evicted_keys: 1"},
        {"evicted_keys:", "evicted_keys:99999999999999999999999"},
        {"total_commands_processed:", "total_commands_processed:many"},
        {"server_time_usec:", "server_time_usec:9223372036854775808"},
        {"server_time_usec:", " server_time_usec:1700000000000000"},
        {"server_time_usec:", "Server_Time_Usec:1700000000000000"},
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        ck_assert_msg(!with_line(nonsense[i][0], nonsense[i][1]).known, "%s", nonsense[i][1]);
}
END_TEST

START_TEST(what_is_no_text_proves_nothing)
{
    static const char words[] = "NOPERM no";
    struct evidence e;
    struct vouch_reply r = {.type = VOUCH_TYPE_ERROR, .n = sizeof words - 1, .as.text = words};
    evidence_read(&e, &r);
    ck_assert(!e.known);
    evidence_read(&e, NULL);
    ck_assert(!e.known);
    r = (struct vouch_reply){.type = VOUCH_TYPE_NIL};
    evidence_read(&e, &r);
    ck_assert(!e.known);
    r = (struct vouch_reply){.type = VOUCH_TYPE_STRING, .as.text = ""};
    evidence_read(&e, &r);
    ck_assert(!e.known);
}
END_TEST

/* Of any bytes, also cut anywhere: no read beyond their end, and no knowledge out of a part. */
START_TEST(garbage_is_read_safely)
{
    char text[] = RUN_LINE "\r\n" REPL_LINE "\r\nevicted_keys:1\r\n"
                           "total_commands_processed:2\r\nserver_time_usec:3\r\n";
    struct evidence e;
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, text, n);
        struct vouch_reply r = {.type = VOUCH_TYPE_STRING, .n = (uint32_t)n, .as.text = copy};
        evidence_read(&e, &r);
        ck_assert_int_eq(e.known, n >= sizeof text - 3); /* the last digit is there */
        for (size_t k = 0; k < n; k++)
            copy[k] = (char)(copy[k] * 31 + (char)k);
        evidence_read(&e, &r);
        ck_assert(!e.known);
        free(copy);
    }
}
END_TEST

/* ---- differences ---------------------------------------------------------------------------- */

#define SECOND INT64_C(1000000)

START_TEST(each_difference_speaks_against)
{
    const struct evidence before = read_lines(redis, "cmdstat_config|resetstat", "\r\n");
    struct evidence after = before;
    ck_assert_ptr_null(evidence_against(&before, &after, -1));
    ck_assert_ptr_null(evidence_against(&before, &after, 0));
    after.commands += 100;
    after.server_us += 5 * SECOND;
    ck_assert_ptr_null(evidence_against(&before, &after, -1));
    ck_assert_ptr_null(evidence_against(&before, &after, 10 * SECOND)); /* just half of it */
    ck_assert_ptr_nonnull(strstr(evidence_against(&before, &after, 10 * SECOND - 2), "clock"));
    after.server_us = before.server_us - 5 * SECOND; /* set back: it lives the longer */
    ck_assert_ptr_null(evidence_against(&before, &after, SECOND));

#define AGAINST(field, value, word)                                                                \
    do {                                                                                           \
        struct evidence other = before;                                                            \
        other.field = (value);                                                                     \
        const char *why = evidence_against(&before, &other, -1);                                   \
        ck_assert_msg(why &&strstr(why, (word)), "%s: %s", #field, why ? why : "nothing");         \
    } while (0)
    AGAINST(known, false, "INFO is not answered");
    AGAINST(run_id[5], 'x', "restarted");
    AGAINST(replication_id[39], 'x', "failover");
    AGAINST(evicted, before.evicted + 1, "evicted");
    AGAINST(evicted, before.evicted - 1, "evicted");
    AGAINST(flushes, before.flushes + 1, "flushed");
    AGAINST(commands, before.commands - 1, "counts were set back");
    AGAINST(resets, 1, "counts were set back");
    struct evidence unknown = before;
    unknown.known = false;
    ck_assert_ptr_nonnull(evidence_against(&unknown, &before, -1));
}
END_TEST

/* CONFIG RESETSTAT counts itself, once for any number of times: a server that was set back before may
 * have been again, and with it a flush forgotten, unless it has run too few commands for that. */
START_TEST(one_reset_may_hide_another)
{
    struct evidence before = read_lines(redis, NULL, "\r\n");
    before.commands = 10000000; /* takes any server a second */
    struct evidence after = before;
    after.server_us += SECOND / 2;
    ck_assert_ptr_null(evidence_against(&before, &after, -1));
    after.server_us = before.server_us + SECOND;
    ck_assert_ptr_nonnull(strstr(evidence_against(&before, &after, -1), "counts were set back"));
    after.server_us = before.server_us - 1; /* how long it was is not known */
    ck_assert_ptr_nonnull(strstr(evidence_against(&before, &after, -1), "counts were set back"));
    before.resets = after.resets = 0;
    ck_assert_ptr_null(evidence_against(&before, &after, -1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evidence");
    TCase *c = tcase_create("all");
    tcase_add_test(c, what_servers_say_is_understood);
    tcase_add_test(c, a_missing_line_proves_nothing);
    tcase_add_test(c, nonsense_in_a_line_proves_nothing);
    tcase_add_test(c, what_is_no_text_proves_nothing);
    tcase_add_test(c, garbage_is_read_safely);
    tcase_add_test(c, each_difference_speaks_against);
    tcase_add_test(c, one_reset_may_hide_another);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
