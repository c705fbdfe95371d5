/* Servers that answer transactions as no server should, or as only some do: played by a script. */
#include "rig.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ts_script *server;
static vouch_client *client;
static vouch_tx_result *result;
static vouch_error error;

/* Answers to commands, by name; once EXEC was not asked for yet the handshake is over. */
struct oddity {
    const char *name, *reply; /* of the command; "" is no reply at all, NULL: as it should be */
};

struct part {
    const struct oddity *odd; /* ends with a NULL name */
    int execs, multis, commands;
};

static bool answer(ts_responder_state *state, const ts_request *request, ts_buffer *reply)
{
    struct part *p = state->user;
    p->multis += ts_request_is(request, 0, "MULTI");
    p->execs += ts_request_is(request, 0, "EXEC");
    for (const struct oddity *o = p->odd; o->name; o++) {
        if (!ts_request_is(request, 0, o->name))
            continue;
        ts_buffer_print(reply, "%s", o->reply);
        state->multi = state->multi && !ts_request_is(request, 0, "EXEC");
        state->queued += state->multi;
        return true;
    }
    return false;
}

static void begin(struct part *part, uint32_t protocol)
{
    ts_script_options so = {
        .transport = TS_UNIX, .respond = true, .responder = answer, .user = part};
    vouch_client_options o = rig_options(protocol, 0);
    char url[TS_URL_MAX];
    server = ts_script_start(&so);
    o.outages = 3;
    o.lazy = 0;
    o.connect_ms = RIG_PATIENCE_MS;
    ck_assert_msg(!vouch_client_open(ts_script_url(server, url, sizeof url), &o, &client, &error),
                  "%s", error.message);
    part->multis = part->execs = 0; /* not the handshake's */
}

static void end(void)
{
    vouch_tx_result_free(result);
    result = NULL;
    vouch_client_close(client);
    ts_script_free(server);
}

static int decided;

static vouch_tx_step body(vouch_tx *tx, void *user)
{
    (void)user;
    if (!vouch_tx_read(tx, "GET", "x"))
        return VOUCH_TX_READ;
    decided++;
    vouch_tx_queue(tx, "INCR", "a");
    vouch_tx_queue(tx, "INCR", "b");
    return VOUCH_TX_COMMIT;
}

struct row {
    const char *name;
    struct oddity odd[3];
    vouch_status status;
    vouch_effect effect;
    vouch_tx_outcome outcome;
    uint32_t attempts;
    const char *words; /* part of the message */
};

#define ABORT "-EXECABORT Transaction discarded because of previous errors.\r\n"

static const struct row rows[] = {
    {"nil as an array",
     {{"EXEC", "*-1\r\n"}},
     VOUCH_ECONFLICT,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_CONFLICT,
     3,
     "a watched key changed"},
    {"nil as a text",
     {{"EXEC", "$-1\r\n"}},
     VOUCH_ECONFLICT,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_CONFLICT,
     3,
     "a watched key changed"},
    {"nil of RESP3",
     {{"EXEC", "_\r\n"}},
     VOUCH_ECONFLICT,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_CONFLICT,
     3,
     "a watched key changed"},
    {"MOVED while queueing",
     {{"INCR", "-MOVED 1 127.0.0.1:1\r\n"}, {"EXEC", ABORT}},
     VOUCH_ESERVER,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_REFUSED_QUEUEING,
     1,
     "MOVED 1"},
    {"ASK while queueing",
     {{"INCR", "-ASK 1 127.0.0.1:1\r\n"}, {"EXEC", ABORT}},
     VOUCH_ESERVER,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_REFUSED_QUEUEING,
     1,
     "ASK 1"},
    {"MOVED by EXEC",
     {{"EXEC", "-MOVED 1 127.0.0.1:1\r\n"}},
     VOUCH_ESERVER,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_REFUSED_EXEC,
     1,
     "MOVED 1"},
    {"TRYAGAIN by EXEC",
     {{"EXEC", "-TRYAGAIN not yet\r\n"}},
     VOUCH_ESERVER,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_REFUSED_EXEC,
     4,
     "TRYAGAIN not yet"},
    {"CLUSTERDOWN by EXEC",
     {{"EXEC", "-CLUSTERDOWN no\r\n"}},
     VOUCH_ESERVER,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_REFUSED_EXEC,
     4,
     "CLUSTERDOWN no"},
    {"MOVED by WATCH",
     {{"WATCH", "-MOVED 1 127.0.0.1:1\r\n"}},
     VOUCH_ESERVER,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_REFUSED_QUEUEING,
     1,
     "WATCH: MOVED 1"},
    {"BUSY of the caller's own",
     {{"EXEC", "-BUSYKEY taken\r\n"}},
     VOUCH_ESERVER,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_REFUSED_EXEC,
     1,
     "BUSYKEY"},
    {"a refusal that EXEC forgot",
     {{"INCR", "-ERR no\r\n"}, {"EXEC", "*0\r\n"}},
     VOUCH_EPARTIAL,
     VOUCH_PARTLY_APPLIED,
     VOUCH_OUTCOME_ERRORS,
     1,
     "ERR no"},
    {"fewer replies than commands",
     {{"EXEC", "*1\r\n:1\r\n"}},
     VOUCH_EPARTIAL,
     VOUCH_APPLIED,
     VOUCH_OUTCOME_COMMITTED,
     1,
     "1 replies to 2 queued commands"},
    {"EXEC answers OK",
     {{"EXEC", "+OK\r\n"}},
     VOUCH_EUNKNOWN,
     VOUCH_MAYBE_APPLIED,
     VOUCH_OUTCOME_UNKNOWN,
     1,
     "may have committed"},
    {"EXEC answers a number",
     {{"EXEC", ":2\r\n"}},
     VOUCH_EUNKNOWN,
     VOUCH_MAYBE_APPLIED,
     VOUCH_OUTCOME_UNKNOWN,
     1,
     "may have committed"},
    {"WATCH answers QUEUED",
     {{"WATCH", "+QUEUED\r\n"}},
     VOUCH_ENOTSENT,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_NOT_SENT,
     4,
     ""},
    {"WATCH answers a number",
     {{"WATCH", ":1\r\n"}},
     VOUCH_ENOTSENT,
     VOUCH_NOT_APPLIED,
     VOUCH_OUTCOME_NOT_SENT,
     4,
     ""},
};

#define ROWS ((int)(sizeof rows / sizeof *rows))

START_TEST(an_odd_answer_is_told_for_what_it_is)
{
    const struct row *r = &rows[_i / 2];
    struct part part = {.odd = r->odd};
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_retry retry = VOUCH_RETRY_INIT;
    bool watched = strncmp(r->name, "WATCH", 5) != 0 && strstr(r->name, "WATCH") == NULL;
    begin(&part, _i % 2 ? 2 : 3);
    retry.conflicts = 2;
    retry.base_ms = retry.outage_base_ms = retry.cap_ms = 1;
    o.retry = &retry;
    decided = 0;
    vouch_status status = vouch_transaction_run(client, body, NULL, &o, &result, &error);
    ck_assert_msg(status == r->status, "%s: %s: %s", r->name, vouch_status_name(status),
                  error.message);
    ck_assert_msg(error.effect == r->effect, "%s: %s", r->name, vouch_effect_name(error.effect));
    ck_assert_msg(vouch_tx_result_outcome(result) == r->outcome, "%s: %s", r->name,
                  vouch_tx_outcome_name(vouch_tx_result_outcome(result)));
    ck_assert_msg(strstr(error.message, r->words), "%s: %s", r->name, error.message);
    ck_assert_msg(vouch_tx_result_attempts(result) == r->attempts, "%s: %u attempts", r->name,
                  vouch_tx_result_attempts(result));
    ck_assert_int_eq(decided, watched ? (int)r->attempts : 0);
    vouch_client_close(client);
    client = NULL;
    ck_assert_int_eq(part.execs, watched ? (int)r->attempts : 0); /* never MULTI without a WATCH */
    end();
}
END_TEST

/* MULTI is refused for now, the commands too, and in between the marker's SET is not: another attempt would
 * find the marker, and take it for a commit. */
START_TEST(nothing_is_tried_again_over_a_marker_that_ran_alone)
{
    static const struct oddity none[] = {{NULL, NULL}};
    static const struct oddity odd[] = {{"GET", "$-1\r\n"},
                                        {"MULTI", "-LOADING not yet\r\n"},
                                        {"SET", "+OK\r\n"},
                                        {"INCR", "-OOM no memory\r\n"},
                                        {"EXEC", "-ERR EXEC without MULTI\r\n"},
                                        {NULL, NULL}};
    struct part part = {.odd = none};
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    begin(&part, _i % 2 ? 2 : 3);
    part.odd = odd;
    o.resolve = 1;
    o.token = _i / 2 ? "job" : NULL;
    vouch_status status = vouch_transaction_run(client, body, NULL, &o, &result, &error);
    vouch_tx_outcome outcome = vouch_tx_result_outcome(result);
    ck_assert_uint_eq(vouch_tx_result_attempts(result), 1);
    ck_assert_ptr_nonnull(strstr(error.message, "MULTI: LOADING"));
    /* The token is used, which no "not applied" may hide. */
    ck_assert_int_eq(status, o.token ? VOUCH_ENOTATOMIC : VOUCH_ESERVER);
    ck_assert_int_eq(outcome, o.token ? VOUCH_OUTCOME_NOT_ATOMIC : VOUCH_OUTCOME_REFUSED_QUEUEING);
    ck_assert_int_eq(error.effect, o.token ? VOUCH_PARTLY_APPLIED : VOUCH_NOT_APPLIED);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(vouch_tx_result_at(result, i)->effect, VOUCH_NOT_APPLIED);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_odd");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, an_odd_answer_is_told_for_what_it_is, 0, 2 * ROWS);
    tcase_add_loop_test(c, nothing_is_tried_again_over_a_marker_that_ran_alone, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
