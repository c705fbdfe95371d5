/* What histories and kills have found, each by itself. */
#include "rig.h"

#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;
static vouch_tx_options options;

static void begin(void)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    options = o;
}

static void end(void)
{
    vouch_client_close(client);
    client = NULL;
    rig_stop(&rig);
}

static vouch_tx_step increment(vouch_tx *tx, void *user)
{
    const vouch_reply *value = vouch_tx_read(tx, "GET", "c");
    int64_t n = 0;
    (void)user;
    if (!value)
        return VOUCH_TX_READ;
    (void)vouch_reply_int64(value, &n);
    vouch_tx_queue(tx, "SET", "c", n + 1);
    return VOUCH_TX_COMMIT;
}

static vouch_status run(vouch_tx_result **result)
{
    return vouch_transaction_run(client, increment, NULL, &options, result, &error);
}

/* Strict, and the connection is lost before MULTI's answer came: the next attempt waited for that answer
 * still, and took a half-asked question for an answered one. */
START_TEST(strict_begins_anew_after_a_loss)
{
    int64_t end_of_it = 1;
    options.strict = 1;
    for (int64_t n = 0; n <= end_of_it; n++) {
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, n);
        int connection = rig_next_connection(&rig);
        if (n)
            ts_proxy_plan(rig.proxy, connection, &plan);
        client = rig_client(&rig, 2, 0);
        vouch_status status = run(NULL);
        ck_assert_msg(status == VOUCH_OK || status == VOUCH_EUNKNOWN, "cut at %lld: %s",
                      (long long)n, error.message);
        vouch_client_close(client);
        client = NULL;
        if (!n)
            end_of_it = ts_proxy_count(rig.proxy, connection).to_client;
    }
}
END_TEST

/* Waits until the answers to what was sent are on their way to the client, and come no more. */
static void wait_answers(int64_t before)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS), at = before;
    for (int still = 0; still < 3;) {
        int64_t now = ts_proxy_count(rig.proxy, TS_EVERY).to_client;
        still = now > before && now == at ? still + 1 : 0;
        at = now;
        ck_assert(ts_look_again(limit));
    }
}

/* Begins on a connection that is there, and is interrupted when all it asked is answered, but not read
 * yet. */
static void interrupt_answered(void)
{
    vouch_op *op = NULL;
    int64_t before = ts_proxy_count(rig.proxy, TS_EVERY).to_client;
    ck_assert_int_eq(vouch_transaction_start(client, increment, NULL, &options, &op, &error),
                     VOUCH_OK);
    rig_push(client);
    wait_answers(before);
    vouch_client_interrupt(client);
    rig_turn(client, 100);
    ck_assert(vouch_op_done(op));
    ck_assert_int_eq(vouch_transaction_finish(op, NULL, &error), VOUCH_EINTERRUPTED);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
}

/* An interrupt between the answers to a round and the next round went unheard. */
START_TEST(an_interrupt_ends_what_is_answered)
{
    client = rig_client(&rig, 3, 0);
    ck_assert_int_eq(run(NULL), VOUCH_OK);
    interrupt_answered();
    ck_assert_int_eq(ts_int(rig.server, "GET", "c", NULL), 1);
}
END_TEST

/* The same when the answer says that another run's "aborted" is to be removed first. */
START_TEST(an_interrupt_ends_what_would_take_over)
{
    vouch_tx_result *result = NULL;
    char marker[128];
    client = rig_client(&rig, 3, 0);
    options.token = "t";
    ck_assert_int_eq(run(&result), VOUCH_OK);
    vouch_string name = vouch_tx_result_marker(result);
    ck_assert_uint_lt(name.size, sizeof marker);
    memcpy(marker, name.data, name.size);
    marker[name.size] = 0;
    vouch_tx_result_free(result);
    ts_do(rig.server, "SET", marker, "aborted:somebody", NULL);
    interrupt_answered();
    ck_assert_int_eq(ts_int(rig.server, "GET", "c", NULL), 1);
    ck_assert_int_eq(run(NULL), VOUCH_OK);
    ck_assert_int_eq(ts_int(rig.server, "GET", "c", NULL), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("found");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 100);
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, strict_begins_anew_after_a_loss);
    tcase_add_test(c, an_interrupt_ends_what_is_answered);
    tcase_add_test(c, an_interrupt_ends_what_would_take_over);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
