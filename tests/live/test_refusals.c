/* Real refusals in real words: those that pass are waited for and nothing runs twice or out of order;
 * errors after which a write may have happened are told from those before. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#define COMMANDS  12
#define WORDS_MAX 8

static struct rig rig;
static struct rig_tally tally;

static void tell(const char *const *words)
{
    size_t n = 0;
    while (words[n])
        n++;
    if (n == 0)
        return;
    ts_reply *reply = rig_ask(&rig, n, words);
    ck_assert_msg(reply->type == TS_REPLY_STATUS, "%s %s: %s", words[0], words[1], reply->text);
    ts_reply_free(reply);
}

/* ---- what passes ---------------------------------------------------------------------------- */

/* What makes a server refuse writes, and how it ends. */
struct obstacle {
    const char *code;
    const char *command; /* one that it refuses */
    bool reads;          /* it refuses these too */
    bool script;         /* it is one, without an end */
    const char *begin[2][WORDS_MAX], *end[2][WORDS_MAX];
};

static const struct obstacle obstacles[] = {
    {"OOM",
     "INCR",
     false,
     false,
     {{"CONFIG", "SET", "maxmemory", "1"}},
     {{"CONFIG", "SET", "maxmemory", "0"}}},
    {"NOREPLICAS",
     "INCR",
     false,
     false,
     {{"CONFIG", "SET", "min-replicas-to-write", "1"}},
     {{"CONFIG", "SET", "min-replicas-to-write", "0"}}},
    {"READONLY",
     "INCR",
     false,
     false,
     {{"REPLICAOF", "127.0.0.1", "1"}},
     {{"REPLICAOF", "NO", "ONE"}}},
    {"MASTERDOWN",
     "GET",
     true,
     false,
     {{"CONFIG", "SET", "replica-serve-stale-data", "no"}, {"REPLICAOF", "127.0.0.1", "1"}},
     {{"REPLICAOF", "NO", "ONE"}, {"CONFIG", "SET", "replica-serve-stale-data", "yes"}}},
    {"BUSY",
     "INCR",
     true,
     true,
     {{"CONFIG", "SET", "busy-reply-threshold", "1"}},
     {{"SCRIPT", "KILL"}}},
};

#define OBSTACLES ((int)(sizeof obstacles / sizeof *obstacles))

static ts_conn *script; /* the connection on which an endless script runs */

static void wait_busy(bool busy)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (bool is = !busy; is != busy;) {
        ck_assert(ts_look_again(limit));
        ts_reply *reply = ts_command(rig.server, "GET", "x", NULL);
        is = reply->type == TS_REPLY_ERROR;
        ts_reply_free(reply);
    }
}

static void begin(const struct obstacle *o)
{
    for (int i = 0; i < 2; i++)
        tell(o->begin[i]);
    if (!o->script)
        return;
    size_t size;
    char *bytes = ts_encode(&size, "EVAL", "while true do end", "0", NULL);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    script = ts_truth_open(rig.server);
    ck_assert(ts_conn_send(script, bytes, size, limit));
    free(bytes);
    wait_busy(true);
}

static void end(const struct obstacle *o)
{
    for (int i = 0; i < 2; i++)
        tell(o->end[i]);
    if (o->script)
        wait_busy(false);
    ts_conn_close(script);
    script = NULL;
}

static vouch_batch *refused_batch(const struct obstacle *o)
{
    vouch_batch *b = vouch_batch_new();
    char key[RIG_KEY_MAX];
    for (size_t i = 0; i < COMMANDS; i++)
        vouch_batch_add(b, o->command, rig_key(i, key));
    return b;
}

/* What was really done; reads do nothing. */
static void compare(const struct obstacle *o, const vouch_results *results)
{
    if (strcmp(o->command, "INCR") == 0)
        rig_compare(&rig, results, &tally, o->code, 0);
    else
        ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 0);
}

/* A client that is connected already, so that it meets the obstacle with its commands. */
static vouch_client *connected(uint32_t outages)
{
    vouch_client_options o = rig_options(3, 5);
    vouch_results *results = NULL;
    o.outages = outages;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "PING");
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, NULL), VOUCH_OK);
    vouch_results_free(results);
    vouch_batch_free(b);
    return client;
}

START_TEST(what_passes_is_waited_for)
{
    const struct obstacle *o = &obstacles[_i % OBSTACLES];
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    rig = rig_start(_i < OBSTACLES ? TS_REDIS : TS_VALKEY, TS_NO_PERSISTENCE);
    vouch_client *client = connected(100000);
    vouch_batch *b = refused_batch(o);
    begin(o);
    int64_t before = ts_proxy_count(rig.proxy, 0).to_client, limit = ts_deadline(RIG_PATIENCE_MS);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    while (ts_proxy_count(rig.proxy, 0).to_client < before + 1000) {
        ck_assert(!vouch_op_done(op) && !ts_passed(limit));
        rig_turn(client, 2);
    }
    end(o);
    rig_drive(client, op);
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message);
    compare(o, results);
    for (size_t i = 0; i < COMMANDS; i++)
        ck_assert_uint_eq(vouch_results_at(results, i)->moved, 0);
    ck_assert_uint_gt(vouch_results_at(results, 0)->attempts, 1);
    ck_assert_int_eq(rig_next_connection(&rig), 1);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_does_not_pass_is_told_in_the_servers_words)
{
    const struct obstacle *o = &obstacles[_i % OBSTACLES];
    vouch_results *results = NULL;
    vouch_error e;
    rig = rig_start(_i < OBSTACLES ? TS_REDIS : TS_VALKEY, TS_NO_PERSISTENCE);
    vouch_client *client = connected(2);
    vouch_batch *b = refused_batch(o);
    begin(o);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    end(o);
    ck_assert_int_eq(status, VOUCH_ENOTSENT);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e.retriable, 1);
    ck_assert_uint_eq(e.command, 5);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_ORDER);
    ck_assert_str_eq(e.code, o->code); /* of what it was held back for */
    ck_assert_ptr_nonnull(strstr(e.message, "held back, the one before was refused: "));
    for (size_t i = 0; i < COMMANDS; i++) {
        const vouch_result *r = vouch_results_at(results, i);
        ck_assert_int_eq(r->effect, VOUCH_NOT_APPLIED);
        ck_assert_uint_eq(r->attempts, i < 5 ? 3 : 0); /* the window, and two outages more */
        ck_assert_int_eq(r->status, i < 5 ? VOUCH_ESERVER : VOUCH_ENOTSENT);
        vouch_string words = vouch_reply_string(r->reply);
        ck_assert(i >= 5 || strncmp(words.data, o->code, strlen(o->code)) == 0);
    }
    compare(o, results);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* Writes that are refused between reads that are not: what was overtaken stays refused. */
START_TEST(what_was_overtaken_is_not_tried_again)
{
    const struct obstacle *o = &obstacles[_i % OBSTACLES];
    vouch_results *results = NULL;
    vouch_error e;
    if (o->reads)
        return;
    rig = rig_start(_i < OBSTACLES ? TS_REDIS : TS_VALKEY, TS_NO_PERSISTENCE);
    vouch_client *client = connected(100000);
    vouch_batch *b = vouch_batch_new();
    for (int i = 0; i < 3; i++) {
        vouch_batch_add(b, "INCR", i);
        vouch_batch_add(b, "GET", i);
    }
    begin(o);
    vouch_status status = vouch_pipeline_run(client, b, NULL, &results, &e);
    end(o);
    ck_assert_int_eq(status, VOUCH_EPARTIAL);
    ck_assert_int_eq(e.effect, VOUCH_PARTLY_APPLIED);
    for (size_t i = 0; i < 6; i++) {
        const vouch_result *r = vouch_results_at(results, i);
        ck_assert_int_eq(r->status, i % 2 ? VOUCH_OK : VOUCH_ESERVER);
        ck_assert_int_eq(r->effect, i % 2 ? VOUCH_APPLIED : VOUCH_NOT_APPLIED);
        ck_assert_uint_eq(r->attempts, 1);
    }
    ck_assert_int_eq(ts_int(rig.server, "DBSIZE", NULL), 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* ---- errors --------------------------------------------------------------------------------- */

struct row {
    vouch_effect effect;
    const char *code;
    const char *words[WORDS_MAX];
};

static const struct row rows[] = {
    {VOUCH_NOT_APPLIED, "WRONGTYPE", {"LPUSH", "text", "x"}},
    {VOUCH_NOT_APPLIED, "ERR", {"SET", "k"}},
    {VOUCH_NOT_APPLIED, "ERR", {"SET", "k", "v", "EX", "never"}},
    {VOUCH_NOT_APPLIED, "ERR", {"NOSUCHCOMMAND", "k"}},
    {VOUCH_NOT_APPLIED, "ERR", {"INCR", "text"}},
    {VOUCH_NOT_APPLIED, "NOGROUP", {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "none", ">"}},
    {VOUCH_NOT_APPLIED, "NOPERM", {"SET", "forbidden", "v"}},
    {VOUCH_MAYBE_APPLIED, "ERR", {"EVAL", "redis.call('INCR', 'half'); error('x')", "0"}},
    {VOUCH_MAYBE_APPLIED, "MOVED", {"EVAL", "return redis.error_reply('MOVED 1 a:1')", "0"}},
    {VOUCH_MAYBE_APPLIED, "NOSCRIPT", {"EVALSHA", "0123456789012345678901234567890123456789", "0"}},
    {VOUCH_NOT_APPLIED, "ERR", {"EVAL_RO", "error('x')", "0"}},
    {VOUCH_MAYBE_APPLIED, "ERR", {"FCALL", "nosuchfunction", "0"}},
    {VOUCH_MAYBE_APPLIED, "IOERR", {"MIGRATE", "127.0.0.1", "1", "text", "0", "50"}},
};

#define ROWS (sizeof rows / sizeof *rows)

START_TEST(errors_tell_before_from_perhaps_after)
{
    vouch_results *results = NULL;
    vouch_error e;
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    ts_do(rig.server, "ACL", "SETUSER", "default", "resetkeys", "~text", "~k", "~none", "~half",
          NULL);
    vouch_client *client = rig_client(&rig, _i ? 2 : 3, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "SET", "text", "words");
    for (size_t i = 0; i < ROWS; i++) {
        size_t n = 0;
        while (n < WORDS_MAX && rows[i].words[n])
            n++;
        vouch_batch_argv(b, n, rows[i].words, NULL);
    }
    vouch_batch_add(b, "GET", "text");
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_EUNKNOWN);
    for (size_t i = 0; i < ROWS; i++) {
        const vouch_result *r = vouch_results_at(results, i + 1);
        vouch_string words = vouch_reply_string(r->reply);
        ck_assert_msg(r->status == VOUCH_ESERVER && r->effect == rows[i].effect, "%s %s: %s, %s",
                      rows[i].words[0], rows[i].words[1], vouch_effect_name(r->effect), words.data);
        ck_assert_msg(strncmp(words.data, rows[i].code, strlen(rows[i].code)) == 0, "%s",
                      words.data);
        ck_assert_uint_eq(r->attempts, 1);
    }
    ck_assert_int_eq(vouch_results_at(results, ROWS + 1)->status, VOUCH_OK);
    ck_assert_int_eq(ts_int(rig.server, "GET", "half", NULL), 1);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* Sends the client away that waits in BLPOP; false if none does. */
static bool unblock(void)
{
    char *list = ts_text(rig.server, "CLIENT", "LIST", "TYPE", "normal", NULL);
    char *blocked = strstr(list, "cmd=blpop");
    if (blocked) {
        while (blocked > list && blocked[-1] != '\n')
            blocked--;
        blocked += strlen("id=");
        blocked[strcspn(blocked, " ")] = 0;
        ck_assert_int_eq(ts_int(rig.server, "CLIENT", "UNBLOCK", blocked, "ERROR", NULL), 1);
    }
    free(list);
    return blocked != NULL;
}

/* A write that waited in the server and was sent away: it may have taken something by then. */
START_TEST(an_unblocked_write_is_a_maybe)
{
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "CLIENT", "ID");
    vouch_batch_add(b, "BLPOP", "nothing", 0);
    vouch_batch_add(b, "PING");
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    do {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 2);
    } while (!unblock());
    rig_drive(client, op);
    ck_assert_int_eq(vouch_pipeline_finish(op, &results, &e), VOUCH_EUNKNOWN);
    ck_assert_str_eq(e.code, "UNBLOCKED");
    ck_assert_uint_eq(e.command, 1);
    ck_assert_int_eq(vouch_results_at(results, 1)->effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(vouch_results_at(results, 2)->effect, VOUCH_APPLIED);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusals");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, what_passes_is_waited_for, 0, 2 * OBSTACLES);
    tcase_add_loop_test(c, what_does_not_pass_is_told_in_the_servers_words, 0, 2 * OBSTACLES);
    tcase_add_loop_test(c, what_was_overtaken_is_not_tried_again, 0, 2 * OBSTACLES);
    tcase_add_loop_test(c, errors_tell_before_from_perhaps_after, 0, 2);
    tcase_add_loop_test(c, an_unblocked_write_is_a_maybe, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
