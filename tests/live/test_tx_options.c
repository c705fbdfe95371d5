/* The options of a transaction: their limits on both sides, its budgets, and the one deadline over all of
 * it. */
#include "base.h"
#include "deed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct deed d;

static void begin(int i)
{
    deed_begin(&d, i % 2 ? TS_VALKEY : TS_REDIS, 3);
    (void)deed_exec(&d, "PING");
}

/* ---- limits --------------------------------------------------------------------------------- */

static char long_text[VOUCH_TOKEN_MAX + 2]; /* one more than there may be */

#define TOO_LONG (long_text)
#define LONGEST  (long_text + 1)

struct row {
    const char *field;
    bool good;
    vouch_tx_options o; /* but for its size */
};

#define WITH(...)                                                                                  \
    {                                                                                              \
        .size = sizeof(vouch_tx_options), __VA_ARGS__                                              \
    }

static const struct row rows[] = {
    {"size", false, {.size = 0}},
    {"size", false, {.size = sizeof(vouch_tx_options) - 1}},
    {"size", false, {.size = sizeof(vouch_tx_options) + 1}},
    {"deadline_ms", true, WITH(.deadline_ms = VOUCH_NO_DEADLINE)},
    {"deadline_ms", false, WITH(.deadline_ms = -2)},
    {"deadline_ms", true, WITH(.deadline_ms = INT64_C(1) << 50)},
    {"deadline_ms", false, WITH(.deadline_ms = (INT64_C(1) << 50) + 1)},
    {"deadline_ms", false, WITH(.deadline_ms = INT64_MAX)},
    {"copies", true, WITH(.copies = VOUCH_TX_MAX_COPIES, .copies_ms = 1)},
    {"copies", false, WITH(.copies = VOUCH_TX_MAX_COPIES + 1, .copies_ms = 1)},
    {"copies_ms", false, WITH(.copies_ms = -1)},
    {"copies_ms", false, WITH(.copies_ms = INT64_MAX)},
    {"copies_ms", true, WITH(.copies_ms = INT64_C(1) << 50)},
    {"token", false, WITH(.token = "")},
    {"token_size", false, WITH(.token_size = 1)},
    {"token", true, WITH(.token = LONGEST)},
    {"token", false, WITH(.token = TOO_LONG)},
    {"token", true, WITH(.token = TOO_LONG, .token_size = VOUCH_TOKEN_MAX)},
    {"token", false, WITH(.token = TOO_LONG, .token_size = VOUCH_TOKEN_MAX + 1)},
    {"token", true, WITH(.token = "a\0}{\r\n", .token_size = 6)},
    {"marker_prefix", true, WITH(.resolve = 1, .marker_prefix = "")},
    {"marker_prefix", true, WITH(.resolve = 1, .marker_prefix = LONGEST)},
    {"marker_prefix", false, WITH(.resolve = 1, .marker_prefix = TOO_LONG)},
    {"marker_prefix", false, WITH(.resolve = 1, .marker_prefix = "a{")},
    {"marker_prefix", false, WITH(.marker_prefix = "}")},
    {"marker_ms", true, WITH(.resolve = 1, .marker_ms = VOUCH_MARKER_KEEP)},
    {"marker_ms", false, WITH(.resolve = 1, .marker_ms = -2)},
    {"marker_ms", true, WITH(.resolve = 1, .marker_ms = VOUCH_MARKER_MIN_MS)},
    {"marker_ms", false, WITH(.resolve = 1, .marker_ms = VOUCH_MARKER_MIN_MS - 1)},
    {"marker_ms", true, WITH(.resolve = 1, .marker_ms = VOUCH_MARKER_MAX_MS)},
    {"marker_ms", false, WITH(.resolve = 1, .marker_ms = VOUCH_MARKER_MAX_MS + 1)},
    {"resolve", true, WITH(.resolve = 7, .strict = UINT32_MAX)},
};

#define ROWS ((int)(sizeof rows / sizeof *rows))

START_TEST(options_have_limits_on_both_sides)
{
    const struct row *r = &rows[_i / 2];
    memset(long_text, 't', sizeof long_text - 1);
    begin(_i);
    d.options = r->o;
    uint64_t before = deed_stats(&d).bytes_out;
    (void)deed_exec(&d, "INCR done");
    bool copies = r->good && r->o.copies;
    ck_assert_msg(d.status == (copies    ? VOUCH_ECOPIES
                               : r->good ? VOUCH_OK
                                         : VOUCH_EINVAL),
                  "%s: %s: %s", r->field, vouch_status_name(d.status), d.error.message);
    if (!r->good) {
        ck_assert_msg(strstr(d.error.message, r->field), "%s: %s", r->field, d.error.message);
        ck_assert_ptr_null(d.result);
        ck_assert_uint_eq(deed_stats(&d).bytes_out, before);
    } else {
        ck_assert_int_eq(deed_int(&d, "GET done"), 1);
        ck_assert_int_eq(deed_int(&d, "DBSIZE"), 1 + (r->o.resolve || r->o.token));
    }
    deed_end(&d);
}
END_TEST

START_TEST(a_retry_policy_is_checked_first)
{
    begin(_i);
    d.retry.jitter = VOUCH_JITTER_NONE + 1;
    (void)deed_exec(&d, "INCR done");
    ck_assert_int_eq(d.status, VOUCH_EINVAL);
    ck_assert_ptr_nonnull(strstr(d.error.message, "retry->jitter"));
    d.retry = (vouch_retry)VOUCH_RETRY_INIT;
    d.retry.cap_ms = VOUCH_RETRY_MAX_MS + 1;
    (void)deed_exec(&d, "INCR done");
    ck_assert_int_eq(d.status, VOUCH_EINVAL);
    ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
    deed_end(&d);
}
END_TEST

/* ---- the marker as asked for ---------------------------------------------------------------- */

START_TEST(a_marker_is_named_and_lives_as_asked)
{
    begin(_i);
    struct plan p = {.read = "GET a{tag}b", .queue = "INCR done"};
    d.options.token = "job";
    d.options.marker_prefix = "my:";
    d.options.marker_ms = 50000;
    (void)deed_plan(&d, &p);
    deed_expect(&d, "token", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    vouch_string m = vouch_tx_result_marker(d.result);
    char name[64], line[96];
    ck_assert(m.size < sizeof name);
    memcpy(name, m.data, m.size);
    name[m.size] = 0;
    ck_assert_msg(strncmp(name, "my:{", 4) == 0 && strcmp(name + 8, "}job") == 0, "%s", name);
    (void)snprintf(line, sizeof line, "PTTL %s", name);
    int64_t ttl = deed_int(&d, line);
    ck_assert(ttl > 40000 && ttl <= 50000);
    p.read = "GET {tag}"; /* the same slot, and so the same marker */
    (void)deed_plan(&d, &p);
    deed_expect(&d, "again", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_ALREADY);
    d.options.token = "for ever";
    d.options.marker_ms = VOUCH_MARKER_KEEP;
    (void)deed_plan(&d, &p);
    m = vouch_tx_result_marker(d.result);
    const char *words[] = {"PTTL", m.data};
    ts_reply *r = rig_ask(&d.rig, 2, words);
    ck_assert_int_eq(r->integer, -1);
    ts_reply_free(r);
    deed_end(&d);
}
END_TEST

START_TEST(a_token_is_one_in_each_slot)
{
    begin(_i);
    d.options.token = "job";
    (void)deed_exec(&d, "INCR a");
    deed_expect(&d, "a slot", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    (void)deed_exec(&d, "INCR {a}b");
    deed_expect(&d, "the same slot", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_ALREADY);
    (void)deed_exec(&d, "INCR b");
    deed_expect(&d, "another slot", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_int_eq(deed_int(&d, "GET {a}b"), TS_NIL);
    ck_assert_int_eq(deed_int(&d, "GET b"), 1);
    deed_end(&d);
}
END_TEST

/* ---- budgets -------------------------------------------------------------------------------- */

struct told {
    unsigned conflicts, outages;
    unsigned stop_at; /* of each */
};

static bool on_wait(const vouch_retry_wait *wait, void *user)
{
    struct told *t = user;
    bool conflict = wait->kind == VOUCH_RETRY_CONFLICT;
    unsigned *n = conflict ? &t->conflicts : &t->outages;
    ck_assert_uint_eq(wait->failures, ++*n);
    ck_assert_int_eq(wait->cause, conflict ? VOUCH_CAUSE_CONFLICT : VOUCH_CAUSE_REFUSED);
    ck_assert_int_ge(wait->delay_us, 0);
    if (!conflict)
        deed_tell(&d, "CONFIG SET maxmemory 0");
    return *n != t->stop_at;
}

/* Somebody is faster and memory is short, in turn. */
static void trouble(struct deed *deed)
{
    static int turn;
    deed_tell(deed, turn++ % 2 ? "INCR x" : "CONFIG SET maxmemory 1");
}

START_TEST(conflicts_and_outages_have_budgets_of_their_own)
{
    static const struct {
        uint32_t conflicts, outages;
        vouch_status status;
    } budgets[] = {{3, 2, VOUCH_ESERVER}, {1, 4, VOUCH_ECONFLICT}, {3, 3, VOUCH_ESERVER}};
    begin(_i);
    for (size_t i = 0; i < 3; i++) {
        struct told t = {0};
        struct plan p = {.read = "GET x", .then = trouble, .queue = "INCR done"};
        deed_mode(&d, DEED_PLAIN);
        d.retry.conflicts = budgets[i].conflicts;
        d.retry.outages = budgets[i].outages;
        d.retry.on_wait = on_wait;
        d.retry.user = &t;
        (void)deed_plan(&d, &p);
        deed_tell(&d, "CONFIG SET maxmemory 0");
        ck_assert_msg(d.status == budgets[i].status, "%zu: %s", i, d.error.message);
        ck_assert_uint_le(t.conflicts, budgets[i].conflicts);
        ck_assert_uint_le(t.outages, budgets[i].outages);
        ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
    }
    deed_end(&d);
}
END_TEST

START_TEST(a_hook_that_says_no_ends_the_conflict)
{
    begin(_i);
    struct told t = {.stop_at = 2};
    struct plan p = {.read = "GET x", .between = "INCR x", .times = 99, .queue = "INCR done"};
    d.retry.on_wait = on_wait;
    d.retry.user = &t;
    (void)deed_plan(&d, &p);
    deed_expect(&d, "hook", VOUCH_ECONFLICT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CONFLICT);
    ck_assert_ptr_nonnull(strstr(d.error.message, "on_wait hook gave up"));
    ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 2);
    ck_assert_uint_eq(vouch_tx_result_conflicts(d.result), 2);
    deed_is_clean(&d, "hook");
    deed_end(&d);
}
END_TEST

#define WAITS 6

struct waits {
    int64_t us[WAITS];
    size_t n;
};

static bool note_wait(const vouch_retry_wait *wait, void *user)
{
    struct waits *w = user;
    ck_assert_uint_lt(w->n, WAITS);
    w->us[w->n++] = wait->delay_us;
    return true;
}

/* Two runs of one client, and one of another: whoever loses at the same time does not come back at the
 * same time. */
START_TEST(no_two_runs_wait_alike)
{
    struct waits all[3] = {{{0}, 0}};
    begin(_i);
    d.retry.base_ms = 4;
    d.retry.on_wait = note_wait;
    for (size_t i = 0; i < 3; i++) {
        struct plan p = {
            .read = "GET x", .between = "INCR x", .times = WAITS, .queue = "INCR done"};
        d.retry.user = &all[i];
        (void)deed_plan(&d, &p);
        deed_expect(&d, "after some conflicts", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
        ck_assert_uint_eq(all[i].n, WAITS);
        for (size_t k = 0; k < i; k++)
            ck_assert_mem_ne(all[i].us, all[k].us, sizeof all[i].us);
        if (i == 1) {
            vouch_client_close(d.client);
            d.client = rig_client(&d.rig, 3, 0);
        }
    }
    deed_end(&d);
}
END_TEST

/* ---- the deadline --------------------------------------------------------------------------- */

#define LIMIT_MS 160
#define LATE_MS  50   /* how much later a call may return */
#define TRIES    40   /* of which one must be as good as that: the machine may be busy */
#define WORST_MS 5000 /* and none is as late as this */

enum standstill { AT_READS, AT_MULTI, AT_EXEC, IN_BACKOFF, STANDSTILLS };

static enum standstill where;

static void stand_still(struct deed *deed)
{
    if (where == AT_MULTI)
        ck_assert(ts_server_pause(deed->rig.server));
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 5;
    if (where == AT_EXEC)
        ts_proxy_plan_from_here(deed->rig.proxy, 0, &plan);
    if (where == IN_BACKOFF)
        deed_tell(deed, "INCR x");
}

/* Whatever was said holds, once the server has run all that reached it. */
static void expect_true(void)
{
    vouch_effect effect = d.status == VOUCH_OK ? VOUCH_APPLIED : d.error.effect;
    vouch_client_close(d.client);
    d.client = NULL;
    rig_settle(&d.rig);
    int64_t held = deed_int(&d, "GET done");
    ck_assert_msg(effect == VOUCH_APPLIED       ? held == 1
                  : effect == VOUCH_NOT_APPLIED ? held == TS_NIL
                                                : effect == VOUCH_MAYBE_APPLIED,
                  "%s, and is %lld: %s", vouch_effect_name(effect), (long long)held,
                  d.error.message);
}

/* False if the call did not come to the step that is tried, on a busy machine. */
static bool is_there(enum deed_mode mode)
{
    vouch_tx_outcome outcome = vouch_tx_result_outcome(d.result);
    if (where == AT_EXEC &&
        mode >= DEED_RESOLVE) /* on another connection, in the time kept for it */
        return outcome == VOUCH_OUTCOME_SETTLED;
    bool doubt = where == AT_EXEC || (where == AT_MULTI && mode != DEED_STRICT);
    if (outcome != (doubt ? VOUCH_OUTCOME_UNKNOWN : VOUCH_OUTCOME_NOT_SENT))
        return false;
    ck_assert_int_eq(d.status, doubt ? VOUCH_EUNKNOWN : VOUCH_ENOTSENT);
    ck_assert_int_eq(d.error.effect, doubt ? VOUCH_MAYBE_APPLIED : VOUCH_NOT_APPLIED);
    ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_DEADLINE);
    return true;
}

static int64_t take_time(ts_server_kind kind, enum deed_mode mode)
{
    deed_begin(&d, kind, 3);
    (void)deed_exec(&d, "PING");
    deed_mode(&d, mode);
    d.options.deadline_ms = LIMIT_MS;
    d.retry.base_ms = d.retry.cap_ms = 60000;
    d.retry.jitter = VOUCH_JITTER_NONE;
    struct plan p = {.read = "GET x", .then = stand_still, .queue = "INCR done"};
    if (where == AT_READS)
        ck_assert(ts_server_pause(d.rig.server));
    int64_t begun = ts_now_ms();
    (void)deed_plan(&d, &p);
    int64_t took = ts_now_ms() - begun;
    ck_assert_int_lt(took, WORST_MS);
    (void)ts_server_resume(d.rig.server);
    bool there = is_there(mode);
    expect_true();
    deed_end(&d);
    return there ? took : WORST_MS - 1;
}

START_TEST(one_deadline_is_over_all_of_it)
{
    where = (enum standstill)(_i % STANDSTILLS);
    enum deed_mode mode = (enum deed_mode)(_i / STANDSTILLS % DEED_MODES);
    ts_server_kind kind = _i / STANDSTILLS / DEED_MODES ? TS_VALKEY : TS_REDIS;
    int64_t best = WORST_MS;
    for (int tries = 0; best > LIMIT_MS + LATE_MS; tries++) {
        ck_assert_msg(tries < TRIES, "%lld ms at best", (long long)best);
        int64_t took = take_time(kind, mode);
        /* With a marker it may give up earlier, as what is left is for settling. */
        ck_assert_int_ge(took, mode >= DEED_RESOLVE ? LIMIT_MS * 3 / 4 - 1 : LIMIT_MS - 1);
        best = took < best ? took : best;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_options");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, options_have_limits_on_both_sides, 0, 2 * ROWS);
    tcase_add_loop_test(c, a_retry_policy_is_checked_first, 0, 2);
    tcase_add_loop_test(c, a_marker_is_named_and_lives_as_asked, 0, 2);
    tcase_add_loop_test(c, a_token_is_one_in_each_slot, 0, 2);
    tcase_add_loop_test(c, conflicts_and_outages_have_budgets_of_their_own, 0, 2);
    tcase_add_loop_test(c, a_hook_that_says_no_ends_the_conflict, 0, 2);
    tcase_add_loop_test(c, no_two_runs_wait_alike, 0, 2);
    tcase_add_loop_test(c, one_deadline_is_over_all_of_it, 0, 2 * STANDSTILLS * DEED_MODES);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
