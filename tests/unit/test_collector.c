/* What a collector gathers, and when it has to go: without a client, and told the time. */
#include "collector/collector.h"
#include "pipeline/results.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000)

static struct gather g;
static vouch_error e;

static vouch_collector_options small(void)
{
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    o.max_commands = 5;
    o.max_age_ms = 100;
    return o;
}

static void begin(const vouch_collector_options *o)
{
    ck_assert_msg(gather_init(&g, o, &e) == VOUCH_OK, "%s", e.message);
}

static void add_many(size_t n, int64_t now)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(gather_room(&g, &e) == VOUCH_OK, "%s", e.message);
        ck_assert_uint_ne(vouch_batch_add(g.next->batch, "INCR", "k"), VOUCH_NO_COMMAND);
        bool due = gather_count(&g, NULL, NULL, now);
        ck_assert_int_eq(due, gather_is_due(&g, now) || gather_wants_look(&g, now));
    }
}

static void succeed(void)
{
    vouch_result v[16];
    struct vouch_results results = {.v = v, .count = g.flying->lead + g.flying->count};
    ck_assert_uint_le(results.count, 16);
    for (size_t i = 0; i < results.count; i++)
        v[i] = (vouch_result){.status = VOUCH_OK, .effect = VOUCH_APPLIED};
    (void)tell_results(&g, &results);
}

/* ---- thresholds ----------------------------------------------------------------------------- */

START_TEST(enough_commands_are_due)
{
    vouch_collector_options o = small();
    begin(&o);
    ck_assert(!gather_is_due(&g, 0) && gather_wake(&g) == GATHER_NEVER);
    add_many(4, 0);
    ck_assert(!gather_is_due(&g, 1));
    add_many(1, 0);
    ck_assert(gather_is_due(&g, 1));
    gather_free(&g);
}
END_TEST

START_TEST(enough_bytes_are_due)
{
    static const char one[] = "*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n";
    vouch_collector_options o = small();
    for (size_t lack = 0; lack < 2; lack++) {
        o.server_time = (uint32_t)_i; /* TIME is not counted */
        o.max_bytes = 3 * (sizeof one - 1) + lack;
        begin(&o);
        add_many(2, 0);
        ck_assert(!gather_is_due(&g, 1));
        add_many(1, 0);
        ck_assert_int_eq(gather_is_due(&g, 1), lack == 0);
        gather_free(&g);
    }
}
END_TEST

START_TEST(an_old_command_is_due)
{
    vouch_collector_options o = small();
    begin(&o);
    add_many(1, 7);
    add_many(1, 99 * MS); /* the age is the oldest one's */
    ck_assert_int_eq(gather_wake(&g), 7 + 100 * MS);
    ck_assert(!gather_is_due(&g, 6 + 100 * MS));
    ck_assert(gather_is_due(&g, 7 + 100 * MS));
    gather_launched(&g, 7 + 100 * MS);
    succeed();
    ck_assert_int_eq(gather_wake(&g), GATHER_NEVER);
    add_many(1, 300 * MS); /* and begins anew */
    ck_assert_int_eq(gather_wake(&g), 400 * MS);
    gather_free(&g);
}
END_TEST

START_TEST(without_an_age_nothing_grows_old)
{
    vouch_collector_options o = small();
    o.max_age_ms = VOUCH_NO_DEADLINE;
    begin(&o);
    add_many(4, 0);
    ck_assert(!gather_is_due(&g, INT64_MAX - 1) && gather_wake(&g) == GATHER_NEVER);
    add_many(1, 0);
    ck_assert(gather_is_due(&g, 1));
    gather_free(&g);
}
END_TEST

START_TEST(the_defaults_are_those_of_the_header)
{
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    begin(NULL);
    ck_assert_int_eq(g.max_age, 250 * MS);
    ck_assert_uint_eq(g.max_commands, 1000);
    ck_assert_uint_eq(g.max_bytes, (size_t)256 * 1024);
    ck_assert_uint_eq(g.max_held_commands, 65536);
    ck_assert_uint_eq(g.max_held_bytes, (size_t)16 * 1024 * 1024);
    gather_free(&g);
    o.max_commands = 100000;
    o.max_bytes = (size_t)100 * 1024 * 1024;
    begin(&o);
    ck_assert_uint_eq(g.max_held_commands, 100000);
    ck_assert_uint_eq(g.max_held_bytes, (size_t)100 * 1024 * 1024);
    gather_free(&g);
}
END_TEST

static const struct {
    vouch_collector_options o;
    const char *field; /* in the message; NULL: good */
} options[] = {
    {{.size = 0}, "size"},
    {{.max_age_ms = -2}, "max_age_ms"},
    {{.max_age_ms = -1}, NULL},
    {{.max_age_ms = VOUCH_COLLECTOR_MAX_AGE_MS}, NULL},
    {{.max_age_ms = VOUCH_COLLECTOR_MAX_AGE_MS + 1}, "max_age_ms"},
    {{.deadline_ms = -2}, "deadline_ms"},
    {{.deadline_ms = GATHER_DEADLINE_MAX_MS}, NULL},
    {{.deadline_ms = GATHER_DEADLINE_MAX_MS + 1}, "deadline_ms"},
    {{.max_held_commands = VOUCH_COLLECTOR_MAX_HELD}, NULL},
    {{.max_held_commands = VOUCH_COLLECTOR_MAX_HELD + 1}, "max_held_commands"},
    {{.max_commands = 7, .max_held_commands = 7}, NULL},
    {{.max_commands = 8, .max_held_commands = 7}, "max_held_commands"},
    {{.max_bytes = 7, .max_held_bytes = 7}, NULL},
    {{.max_bytes = 8, .max_held_bytes = 7}, "max_held_bytes"},
    {{.strict_order = 1, .reorder_ok = 1}, "strict_order"},
};

START_TEST(options_are_checked)
{
    vouch_collector_options o = options[_i].o;
    if (_i)
        o.size = sizeof o;
    ck_assert_int_eq(gather_init(&g, &o, &e), options[_i].field ? VOUCH_EINVAL : VOUCH_OK);
    if (options[_i].field)
        ck_assert_msg(strstr(e.message, options[_i].field) != NULL, "%s", e.message);
    gather_free(&g);
}
END_TEST

/* ---- what may be held ----------------------------------------------------------------------- */

START_TEST(no_more_is_held_than_may_be)
{
    vouch_collector_options o = small();
    o.max_held_commands = 6;
    begin(&o);
    add_many(4, 0);
    gather_launched(&g, 0);
    add_many(2, 0); /* what is under way counts */
    ck_assert_int_eq(gather_room(&g, &e), VOUCH_ELIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "max_held_commands"));
    ck_assert_uint_eq(gather_pending(&g), 6);
    succeed();
    add_many(4, 0);
    ck_assert_int_eq(gather_room(&g, &e), VOUCH_ELIMIT);
    gather_free(&g);
}
END_TEST

START_TEST(no_more_bytes_are_held_than_may_be)
{
    static const char one[] = "*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n";
    for (size_t more = 0; more < 2; more++) {
        vouch_collector_options o = small();
        o.max_bytes = 10;
        o.server_time = (uint32_t)_i;
        o.max_held_bytes = 2 * (sizeof one - 1) + more;
        begin(&o);
        add_many(1, 0);
        gather_launched(&g, 0);
        add_many(1, 0);
        ck_assert_int_eq(gather_room(&g, &e), more ? VOUCH_OK : VOUCH_ELIMIT);
        ck_assert(more || strstr(e.message, "max_held_bytes"));
        gather_free(&g);
    }
}
END_TEST

/* ---- one at a time -------------------------------------------------------------------------- */

START_TEST(one_flush_is_under_way_at_a_time)
{
    vouch_collector_options o = small();
    begin(&o);
    add_many(5, 0);
    gather_launched(&g, 10 * MS);
    add_many(9, 20 * MS);
    ck_assert(!gather_is_due(&g, 1000 * MS));
    succeed();
    ck_assert(gather_is_due(&g, 20 * MS)); /* all that came meanwhile is one flush */
    gather_launched(&g, 20 * MS);
    ck_assert_uint_eq(g.flying->count, 9);
    gather_free(&g);
}
END_TEST

START_TEST(a_flush_under_way_is_looked_at)
{
    vouch_collector_options o = small();
    begin(&o);
    add_many(5, 0);
    gather_launched(&g, 0);
    ck_assert_int_eq(gather_wake(&g), GATHER_LOOK_US);
    ck_assert(!gather_wants_look(&g, GATHER_LOOK_US - 1));
    ck_assert(gather_wants_look(&g, GATHER_LOOK_US));
    add_many(4, 0);
    ck_assert(!gather_wants_look(&g, 1));
    add_many(1, 0); /* as much again has been gathered */
    ck_assert(gather_wants_look(&g, 1));
    gather_looked(&g, 1);
    ck_assert(!gather_wants_look(&g, 2));
    ck_assert_int_eq(gather_wake(&g), 1 + GATHER_LOOK_US);
    succeed();
    ck_assert(!gather_wants_look(&g, GATHER_NEVER)); /* there is none */
    gather_free(&g);
}
END_TEST

START_TEST(a_flush_that_cannot_be_started_is_tried_again_later)
{
    vouch_collector_options o = small();
    begin(&o);
    add_many(5, 0);
    gather_refused(&g, 3);
    ck_assert(!gather_is_due(&g, 2 + GATHER_LOOK_US));
    ck_assert_int_eq(gather_wake(&g), 3 + GATHER_LOOK_US);
    ck_assert(gather_is_due(&g, 3 + GATHER_LOOK_US));
    ck_assert_uint_eq(g.next->count, 5);
    gather_free(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collector");
    TCase *c = tcase_create("all");
    tcase_add_test(c, enough_commands_are_due);
    tcase_add_loop_test(c, enough_bytes_are_due, 0, 2);
    tcase_add_test(c, an_old_command_is_due);
    tcase_add_test(c, without_an_age_nothing_grows_old);
    tcase_add_test(c, the_defaults_are_those_of_the_header);
    tcase_add_loop_test(c, options_are_checked, 0, (int)(sizeof options / sizeof *options));
    tcase_add_test(c, no_more_is_held_than_may_be);
    tcase_add_loop_test(c, no_more_bytes_are_held_than_may_be, 0, 2);
    tcase_add_test(c, one_flush_is_under_way_at_a_time);
    tcase_add_test(c, a_flush_under_way_is_looked_at);
    tcase_add_test(c, a_flush_that_cannot_be_started_is_tried_again_later);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
