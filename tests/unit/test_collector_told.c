/* Who is told what by a collector, and what is said of the whole: holds, outcomes, the server's time.
 * Without a client. */
#include "collector/collector.h"
#include "command/reply.h"
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

/* ---- who is told ---------------------------------------------------------------------------- */

struct ear {
    unsigned calls;
    vouch_result last;
    int64_t server_us;
    unsigned *order; /* counts the calls of all */
    unsigned place;
};

static void hear(const vouch_result *result, int64_t server_us, void *user)
{
    struct ear *ear = user;
    ear->calls++;
    ear->last = *result;
    ear->server_us = server_us;
    if (ear->order)
        ear->place = (*ear->order)++;
}

static void add(vouch_collected callback, void *user, int64_t now)
{
    ck_assert_msg(gather_room(&g, &e) == VOUCH_OK, "%s", e.message);
    ck_assert_uint_ne(vouch_batch_add(g.next->batch, "INCR", "k"), VOUCH_NO_COMMAND);
    gather_count(&g, callback, user, now);
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

/* ---- telling -------------------------------------------------------------------------------- */

START_TEST(everybody_is_told_once_and_in_order)
{
    vouch_collector_options o = small();
    struct ear ears[5] = {{0}};
    vouch_result v[6] = {{0}};
    struct vouch_results results = {.v = v, .count = 5 + (size_t)_i};
    unsigned order = 0;
    o.server_time = (uint32_t)_i;
    begin(&o);
    for (unsigned i = 0; i < 5; i++) {
        ears[i].order = &order;
        add(i == 3 ? NULL : hear, &ears[i], 0); /* nobody wants to know of one */
        v[(unsigned)_i + i].attempts = (uint16_t)(100 + i);
    }
    gather_launched(&g, 0);
    struct told told = tell_results(&g, &results);
    ck_assert_uint_eq(told.commands, 5);
    ck_assert_uint_eq(g.flying->count, 0);
    ck_assert(!g.in_flight);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(ears[i].calls, i != 3);
        ck_assert(i == 3 || ears[i].last.attempts == 100 + i);
        ck_assert(i == 3 || ears[i].place == i - (i > 3));
    }
    gather_free(&g);
}
END_TEST

static void add_another(const vouch_result *result, int64_t server_us, void *user)
{
    (void)result;
    (void)server_us;
    add(hear, user, 5 * MS);
}

START_TEST(what_a_callback_adds_belongs_to_the_next_flush)
{
    vouch_collector_options o = small();
    struct ear ear = {0};
    begin(&o);
    for (int i = 0; i < 5; i++)
        add(add_another, &ear, 0);
    gather_launched(&g, 0);
    if (_i)
        succeed();
    else
        tell_unsent(&g, VOUCH_CAUSE_CANCELLED);
    ck_assert_uint_eq(g.next->count, 5);
    ck_assert_int_eq(g.next->since, 5 * MS);
    ck_assert_uint_eq(ear.calls, 0);
    gather_turn(&g);
    tell_unsent(&g, VOUCH_CAUSE_ORDER);
    ck_assert_uint_eq(ear.calls, 5);
    ck_assert_int_eq(ear.last.status, VOUCH_ENOTSENT);
    ck_assert_int_eq(ear.last.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(ear.last.cause, VOUCH_CAUSE_ORDER);
    ck_assert_uint_eq(gather_pending(&g), 0);
    gather_free(&g);
}
END_TEST

/* ---- the server's time ---------------------------------------------------------------------- */

#define TEXT(s)                                                                                    \
    {                                                                                              \
        VOUCH_TYPE_STRING, {0}, sizeof(s) - 1,                                                     \
        {                                                                                          \
            .text = (s)                                                                            \
        }                                                                                          \
    }

static const struct {
    vouch_reply parts[2];
    uint32_t n;
    vouch_status status;
    int64_t us;
} times[] = {
    {{TEXT("1700000000"), TEXT("123456")}, 2, VOUCH_OK, INT64_C(1700000000123456)},
    {{TEXT("0"), TEXT("0")}, 2, VOUCH_OK, 0},
    {{TEXT("1700000000"), TEXT("999999")}, 2, VOUCH_OK, INT64_C(1700000000999999)},
    {{TEXT("1700000000"), TEXT("1000000")}, 2, VOUCH_OK, 0},
    {{TEXT("1700000000"), TEXT("-1")}, 2, VOUCH_OK, 0},
    {{TEXT("-1"), TEXT("0")}, 2, VOUCH_OK, 0},
    {{TEXT("9223372036854775807"), TEXT("0")}, 2, VOUCH_OK, 0},
    {{TEXT("17 000"), TEXT("0")}, 2, VOUCH_OK, 0},
    {{TEXT("1700000000"), TEXT("1")}, 1, VOUCH_OK, 0},
    {{TEXT("1700000000"), TEXT("1")}, 2, VOUCH_ESERVER, 0},
};

START_TEST(the_servers_time_comes_from_its_reply)
{
    vouch_collector_options o = small();
    struct ear ear = {0};
    vouch_reply reply = {VOUCH_TYPE_ARRAY, {0}, times[_i].n, {.elements = times[_i].parts}};
    vouch_result v[2] = {{.status = times[_i].status, .reply = &reply}, {0}};
    struct vouch_results results = {.v = v, .count = 2};
    o.server_time = 1;
    begin(&o);
    ck_assert_uint_eq(g.next->batch->count, 1); /* the first of every flush */
    add(hear, &ear, 0);
    gather_launched(&g, 0);
    (void)tell_results(&g, &results);
    ck_assert_int_eq(ear.server_us, times[_i].us);
    ck_assert_uint_eq(g.flying->batch->count, 1);
    gather_free(&g);
}
END_TEST

/* ---- outcomes and holds --------------------------------------------------------------------- */

#define GOOD                                                                                       \
    {                                                                                              \
        VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE, 1, 0, 0, NULL                                   \
    }
#define WRONG                                                                                      \
    {                                                                                              \
        VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED, 1, 0, 0, NULL                       \
    }
#define DROPPED                                                                                    \
    {                                                                                              \
        VOUCH_ETOOLARGE, VOUCH_APPLIED, VOUCH_CAUSE_LIMIT, 1, 0, 0, NULL                           \
    }
#define DOUBT                                                                                      \
    {                                                                                              \
        VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_LOST, 1, 0, 0, NULL                       \
    }
#define UNSENT                                                                                     \
    {                                                                                              \
        VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_CAUSE_ORDER, 0, 0, 0, NULL                        \
    }
#define BROKEN                                                                                     \
    {                                                                                              \
        VOUCH_ESERVER, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_REFUSED, 1, 0, 0, NULL                     \
    }

static const struct {
    vouch_result v[3]; /* the first one's is TIME's */
    vouch_status said; /* by the pipeline */
    vouch_cause cause;
    vouch_status status;
    vouch_effect effect;
    bool held;
} outcomes[] = {
    {{GOOD, GOOD, GOOD}, VOUCH_OK, VOUCH_CAUSE_NONE, VOUCH_OK, VOUCH_APPLIED, false},
    {{WRONG, GOOD, GOOD}, VOUCH_EPARTIAL, VOUCH_CAUSE_REFUSED, VOUCH_OK, VOUCH_APPLIED, false},
    {{GOOD, GOOD, WRONG},
     VOUCH_EPARTIAL,
     VOUCH_CAUSE_REFUSED,
     VOUCH_EPARTIAL,
     VOUCH_PARTLY_APPLIED,
     false},
    {{GOOD, GOOD, DROPPED},
     VOUCH_EPARTIAL,
     VOUCH_CAUSE_LIMIT,
     VOUCH_EPARTIAL,
     VOUCH_APPLIED,
     false},
    {{GOOD, GOOD, DOUBT},
     VOUCH_EUNKNOWN,
     VOUCH_CAUSE_LOST,
     VOUCH_EUNKNOWN,
     VOUCH_MAYBE_APPLIED,
     true},
    {{GOOD, BROKEN, GOOD},
     VOUCH_EUNKNOWN,
     VOUCH_CAUSE_REFUSED,
     VOUCH_EUNKNOWN,
     VOUCH_MAYBE_APPLIED,
     true},
    {{DOUBT, UNSENT, UNSENT},
     VOUCH_EUNKNOWN,
     VOUCH_CAUSE_DEADLINE,
     VOUCH_ENOTSENT,
     VOUCH_NOT_APPLIED,
     true},
    {{DOUBT, UNSENT, UNSENT},
     VOUCH_EUNKNOWN,
     VOUCH_CAUSE_INTERRUPTED,
     VOUCH_EINTERRUPTED,
     VOUCH_NOT_APPLIED,
     true},
    {{GOOD, GOOD, UNSENT},
     VOUCH_ECANCELLED,
     VOUCH_CAUSE_CANCELLED,
     VOUCH_ECANCELLED,
     VOUCH_PARTLY_APPLIED,
     true},
    {{GOOD, WRONG, UNSENT},
     VOUCH_ENOTSENT,
     VOUCH_CAUSE_LOST,
     VOUCH_ENOTSENT,
     VOUCH_NOT_APPLIED,
     true},
};

static bool held_when_told;

static void see_hold(const vouch_result *result, int64_t server_us, void *user)
{
    (void)result;
    (void)server_us;
    (void)user;
    held_when_told = g.held;
}

START_TEST(a_flush_makes_its_outcome)
{
    vouch_collector_options o = VOUCH_COLLECTOR_OPTIONS_INIT;
    vouch_error said;
    vouch_result v[3];
    struct vouch_results results = {.v = v, .count = 3};
    memcpy(v, outcomes[_i].v, sizeof v);
    o.server_time = 1;
    o.strict_order = 1;
    o.max_commands = 1;
    ck_assert_int_eq(gather_init(&g, &o, &e), VOUCH_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(gather_room(&g, &e), VOUCH_OK);
        vouch_batch_add(g.next->batch, "INCR", "k");
        gather_count(&g, see_hold, NULL, 0);
    }
    gather_launched(&g, 0);
    struct told told = tell_results(&g, &results);
    ck_assert_int_eq(held_when_told, outcomes[_i].held);
    ck_assert_int_eq(g.held, outcomes[_i].held);
    vouch_batch_add(g.next->batch, "INCR", "k");
    ck_assert_int_eq(gather_room(&g, &e), VOUCH_OK);
    gather_count(&g, NULL, NULL, 0);
    ck_assert_int_eq(gather_is_due(&g, 1), !outcomes[_i].held);
    g.held = false;
    ck_assert(gather_is_due(&g, 1));
    gather_free(&g);

    struct outcome out = {VOUCH_OK, &e};
    memset(&said, 0, sizeof said);
    said.status = outcomes[_i].said;
    said.cause = outcomes[_i].cause;
    said.command = 2;
    e.command = VOUCH_NO_COMMAND;
    outcome_add_flush(&out, &said, &told);
    ck_assert_int_eq(out.status, outcomes[_i].status);
    if (out.status) {
        ck_assert_int_eq(e.status, out.status);
        ck_assert_int_eq(e.effect, outcomes[_i].effect);
        ck_assert_int_eq(e.cause, outcomes[_i].cause);
        ck_assert_uint_eq(e.command, VOUCH_NO_COMMAND);
    }
}
END_TEST

START_TEST(the_worst_flush_is_told)
{
    static const vouch_status order[] = {VOUCH_OK, VOUCH_EPARTIAL, VOUCH_ENOTSENT,
                                         VOUCH_EINTERRUPTED, VOUCH_EUNKNOWN};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            struct outcome o = {VOUCH_OK, &e};
            vouch_error first = {.status = order[i]}, second = {.status = order[k]};
            outcome_add(&o, &first);
            outcome_add(&o, &second);
            ck_assert_int_eq(o.status, order[i > k ? i : k]);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collector, told");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, a_flush_makes_its_outcome, 0, (int)(sizeof outcomes / sizeof *outcomes));
    tcase_add_test(c, the_worst_flush_is_told);
    tcase_add_loop_test(c, everybody_is_told_once_and_in_order, 0, 2);
    tcase_add_loop_test(c, what_a_callback_adds_belongs_to_the_next_flush, 0, 2);
    tcase_add_loop_test(c, the_servers_time_comes_from_its_reply, 0,
                        (int)(sizeof times / sizeof *times));
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
