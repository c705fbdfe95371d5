/* What other clients get wrong about transactions, each a test that vouch does not. */
#include "deed.h"

#include <stdlib.h>
#include <string.h>

static struct deed d;

static void begin(int i)
{
    deed_begin(&d, i % 2 ? TS_VALKEY : TS_REDIS, i / 2 ? 2 : 3);
    (void)deed_exec(&d, "PING"); /* connection 0 is there */
}

/* Loop tests: both kinds of server, in both protocols. */
#define SERVERS 4

/* Bytes of replies: to MULTI, and to a queued command. */
#define OK_BYTES     5
#define QUEUED_BYTES 9

/* ---- a lost EXEC ---------------------------------------------------------------------------- */

static int64_t replies; /* so many bytes of them come back, and then the end */

static void cut_once(struct deed *deed)
{
    ts_plan plan = ts_plan_none();
    plan.to_client.cut_after = replies;
    if (rig_next_connection(&deed->rig) == 1)
        ts_proxy_plan_from_here(deed->rig.proxy, 0, &plan);
}

/* Others take it for a changed key, and run the committed transaction again. */
START_TEST(a_lost_exec_is_not_taken_for_a_conflict)
{
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        bool marked = mode >= DEED_RESOLVE;
        begin(_i);
        deed_mode(&d, mode);
        replies = OK_BYTES + (1 + marked) * QUEUED_BYTES;
        struct plan p = {.read = "GET x", .then = cut_once, .queue = "INCR done"};
        (void)deed_plan(&d, &p);
        if (marked)
            deed_expect(&d, "marked", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_SETTLED);
        else
            deed_expect(&d, "lost", VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_UNKNOWN);
        ck_assert_int_eq(p.decided, 1);
        ck_assert_uint_eq(vouch_tx_result_conflicts(d.result), 0);
        ck_assert_uint_eq(deed_stats(&d).conflicts, 0);
        ck_assert_int_eq(deed_int(&d, "GET done"), 1);
        ck_assert(marked || !d.error.retriable);
        ck_assert_int_eq(vouch_tx_result_at(d.result, 0)->effect, VOUCH_MAYBE_APPLIED);
        deed_end(&d);
    }
}
END_TEST

/* ---- what was received -----------------------------------------------------------------------
 * Others replace it by the connection's error, and run all again. */

START_TEST(replies_of_exec_survive_the_loss_behind_them)
{
    int64_t n = 0;
    {
        begin(_i);
        d.options.copies = 1;
        d.options.copies_ms = 60000;
        ts_plan plan = ts_plan_none();
        plan.to_client.cut_after = OK_BYTES + QUEUED_BYTES + 8; /* *1 :1, and nothing to WAIT */
        ts_proxy_plan_from_here(d.rig.proxy, 0, &plan);
        (void)deed_exec(&d, "INCR done");
        deed_expect(&d, "copies", VOUCH_ECOPIES, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        ck_assert(vouch_reply_int64(vouch_tx_result_reply(d.result, 0), &n) && n == 1);
        ck_assert_int_eq(vouch_tx_result_at(d.result, 0)->effect, VOUCH_APPLIED);
        ck_assert_int_eq(vouch_tx_result_copies(d.result), -1);
        ck_assert_int_eq(deed_int(&d, "GET done"), 1);
        deed_end(&d);
    }
}
END_TEST

/* ---- never sent ----------------------------------------------------------------------------- */

static uint64_t commands_seen(void)
{
    return deed_stats(&d).bytes_out;
}

static const char *const forbidden[] = {"MULTI", "EXEC",   "DISCARD",  "UNWATCH",  "WATCH k",
                                        "RESET", "ASKING", "SELECT 1", "WAIT 0 0", "WAITAOF 0 0 0"};

/* Redis 7.0 commits in spite of them, Valkey aborts; ASKING and SELECT would shift or move the rest. */
START_TEST(what_makes_no_sense_between_multi_and_exec_is_never_sent)
{
    begin(_i);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        struct plan p = {.queue = forbidden[i]};
        uint64_t before = commands_seen();
        (void)deed_plan(&d, &p);
        deed_expect(&d, forbidden[i], VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
        (void)deed_exec(&d, forbidden[i]);
        ck_assert_int_eq(d.status, VOUCH_EINVAL);
        ck_assert_ptr_null(d.result);
        ck_assert_uint_eq(commands_seen(), before);
    }
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    deed_end(&d);
}
END_TEST

/* It would make every EXEC fail, for ever. */
START_TEST(an_own_write_to_a_watched_key_is_refused_before_it_is_sent)
{
    static const char *const writes[] = {
        "SET x 1", "GETSET x 1",     "GETDEL x",   "GETEX x EX 10", "INCR x",
        "LPOP x",  "SORT x STORE y", "EVAL x 1 x", "FCALL x 1 x",   "NOSUCH x"};
    begin(_i);
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        uint64_t before = commands_seen();
        struct plan p = {.read = writes[i]}, q = {.peek = writes[i]};
        (void)deed_plan(&d, &p);
        deed_expect(&d, writes[i], VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
        (void)deed_plan(&d, &q);
        deed_expect(&d, writes[i], VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
        ck_assert_uint_eq(d.error.command, 0);
        ck_assert_uint_eq(commands_seen(), before);
    }
    deed_end(&d);
}
END_TEST

/* ---- inside EXEC's array -------------------------------------------------------------------- */

START_TEST(a_missing_script_inside_exec_leaves_its_neighbours_applied)
{
    begin(_i);
    const vouch_exec_error *e;
    (void)deed_exec(&d,
                    "INCR done;EVALSHA 0123456789012345678901234567890123456789 0;INCR done;FCALL "
                    "nosuch 0;INCR done");
    deed_expect(&d, "NOSCRIPT", VOUCH_EPARTIAL, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_ERRORS);
    ck_assert_uint_eq(vouch_tx_exec_errors(d.result, &e), 2);
    ck_assert(e[0].index == 1 && strncmp(e[0].words.data, "NOSCRIPT", 8) == 0);
    ck_assert(e[1].index == 3 && strstr(e[1].words.data, "Function not found"));
    ck_assert_str_eq(e[0].command, "EVALSHA");
    for (size_t i = 0; i < 5; i += 2)
        ck_assert_int_eq(vouch_tx_result_at(d.result, i)->effect, VOUCH_APPLIED);
    ck_assert_int_eq(deed_int(&d, "GET done"), 3);
    deed_end(&d);
}
END_TEST

/* Others swallow an error, and leave what follows without any answer. */
START_TEST(every_command_has_a_result_however_it_ended)
{
    static const struct {
        const char *queue;
        vouch_status of[3];
    } rows[] = {
        {"INCR n;SET a;INCR n", {VOUCH_ENOTSENT, VOUCH_ESERVER, VOUCH_ENOTSENT}},
        {"INCR n;LPUSH n 1;INCR n", {VOUCH_OK, VOUCH_ESERVER, VOUCH_OK}},
        {"INCR n;INCR n;INCR n", {VOUCH_OK, VOUCH_OK, VOUCH_OK}},
    };
    begin(_i);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)deed_exec(&d, rows[i].queue);
        ck_assert_uint_eq(vouch_tx_result_count(d.result), 3);
        for (size_t k = 0; k < 3; k++) {
            const vouch_result *r = vouch_tx_result_at(d.result, k);
            ck_assert_int_eq(r->status, rows[i].of[k]);
            ck_assert_int_eq(r->effect, r->status == VOUCH_OK ? VOUCH_APPLIED : VOUCH_NOT_APPLIED);
            ck_assert((r->reply != NULL) == (r->status != VOUCH_ENOTSENT));
        }
        ck_assert_ptr_null(vouch_tx_result_at(d.result, 3));
    }
    deed_end(&d);
}
END_TEST

/* ---- "not sent" and "maybe" ----------------------------------------------------------------- */

static int64_t reaches; /* the server: so many bytes, of MULTI and what follows */

static void lose_rest(struct deed *deed)
{
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = reaches;
    plan.to_server.back_pressure = true;
    plan.to_client.cut_after = OK_BYTES;
    ts_proxy_plan_from_here(deed->rig.proxy, 0, &plan);
}

/* With strict: MULTI was answered, and the connection goes before anything else does. */
START_TEST(what_was_not_sent_is_not_a_maybe)
{
    begin(_i);
    deed_mode(&d, DEED_STRICT);
    d.retry.outages = VOUCH_RETRY_NONE;
    reaches = 15;
    struct plan p = {.read = "GET x", .then = lose_rest, .queue = "INCR done"};
    (void)deed_plan(&d, &p);
    /* The kernel may have taken the rest before it heard of the end. */
    if (d.status != VOUCH_EUNKNOWN)
        deed_expect(&d, "strict", VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
    ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
    deed_end(&d);
}
END_TEST

static void lose_multi(struct deed *deed)
{
    ts_plan plan = ts_plan_none();
    plan.to_client.cut_after = 0;
    if (rig_next_connection(&deed->rig) == 1)
        ts_proxy_plan_from_here(deed->rig.proxy, 0, &plan);
}

/* MULTI alone was out: nothing can have run, and it is tried again. */
START_TEST(a_lost_multi_is_tried_again)
{
    for (uint32_t resolve = 0; resolve < 2; resolve++) {
        begin(_i);
        deed_mode(&d, DEED_STRICT);
        d.options.resolve = resolve;
        struct plan p = {.read = "GET x;GET y", .then = lose_multi, .queue = "INCR done"};
        (void)deed_plan(&d, &p);
        deed_expect(&d, "strict", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 2);
        ck_assert_int_eq(deed_int(&d, "GET done"), 1);
        deed_end(&d);
    }
}
END_TEST

/* ---- late replies --------------------------------------------------------------------------- */

/* Others read it as the answer to the next command. */
START_TEST(a_late_reply_answers_nothing_else)
{
    begin(_i);
    d.options.deadline_ms = 50;
    ck_assert(ts_server_pause(d.rig.server));
    (void)deed_exec(&d, "SET late 1;GET late");
    ck_assert(ts_server_resume(d.rig.server));
    deed_expect(&d, "late", VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_UNKNOWN);
    deed_mode(&d, DEED_PLAIN);
    for (int i = 1; i <= 3; i++) {
        int64_t n = 0;
        (void)deed_exec(&d, "INCR own");
        deed_expect(&d, "next", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        ck_assert(vouch_reply_int64(vouch_tx_result_reply(d.result, 0), &n) && n == i);
    }
    deed_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_mistakes");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_lost_exec_is_not_taken_for_a_conflict, 0, SERVERS);
    tcase_add_loop_test(c, replies_of_exec_survive_the_loss_behind_them, 0, SERVERS);
    tcase_add_loop_test(c, what_makes_no_sense_between_multi_and_exec_is_never_sent, 0, SERVERS);
    tcase_add_loop_test(c, an_own_write_to_a_watched_key_is_refused_before_it_is_sent, 0, SERVERS);
    tcase_add_loop_test(c, a_missing_script_inside_exec_leaves_its_neighbours_applied, 0, SERVERS);
    tcase_add_loop_test(c, every_command_has_a_result_however_it_ended, 0, SERVERS);
    tcase_add_loop_test(c, what_was_not_sent_is_not_a_maybe, 0, SERVERS);
    tcase_add_loop_test(c, a_lost_multi_is_tried_again, 0, SERVERS);
    tcase_add_loop_test(c, a_late_reply_answers_nothing_else, 0, SERVERS);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
