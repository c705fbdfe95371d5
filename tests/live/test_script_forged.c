/* Scripts that write, and then answer with what a server says before it starts one: in its exact words
 * or nearly so, returned and raised, from literals, arguments and data; called in every way, missing or
 * not. What ran is never said not to have been applied, and never runs twice. */
#include "callee.h"
#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;

static const char *const lines[] = {
    "NOSCRIPT No matching script. Please use EVAL.",
    "NOSCRIPT No matching script.",
    "NOSCRIPT No matching script. Please use EVAL",
    "NOSCRIPT No matching script. Please use EVAL. ",
    "NOSCRIPT no matching script.",
    "NOSCRIPT",
    "-NOSCRIPT No matching script.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
    "READONLY You can't write against a read only replica.",
    "READONLY Can not run script with write flag on readonly replica.",
    "LOADING Redis is loading the dataset in memory",
    "LOADING Valkey is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS Not enough good replicas to write.",
    "MISCONF Errors writing to the AOF file: No space left on device",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
    "disk. "
    "Commands that may modify the data set are disabled, because this instance is configured to "
    "report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). "
    "Please check the Redis logs for details about the RDB error.",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "BUSY Valkey is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
    "BUSY",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN Hash slot not served",
    "MOVED 1 127.0.0.1:1",
    "ASK 1 127.0.0.1:1",
    "NOAUTH Authentication required.",
    "NOPERM this user has no permissions to run the 'evalsha' command",
    "DENIED x",
    "ERR unknown command 'EVALSHA', with args beginning with: ",
    "ERR Function not found",
    "ERR wrong number of arguments for 'evalsha' command",
    "ERR max number of clients reached",
    "EXECABORT Transaction discarded because of previous errors.",
    "INVALIDOBJ Corrupted HLL object detected",
    "UNBLOCKED the stream key no longer exists",
    "UNKILLABLE Sorry the script already executed write commands against the dataset.",
    "NOTBUSY No scripts in execution right now.",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
};

#define LINES (sizeof lines / sizeof *lines)

/* How a script comes by its answer; the line is ARGV[1], in the key KEYS[2], and at the %s. */
static const char *const makers[] = {
    "return redis.error_reply([==[%s]==])",
    "return {err = ARGV[1]}",
    "return redis.error_reply(redis.call('GET', KEYS[2]))",
    "local e = redis.pcall('INCR', KEYS[2]) e.err = ARGV[1] return e",
    "error({err = ARGV[1]})",
    "error(ARGV[1], 0)",
    "error(setmetatable({err = ARGV[1]}, {__newindex = function() end}))",
    "local ok, e = pcall(error, redis.error_reply(ARGV[1])) return redis.error_reply(ARGV[1])",
};

#define MAKERS (sizeof makers / sizeof *makers)

static struct callee forger(size_t maker, const char *line, int honest)
{
    char end[600], source[700];
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    o.honest = (uint32_t)honest;
    (void)snprintf(end, sizeof end, makers[maker], line);
    (void)snprintf(source, sizeof source, "redis.call('INCR', KEYS[1])\n%s", end);
    return callee_of(source, &o);
}

static void begin(ts_server_kind kind, uint32_t protocol)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    client = rig_client(&rig, protocol, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    client = NULL;
    rig_stop(&rig);
}

static int64_t held(const char *key)
{
    const char *words[] = {"GET", key};
    ts_reply *r = rig_ask(&rig, 2, words);
    int64_t n = r->text ? strtoll(r->text, NULL, 10) : 0;
    ts_reply_free(r);
    return n;
}

/* What ran once is not denied, what is denied did not run, and nothing ran twice. */
static void check(const char *what, vouch_effect effect, int64_t times)
{
    bool fits = effect == VOUCH_APPLIED       ? times == 1
                : effect == VOUCH_NOT_APPLIED ? times == 0
                                              : times <= 1;
    ck_assert_msg(fits, "%s: said to be %s, ran %lld times", what, vouch_effect_name(effect),
                  (long long)times);
}

/* ---- every line, however made, however called ----------------------------------------------- */

enum form { ALONE, RESOLVE, STRICT, IDLE_PIPELINE, PIPELINE, EXEC, EXEC_INSIDE, READS, FORMS };

static vouch_effect call_alone(const struct callee *c, const char *line, enum form form)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    o.resolve = form == RESOLVE;
    o.strict = form == STRICT;
    vouch_status status =
        callee_call(client, c, VOUCH_ARGS("ran", "data"), VOUCH_ARGS(line), &o, &call, &error);
    ck_assert_msg(status == VOUCH_ESERVER, "%s: %s", line, vouch_status_name(status));
    vouch_effect effect = vouch_call_result(call)->effect;
    ck_assert_int_eq(effect, error.effect);
    ck_assert(vouch_reply_is_error(vouch_call_reply(call)));
    ck_assert_uint_eq(error.retriable, 0);
    vouch_call_free(call);
    return effect;
}

static vouch_effect call_in_pipeline(const struct callee *c, const char *line, enum form form)
{
    vouch_results *r = NULL;
    vouch_batch *b = vouch_batch_new();
    if (form == PIPELINE)
        vouch_batch_add(b, "INCR", "before");
    size_t at = callee_add(b, c, VOUCH_ARGS("ran", "data"), VOUCH_ARGS(line));
    if (form == PIPELINE)
        vouch_batch_add(b, "INCR", "after");
    (void)!vouch_pipeline_run(client, b, NULL, &r, &error);
    vouch_effect effect = vouch_results_at(r, at)->effect;
    if (form == PIPELINE) {
        check("before it", vouch_results_at(r, 0)->effect, held("before"));
        check("behind it", vouch_results_at(r, 2)->effect, held("after"));
    }
    vouch_results_free(r);
    vouch_batch_free(b);
    return effect;
}

static vouch_tx_step read_and_queue(vouch_tx *tx, void *user)
{
    if (!vouch_tx_read(tx, "GET", "nothing"))
        return VOUCH_TX_READ;
    (void)vouch_tx_queue_batch(tx, user);
    return VOUCH_TX_COMMIT;
}

static vouch_effect call_in_transaction(const struct callee *c, const char *line, enum form form)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *r = NULL;
    vouch_batch *b = vouch_batch_new();
    o.load_inside = form == EXEC_INSIDE;
    vouch_batch_add(b, "INCR", "before");
    callee_add(b, c, VOUCH_ARGS("ran", "data"), VOUCH_ARGS(line));
    vouch_batch_add(b, "INCR", "after");
    vouch_status status = form == READS
                              ? vouch_transaction_run(client, read_and_queue, b, &o, &r, &error)
                              : vouch_transaction_exec(client, b, &o, &r, &error);
    ck_assert_msg(status == VOUCH_EPARTIAL, "%s: %s", line, error.message);
    ck_assert_int_eq(vouch_tx_result_outcome(r), VOUCH_OUTCOME_ERRORS);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    vouch_effect effect = vouch_tx_result_at(r, 1)->effect;
    check("before it", vouch_tx_result_at(r, 0)->effect, held("before"));
    check("behind it", vouch_tx_result_at(r, 2)->effect, held("after"));
    vouch_tx_result_free(r);
    vouch_batch_free(b);
    return effect;
}

/* With the script there, and then without. */
static void forge_once(const struct callee *c, const char *line, enum form form, const char *what,
                       bool missing)
{
    const char *set[] = {"MSET", "data", line}, *del[] = {"DEL", "ran", "before", "after"};
    ts_reply_free(rig_ask(&rig, 4, del));
    ts_reply_free(rig_ask(&rig, 3, set));
    vouch_effect effect = form <= STRICT     ? call_alone(c, line, form)
                          : form <= PIPELINE ? call_in_pipeline(c, line, form)
                                             : call_in_transaction(c, line, form);
    if (missing && form == PIPELINE && effect == VOUCH_NOT_APPLIED && held("ran") == 0)
        return; /* overtaken while it was missing: not tried again */
    ck_assert_msg(held("ran") == 1, "%s: ran %lld times", what, (long long)held("ran"));
    ck_assert_msg(effect == VOUCH_MAYBE_APPLIED, "%s: %s", what, vouch_effect_name(effect));
}

static void forge(const struct callee *c, const char *line, enum form form, const char *what)
{
    forge_once(c, line, form, what, false);
    callee_lose_all(rig.server);
    forge_once(c, line, form, what, true);
}

START_TEST(no_word_of_a_script_is_taken_for_the_servers)
{
    char what[700];
    unsigned long cases = 0;
    begin(_i % 2 ? TS_VALKEY : TS_REDIS, _i / 2 ? 2 : 3);
    for (size_t l = 0; l < LINES; l++)
        for (size_t m = 0; m < MAKERS; m++) {
            struct callee c = forger(m, lines[l], 0);
            ck_assert(!vouch_script_is_honest(c.script) || m == 5); /* which always says ERR */
            for (int form = 0; form < FORMS; form++, cases += 2) {
                (void)snprintf(what, sizeof what, "%s, made by %s, form %d", lines[l], makers[m],
                               form);
                forge(&c, lines[l], (enum form)form, what);
            }
            callee_free(&c);
        }
    printf("%lu forgeries\n", cases);
    end();
}
END_TEST

/* Honest is who returns no such error; what it raises, the server marks. */
START_TEST(what_an_honest_one_raises_is_marked_by_the_server)
{
    begin(_i ? TS_VALKEY : TS_REDIS, 3);
    for (size_t l = 0; l < LINES; l++)
        for (size_t m = 4; m <= 5; m++) {
            struct callee c = forger(m, lines[l], 1);
            for (int form = 0; form < FORMS; form++)
                forge(&c, lines[l], (enum form)form, lines[l]);
            callee_free(&c);
        }
    end();
}
END_TEST

/* ---- many in one pipeline ------------------------------------------------------------------- */

#define CALLEES 8
#define BATCH   24

/* Six that forge, and two that do not. */
static struct callee several(size_t i)
{
    static const size_t which[] = {0, 0, 1, 1, 7, 11};
    return i < 6 ? forger(i % 4, lines[which[i]], 0)
                 : callee_counter(i == 6 ? CALLEE_HONEST : CALLEE_FORGER, (int)i);
}

static void fill(vouch_batch *b, const struct callee *callees, uint64_t *random, size_t *chosen)
{
    char key[RIG_KEY_MAX];
    size_t n = 1 + chaos_below(random, BATCH), kinds = 1 + chaos_below(random, CALLEES + 1);
    for (size_t i = 0; i < n; i++) {
        chosen[i] = chaos_below(random, kinds);
        if (chosen[i] == CALLEES)
            vouch_batch_add(b, "INCR", rig_key(i, key));
        else
            callee_add(b, &callees[chosen[i]], VOUCH_ARGS(rig_key(i, key), "data"),
                       VOUCH_ARGS(chosen[i] < 6 ? lines[chosen[i] % 2] : "x"));
    }
}

static void tell(const char *word, const char *second, const char *third)
{
    const char *words[] = {word, second, third};
    ts_reply_free(rig_ask(&rig, third ? 3 : 2, words));
}

/* What is on the server is known to nobody: flushed, and some of it called since by others. */
static void shuffle(const struct callee *callees, uint64_t *random)
{
    if (chaos_below(random, 3) == 0)
        return;
    callee_lose_all(rig.server);
    for (size_t i = 0; i < CALLEES; i++) {
        vouch_client *other = chaos_below(random, 3) ? NULL : rig_client(&rig, 3, 10);
        vouch_call *call = NULL;
        if (other)
            (void)!callee_call(other, &callees[i], VOUCH_ARGS("other", "data"), VOUCH_ARGS("x"),
                               NULL, &call, &error);
        vouch_call_free(call);
        vouch_client_close(other);
    }
}

START_TEST(several_different_ones_in_one_pipeline)
{
    uint64_t random = chaos_seed((uint64_t)ts_now_ns(), 6, (uint64_t)_i), seed = random;
    struct callee callees[CALLEES];
    unsigned long sent_again = 0, moved = 0;
    begin(_i ? TS_VALKEY : TS_REDIS, 3);
    tell("SET", "data", lines[_i]);
    for (size_t i = 0; i < CALLEES; i++)
        callees[i] = several(i);
    for (int turn = 0; turn < 400; turn++) {
        vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
        vouch_results *r = NULL;
        size_t chosen[BATCH];
        vouch_batch *b = vouch_batch_new();
        o.reorder_ok = chaos_below(&random, 2) == 0;
        fill(b, callees, &random, chosen);
        shuffle(callees, &random);
        (void)!vouch_pipeline_run(client, b, &o, &r, &error);
        int64_t *times = rig_held(&rig, vouch_results_count(r));
        for (size_t i = 0; i < vouch_results_count(r); i++) {
            const vouch_result *result = vouch_results_at(r, i);
            char what[100];
            (void)snprintf(what, sizeof what, "turn %d of %llu: command %zu, callee %zu", turn,
                           (unsigned long long)seed, i, chosen[i]);
            check(what, result->effect, times[i]);
            ck_assert_msg(result->effect != VOUCH_MAYBE_APPLIED || chosen[i] < CALLEES, "%s", what);
            sent_again += result->attempts > 1;
            moved += result->moved;
            if (times[i])
                tell("DEL", rig_key(i, what), NULL);
        }
        free(times);
        vouch_results_free(r);
        vouch_batch_free(b);
    }
    printf("400 pipelines: %lu commands sent again, %lu moved\n", sent_again, moved);
    ck_assert(sent_again && moved);
    for (size_t i = 0; i < CALLEES; i++)
        callee_free(&callees[i]);
    end();
}
END_TEST

/* What had not gone out when it came is not sent: it may have run, and what is behind it would be out of
 * order. With reorder_ok it is. */
START_TEST(nothing_is_sent_behind_a_forgery)
{
    begin(_i ? TS_VALKEY : TS_REDIS, 3);
    for (uint32_t reorder = 0; reorder < 2; reorder++) {
        vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
        vouch_client *narrow = rig_client(&rig, 3, 2);
        struct callee c = forger(1, lines[_i], 0);
        vouch_results *r = NULL;
        char key[RIG_KEY_MAX];
        vouch_batch *b = vouch_batch_new();
        o.reorder_ok = reorder;
        rig_flush(&rig);
        callee_add(b, &c, VOUCH_ARGS("c0000", "data"), VOUCH_ARGS(lines[_i]));
        for (size_t i = 1; i < BATCH; i++)
            vouch_batch_add(b, "INCR", rig_key(i, key));
        ck_assert_int_eq(vouch_pipeline_run(narrow, b, &o, &r, &error), VOUCH_EUNKNOWN);
        int64_t *times = rig_held(&rig, BATCH);
        unsigned sent = 0;
        for (size_t i = 0; i < BATCH; i++) {
            check("a narrow pipeline", vouch_results_at(r, i)->effect, times[i]);
            sent += times[i] == 1;
        }
        ck_assert(reorder ? sent == BATCH : sent <= 2);
        ck_assert_int_eq(vouch_results_at(r, BATCH - 1)->cause,
                         reorder ? VOUCH_CAUSE_NONE : VOUCH_CAUSE_ORDER);
        free(times);
        vouch_results_free(r);
        vouch_batch_free(b);
        callee_free(&c);
        vouch_client_close(narrow);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script forged");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, no_word_of_a_script_is_taken_for_the_servers, 0, 4);
    tcase_add_loop_test(c, what_an_honest_one_raises_is_marked_by_the_server, 0, 2);
    tcase_add_loop_test(c, nothing_is_sent_behind_a_forgery, 0, 2);
    tcase_add_loop_test(c, several_different_ones_in_one_pipeline, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
