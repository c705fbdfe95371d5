/* Logins and rights that change while a transaction is under way: removed users, renewed credentials, a
 * login that the server forgot, a right that is gone between the queue and EXEC. */
#include "buffer.h"
#include "deed.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct deed d;

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

/* ---- a right that is gone between the queue and EXEC ---------------------------------------- */

#define MULTI_BYTES 15 /* of MULTI */
#define INCR_BYTES  21 /* of INCR of a key of one letter */

START_TEST(a_right_gone_between_queue_and_exec_leaves_neighbours_applied)
{
    ts_plan held = ts_plan_none();
    const vouch_exec_error *e;
    vouch_op *op = NULL;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    deed_begin(&d, kind_of(_i), 3);
    (void)deed_exec(&d, "PING");
    vouch_batch *b = deed_batch("INCR a;INCR b;INCR c");
    held.to_server.stall_after = MULTI_BYTES + INT64_C(3) * INCR_BYTES;
    int64_t before = ts_proxy_count(d.rig.proxy, 0).to_client;
    ts_proxy_plan_from_here(d.rig.proxy, 0, &held);
    ck_assert_int_eq(vouch_transaction_exec_start(d.client, b, NULL, &op, &d.error), VOUCH_OK);
    while (ts_proxy_count(d.rig.proxy, 0).to_client < before + 5 + INT64_C(3) * 9) {
        ck_assert(!ts_passed(limit));
        rig_turn(d.client, 1);
    }
    deed_tell(&d, "ACL SETUSER default resetkeys ~a ~c");
    ts_proxy_release(d.rig.proxy, 0);
    vouch_tx_result_free(d.result);
    d.status = vouch_transaction_finish(op, &d.result, &d.error);
    deed_expect(&d, "NOPERM", VOUCH_EPARTIAL, VOUCH_PARTLY_APPLIED, VOUCH_OUTCOME_ERRORS);
    ck_assert_uint_eq(vouch_tx_exec_errors(d.result, &e), 1);
    ck_assert(e[0].index == 1 && e[0].effect == VOUCH_NOT_APPLIED);
    ck_assert(strncmp(e[0].words.data, "NOPERM", 6) == 0);
    ck_assert_int_eq(deed_int(&d, "GET a"), 1);
    ck_assert_int_eq(deed_int(&d, "GET b"), TS_NIL);
    ck_assert_int_eq(deed_int(&d, "GET c"), 1);
    vouch_batch_free(b);
    deed_end(&d);
}
END_TEST

/* ---- a removed user ------------------------------------------------------------------------- */

static void remove_user(struct deed *deed)
{
    deed_tell(deed, "ACL DELUSER ann");
}

/* Its connections are closed, and it cannot come back. */
START_TEST(a_user_removed_in_mid_run_is_told_truly)
{
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        vouch_client_options o = rig_options(3, 0);
        o.username = "ann";
        o.password = "one";
        deed_begin_with(&d, kind_of(_i), &o);
        deed_tell(&d, "ACL SETUSER ann on >one ~* &* +@all");
        deed_mode(&d, mode);
        struct plan p = {.read = "GET x", .then = remove_user, .queue = "INCR done"};
        (void)deed_plan(&d, &p);
        ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
        vouch_tx_outcome outcome = vouch_tx_result_outcome(d.result);
        if (outcome == VOUCH_OUTCOME_NOT_SENT) {
            deed_expect(&d, "removed", VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, outcome);
            ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_AUTH);
            ck_assert_str_eq(d.error.code, "WRONGPASS");
        } else {
            deed_expect(&d, "removed", VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_UNKNOWN);
        }
        deed_end(&d);
    }
}
END_TEST

/* ---- renewed credentials -------------------------------------------------------------------- */

#define VALID_MS 100

struct giver {
    unsigned asked, renewed;
    int64_t valid_ms;
};

static bool give(vouch_credentials *out, void *user)
{
    struct giver *g = user;
    g->asked++;
    return vouch_credentials_set(out, "ann", "one", g->valid_ms) == VOUCH_OK;
}

static void hear(const vouch_event *event, void *user)
{
    ((struct giver *)user)->renewed += event->kind == VOUCH_EVENT_RENEWED;
    ck_assert_int_ne(event->kind, VOUCH_EVENT_NOT_RENEWED);
}

static void begin_renewing(ts_server_kind kind, struct giver *g)
{
    vouch_client_options o = rig_options(3, 0);
    *g = (struct giver){.valid_ms = VALID_MS};
    o.credentials = give;
    o.credentials_user = g;
    o.on_event = hear;
    o.event_user = g;
    deed_begin_with(&d, kind, &o);
    deed_tell(&d, "ACL SETUSER ann on >one ~* &* +@all");
}

START_TEST(credentials_are_renewed_while_transactions_run)
{
    struct giver g;
    int64_t done = 0, limit = ts_deadline(RIG_PATIENCE_MS);
    begin_renewing(kind_of(_i), &g);
    while (g.renewed < 10) {
        ck_assert(!ts_passed(limit));
        deed_mode(&d, (enum deed_mode)(done % DEED_MODES));
        struct plan p = {.read = "GET x", .queue = "INCR done"};
        (void)deed_plan(&d, &p);
        deed_expect(&d, "renewing", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        done++;
    }
    ck_assert_int_eq(deed_int(&d, "GET done"), done);
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    deed_end(&d);
}
END_TEST

static void hold_answer(struct deed *deed)
{
    ts_plan held = ts_plan_none();
    held.to_client.stall_after = 0;
    ts_proxy_plan_from_here(deed->rig.proxy, 0, &held);
}

/* With strict nothing is in flight once MULTI is answered, and the login is due: AUTH has to wait. */
START_TEST(no_login_is_renewed_between_multi_and_exec)
{
    struct giver g;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    begin_renewing(kind_of(_i), &g);
    deed_mode(&d, DEED_STRICT);
    struct plan p = {.deed = &d, .read = "GET x", .then = hold_answer, .queue = "INCR done"};
    vouch_op *op = NULL;
    ck_assert_int_eq(vouch_transaction_start(d.client, deed_planned, &p, &d.options, &op, &d.error),
                     VOUCH_OK);
    while (p.decided == 0) {
        ck_assert(!ts_passed(limit));
        rig_turn(d.client, 5);
    }
    unsigned asked = g.asked;
    for (int64_t until = ts_deadline(INT64_C(2) * VALID_MS); !ts_passed(until);)
        rig_turn(d.client, 5);
    ck_assert_uint_eq(g.asked, asked); /* not while MULTI is out */
    ts_proxy_release(d.rig.proxy, 0);
    d.status = vouch_transaction_finish(op, &d.result, &d.error);
    deed_expect(&d, "held", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_int_eq(deed_int(&d, "GET done"), 1);
    while (g.renewed == 0) { /* and then it comes at once */
        ck_assert(!ts_passed(limit));
        rig_turn(d.client, 5);
    }
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    deed_end(&d);
}
END_TEST

/* ---- a login that the server forgot --------------------------------------------------------- */

/* Answers a command with NOAUTH until AUTH has come again. */
struct forgetful {
    const char *forgets; /* at this command */
    bool forgot, known;
    int execs, auths;
};

static bool answer(ts_responder_state *state, const ts_request *request, ts_buffer *reply)
{
    struct forgetful *f = state->user;
    if (ts_request_is(request, 0, "AUTH") && f->forgot) {
        f->known = true;
        f->auths++;
        ts_buffer_print(reply, state->multi ? "+QUEUED\r\n" : "+OK\r\n");
        return true;
    }
    if (ts_request_is(request, 0, "EXEC")) {
        f->execs++;
        if (f->forgot && !f->known) {
            state->multi = false;
            ts_buffer_print(reply, "-EXECABORT Transaction discarded because of previous "
                                   "errors.\r\n");
            return true;
        }
    }
    if (!ts_request_is(request, 0, f->forgets) || f->known)
        return false;
    f->forgot = true;
    ts_buffer_print(reply, "-NOAUTH Authentication required.\r\n");
    return true;
}

static const char *const forgotten[] = {"WATCH", "GET", "INCR"};

START_TEST(a_forgotten_login_is_renewed_and_the_transaction_runs)
{
    struct forgetful f = {.forgets = forgotten[_i]};
    struct giver g = {.valid_ms = VOUCH_NO_DEADLINE};
    ts_script_options so = {.transport = TS_UNIX, .respond = true, .responder = answer, .user = &f};
    vouch_client_options o = rig_options(3, 0);
    char url[TS_URL_MAX];
    ts_script *server = ts_script_start(&so);
    memset(&d, 0, sizeof d);
    o.credentials = give;
    o.credentials_user = &g;
    ck_assert_int_eq(
        vouch_client_open(ts_script_url(server, url, sizeof url), &o, &d.client, &d.error),
        VOUCH_OK);
    deed_mode(&d, DEED_PLAIN);
    struct plan p = {.read = "GET x", .queue = "INCR done"};
    (void)deed_plan(&d, &p);
    deed_expect(&d, f.forgets, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 2);
    vouch_tx_result_free(d.result);
    vouch_client_close(d.client);
    ts_script_free(server);
    ck_assert_int_eq(f.auths, 1);
    ck_assert_int_eq(f.execs, strcmp(f.forgets, "INCR") == 0 ? 2 : 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_login");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_right_gone_between_queue_and_exec_leaves_neighbours_applied, 0, 2);
    tcase_add_loop_test(c, a_user_removed_in_mid_run_is_told_truly, 0, 2);
    tcase_add_loop_test(c, credentials_are_renewed_while_transactions_run, 0, 2);
    tcase_add_loop_test(c, no_login_is_renewed_between_multi_and_exec, 0, 2);
    tcase_add_loop_test(c, a_forgotten_login_is_renewed_and_the_transaction_runs, 0, 3);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
