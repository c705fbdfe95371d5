/* Users without some of the rights that calls of scripts need, from before they connect, or since; the
 * script there or not. What is told is compared with what the server holds, and names what was refused. */
#include "callee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static struct callee callees[CALLEE_KINDS];

enum form { ALONE, PIPELINE, EXEC, READS, TOKEN, STRICT, EXEC_INSIDE, FORMS };

/* How each form ends, a letter for each: Done; Refused, and nothing of it applied; Maybe, with an error
 * that could be a script's own; Errors, a transaction that was committed all the same; Loose, it ran without MULTI. */
struct right {
    const char *rules;                  /* ACL rules that take it from the default user */
    const char *named;                  /* what a message says of it */
    const char *ends[2][CALLEE_KINDS];  /* by whether the script is there */
    const char *since[2][CALLEE_KINDS]; /* the same, lost on an open connection; NULL: likewise */
};

static const struct right rights[] = {
    {"-script|load",
     "script|load",
     {{"RRRRRRR", "RRRRRRR", "RRRRRRR"}, {"DDDDDRR", "DDDDDRR", "DDDDDRR"}},
     {{NULL}}},
    {"-script|exists",
     "script|exists",
     {{"DDDDDDD", "DDDDDDD", "DDDDDDD"}, {"DDDDDDD", "DDDDDDD", "DDDDDDD"}},
     {{"DDDDDDD", "MMDDDDD", "DDDDDDD"}, {"DDDDDDD", "DDDDDDD", "DDDDDDD"}}},
    {"-script",
     "script",
     {{"RRRRRRR", "MMRRRRR", "RRRRRRR"}, {"DDRRRRR", "DDRRRRR", "DDRRRRR"}},
     {{NULL}}},
    {"-evalsha",
     "evalsha",
     {{"RRRRRRR", "MMRRRRR", "DDDDDDD"}, {"RRRRRRR", "MMRRRRR", "DDDDDDD"}},
     {{NULL}}},
    {"-evalsha_ro",
     "evalsha_ro",
     {{"DDDDDDD", "DDDDDDD", "RRRRRRR"}, {"DDDDDDD", "DDDDDDD", "RRRRRRR"}},
     {{NULL}}},
    {"-multi",
     "multi",
     {{"DDRRRRR", "DDRRRRR", "DDRRRRR"}, {"DDRRRRR", "DDRRRRR", "DDRRRRR"}},
     {{"DDRRLLR", "DDRRLLR", "DDRRLLR"}, {"DDRRLLR", "DDRRLLR", "DDRRLLR"}}},
    {"resetkeys ~before ~after ~nothing ~vouch:*",
     "key",
     {{"RRRRRRR", "MMRRRRR", "RRRRRRR"}, {"RRRRRRR", "MMRRRRR", "RRRRRRR"}},
     {{NULL}}},
    {"-incr",
     "script",
     {{"MMEEMME", "MMEEMME", "DDDDDDD"}, {"MMEEMME", "MMEEMME", "DDDDDDD"}},
     {{NULL}}},
};

#define RIGHTS ((int)(sizeof rights / sizeof *rights))

/* ---- calling -------------------------------------------------------------------------------- */

static bool held(const char *key)
{
    return ts_int(rig.server, "EXISTS", key, NULL) == 1;
}

static char letter(const char *what, vouch_status status, vouch_effect effect)
{
    bool maybe = effect == VOUCH_MAYBE_APPLIED;
    ck_assert_msg(status == VOUCH_OK || status == VOUCH_ESERVER || status == VOUCH_ENOTATOMIC,
                  "%s: %s", what, error.message);
    if (status == VOUCH_ENOTATOMIC)
        return 'L';
    if (status == VOUCH_OK)
        return 'D';
    return maybe ? 'M' : 'R';
}

/* What was said of a call, and what the counter says. */
static void check(const char *what, enum callee_kind kind, vouch_effect effect)
{
    bool ran = held("ran");
    bool fits = kind == CALLEE_READONLY       ? !ran
                : effect == VOUCH_APPLIED     ? ran
                : effect == VOUCH_NOT_APPLIED ? !ran
                                              : true;
    ck_assert_msg(fits, "%s: said to be %s, ran %d: %s", what, vouch_effect_name(effect), ran,
                  error.message);
}

static char call_alone(const char *what, enum callee_kind kind, enum form form)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    static unsigned number;
    char token[16];
    (void)snprintf(token, sizeof token, "%u", number++);
    o.token = form == TOKEN ? token : NULL;
    o.strict = form == STRICT;
    vouch_status status =
        callee_call(client, &callees[kind], VOUCH_ARGS("ran"), VOUCH_ARGS("x"), &o, &call, &error);
    check(what, kind, vouch_call_result(call)->effect);
    ck_assert(status == VOUCH_OK || error.effect == vouch_call_result(call)->effect);
    vouch_effect effect = vouch_call_result(call)->effect;
    vouch_call_free(call);
    return letter(what, status, effect);
}

static vouch_batch *batch_of(enum callee_kind kind)
{
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "SET", "before", 1);
    callee_add(b, &callees[kind], VOUCH_ARGS("ran"), VOUCH_ARGS("x"));
    vouch_batch_add(b, "SET", "after", 1);
    return b;
}

static char call_in_pipeline(const char *what, enum callee_kind kind)
{
    vouch_results *r = NULL;
    vouch_batch *b = batch_of(kind);
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    o.reorder_ok = 1; /* else what others overtook is not tried again, whatever rights there are */
    vouch_status status = vouch_pipeline_run(client, b, &o, &r, &error);
    const vouch_result *result = vouch_results_at(r, 1);
    check(what, kind, result->effect);
    ck_assert(held("before") == (vouch_results_at(r, 0)->effect == VOUCH_APPLIED));
    ck_assert(held("after") == (vouch_results_at(r, 2)->effect == VOUCH_APPLIED));
    ck_assert_msg(result->status == VOUCH_OK || error.command == 1, "%s: %s", what, error.message);
    ck_assert((status == VOUCH_OK) == (result->status == VOUCH_OK));
    char l = letter(what, result->status, result->effect);
    vouch_results_free(r);
    vouch_batch_free(b);
    return l;
}

static vouch_tx_step read_and_queue(vouch_tx *tx, void *user)
{
    if (!vouch_tx_read(tx, "GET", "nothing"))
        return VOUCH_TX_READ;
    (void)vouch_tx_queue_batch(tx, user);
    return VOUCH_TX_COMMIT;
}

/* All of it or nothing, unless the script itself failed, and that is listed. */
static char call_in_transaction(const char *what, enum callee_kind kind, enum form form)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *r = NULL;
    const vouch_exec_error *errors;
    vouch_batch *b = batch_of(kind);
    o.load_inside = form == EXEC_INSIDE;
    o.strict = 1; /* else a MULTI that is refused meanwhile lets them run loose: test_tx_rights */
    vouch_status status = form == READS
                              ? vouch_transaction_run(client, read_and_queue, b, &o, &r, &error)
                              : vouch_transaction_exec(client, b, &o, &r, &error);
    char l = 'R';
    ck_assert_msg(held("before") == held("after"), "%s", what);
    if (vouch_tx_result_outcome(r) == VOUCH_OUTCOME_ERRORS) {
        ck_assert_uint_eq(vouch_tx_exec_errors(r, &errors), 1);
        ck_assert_uint_eq(errors[0].index, 1);
        check(what, kind, errors[0].effect);
        ck_assert(held("before"));
        l = 'E';
    } else {
        l = letter(what, status, error.effect);
        ck_assert_msg(l != 'M' && held("before") == (l == 'D'), "%s: %s", what, error.message);
        check(what, kind, l == 'D' ? VOUCH_APPLIED : VOUCH_NOT_APPLIED);
    }
    vouch_tx_result_free(r);
    vouch_batch_free(b);
    return l;
}

/* ---- the matrix ----------------------------------------------------------------------------- */

static void allow(void)
{
    ts_do(rig.server, "ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "&*", "+@all",
          NULL);
}

static void deny(const char *rules)
{
    char copy[128], *rest = copy;
    (void)snprintf(copy, sizeof copy, "%s", rules);
    for (char *rule; (rule = strtok_r(rest, " ", &rest));)
        ts_do(rig.server, "ACL", "SETUSER", "default", rule, NULL);
}

static void load(enum callee_kind kind)
{
    vouch_client *other = rig_client(&rig, 3, 10);
    vouch_call *call = NULL;
    ck_assert_int_eq(
        callee_call(other, &callees[kind], VOUCH_ARGS("ran"), VOUCH_ARGS("x"), NULL, &call, &error),
        VOUCH_OK);
    vouch_call_free(call);
    vouch_client_close(other);
}

static void connect_and_know(enum callee_kind kind)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    client = rig_client(&rig, 3, 1000);
    for (o.strict = 0; o.strict < 2; o.strict++)
        ck_assert_int_eq(callee_call(client, &callees[kind], VOUCH_ARGS("ran"), VOUCH_ARGS("x"), &o,
                                     &call, &error),
                         VOUCH_OK);
    vouch_call_free(call);
}

static char try_without(const struct right *right, bool since, bool there, enum callee_kind kind,
                        enum form form)
{
    char what[160], l;
    (void)snprintf(what, sizeof what, "%s, %s, %s, %s, form %d", right->rules,
                   since ? "since" : "before", there ? "there" : "missing", callee_kind_name(kind),
                   (int)form);
    allow();
    if (since)
        connect_and_know(kind);
    callee_lose_all(rig.server);
    if (there)
        load(kind);
    ts_do(rig.server, "FLUSHALL", NULL);
    deny(right->rules);
    client = client ? client : rig_client(&rig, 3, 1000);
    l = form == ALONE || form == TOKEN || form == STRICT ? call_alone(what, kind, form)
        : form == PIPELINE                               ? call_in_pipeline(what, kind)
                                                         : call_in_transaction(what, kind, form);
    if (l != 'D')
        ck_assert_msg(strstr(error.message, right->named) || strstr(error.message, "MULTI"),
                      "%s: %s", what, error.message);
    vouch_client_close(client);
    client = NULL;
    return l;
}

START_TEST(whatever_right_is_missing_the_truth_is_told)
{
    const struct right *right = &rights[_i / 2];
    client = NULL;
    rig = rig_start(_i % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    for (int kind = 0; kind < CALLEE_KINDS; kind++)
        callees[kind] = callee_counter((enum callee_kind)kind, kind);
    for (int since = 0; since < 2; since++)
        for (int there = 0; there < 2; there++)
            for (int kind = 0; kind < CALLEE_KINDS; kind++) {
                char got[FORMS + 1] = "";
                const char *since_want = right->since[there][kind];
                const char *want = since && since_want ? since_want : right->ends[there][kind];
                for (int form = 0; form < FORMS; form++)
                    got[form] =
                        try_without(right, since, there, (enum callee_kind)kind, (enum form)form);
                ck_assert_msg(strcmp(got, want) == 0, "%s, %s, %s, %s: %s, not %s", right->rules,
                              since ? "since" : "before", there ? "there" : "missing",
                              callee_kind_name((enum callee_kind)kind), got, want);
            }
    for (int kind = 0; kind < CALLEE_KINDS; kind++)
        callee_free(&callees[kind]);
    rig_stop(&rig);
}
END_TEST

/* A load that was refused is tried once, and is not taken for one that was made. */
START_TEST(a_refused_load_leaves_nothing_behind)
{
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    for (int kind = 0; kind < CALLEE_KINDS; kind++) {
        vouch_call *call = NULL;
        callees[kind] = callee_counter((enum callee_kind)kind, kind);
        client = rig_client(&rig, 3, 1000);
        allow();
        deny("-script|load");
        vouch_status status = callee_call(client, &callees[kind], VOUCH_ARGS("ran"),
                                          VOUCH_ARGS("x"), NULL, &call, &error);
        ck_assert_int_eq(status, VOUCH_ESERVER);
        ck_assert_uint_eq(vouch_call_loads(call), 1);
        allow();
        uint64_t before = callee_trips(client);
        status = callee_call(client, &callees[kind], VOUCH_ARGS("ran"), VOUCH_ARGS("x"), NULL,
                             &call, &error);
        ck_assert_msg(status == VOUCH_OK, "%s", error.message);
        ck_assert_uint_eq(callee_trips(client) - before, kind == CALLEE_FORGER ? 1 : 2);
        vouch_call_free(call);
        vouch_client_close(client);
        client = NULL;
        callee_free(&callees[kind]);
    }
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script rights");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, whatever_right_is_missing_the_truth_is_told, 0, 2 * RIGHTS);
    tcase_add_loop_test(c, a_refused_load_leaves_nothing_behind, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
