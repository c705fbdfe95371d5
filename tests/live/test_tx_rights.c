/* Users without some of the rights that transactions need: denied before the client connects, between
 * the reads and MULTI, and between two attempts. What is told is compared with what the server holds. */
#include "deed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct deed d;

/* ---- the matrix ----------------------------------------------------------------------------- */

/* How it ends, a letter for each mode: Committed, refused while Queueing, refused by Exec, Not atomic. */
struct right {
    const char *name, *rules; /* ACL rules that take it from the default user */
    const char *ends[3];      /* by enum when */
};

static const struct right rights[] = {
    {"MULTI", "-multi", {"QQQQ", "NQNN", "NQNN"}},
    {"EXEC", "-exec", {"EEEE", "EEEE", "EEEE"}},
    {"WATCH", "-watch", {"QQQQ", "CCCC", "QQQQ"}},
    {"UNWATCH", "-unwatch", {"CCCC", "CCCC", "CCCC"}},
    {"DISCARD", "-discard", {"CCCC", "CCCC", "CCCC"}},
    {"INFO", "-info", {"CCCC", "CCCC", "CCCC"}},
    {"GET", "-get", {"CCQQ", "CCCC", "CCQQ"}},
    {"SET", "-set", {"CCQQ", "CCQQ", "CCQQ"}},
    {"the marker's key", "resetkeys ~x ~a ~b ~c", {"CCQQ", "CCQQ", "CCQQ"}},
    {"writing the marker", "resetkeys ~x ~a ~b ~c %R~vouch:*", {"CCQQ", "CCQQ", "CCQQ"}},
    {"reading the marker", "resetkeys ~x ~a ~b ~c %W~vouch:*", {"CCQQ", "CCCC", "CCQQ"}},
    {"a queued command", "-incr", {"QQQQ", "QQQQ", "QQQQ"}},
    {"a queued command's key", "resetkeys ~x ~a ~c ~vouch:*", {"QQQQ", "QQQQ", "QQQQ"}},
    {"all", "-@all +ping", {"QQQQ", "QQQQ", "QQQQ"}},
};

#define RIGHTS ((int)(sizeof rights / sizeof *rights))

enum when { BEFORE, BETWEEN, AGAIN, WHENS };
static const char *const when_names[] = {"before opening", "before MULTI", "between attempts"};

static const struct right *right;
static enum when when;

static void deny(void)
{
    char line[160];
    (void)snprintf(line, sizeof line, "ACL SETUSER default %s", right->rules);
    deed_tell(&d, line);
}

static void allow(void)
{
    deed_tell(&d, "ACL SETUSER default on nopass ~* &* +@all");
}

static bool touched;

static void before_multi(struct deed *deed)
{
    if (when == BETWEEN)
        deny();
    else if (when == AGAIN && !touched)
        deed_tell(deed, "SET x touched");
    touched = true;
}

static bool on_wait(const vouch_retry_wait *wait, void *user)
{
    (void)user;
    if (when == AGAIN && wait->kind == VOUCH_RETRY_CONFLICT && wait->failures == 1)
        deny();
    return true;
}

/* ---- the truth ------------------------------------------------------------------------------ */

static bool fits(vouch_effect effect, int64_t held)
{
    return effect == VOUCH_APPLIED       ? held == 1
           : effect == VOUCH_NOT_APPLIED ? held == TS_NIL
                                         : held == 1 || held == TS_NIL;
}

static void compare(const char *what)
{
    static const char *const keys[] = {"GET a", "GET b", "GET c"};
    vouch_effect whole = d.status == VOUCH_OK ? VOUCH_APPLIED : d.error.effect;
    size_t n = vouch_tx_result_count(d.result);
    for (size_t i = 0; i < 3; i++) {
        int64_t held = deed_int(&d, keys[i]);
        if (i < n) {
            const vouch_result *r = vouch_tx_result_at(d.result, i);
            ck_assert_msg(fits(r->effect, held), "%s: command %zu is said to be %s, is %lld: %s",
                          what, i, vouch_effect_name(r->effect), (long long)held, d.error.message);
        }
        if (whole != VOUCH_PARTLY_APPLIED)
            ck_assert_msg(fits(whole, held), "%s: said to be %s, command %zu is %lld: %s", what,
                          vouch_effect_name(whole), i, (long long)held, d.error.message);
    }
}

/* What was refused is listed, with the server's words, unless nothing was sent. */
static void expect_listed(const char *what)
{
    const vouch_queue_error *q;
    size_t n = vouch_tx_queue_errors(d.result, &q);
    if (strstr(d.error.message, "nothing was sent"))
        return;
    ck_assert_msg(n > 0 && strstr(q[0].words.data, "NOPERM"), "%s: %s", what, d.error.message);
    ck_assert_msg(d.error.command == q[0].index, "%s: %s", what, d.error.message);
}

static void expect_end(const char *what, char letter)
{
    switch (letter) {
    case 'C':
        deed_expect(&d, what, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        return;
    case 'N':
        deed_expect(&d, what, VOUCH_ENOTATOMIC, VOUCH_APPLIED, VOUCH_OUTCOME_NOT_ATOMIC);
        ck_assert_uint_eq(d.error.retriable, 0);
        break;
    case 'Q':
        deed_expect(&d, what, VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_REFUSED_QUEUEING);
        break;
    default:
        deed_expect(&d, what, VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_REFUSED_EXEC);
        break;
    }
    expect_listed(what);
}

static void try_without(ts_server_kind kind, enum deed_mode mode)
{
    char what[128];
    (void)snprintf(what, sizeof what, "%s, %s, mode %d", right->name, when_names[when], (int)mode);
    deed_begin(&d, kind, 3);
    touched = false;
    if (when == BEFORE)
        deny();
    deed_mode(&d, mode);
    d.retry.on_wait = on_wait;
    struct plan p = {.read = "STRLEN x", .then = before_multi, .queue = "INCR a;INCR b;INCR c"};
    (void)deed_plan(&d, &p);
    compare(what);
    expect_end(what, right->ends[when][mode]);
    ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 1 + (when == AGAIN));
    allow();
    (void)deed_exec(&d, "INCR after"); /* nothing of it is left on the connection */
    ck_assert_int_eq(deed_int(&d, "GET after"), strstr(d.error.message, "MULTI") ? TS_NIL : 1);
    deed_end(&d);
}

START_TEST(whatever_right_is_missing_the_truth_is_told)
{
    right = &rights[_i / 2];
    for (when = BEFORE; when < WHENS; when++)
        for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++)
            try_without(_i % 2 ? TS_VALKEY : TS_REDIS, mode);
}
END_TEST

/* ---- in doubt ------------------------------------------------------------------------------- */

/* Denied after EXEC was lost, which ran, or never arrived; or before opening. */
static const struct {
    const char *rules;
    vouch_tx_outcome ran, not_ran;
    bool early;
} doubts[] = {
    {"+@all", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_COMMITTED, false},
    {"-info", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_UNKNOWN, false},
    {"-info", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_UNKNOWN, true},
    {"-set", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_UNKNOWN, false},
    {"-get", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_REFUSED_QUEUEING, false},
    {"-exec", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_REFUSED_EXEC, false},
    /* MULTI was not heard to be accepted: it may have run one by one, or may yet. */
    {"-multi", VOUCH_OUTCOME_UNKNOWN, VOUCH_OUTCOME_UNKNOWN, false},
    {"-watch", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_REFUSED_QUEUEING, false},
    {"-unwatch", VOUCH_OUTCOME_SETTLED, VOUCH_OUTCOME_COMMITTED, false},
    {"resetkeys ~a ~x", VOUCH_OUTCOME_UNKNOWN, VOUCH_OUTCOME_UNKNOWN, false},
    {"-get -set", VOUCH_OUTCOME_UNKNOWN, VOUCH_OUTCOME_UNKNOWN, false},
    {"-@all", VOUCH_OUTCOME_UNKNOWN, VOUCH_OUTCOME_UNKNOWN, false},
};

#define DOUBTS ((int)(sizeof doubts / sizeof *doubts))

static int doubt;
static bool runs;
static uint64_t armed; /* bytes that the client had sent when it came to MULTI */

static void lose_exec(struct deed *deed)
{
    ts_plan plan = ts_plan_none();
    if (rig_next_connection(&deed->rig) > 1)
        return;
    if (runs)
        plan.to_client.drop_after = 0;
    else
        plan.to_server.drop_after = 0;
    ts_proxy_plan_from_here(deed->rig.proxy, 0, &plan);
    armed = deed_stats(deed).bytes_out;
}

static bool deny_when_lost(const vouch_retry_wait *wait, void *user)
{
    char line[160];
    (void)user;
    (void)snprintf(line, sizeof line, "ACL SETUSER default %s", doubts[doubt].rules);
    if (!wait || wait->failures == 1)
        deed_tell(&d, line);
    return true;
}

/* Ends the connection once the proxy has all that was sent, and the server what it is to get. */
static void cut_when_sent(void)
{
    ts_proxy_counts n = ts_proxy_count(d.rig.proxy, 0);
    if (armed && n.open && (uint64_t)n.from_client == deed_stats(&d).bytes_out &&
        (uint64_t)n.from_client > armed)
        ts_proxy_cut(d.rig.proxy, 0, TS_END_EOF, TS_CUT_SETTLE);
}

static void try_in_doubt(ts_server_kind kind, enum deed_mode mode)
{
    vouch_op *op = NULL;
    struct plan p = {.deed = &d, .read = "STRLEN x", .then = lose_exec, .queue = "INCR a"};
    vouch_tx_outcome want = runs ? doubts[doubt].ran : doubts[doubt].not_ran;
    armed = 0;
    deed_begin(&d, kind, 3);
    deed_mode(&d, mode);
    if (doubts[doubt].early)
        (void)deny_when_lost(NULL, NULL);
    else
        d.retry.on_wait = deny_when_lost;
    ck_assert_int_eq(vouch_transaction_start(d.client, deed_planned, &p, &d.options, &op, NULL),
                     VOUCH_OK);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !vouch_op_done(op);) {
        ck_assert(!ts_passed(limit));
        rig_turn(d.client, 1);
        cut_when_sent();
    }
    d.status = vouch_transaction_finish(op, &d.result, &d.error);
    vouch_tx_outcome got = vouch_tx_result_outcome(d.result);
    ck_assert_msg(got == want, "%s, %d: %s: %s", doubts[doubt].rules, runs,
                  vouch_tx_outcome_name(got), d.error.message);
    int64_t held = deed_int(&d, "GET a");
    ck_assert_int_eq(held, runs || want == VOUCH_OUTCOME_COMMITTED ? 1 : TS_NIL);
    ck_assert(fits(d.status == VOUCH_OK ? VOUCH_APPLIED : d.error.effect, held));
    deed_end(&d);
}

START_TEST(rights_that_go_while_in_doubt_never_make_a_wrong_answer)
{
    doubt = _i / 4;
    runs = _i % 2;
    for (enum deed_mode mode = DEED_RESOLVE; mode <= DEED_TOKEN; mode++)
        try_in_doubt(_i / 2 % 2 ? TS_VALKEY : TS_REDIS, mode);
}
END_TEST

/* ---- a token that ran one by one ------------------------------------------------------------- */

static void use_one_by_one(const char *rules, const char *queue, vouch_effect effect)
{
    const struct right taken = {.rules = rules};
    struct plan p = {.read = "STRLEN x", .then = before_multi, .queue = queue};
    deed_mode(&d, DEED_TOKEN);
    right = &taken;
    when = BETWEEN;
    (void)deed_plan(&d, &p);
    right = NULL;
    allow();
    deed_expect(&d, queue, VOUCH_ENOTATOMIC, effect, VOUCH_OUTCOME_NOT_ATOMIC);
    ck_assert_uint_eq(d.error.retriable, 0);
}

/* The marker's SET is the first of what runs: whoever comes with the token next, on whatever connection,
 * is told that it was used, and not what became of the commands, even if none of them ran. */
START_TEST(a_token_whose_commands_ran_one_by_one_is_used)
{
    static const struct {
        const char *rules, *queue;
        vouch_effect effect;
        int64_t a;
    } cases[] = {
        {"-multi", "INCR a;INCR b", VOUCH_APPLIED, 1},
        {"-multi", "INCR a;LPUSH x 1", VOUCH_PARTLY_APPLIED, 1},
        {"-multi -lpush", "INCR a;LPUSH b 1", VOUCH_PARTLY_APPLIED, 1},
        {"-multi -incr", "INCR a;INCR b", VOUCH_PARTLY_APPLIED, TS_NIL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        deed_begin(&d, _i ? TS_VALKEY : TS_REDIS, 3);
        deed_tell(&d, "SET x text");
        use_one_by_one(cases[i].rules, cases[i].queue, cases[i].effect);
        for (int again = 0; again < 2; again++) {
            (void)deed_exec(&d, "EXISTS x;INCR a"); /* the same slot */
            deed_expect(&d, "again", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_ALREADY);
            ck_assert_uint_eq(vouch_tx_result_count(d.result), 0);
            vouch_client_close(d.client);
            d.client = rig_client(&d.rig, 2, 0);
        }
        ck_assert_int_eq(deed_int(&d, "GET a"), cases[i].a);
        deed_end(&d);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_rights");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, whatever_right_is_missing_the_truth_is_told, 0, 2 * RIGHTS);
    tcase_add_loop_test(c, a_token_whose_commands_ran_one_by_one_is_used, 0, 2);
    tcase_add_loop_test(c, rights_that_go_while_in_doubt_never_make_a_wrong_answer, 0, 4 * DOUBTS);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
