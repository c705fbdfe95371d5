/* The connection ends at every byte of a call that is answered as if its script were missing, of the
 * question whether it is, and of what follows: what was said is compared with what was done. Forged,
 * there is nothing that may be sent again; missing for true, all that comes after may be. */
#include "callee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_error error;
static struct callee forger, counter, reader;
static const char *line; /* by which this server says that a script is missing */

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    line = kind == TS_REDIS ? "NOSCRIPT No matching script. Please use EVAL."
                            : "NOSCRIPT No matching script.";
    forger = callee_of("redis.call('INCR', KEYS[1]) "
                       "if ARGV[1] == 'warm' then return 1 end return redis.error_reply(ARGV[1])",
                       NULL);
    counter = callee_counter(CALLEE_HONEST, 1);
    reader = callee_counter(CALLEE_READONLY, 2);
}

static void end(void)
{
    callee_free(&forger);
    callee_free(&counter);
    callee_free(&reader);
    rig_stop(&rig);
}

/* ---- what is cut ---------------------------------------------------------------------------- */

enum form { FORGED, MISSING, MISSING_HONEST, PIPELINE, REORDERED, FORMS };

static const char *const names[FORMS] = {"forged", "missing", "missing, honest", "a pipeline",
                                         "a pipeline, reorder_ok"};

/* Counters c0000 and on; their number, and what was said of each. */
struct said {
    size_t n;
    vouch_effect effects[8];
};

static void call(vouch_client *client, enum form form, struct said *said)
{
    vouch_call *call = NULL;
    const struct callee *c = form == MISSING_HONEST ? &counter : &forger;
    (void)!callee_call(client, c, VOUCH_ARGS("c0000"), VOUCH_ARGS(form == FORGED ? line : "warm"),
                       NULL, &call, &error);
    said->n = 1;
    said->effects[0] = vouch_call_result(call)->effect;
    vouch_call_free(call);
}

/* What is forged, between others; the last one is truly missing. */
static void run(vouch_client *client, enum form form, struct said *said)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *r = NULL;
    vouch_batch *b = vouch_batch_new();
    o.reorder_ok = form == REORDERED;
    vouch_batch_add(b, "INCR", "c0000");
    callee_add(b, &forger, VOUCH_ARGS("c0001"), VOUCH_ARGS(line));
    callee_add(b, &counter, VOUCH_ARGS("c0002"), VOUCH_NO_ARGS);
    callee_add(b, &forger, VOUCH_ARGS("c0003"), VOUCH_ARGS(line));
    vouch_batch_add(b, "INCR", "c0004");
    (void)!vouch_pipeline_run(client, b, &o, &r, &error);
    said->n = vouch_results_count(r);
    for (size_t i = 0; i < said->n; i++)
        said->effects[i] = vouch_results_at(r, i)->effect;
    vouch_results_free(r);
    vouch_batch_free(b);
}

/* A connection that knows them to be there; which they are, or not. */
static vouch_client *prepare(enum form form)
{
    vouch_client *client = rig_client(&rig, 3, 1000);
    vouch_call *call = NULL;
    const struct callee *known[] = {&forger, &counter};
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(callee_call(client, known[i], VOUCH_ARGS("warm"), VOUCH_ARGS("warm"), NULL,
                                     &call, &error),
                         VOUCH_OK);
    vouch_call_free(call);
    if (form == FORGED)
        return client;
    callee_lose_all(rig.server);
    if (form >= PIPELINE) { /* the forger is back: another has loaded it */
        vouch_client *other = rig_client(&rig, 3, 10);
        call = NULL;
        ck_assert_int_eq(callee_call(other, &forger, VOUCH_ARGS("warm"), VOUCH_ARGS("warm"), NULL,
                                     &call, &error),
                         VOUCH_OK);
        vouch_call_free(call);
        vouch_client_close(other);
    }
    return client;
}

struct tally {
    unsigned long cases, said[3];
};

/* Cuts after so many bytes from here, in this direction; TS_NEVER: not at all. Returns how many there were
 * to cut. */
static int64_t cut(enum form form, ts_direction direction, int64_t at, struct tally *tally)
{
    struct said said;
    char what[100];
    rig_flush(&rig);
    int connection = rig_next_connection(&rig);
    vouch_client *client = prepare(form);
    ts_proxy_counts before = ts_proxy_count(rig.proxy, connection);
    if (at != TS_NEVER) {
        ts_plan plan = ts_plan_cut(direction, at);
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    }
    if (form >= PIPELINE)
        run(client, form, &said);
    else
        call(client, form, &said);
    ts_proxy_counts after = ts_proxy_count(rig.proxy, connection);
    vouch_client_close(client);
    rig_settle(&rig);
    int64_t *held = rig_held(&rig, said.n);
    (void)snprintf(what, sizeof what, "%s, cut %s the server after %lld bytes", names[form],
                   direction == TS_TO_SERVER ? "to" : "from", (long long)at);
    for (size_t i = 0; i < said.n; i++) {
        bool fits = said.effects[i] == VOUCH_APPLIED       ? held[i] == 1
                    : said.effects[i] == VOUCH_NOT_APPLIED ? held[i] == 0
                                                           : held[i] <= 1;
        ck_assert_msg(fits, "%s: command %zu is said to be %s, ran %lld times", what, i,
                      vouch_effect_name(said.effects[i]), (long long)held[i]);
        tally->said[said.effects[i]]++;
    }
    /* Handed over whole, and forged: nobody can know. */
    if (form == FORGED && (direction == TS_TO_CLIENT || at == TS_NEVER))
        ck_assert_msg(said.effects[0] == VOUCH_MAYBE_APPLIED, "%s", what);
    free(held);
    tally->cases++;
    return direction == TS_TO_SERVER ? after.to_server - before.to_server
                                     : after.to_client - before.to_client;
}

START_TEST(cut_at_every_byte)
{
    enum form form = (enum form)(_i / 2);
    struct tally tally = {0};
    begin(_i % 2 ? TS_VALKEY : TS_REDIS);
    for (int d = 0; d < 2; d++) {
        ts_direction direction = d ? TS_TO_CLIENT : TS_TO_SERVER;
        int64_t bytes = cut(form, direction, TS_NEVER, &tally);
        ck_assert_int_gt(bytes, 30);
        for (int64_t at = 0; at <= bytes; at++)
            (void)cut(form, direction, at, &tally);
    }
    printf("%s: %lu cases, %lu APPLIED, %lu NOT_APPLIED, %lu MAYBE_APPLIED\n", names[form],
           tally.cases, tally.said[VOUCH_APPLIED], tally.said[VOUCH_NOT_APPLIED],
           tally.said[VOUCH_MAYBE_APPLIED]);
    end();
}
END_TEST

/* What only reads is asked again, whatever was lost. */
START_TEST(what_only_reads_survives_every_cut)
{
    begin(_i ? TS_VALKEY : TS_REDIS);
    for (int64_t at = 0; at < 700; at++) {
        vouch_call *call = NULL;
        int connection = rig_next_connection(&rig);
        callee_lose_all(rig.server);
        vouch_client *client = rig_client(&rig, 3, 1000);
        ts_plan plan = ts_plan_cut(at % 2 ? TS_TO_SERVER : TS_TO_CLIENT, at / 2);
        ck_assert_int_gt(rig_connection_id(client), 0);
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        vouch_status status =
            callee_call(client, &reader, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call, &error);
        ck_assert_msg(status == VOUCH_OK, "%lld: %s", (long long)at, error.message);
        ck_assert(vouch_reply_is_nil(vouch_call_reply(call)));
        vouch_call_free(call);
        vouch_client_close(client);
    }
    end();
}
END_TEST

/* What the question goes out behind is held until the script is gone: then it truly is missing, and nobody
 * can know that it ran. The one case of which vouch/script.h says so; with `strict` there is none. */
START_TEST(gone_between_its_answer_and_the_question)
{
    begin(_i ? TS_VALKEY : TS_REDIS);
    for (uint32_t strict = 0; strict < 2; strict++) {
        vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
        vouch_call *call = NULL;
        vouch_op *op = NULL;
        size_t size = 0;
        rig_flush(&rig);
        int connection = rig_next_connection(&rig);
        vouch_client *client = prepare(FORGED);
        ts_plan plan = ts_plan_none();
        free(ts_encode(&size, "EVALSHA", vouch_script_digest(forger.script), "1", "c0000", line,
                       NULL));
        plan.to_server.stall_after = strict ? TS_NEVER : (int64_t)size;
        int64_t before = ts_proxy_count(rig.proxy, connection).from_client;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        o.strict = strict;
        ck_assert_int_eq(
            callee_start(client, &forger, VOUCH_ARGS("c0000"), VOUCH_ARGS(line), &o, &op, &error),
            VOUCH_OK);
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
             ts_proxy_count(rig.proxy, connection).from_client <= before + (int64_t)size;) {
            ck_assert(!ts_passed(limit));
            rig_turn(client, 2);
        }
        callee_lose_all(rig.server);
        ts_proxy_release(rig.proxy, connection);
        vouch_status status = vouch_call_finish(op, &call, &error);
        ck_assert_msg(status == VOUCH_ESERVER && error.effect == VOUCH_MAYBE_APPLIED, "%s",
                      error.message);
        ck_assert_int_eq(ts_int(rig.server, "GET", "c0000", NULL), strict ? 1 : 2);
        vouch_call_free(call);
        vouch_client_close(client);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script cut");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, cut_at_every_byte, 0, 2 * FORMS);
    tcase_add_loop_test(c, what_only_reads_survives_every_cut, 0, 2);
    tcase_add_loop_test(c, gone_between_its_answer_and_the_question, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
